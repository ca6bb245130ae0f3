"""Notices and messages that waited during an update are delivered by the new bot."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.notice_documents import build_entry_document
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.repositories.leases import LeaseRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.repositories.servers import GameServerRepository
from utils.models.guilds import ChannelKind
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.outbox import EntryKey, Feed, OutgoingMessage
from utils.models.post_styles import PostShape, PostStyle
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.servers import GameServer

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize("runs", [1, 2])
async def test_posts_of_the_version_before_are_due_and_keep_their_cards(
    database: SafeDatabase,
    make_server: Callable[..., GameServer],
    make_notice: Callable[[int], DeathNotice],
    runs: int,
) -> None:
    """The step can be repeated, and changes nothing of a newer notice or message."""
    scope = ServerScope(GuildId(42), ServerId("server01"))
    feed = Feed(scope, ChannelKind.KILLFEED)
    await GameServerRepository(database).insert_server(scope, make_server(scope))
    outbox = OutboxRepository(database, fences=lambda _: None)
    old, new = (build_entry_document(make_notice(n), sequence=n, due_at=NOW) for n in range(2))
    old["created_at"] = old.pop("due_at") - timedelta(minutes=5)
    await ScopedCollection.of_server(database, "outbox", scope).insert_many([old, new])
    line = PostShape(PostStyle.LINE)
    first = OutgoingMessage(scope.guild_id, ChannelId(7), (EntryKey(feed, 0),), "first", NOW)
    second = replace(first, entries=(EntryKey(feed, 1),), nonce="second", shape=line)
    for message in (first, second):
        await outbox.prepare_message(scope.guild_id, message)
    gone = {"style": "", "names_servers": ""}
    await database.unscoped("messages").update_one({"nonce": "first"}, {"$unset": gone})
    for _ in range(runs):
        version = {"$set": {"version": 2}}
        await database.unscoped("schema").update_one({"_id": "data"}, version, upsert=True)
        leases = LeaseRepository(database, shard_count=1)
        await DataUpgrade(database, leases, instance_id="new", clock=SystemClock()).wait_until_current()
    pending = await outbox.list_pending(scope.guild_id, [feed], limit=10)
    assert [entry.due_at for entry in pending[feed]] == [NOW - timedelta(minutes=5), NOW]
    prepared = await outbox.list_prepared(scope.guild_id)
    assert {one.nonce: one.shape for one in prepared} == {
        "first": PostShape(PostStyle.CARD, names_servers=True),
        "second": line,
    }
