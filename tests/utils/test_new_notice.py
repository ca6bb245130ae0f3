"""A new kind of notice is one model, one look and one row; it is stored, shown and erased like any other."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import connection_look, connection_notice
from tests.fakes.connection_look import ALL_KINDS, ALL_LOOKS, POOLS_FILE, WORDS
from tests.fakes.connection_notice import ConnectionEvent, ConnectionNotice
from utils.database.core.database import SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.documents.personal_fields import list_notice_fields
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.units.outbox_entries import append_entries
from utils.embeds.factory import EmbedFactory
from utils.embeds.notices.deaths import DEATH_LOOK
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN
from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKinds
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import Feed
from utils.models.post_styles import PostShape, PostStyle
from utils.models.scope import (
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    MemberId,
    PlayerId,
    ServerId,
    ServerScope,
)

GUIDE = Path(__file__).parents[2] / "DEVELOPER_GUIDE.md"
NOW = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)
SCOPE = ServerScope(GuildId(42), ServerId("aaaaaaaa"))
ANN, BOB = PlayerId("0002" + "a" * 28), PlayerId("0002" + "b" * 28)
JOINED = ConnectionNotice(
    event_id=b"1",
    server_name="North",
    at=NOW,
    event=ConnectionEvent.JOINED,
    player_id=ANN,
    player_name="Ann",
    member_id=MemberId(7),
)
LEFT = replace(
    JOINED, event_id=b"2", event=ConnectionEvent.LEFT, player_id=BOB, player_name="Bob", member_id=None
)
CARDS = PostShape(PostStyle.CARD)
DEATH, _ = DEATH_LOOK.samples(Style(NORTHERN, WORDS), event_id=b"3", server_name="North", at=NOW)


@pytest.mark.parametrize("channel_kind", [ChannelKind.COUNTER, ChannelKind.KILLFEED])
async def test_new_kind_is_stored_shown_and_erased(database: SafeDatabase, channel_kind: ChannelKind) -> None:
    """The kind works in a channel of its own and in one with another kind, in order."""
    row = replace(ALL_KINDS.get("connection"), channel_kind=channel_kind)
    kinds = NoticeKinds([*NOTICE_KINDS, row])
    outbox = OutboxRepository(database, fences=lambda _: None, kinds=kinds)
    declared = {"outbox": list_notice_fields(kinds)}
    erasures = ErasureRepository(database, fences=lambda _: None, declared=declared)

    def append(transaction: Transaction) -> None:
        append_entries(transaction, SCOPE, [JOINED, DEATH, LEFT], created_at=NOW, kinds=kinds)

    async def list_waiting() -> list[Notice]:
        feed = Feed(SCOPE, channel_kind)
        entries = (await outbox.list_pending(SCOPE.guild_id, [feed], limit=10))[feed]
        return [entry.notice for entry in entries]

    await database.in_transaction(append)
    stored = await database.unscoped("outbox").find_one({"type": "connection"}, {"_id": 0})
    assert stored == {
        "guild_id": 42,
        "server_id": "aaaaaaaa",
        "sequence": 0,
        "channel_kind": channel_kind.value,
        "type": "connection",
        "notice": {
            "event_id": b"1",
            "server_name": "North",
            "at": NOW,
            "event": "joined",
            "player_id": ANN,
            "player_name": "Ann",
            "member_id": 7,
        },
        "due_at": NOW,
    }
    waiting = await list_waiting()
    is_shared = channel_kind is ChannelKind.KILLFEED
    assert waiting == ([JOINED, DEATH, LEFT] if is_shared else [JOINED, LEFT])

    post = EmbedFactory(kinds=kinds, looks=ALL_LOOKS, words=WORDS).build_feed(waiting, CARDS)
    titles = [
        "📥 Somebody came",
        *(post.embeds[1:2][0].title or "" for _ in range(is_shared)),
        "📤 Somebody left",
    ]
    assert [embed.title for embed in post.embeds] == titles
    assert (post.embeds[0].description or "").split("\n")[0] == "**Ann** is here."
    assert [picture.name for picture in post.pictures] == ["sniper.png"] * is_shared

    await erasures.erase_player(SCOPE.guild_id, ANN, ["Ann"])
    await erasures.erase_member(SCOPE.guild_id, MemberId(7))
    erased = replace(JOINED, player_id=ERASED_PLAYER_ID, player_name=ERASED_NAME, member_id=None)
    assert await list_waiting() == [erased, *waiting[1:]]


def test_example_of_the_guide_is_the_one_that_is_tried_here() -> None:
    """The example has at most sixty lines, and the fakes contain each added line except imports."""
    _, chapter = GUIDE.read_text().split("## A new notice\n")
    _, diff, *_ = re.split("```(?:diff)?\n", chapter)
    lines = diff.splitlines()
    files = (connection_notice.__file__, connection_look.__file__, POOLS_FILE)
    known = {line.strip() for file in files for line in Path(file).read_text().splitlines()}
    added = [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]
    assert len(lines) <= 60
    assert [line for line in added if not line.startswith(("import ", "from ")) and line not in known] == []
