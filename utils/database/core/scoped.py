"""Scoped collections: the only door to a guild's data; what they allow is decided in ``scope_rules``."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast

from pymongo import InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.collection import Collection
from pymongo.results import BulkWriteResult

from utils.database.core.database import Document, SafeDatabase
from utils.database.core.faults import map_storage_errors
from utils.database.core.scope_rules import (
    Query,
    Scope,
    check_update,
    scope_document,
    scope_filter,
    scope_pipeline,
)
from utils.database.core.sessions import Session
from utils.models.scope import GuildId, ServerScope

T = TypeVar("T")
Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Insertion:
    """One write of a bulk: a new document."""

    document: Document


@dataclass(frozen=True, slots=True)
class Replacement:
    """One write of a bulk: the whole document that fits the filter, made when there is none."""

    query: Query
    document: Document


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a bulk: an update of the document that fits the filter."""

    query: Query
    update: Query
    upsert: bool = False


Write = Insertion | Replacement | Change
Request = InsertOne[Document] | ReplaceOne[Document] | UpdateOne
"""A write within its scope, as pymongo takes it."""

DELETED_AT_ONCE = 5_000


class ScopedCollection:
    """One collection as one guild, or one of its game servers, may see it.

    Attributes:
        name: of the collection.
    """

    def __init__(self, database: SafeDatabase, name: str, scope: Scope) -> None:
        self._database = database
        self._collection: Collection[Document] = database.unscoped(name).delegate
        self.name = name
        self._scope = dict(scope)

    @classmethod
    def of_guild(cls, database: SafeDatabase, name: str, guild_id: GuildId) -> Self:
        """Return a guild's part of a collection."""
        return cls(database, name, {"guild_id": int(guild_id)})

    @classmethod
    def of_server(cls, database: SafeDatabase, name: str, scope: ServerScope) -> Self:
        """Return a game server's part of a collection."""
        return cls(database, name, {"guild_id": int(scope.guild_id), "server_id": str(scope.server_id)})

    async def find_one(
        self,
        query: Query,
        *,
        projection: Query | None = None,
        sort: Sort | None = None,
        session: Session | None = None,
    ) -> Document | None:
        """Return the first document that fits."""
        scoped = scope_filter(self._scope, query)
        return await self._call(self._collection.find_one, scoped, projection, sort=sort, session=session)

    async def find(
        self,
        query: Query,
        *,
        projection: Query | None = None,
        sort: Sort | None = None,
        limit: int = 0,
        hint: str | None = None,
        session: Session | None = None,
    ) -> list[Document]:
        """Return the documents that fit; ``limit`` 0 is all of them."""
        scoped = scope_filter(self._scope, query)
        return await self._call(
            self._find, scoped, projection, sort=sort, limit=limit, hint=hint, session=session
        )

    async def find_keys(
        self, first: bytes, last: bytes, *, prefix: bytes, session: Session | None = None
    ) -> list[bytes]:
        """Return the ``_id``s from ``first`` to ``last``, read from the index alone.

        Such a read can name nothing but the ``_id``, so the scope is kept by the prefix all its ids share.
        """
        lowest, highest = max(first, prefix.ljust(32, b"\x00")), min(last, prefix.ljust(32, b"\xff"))
        if lowest > highest:
            return []
        bounds = {"_id": {"$gte": lowest, "$lte": highest}}
        found = await self._call(self._find, bounds, {"_id": 1}, hint="_id_", session=session)
        return [document["_id"] for document in found]

    async def iterate_raw(
        self,
        query: Query,
        *,
        sort: Sort,
        hint: str,
        batch: int,
        projection: Query | None = None,
        session: Session | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield the documents that fit as encoded BSON, many at a time and little in memory."""
        cursor = self._database.unscoped(self.name).find_raw_batches(
            scope_filter(self._scope, query),
            projection,
            sort=sort,
            hint=hint,
            batch_size=batch,
            session=session,
        )
        try:
            with map_storage_errors():
                async for encoded in cursor:
                    yield encoded
        finally:
            await cursor.close()

    async def find_raw(
        self, query: Query, *, sort: Sort, hint: str, session: Session | None = None
    ) -> list[bytes]:
        """Return the documents that fit as encoded BSON, many in each piece."""
        scoped = scope_filter(self._scope, query)
        return await self._call(self._find_raw, scoped, sort=sort, hint=hint, session=session)

    async def aggregate(self, pipeline: Sequence[Query], *, hint: str | None = None) -> list[Document]:
        """Return what a pipeline makes of the scope's documents."""
        options: dict[str, Any] = {} if hint is None else {"hint": hint}
        return await self._call(self._aggregate, scope_pipeline(self._scope, pipeline), **options)

    async def count(self, query: Query, *, session: Session | None = None) -> int:
        """Return how many documents fit."""
        scoped = scope_filter(self._scope, query)
        return await self._call(self._collection.count_documents, scoped, session=session)

    async def insert_one(self, document: Document, *, session: Session | None = None) -> None:
        """Store a new document."""
        scoped = scope_document(self._scope, document)
        await self._call(self._collection.insert_one, scoped, session=session)

    async def insert_many(self, documents: Iterable[Document], *, session: Session | None = None) -> None:
        """Store new documents, in no order."""
        scoped = [scope_document(self._scope, document) for document in documents]
        if scoped:
            await self._call(self._collection.insert_many, scoped, ordered=False, session=session)

    async def update_one(
        self, query: Query, update: Query, *, upsert: bool = False, session: Session | None = None
    ) -> bool:
        """Change the first document that fits; tell whether there was one."""
        check_update(self._scope, update)
        scoped = scope_filter(self._scope, query)
        updated = await self._call(
            self._collection.update_one, scoped, update, upsert=upsert, session=session
        )
        return updated.matched_count == 1

    async def update_many(self, query: Query, update: Query, *, session: Session | None = None) -> int:
        """Change every document that fits; return how many did."""
        check_update(self._scope, update)
        scoped = scope_filter(self._scope, query)
        return (await self._call(self._collection.update_many, scoped, update, session=session)).matched_count

    async def find_one_and_update(
        self, query: Query, update: Query, *, session: Session | None = None
    ) -> Document:
        """Change the document that fits, made when there is none, and return it as it is then."""
        check_update(self._scope, update)
        scoped = scope_filter(self._scope, query)
        changed = await self._call(
            self._collection.find_one_and_update,
            scoped,
            update,
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return cast("Document", changed)  # made when there was none

    async def delete(self, query: Query, *, session: Session | None = None) -> int:
        """Delete every document that fits; return how many did."""
        scoped = scope_filter(self._scope, query)
        return (await self._call(self._collection.delete_many, scoped, session=session)).deleted_count

    async def delete_in_parts(self, query: Query) -> int:
        """Delete every document that fits, some thousands at a time, in no transaction; return how many did.

        One deletion over millions outlasts any wait for its answer.
        """
        deleted = 0
        while found := await self.find(query, projection={"_id": 1}, limit=DELETED_AT_ONCE):
            deleted += await self.delete({"_id": {"$in": [document["_id"] for document in found]}})
        return deleted

    async def bulk_write(self, writes: Iterable[Write], *, session: Session | None = None) -> int:
        """Carry out many writes in their order; return how many found a document to change."""
        requests = self.build_requests(writes)
        return await carry_out(self._database, self.name, requests, session=session)

    def build_requests(self, writes: Iterable[Write]) -> list[Request]:
        """Return writes within the scope, to be carried out together with those of others."""
        return [self._build_request(write) for write in writes]

    async def _call(
        self, method: Callable[..., T], *arguments: object, session: Session | None = None, **options: object
    ) -> T:
        """Carry out one operation: a method of pymongo's collection, or one of ours over it."""
        operation = f"{self.name}.{method.__name__.lstrip('_')}"
        return await self._database.call(operation, method, *arguments, session=session, **options)

    def _find(self, *arguments: Any, **options: Any) -> list[Document]:
        return self._collection.find(*arguments, **options).to_list()

    def _find_raw(self, *arguments: Any, **options: Any) -> list[bytes]:
        # typed as if it gave documents
        return cast("list[bytes]", list(self._collection.find_raw_batches(*arguments, **options)))

    def _aggregate(self, *arguments: Any, **options: Any) -> list[Document]:
        return self._collection.aggregate(*arguments, **options).to_list()

    def _build_request(self, write: Write) -> Request:
        if isinstance(write, Insertion):
            return InsertOne(scope_document(self._scope, write.document))
        scoped = scope_filter(self._scope, write.query)
        if isinstance(write, Replacement):
            return ReplaceOne(scoped, scope_document(self._scope, write.document), upsert=True)
        check_update(self._scope, write.update)
        return UpdateOne(scoped, write.update, upsert=write.upsert)


async def carry_out(
    database: SafeDatabase, name: str, requests: Sequence[Request], *, session: Session | None = None
) -> int:
    """Carry out what scoped collections of one name have built, be they of several scopes.

    Returns:
        how many found a document to change.
    """
    if not requests:
        return 0
    write = database.unscoped(name).delegate.bulk_write
    done: BulkWriteResult = await database.call(f"{name}.bulk_write", write, requests, session=session)
    return done.matched_count
