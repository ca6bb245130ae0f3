"""Pictures that are drawn for posts: the card of a recap's MVP, and a recap whose card cannot be drawn."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.pseudo_language import LANGUAGE, LANGUAGES
from tests.utils.delivery.fakes import CHANNEL, FACTORY, GUILD, START, Answer, World, build_entry
from utils.delivery.service import DeliveryState
from utils.embeds.charts.painter import ChartPainter
from utils.embeds.factory import EmbedFactory
from utils.embeds.notices.recaps import build_sample_recaps
from utils.embeds.pictures import Picture
from utils.embeds.style import Style
from utils.errors import DeliveryUncertainError
from utils.models.guilds import ChannelKind
from utils.models.levels import RankReport
from utils.models.notices.outbox import OutboxEntry
from utils.models.notices.recaps import RecapFact, RecapNotice, RecapPlace
from utils.models.scope import ALL_SERVERS, ServerScope
from utils.models.statistics import PlayerPlace

EVENT_ID = bytes(range(16))
NAME = f"{EVENT_ID.hex()}.png"
MVP = RecapPlace(RecapFact.MVP, "*Wolf*", 57, PlayerPlace(2_800, 4, 38))


class BrokenPainter(ChartPainter):
    """A painter that fails, or never comes to an end."""

    def __init__(self, *, hangs: bool) -> None:
        super().__init__(FACTORY.style)
        self._hangs = hangs

    def draw_in(self, style: Style) -> ChartPainter:
        """Stay broken in every language."""
        del style
        return self

    async def draw_rank(self, report: RankReport) -> Picture:
        """Draw nothing."""
        del report
        if self._hangs:
            await asyncio.Event().wait()
        raise MemoryError


def build_recap(*places: RecapPlace) -> RecapNotice:
    """Return the recap of a week."""
    [sample] = build_sample_recaps(FACTORY.style, event_id=EVENT_ID, server_name="", at=START)
    return replace(sample, places=places)


@pytest.fixture(name="world")
async def _world() -> World:
    """A world with a recap of a week, whose MVP has XP, in the outbox."""
    world = World()
    world.channels.channels[ChannelKind.NEWS] = CHANNEL
    everywhere = ServerScope(GUILD, ALL_SERVERS)
    world.store.add(OutboxEntry(everywhere, 1, ChannelKind.NEWS, build_recap(MVP), START))
    return world


async def test_card_of_the_mvp_is_the_picture_of_its_recap_alone() -> None:
    """Its description says all that it shows; a recap without an MVP, and other posts, have no picture."""
    notices = [build_recap(MVP), build_entry(1).notice]
    drawings = await FACTORY.draw(notices)
    assert (list(drawings), drawings[EVENT_ID].name) == ([EVENT_ID], NAME)
    said = "*Wolf* · Level 10 · Hunter · 2,800 XP · 500 XP to level 11 · #4 of 38"
    assert drawings[EVENT_ID].description == said
    assert drawings == await FACTORY.draw(notices)  # so that a retry sends the same
    post = FACTORY.build_feed(notices, drawings=drawings)
    images = [embed.image.url if embed.image else None for embed in post.embeds]
    assert (images, post.pictures) == ([f"attachment://{NAME}", None], (drawings[EVENT_ID],))
    for bare in (build_recap(), build_recap(replace(MVP, xp=None))):
        assert await FACTORY.draw([bare]) == {}


async def test_recap_is_sent_with_the_same_card_after_a_lost_answer(world: World) -> None:
    """Discord knows the second try by its nonce; the card is in the language of the message."""
    world.languages.language = LANGUAGE
    world.sender.answers = [Answer(DeliveryUncertainError("cut"), is_posted=True)]
    assert (await world.deliver()).state is DeliveryState.WAITING
    world.start()
    assert (await world.deliver()).state is DeliveryState.SENT
    assert [post[4] for post in world.sender.posts] == [(NAME,)]
    assert world.sender.tries == 2
    assert world.languages.spoken == [LANGUAGE, LANGUAGE]


@pytest.mark.parametrize("hangs", [False, True])
async def test_recap_is_posted_without_a_card_that_cannot_be_drawn(
    world: World, monkeypatch: pytest.MonkeyPatch, *, hangs: bool
) -> None:
    """The failure is reported, and no post waits for a picture."""
    monkeypatch.setattr("utils.delivery.service.DRAWING_SECONDS", 0.05)
    world.languages = FakeGuildLanguages(EmbedFactory(languages=LANGUAGES, charts=BrokenPainter(hangs=hangs)))
    world.start()
    assert (await world.deliver()).state is DeliveryState.SENT
    assert [post[4] for post in world.sender.posts] == [()]
    assert [*map(type, world.errors.reported)] == [TimeoutError if hangs else MemoryError]
    assert [place.guild_id for place in world.errors.places] == [GUILD]
