"""The outbox: stored notices, and the messages made of them, so that each is sent once.

Each feed (a server's notices for one kind of channel) has its own order. A message belongs to a channel of
the guild and takes notices from all feeds of that channel. A notice is deleted from the outbox when its
message is known to be sent.

Messages of several guilds that come within a moment are written in one transaction (``GroupCommit``). A
transaction for each of them would cost as much again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from utils.database.core.blocking import Deletion, Update
from utils.database.core.database import Fence, FenceSource, SafeDatabase, Work
from utils.database.core.operations import Document
from utils.database.core.pending_writes import PendingWrites
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.notice_documents import (
    build_message_document,
    read_entry,
    read_feed,
    read_message,
)
from utils.group_commit import GroupCommit
from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKinds
from utils.models.notices.outbox import EntryKey, Feed, MessageState, OutboxEntry, OutgoingMessage
from utils.models.scope import ChannelId, GuildId, ServerScope

T = TypeVar("T")

DROPPED_AT_ONCE = 1_000
PREPARE_SECONDS = 0.05  # posts wait for it, and lanes that are woken at one moment have their turns in it
MARK_SECONDS = 0.2  # only the next message of the same channel waits for it


@dataclass(frozen=True, slots=True)
class _MessageWrite:
    """The writes of one message.

    Attributes:
        sent: the notices that leave the outbox with it.
    """

    guild_id: GuildId
    change: Update
    sent: tuple[EntryKey, ...] = ()


class OutboxRepository:
    """Notices and messages of guilds; every write is fenced.

    Args:
        kinds: the kinds of notices.
        prepare_seconds: how long a new message waits for those of other guilds.
        mark_seconds: how long a sent message waits for others.

    Raises:
        LeaseLostError: from any method that writes; another process delivers for this guild now.
        StorageUnavailableError: from any method.
    """

    def __init__(
        self,
        database: SafeDatabase,
        *,
        fences: FenceSource,
        kinds: NoticeKinds = NOTICE_KINDS,
        prepare_seconds: float = PREPARE_SECONDS,
        mark_seconds: float = MARK_SECONDS,
    ) -> None:
        self._database = database
        self._fences = fences
        self._kinds = kinds
        self._prepares = self._build_group(prepare_seconds)
        self._marks = self._build_group(mark_seconds)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget that writing for a guild failed."""
        self._prepares.forget_guild(guild_id)
        self._marks.forget_guild(guild_id)

    async def list_feeds(self, guild_id: GuildId) -> tuple[Feed, ...]:
        """Return the feeds of a guild that have notices."""
        pipeline: list[Document] = [
            {"$match": {}},
            {"$group": {"_id": {"server_id": "$server_id", "channel_kind": "$channel_kind"}}},
        ]
        found = await self._entries(guild_id).aggregate(pipeline, hint="sequence")
        return tuple(sorted(read_feed(guild_id, document["_id"]) for document in found))

    async def list_pending(
        self, guild_id: GuildId, feeds: Collection[Feed], *, limit: int
    ) -> Mapping[Feed, tuple[OutboxEntry, ...]]:
        """Return the first notices of each feed, in order, including those of a prepared message."""
        if not feeds:
            return {}
        of_these = {"$or": [_name_feed(feed) for feed in feeds]}
        some = await self._entries(guild_id).find(of_these, limit=limit, hint="sequence")
        if len(some) == limit:  # the first ones of some feed may be missing
            return {feed: await self._list_first(feed, limit) for feed in feeds}
        pending: dict[Feed, list[OutboxEntry]] = {feed: [] for feed in feeds}
        for document in some:
            feed = read_feed(guild_id, document)
            pending[feed].append(read_entry(feed.scope, document, self._kinds))
        return {feed: tuple(sorted(entries, key=_get_sequence)) for feed, entries in pending.items()}

    async def list_entries(self, guild_id: GuildId, keys: Sequence[EntryKey]) -> tuple[OutboxEntry, ...]:
        """Return these notices in the order of their keys; deleted ones are left out."""
        found: dict[EntryKey, OutboxEntry] = {}
        for document in await self._entries(guild_id).find(_choose(keys), hint="sequence"):
            entry = read_entry(read_feed(guild_id, document).scope, document, self._kinds)
            found[entry.key] = entry
        return tuple(found[key] for key in keys if key in found)

    async def list_prepared(self, guild_id: GuildId) -> tuple[OutgoingMessage, ...]:
        """Return the prepared messages that are not known to be sent, oldest first."""
        waiting = {"state": MessageState.PREPARED.value}
        found = await self._messages(guild_id).find(waiting, sort=[("prepared_at", 1)], hint="state")
        return tuple(read_message(guild_id, document) for document in found)

    async def find_last_sent(self, guild_id: GuildId, channel_id: ChannelId) -> int:
        """Return the id of the newest message that is marked as sent to a channel; 0 if none is stored."""
        sent = {"state": MessageState.SENT.value, "channel_id": int(channel_id)}
        newest = [("prepared_at", -1)]
        found = await self._messages(guild_id).find(sent, sort=newest, limit=1, hint="state")
        return int(found[0]["message_id"]) if found else 0

    async def prepare_message(self, guild_id: GuildId, message: OutgoingMessage) -> None:
        """Store a message before its first try; do not change one that is stored already."""
        document = build_message_document(message)
        named = {"nonce": document.pop("nonce")}
        change = Update(named, {"$setOnInsert": document}, upsert=True)
        await self._join(self._prepares, _MessageWrite(guild_id, change))

    async def mark_sent(
        self, guild_id: GuildId, message: OutgoingMessage, *, message_id: int, at: datetime
    ) -> None:
        """Mark a message as sent and delete its notices, all or nothing."""
        sent = {"state": MessageState.SENT.value, "message_id": message_id, "sent_at": at}
        change = Update({"nonce": message.nonce}, {"$set": sent})
        await self._join(self._marks, _MessageWrite(guild_id, change, message.entries))

    async def drop_entries(self, scope: ServerScope, kind: ChannelKind, *, before: datetime) -> int:
        """Delete notices of a feed that were due before that; return how many. None of them is in a message.

        A transaction deletes a thousand of them: a single one for all might never end.
        """
        too_old = {"channel_kind": kind.value, "due_at": {"$lt": before}}

        def drop(transaction: Transaction) -> int:
            entries = transaction.of_server("outbox", scope)
            found = entries.find(
                too_old,
                projection={"_id": 0, "sequence": 1},
                sort=[("sequence", 1)],
                limit=DROPPED_AT_ONCE,
                hint="sequence",
            )
            chosen = {**too_old, "sequence": {"$in": [document["sequence"] for document in found]}}
            return entries.delete(chosen)

        total = dropped = await self._write(scope.guild_id, drop)
        while dropped == DROPPED_AT_ONCE:
            dropped = await self._write(scope.guild_id, drop)
            total += dropped
        return total

    async def discard_entries(self, guild_id: GuildId, keys: Sequence[EntryKey]) -> None:
        """Delete these notices."""

        def discard(transaction: Transaction) -> None:
            transaction.of_guild("outbox", guild_id).delete(_choose(keys))

        await self._write(guild_id, discard)

    async def drop_message(self, guild_id: GuildId, nonce: str) -> None:
        """Delete a message that was not sent; its notices that still exist wait again."""

        def drop(transaction: Transaction) -> None:
            unsent = {"nonce": nonce, "state": MessageState.PREPARED.value}
            transaction.of_guild("messages", guild_id).delete(unsent)

        await self._write(guild_id, drop)

    async def prune_sent(self, guild_id: GuildId, *, before: datetime) -> int:
        """Delete messages that were prepared before that and are sent; return how many."""
        done = {"state": MessageState.SENT.value, "prepared_at": {"$lt": before}}
        return await self._messages(guild_id).delete(done)

    async def _list_first(self, feed: Feed, limit: int) -> tuple[OutboxEntry, ...]:
        first = [("sequence", 1)]
        found = await self._entries(feed.scope.guild_id).find(
            _name_feed(feed), sort=first, limit=limit, hint="sequence"
        )
        return tuple(read_entry(feed.scope, document, self._kinds) for document in found)

    def _build_group(self, seconds: float) -> GroupCommit[Fence | None, _MessageWrite, None]:
        return GroupCommit(self._write_messages, clock=self._database.clock, seconds=seconds)

    async def _join(
        self, group: GroupCommit[Fence | None, _MessageWrite, None], write: _MessageWrite
    ) -> None:
        """Write with the guilds that the same lease guards."""
        fence = self._fences(write.guild_id)
        await group.join(fence and replace(fence, guild_id=None), write.guild_id, write)

    async def _write_messages(self, shared: Fence | None, writes: Sequence[_MessageWrite]) -> Sequence[None]:
        """Write messages of guilds in one transaction; one of several is not tried again."""

        def write_all(transaction: Transaction) -> None:
            pending = PendingWrites(transaction)
            for one in writes:
                # a message that is sent leaves the outbox even if somebody has deleted its document
                messages = transaction.of_guild("messages", one.guild_id)
                pending.add(messages, [one.change], may_miss=bool(one.sent))
                if one.sent:
                    gone = Deletion(_choose(one.sent))
                    pending.add(transaction.of_guild("outbox", one.guild_id), [gone])
            pending.carry_out()

        is_alone = len(writes) == 1
        fence = self._fences(writes[0].guild_id) if is_alone else shared
        await self._database.in_transaction(write_all, fence=fence, repeats=is_alone)
        return [None] * len(writes)

    async def _write(self, guild_id: GuildId, work: Work[T]) -> T:
        return await self._database.in_transaction(work, fence=self._fences(guild_id))

    def _entries(self, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, "outbox", guild_id)

    def _messages(self, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, "messages", guild_id)


def _choose(keys: Sequence[EntryKey]) -> Document:
    """Return the filter of these notices, a branch for each feed, so that each is found by index."""
    sequences: dict[Feed, list[int]] = {}
    for key in keys:
        sequences.setdefault(key.feed, []).append(key.sequence)
    return {"$or": [{**_name_feed(feed), "sequence": {"$in": some}} for feed, some in sequences.items()]}


def _name_feed(feed: Feed) -> Document:
    return {"server_id": str(feed.scope.server_id), "channel_kind": feed.channel_kind.value}


def _get_sequence(entry: OutboxEntry) -> int:
    return entry.sequence
