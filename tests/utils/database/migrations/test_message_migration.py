"""Tests of bringing data of version 3 up to date."""

from datetime import UTC, datetime
from typing import Any

from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.message_migration import move_messages
from utils.database.repositories.outbox import OutboxRepository
from utils.models.guilds import ChannelKind
from utils.models.notices import EntryKey, Feed, OutgoingMessage
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope

FENCE = Fence(-1, 7)
NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
SCOPE = ServerScope(GuildId(42), ServerId("aaaaaaaa"))
FEED = Feed(SCOPE, ChannelKind.KILLFEED)


async def test_messages_on_their_way_are_found_again_and_doing_it_twice_changes_nothing(
    database: SafeDatabase,
) -> None:
    """Group, nonce and the time of the first try stay; what was sent goes, notices name no message."""
    outbox = OutboxRepository(database, fences=lambda _: None)
    messages, entries = database.unscoped("messages"), database.unscoped("outbox")
    feed: dict[str, Any] = {"guild_id": 42, "server_id": "aaaaaaaa", "channel_kind": "killfeed"}
    old = {**feed, "channel_id": 5, "prepared_at": NOW}
    await messages.insert_many(
        [
            {**old, "sequences": [0, 1], "nonce": "n1", "state": "prepared"},
            {**old, "sequences": [2], "nonce": "n2", "state": "sent", "message_id": 9, "sent_at": NOW},
        ]
    )
    await entries.insert_one({**feed, "sequence": 0, "nonce": "n1", "created_at": NOW})
    await database.unscoped("leases").insert_one({"_id": FENCE.shard, "token": FENCE.token})
    for _ in range(2):
        await move_messages(database, FENCE)
    keys = (EntryKey(FEED, 0), EntryKey(FEED, 1))
    moved = OutgoingMessage(SCOPE.guild_id, ChannelId(5), keys, "n1", NOW)
    assert await outbox.list_prepared(SCOPE.guild_id) == (moved,)
    stored = await messages.find({}, {"_id": 0}).to_list(None)
    assert [sorted(one) for one in stored] == [
        ["channel_id", "entries", "guild_id", "nonce", "prepared_at", "state"]
    ]
    assert ["nonce" in one for one in await entries.find().to_list(None)] == [False]
