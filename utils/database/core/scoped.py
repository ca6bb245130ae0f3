"""Scoped collections: the only access to a guild's data outside of transactions.

Each operation is one of ``BlockingCollection``, called in a thread.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Concatenate, ParamSpec, Self, TypeVar

from pymongo.client_session import ClientSession

from utils.database.core.blocking import BlockingCollection, Sort
from utils.database.core.database import SafeDatabase
from utils.database.core.faults import map_storage_errors
from utils.database.core.scope_rules import Query, Scope, scope_filter, scope_of_guild, scope_of_server
from utils.models.scope import GuildId, ServerScope

P = ParamSpec("P")
T = TypeVar("T")

DELETED_AT_ONCE = 5_000


def _in_thread(
    method: Callable[Concatenate[BlockingCollection, P], T],
) -> Callable[Concatenate["ScopedCollection", P], Awaitable[T]]:
    """Return the same operation for the event loop: it is awaited, and does not block the loop."""

    def call(collection: "ScopedCollection", /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return collection.call(partial(method, collection.blocking, *args, **kwargs))

    return call


class ScopedCollection:
    """One collection, limited to one guild or one of its game servers.

    Attributes:
        blocking: the same collection for a thread.
    """

    def __init__(
        self, database: SafeDatabase, name: str, scope: Scope, *, session: ClientSession | None = None
    ) -> None:
        self._database = database
        self._session = session
        self.blocking = BlockingCollection(database.operations, name, scope, session=session)

    @classmethod
    def of_guild(
        cls, database: SafeDatabase, name: str, guild_id: GuildId, *, session: ClientSession | None = None
    ) -> Self:
        """Return a guild's part of a collection, in a snapshot's session if one is given."""
        return cls(database, name, scope_of_guild(guild_id), session=session)

    @classmethod
    def of_server(
        cls, database: SafeDatabase, name: str, scope: ServerScope, *, session: ClientSession | None = None
    ) -> Self:
        """Return a game server's part of a collection, in a snapshot's session if one is given."""
        return cls(database, name, scope_of_server(scope), session=session)

    find_one = _in_thread(BlockingCollection.find_one)
    find = _in_thread(BlockingCollection.find)
    find_keys = _in_thread(BlockingCollection.find_keys)
    aggregate = _in_thread(BlockingCollection.aggregate)
    count = _in_thread(BlockingCollection.count)
    insert_one = _in_thread(BlockingCollection.insert_one)
    insert_many = _in_thread(BlockingCollection.insert_many)
    update_one = _in_thread(BlockingCollection.update_one)
    update_many = _in_thread(BlockingCollection.update_many)
    find_one_and_update = _in_thread(BlockingCollection.find_one_and_update)
    delete = _in_thread(BlockingCollection.delete)
    bulk_write = _in_thread(BlockingCollection.bulk_write)

    async def iterate_raw(
        self, query: Query, *, sort: Sort, hint: str, batch: int, projection: Query | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the documents that fit as encoded BSON, many at a time, with little memory."""
        cursor = self._database.unscoped(self.blocking.name).find_raw_batches(
            scope_filter(self.blocking.scope, query),
            projection,
            sort=sort,
            hint=hint,
            batch_size=batch,
            session=self._session,
        )
        try:
            with map_storage_errors():
                async for encoded in cursor:
                    yield encoded
        finally:
            await cursor.close()

    async def delete_in_parts(self, query: Query) -> int:
        """Delete every document that fits, in parts and without a transaction; return their number.

        One deletion of millions takes longer than any wait for its answer.
        """
        deleted = 0
        while found := await self.find(query, projection={"_id": 1}, limit=DELETED_AT_ONCE):
            deleted += await self.delete({"_id": {"$in": [document["_id"] for document in found]}})
        return deleted

    async def call(self, operation: Callable[[], T]) -> T:
        """Carry out an operation on ``blocking`` in a thread.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        return await self._database.call(operation)
