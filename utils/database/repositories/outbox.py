"""The outbox: notices that wait, and the messages made of them, so that each is sent once.

Each kind of channel of a server is an order of its own: its notices are numbered by themselves, and at most
one message of it is on its way.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from utils.database.database import Document, SafeDatabase
from utils.database.notice_documents import build_message_document, read_entry, read_message
from utils.database.repositories.ingestion import FenceSource
from utils.database.scoped import ScopedCollection
from utils.database.sessions import Session
from utils.errors import StorageConflictError
from utils.models.guilds import ChannelKind
from utils.models.notices import MessageState, OutboxEntry, OutgoingMessage
from utils.models.scope import ServerScope

T = TypeVar("T")


class OutboxRepository:
    """Notices and messages of game servers; every write is fenced.

    Raises:
        LeaseLostError: from any method that writes; another process delivers for this guild now.
        StorageUnavailableError: from any method.
    """

    def __init__(self, database: SafeDatabase, *, fences: FenceSource) -> None:
        self._database = database
        self._fences = fences

    async def list_kinds(self, scope: ServerScope) -> tuple[ChannelKind, ...]:
        """Return the kinds of channel for which a server has notices."""
        # Sorted and grouped by a prefix of the index, so that MongoDB jumps from one kind to the next.
        pipeline: list[Document] = [
            {"$match": {}},
            {"$sort": {"guild_id": 1, "server_id": 1, "channel_kind": 1}},
            {"$group": {"_id": "$channel_kind"}},
        ]
        found = await self._entries(scope).aggregate(pipeline, hint="sequence")
        return tuple(sorted(ChannelKind(document["_id"]) for document in found))

    async def list_pending(
        self, scope: ServerScope, kind: ChannelKind, *, limit: int
    ) -> tuple[OutboxEntry, ...]:
        """Return the first notices of a kind that are in no message yet, in order."""
        pending = {"channel_kind": kind.value, "nonce": None}
        found = await self._entries(scope).find(pending, sort=[("sequence", 1)], limit=limit, hint="sequence")
        return tuple(read_entry(scope, document) for document in found)

    async def list_entries(
        self, scope: ServerScope, kind: ChannelKind, sequences: Sequence[int]
    ) -> tuple[OutboxEntry, ...]:
        """Return these notices of a kind, in order; those that are gone are left out."""
        wanted = _choose(kind, sequences)
        found = await self._entries(scope).find(wanted, sort=[("sequence", 1)], hint="sequence")
        return tuple(read_entry(scope, document) for document in found)

    async def find_prepared(self, scope: ServerScope, kind: ChannelKind) -> OutgoingMessage | None:
        """Return the oldest message of a kind that is not known to be sent."""
        waiting = {"state": MessageState.PREPARED.value, "channel_kind": kind.value}
        found = await self._messages(scope).find_one(waiting, sort=[("prepared_at", 1)])
        return None if found is None else read_message(scope, found)

    async def prepare_message(self, scope: ServerScope, message: OutgoingMessage) -> None:
        """Store a message before its first try, and tie its notices to it.

        Raises:
            StorageConflictError: one of the notices is gone or in another message.
        """

        async def prepare(session: Session) -> None:
            free = {**_choose(message.channel_kind, message.sequences), "nonce": None}
            tie = {"$set": {"nonce": message.nonce}}
            if await self._entries(scope).update_many(free, tie, session=session) != len(message.sequences):
                raise StorageConflictError("A notice of this message is gone or in another one.")
            await self._messages(scope).insert_one(build_message_document(message), session=session)

        await self._write(scope, prepare)

    async def mark_sent(self, scope: ServerScope, nonce: str, *, message_id: int, at: datetime) -> None:
        """Note that Discord has a message, and take its notices out of the outbox; both or neither."""

        async def mark(session: Session) -> None:
            sent = {"state": MessageState.SENT.value, "message_id": message_id, "sent_at": at}
            await self._messages(scope).update_one({"nonce": nonce}, {"$set": sent}, session=session)
            await self._entries(scope).delete(_tied_to(nonce), session=session)

        await self._write(scope, mark)

    async def drop_entries(self, scope: ServerScope, kind: ChannelKind, *, before: datetime) -> int:
        """Delete notices of a kind created before that which are in no message; return how many."""

        async def drop(session: Session) -> int:
            too_old = {"channel_kind": kind.value, "nonce": None, "created_at": {"$lt": before}}
            return await self._entries(scope).delete(too_old, session=session)

        return await self._write(scope, drop)

    async def discard_entries(self, scope: ServerScope, kind: ChannelKind, sequences: Sequence[int]) -> None:
        """Delete exactly these notices of a kind."""

        async def discard(session: Session) -> None:
            await self._entries(scope).delete(_choose(kind, sequences), session=session)

        await self._write(scope, discard)

    async def drop_message(self, scope: ServerScope, nonce: str) -> None:
        """Forget a message that was not sent; those of its notices that are still there are pending again."""

        async def drop(session: Session) -> None:
            unsent = {"nonce": nonce, "state": MessageState.PREPARED.value}
            await self._messages(scope).delete(unsent, session=session)
            await self._entries(scope).update_many(
                _tied_to(nonce), {"$set": {"nonce": None}}, session=session
            )

        await self._write(scope, drop)

    async def prune_sent(self, scope: ServerScope, *, before: datetime) -> int:
        """Delete messages that were prepared before that and are sent; return how many."""
        done = {"state": MessageState.SENT.value, "prepared_at": {"$lt": before}}
        return await self._messages(scope).delete(done)

    async def _write(self, scope: ServerScope, work: Callable[[Session], Awaitable[T]]) -> T:
        return await self._database.in_transaction(work, fence=self._fences(scope.guild_id))

    def _entries(self, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, "outbox", scope)

    def _messages(self, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, "messages", scope)


def _tied_to(nonce: str) -> Document:
    return {"sequence": {"$gte": 0}, "nonce": nonce}  # bounded by the index on sequence; all of a server's


def _choose(kind: ChannelKind, sequences: Sequence[int]) -> Document:
    return {"channel_kind": kind.value, "sequence": {"$in": list(sequences)}}
