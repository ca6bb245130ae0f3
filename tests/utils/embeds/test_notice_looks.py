"""Each kind of notice has a look, texts, a sample and personal fields."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints

import pytest

from simulation.pictures.artwork import FOLDER
from tests.fakes.connection_look import ALL_KINDS, ALL_LOOKS, CONNECTION_LOOK, WORDS
from utils.embeds.factory import EmbedFactory
from utils.embeds.notices.look import NoticeLook, VariantLook
from utils.embeds.notices.registry import NOTICE_LOOKS, NoticeLooks
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN
from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.notices.bounties import BountyEvent
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind, NoticeKinds, PersonalFacts
from utils.models.post_styles import PostShape
from utils.models.scope import MemberId, PlayerId

CONNECTION = ALL_KINDS.get("connection")
STYLE = Style(NORTHERN, WORDS)
AT = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)


def list_faults(kinds: NoticeKinds, looks: NoticeLooks) -> list[str]:
    """Return the missing parts of a kind of notice."""
    names = {kind.name for kind in kinds}
    faults = [f"{name}: a look without a kind" for name in looks.keys() - names]
    silenceable = [str(name) for kind in kinds for name in kind.silenceable]
    if len(set(silenceable)) < len(silenceable):
        faults.append("two kinds are switched off by one name")
    for kind in kinds:
        faults += [f"{kind.name}: {fault}" for fault in _list_personal_faults(kind)]
        look = looks.get(kind.name)
        found = ["no look"] if look is None else _list_look_faults(kind, look)
        faults += [f"{kind.name}: {fault}" for fault in found]
    return faults


def _list_personal_faults(kind: NoticeKind) -> Iterator[str]:
    """Yield facts that name people and are not declared, and declared ones that do not exist."""
    types, facts = get_type_hints(kind.model), {field.name for field in fields(kind.model)}
    personal = kind.personal
    for name in facts:
        held = {types[name], *get_args(types[name])}
        is_name = name.endswith("_name") and name != "server_name"
        for is_personal, declared in (
            (MemberId in held, personal.members),
            (PlayerId in held, personal.players),
            (is_name, personal.names),
        ):
            if is_personal is not (name in declared):
                yield f"{name} is not declared as what it is"
    yield from (
        f"{name} is no fact" for name in {*personal.members, *personal.players, *personal.names} - facts
    )


def _list_look_faults(kind: NoticeKind, look: NoticeLook[Any]) -> list[str]:
    faults = [f"no look of {name}" for name in set(kind.variants) - look.variants.keys()]
    for name, variant in look.variants.items():
        pool = WORDS.pools.get(variant.pool)
        has_texts = pool.titles and pool.lines if pool else look.write and not variant.pool
        faults += [] if has_texts else [f"no texts of {name}"]
        is_drawn = not variant.picture or (FOLDER / variant.picture).is_file()
        faults += [] if is_drawn else [f"no picture of {name}"]
    samples = look.samples(STYLE, event_id=b"sample", server_name="North", at=AT)
    facts = {(type(one), one.server_name, one.at) for one in samples}
    return faults if facts == {(kind.model, "North", AT)} else [*faults, "a sample of something else"]


def test_every_kind_is_complete() -> None:
    """A stored notice can be shown, tried and erased."""
    assert list_faults(NOTICE_KINDS, NOTICE_LOOKS) == []
    assert list_faults(ALL_KINDS, ALL_LOOKS) == []


_BARE = VariantLook(0, "", "nowhere.png", "connection.nowhere")


@pytest.mark.parametrize(
    ("kind", "look", "faults"),
    [
        (CONNECTION, None, ["connection: no look"]),
        (
            replace(CONNECTION, personal=PersonalFacts(names=("nick",))),
            CONNECTION_LOOK,
            [
                "connection: member_id is not declared as what it is",
                "connection: nick is no fact",
                "connection: player_id is not declared as what it is",
                "connection: player_name is not declared as what it is",
            ],
        ),
        (
            replace(CONNECTION, variants=BountyEvent, silenceable=(DeathKind.FALL,)),
            NoticeLook({BountyEvent.AUTO: _BARE}, CONNECTION_LOOK.build, NOTICE_LOOKS["bounty"].samples),
            [
                "connection: a sample of something else",
                "connection: no look of claimed",
                "connection: no look of expired",
                "connection: no look of placed",
                "connection: no picture of auto",
                "connection: no texts of auto",
                "two kinds are switched off by one name",
            ],
        ),
    ],
)
def test_incomplete_kind_is_refused(
    kind: NoticeKind, look: NoticeLook[Any] | None, faults: list[str]
) -> None:
    """Each forgotten part is found."""
    looks = dict(NOTICE_LOOKS) | ({} if look is None else {"connection": look})
    assert sorted(list_faults(NoticeKinds([*NOTICE_KINDS, kind]), looks)) == faults


@pytest.mark.parametrize("kind", list(ALL_KINDS), ids=lambda kind: kind.name)
async def test_sample_is_shown_as_the_post_that_it_stands_for(kind: NoticeKind) -> None:
    """``/admin channel test`` shows every kind of the channel like its posts; of kills a line and a card."""
    factory = EmbedFactory(kinds=ALL_KINDS, looks=ALL_LOOKS, words=WORDS)
    names = [one.name for one in ALL_KINDS if one.channel_kind is kind.channel_kind]
    is_marked = kind.channel_kind in (ChannelKind.EVENTS, ChannelKind.CONNECTIONS, ChannelKind.NEWS)
    name = "Sample of North" if is_marked else "North"
    facts = {"event_id": b"", "server_name": name, "at": AT}
    found = [one for name in names for one in ALL_LOOKS[name].samples(STYLE, **facts)]
    samples = [replace(one, event_id=b"sample %d" % number) for number, one in enumerate(found)]
    sample = await factory.build_sample(kind.channel_kind, "North", at=AT)
    shown = [one.to_dict() for one in sample.embeds]
    real = factory.build_feed(samples, PostShape(names_servers=is_marked), await factory.draw(samples))
    assert shown == [one.to_dict() for one in real.embeds]
    assert [one.name for one in sample.pictures] == [one.name for one in real.pictures]
    if kind.channel_kind is ChannelKind.KILLFEED:
        assert ["title" in one for one in shown] == [False, True]
