"""The outbox: notices that wait, and the messages made of them, so that each is sent once."""

from collections.abc import Sequence
from datetime import datetime

from utils.database.database import SafeDatabase
from utils.database.notice_documents import build_message_document, read_entry, read_message
from utils.database.repositories.ingestion import FenceSource
from utils.database.scoped import ScopedCollection
from utils.database.sessions import Session
from utils.errors import StorageConflictError
from utils.models.notices import MessageState, OutboxEntry, OutgoingMessage
from utils.models.scope import ServerScope


class OutboxRepository:
    """Notices and messages of game servers."""

    def __init__(self, database: SafeDatabase, *, fences: FenceSource) -> None:
        self._database = database
        self._fences = fences

    async def list_pending(self, scope: ServerScope, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return the first notices that are in no message yet, in order."""
        found = await self._entries(scope).find(
            {"nonce": None}, sort=[("sequence", 1)], limit=limit, hint="sequence"
        )
        return tuple(read_entry(scope, document) for document in found)

    async def list_entries(self, scope: ServerScope, sequences: Sequence[int]) -> tuple[OutboxEntry, ...]:
        """Return the notices of a message, in order."""
        wanted = {"sequence": {"$in": list(sequences)}}
        found = await self._entries(scope).find(wanted, sort=[("sequence", 1)], hint="sequence")
        return tuple(read_entry(scope, document) for document in found)

    async def prepare_message(self, message: OutgoingMessage) -> None:
        """Store a message before its first try, and tie its notices to it.

        Raises:
            StorageConflictError: one of the notices is gone or in another message.
            LeaseLostError: another process delivers for this guild now.
        """
        scope = message.scope

        async def prepare(session: Session) -> None:
            free = {"sequence": {"$in": list(message.sequences)}, "nonce": None}
            tie = {"$set": {"nonce": message.nonce}}
            if await self._entries(scope).update_many(free, tie, session=session) != len(message.sequences):
                raise StorageConflictError("A notice of this message is gone or in another one.")
            await self._messages(scope).insert_one(build_message_document(message), session=session)

        await self._database.in_transaction(prepare, fence=self._fences(scope.guild_id))

    async def find_prepared(self, scope: ServerScope) -> OutgoingMessage | None:
        """Return the oldest message that is not known to be sent."""
        found = await self._messages(scope).find_one(
            {"state": MessageState.PREPARED.value}, sort=[("prepared_at", 1)]
        )
        return None if found is None else read_message(scope, found)

    async def mark_first_try(self, scope: ServerScope, nonce: str, *, at: datetime) -> None:
        """Note when the first try of a message begins; a later try changes nothing."""
        untried = {"nonce": nonce, "first_tried_at": None}
        await self._messages(scope).update_one(untried, {"$set": {"first_tried_at": at}})

    async def mark_sent(self, scope: ServerScope, nonce: str, *, message_id: int, at: datetime) -> None:
        """Note that Discord has a message, and take its notices out of the outbox; both or neither."""

        async def mark(session: Session) -> None:
            sent = {"state": MessageState.SENT.value, "message_id": message_id, "sent_at": at}
            await self._messages(scope).update_one({"nonce": nonce}, {"$set": sent}, session=session)
            await self._delete_entries(scope, nonce, session)

        await self._database.in_transaction(mark, fence=self._fences(scope.guild_id))

    async def drop_message(self, scope: ServerScope, nonce: str) -> int:
        """Give a message up with its notices; return how many notices that were."""

        async def drop(session: Session) -> int:
            await self._messages(scope).delete({"nonce": nonce}, session=session)
            return await self._delete_entries(scope, nonce, session)

        return await self._database.in_transaction(drop, fence=self._fences(scope.guild_id))

    async def drop_entries(self, scope: ServerScope, *, before: datetime) -> int:
        """Delete notices older than that which are in no message; return how many."""
        too_old = {"sequence": {"$gte": 0}, "nonce": None, "created_at": {"$lt": before}}
        return await self._entries(scope).delete(too_old)

    async def prune_sent(self, scope: ServerScope, *, before: datetime) -> int:
        """Delete messages that were prepared before that and are sent; return how many."""
        done = {"state": MessageState.SENT.value, "prepared_at": {"$lt": before}}
        return await self._messages(scope).delete(done)

    async def _delete_entries(self, scope: ServerScope, nonce: str, session: Session) -> int:
        tied = {"sequence": {"$gte": 0}, "nonce": nonce}
        return await self._entries(scope).delete(tied, session=session)

    def _entries(self, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, "outbox", scope)

    def _messages(self, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, "messages", scope)
