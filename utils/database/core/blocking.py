"""Blocking collections: a guild's part of a collection, as a thread reads and writes it.

Units of work use them within a transaction; outside of one ``ScopedCollection`` calls them in a thread.
``scope_rules`` decides what they allow.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from pymongo import DeleteMany, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from utils.database.core.operations import Document, Operations
from utils.database.core.scope_rules import (
    Query,
    Scope,
    check_update,
    scope_document,
    scope_filter,
    scope_pipeline,
)
from utils.errors import StorageError

P = ParamSpec("P")
T = TypeVar("T")
Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Replacement:
    """One write of a bulk: replaces the whole document that fits the filter, or inserts it."""

    query: Query
    document: Document


@dataclass(frozen=True, slots=True)
class Update:
    """One write of a bulk: an update of the document that fits the filter."""

    query: Query
    update: Query
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """One of several reads in one operation: a query within a scope's part of a collection.

    Attributes:
        fields: the fields to return; all if there are none.
    """

    name: str
    scope: Scope
    query: Query
    fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Deletion:
    """One write of a bulk: all documents that fit the filter go."""

    query: Query


Write = Replacement | Update | Deletion
Request = ReplaceOne[Document] | UpdateOne | DeleteMany
"""A write within its scope, in pymongo's form."""


class BlockingCollection:
    """One collection, limited to one guild or one of its game servers.

    Attributes:
        name: the name of the collection.
        scope: the fields that every document of the scope has.
    """

    def __init__(
        self, operations: Operations, name: str, scope: Scope, *, session: ClientSession | None = None
    ) -> None:
        self._operations = operations
        self._collection = operations.get_collection(name)
        self._session = session
        self.name = name
        self.scope = scope

    def find_one(
        self, query: Query, *, projection: Query | None = None, sort: Sort | None = None
    ) -> Document | None:
        """Return the first document that fits."""
        scoped = scope_filter(self.scope, query)
        return self._run(self._collection.find_one, scoped, projection, sort=sort, session=self._session)

    def find(
        self,
        query: Query,
        *,
        projection: Query | None = None,
        sort: Sort | None = None,
        limit: int = 0,
        hint: str | None = None,
    ) -> list[Document]:
        """Return the documents that fit; ``limit`` 0 means all of them."""
        return self._run(self._find, scope_filter(self.scope, query), projection, sort, limit, hint)

    def find_keys(self, first: bytes, last: bytes, *, prefix: bytes) -> list[bytes]:
        """Return the ``_id``s from ``first`` to ``last``, read from the index alone.

        Such a read can name only the ``_id``, so the prefix of all ids of the scope limits it.
        """
        lowest, highest = max(first, prefix.ljust(32, b"\x00")), min(last, prefix.ljust(32, b"\xff"))
        if lowest > highest:
            return []
        bounds = {"_id": {"$gte": lowest, "$lte": highest}}
        return [document["_id"] for document in self._run(self._find, bounds, {"_id": 1}, None, 0, "_id_")]

    def find_raw(self, query: Query, *, sort: Sort, hint: str) -> list[bytes]:
        """Return the documents that fit as encoded BSON, many in each piece."""
        return self._run(self._find_raw, scope_filter(self.scope, query), sort, hint)

    def aggregate(self, pipeline: Sequence[Query], *, hint: str | None = None) -> list[Document]:
        """Return the result of a pipeline over the scope's documents."""
        scoped = scope_pipeline(self.scope, pipeline)
        return self._run(_aggregate, self._collection, scoped, hint, self._session)

    def count(self, query: Query) -> int:
        """Return how many documents fit."""
        scoped = scope_filter(self.scope, query)
        return self._run(self._collection.count_documents, scoped, session=self._session)

    def insert_one(self, document: Document) -> None:
        """Store a new document."""
        scoped = scope_document(self.scope, document)
        self._run(self._collection.insert_one, scoped, session=self._session)

    def insert_many(self, documents: Iterable[Document]) -> None:
        """Store new documents, in any order."""
        scoped = self.build_documents(documents)
        if scoped:
            self._run(self._collection.insert_many, scoped, ordered=False, session=self._session)

    def update_one(self, query: Query, update: Query, *, upsert: bool = False) -> bool:
        """Change the first document that fits; tell whether there was one."""
        check_update(self.scope, update)
        scoped = scope_filter(self.scope, query)
        done = self._run(self._collection.update_one, scoped, update, upsert=upsert, session=self._session)
        return done.matched_count == 1

    def update_many(self, query: Query, update: Query) -> int:
        """Change every document that fits; return their number."""
        check_update(self.scope, update)
        scoped = scope_filter(self.scope, query)
        done = self._run(self._collection.update_many, scoped, update, session=self._session)
        return done.matched_count

    def find_one_and_update(self, query: Query, update: Query) -> Document:
        """Change the document that fits, or insert it, and return it after the change."""
        check_update(self.scope, update)
        changed = self._run(
            self._collection.find_one_and_update,
            scope_filter(self.scope, query),
            update,
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=self._session,
        )
        return cast("Document", changed)  # typed as if there might be none

    def delete(self, query: Query) -> int:
        """Delete every document that fits; return their number."""
        scoped = scope_filter(self.scope, query)
        return self._run(self._collection.delete_many, scoped, session=self._session).deleted_count

    def bulk_write(self, writes: Iterable[Write]) -> int:
        """Carry out many writes in their order; return how many changed or inserted a document.

        Raises:
            StorageError: within a transaction, one of them found no document; the transaction is undone.
        """
        requests = self.build_requests(writes)
        stored = write_requests(self._operations, self.name, requests, session=self._session)
        if self._session is not None:
            verify_written(self.name, requests, stored=stored)
        return stored

    def build_requests(self, writes: Iterable[Write]) -> list[Request]:
        """Return writes within the scope, to be carried out together with those of others."""
        return [self._build_request(write) for write in writes]

    def build_documents(self, documents: Iterable[Document]) -> list[Document]:
        """Return new documents within the scope, likewise."""
        return [scope_document(self.scope, document) for document in documents]

    def _run(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out one operation: a method of pymongo's collection, or one of ours over it."""
        return self._operations.run(f"{self.name}.{method.__name__.lstrip('_')}", method, *args, **kwargs)

    def _find(
        self, scoped: Query, projection: Query | None, sort: Sort | None, limit: int, hint: str | None
    ) -> list[Document]:
        return self._collection.find(
            scoped, projection, sort=sort, limit=limit, hint=hint, session=self._session
        ).to_list()

    def _find_raw(self, scoped: Query, sort: Sort, hint: str) -> list[bytes]:
        found = self._collection.find_raw_batches(scoped, sort=sort, hint=hint, session=self._session)
        return cast("list[bytes]", list(found))  # typed as if it returned documents

    def _build_request(self, write: Write) -> Request:
        scoped = scope_filter(self.scope, write.query)
        if isinstance(write, Deletion):
            return DeleteMany(scoped)
        if isinstance(write, Replacement):
            return ReplaceOne(scoped, scope_document(self.scope, write.document), upsert=True)
        check_update(self.scope, write.update)
        return UpdateOne(scoped, write.update, upsert=write.upsert)


def write_requests(
    operations: Operations,
    name: str,
    requests: Sequence[Request],
    *,
    session: ClientSession | None,
    is_ordered: bool = True,
) -> int:
    """Carry out the writes that collections of one name have built, also of several scopes.

    If they are not ordered, one that fails does not stop the others.

    Returns:
        number of matched or upserted documents.
    """
    if not requests:
        return 0
    write = operations.get_collection(name).bulk_write
    done = operations.run(f"{name}.bulk_write", write, requests, ordered=is_ordered, session=session)
    return done.matched_count + done.upserted_count


def insert_documents(
    operations: Operations, name: str, documents: Sequence[Document], *, session: ClientSession | None
) -> None:
    """Store new documents that collections of one name have built, 16 MB at most.

    One plain command: pymongo's ``insert_many`` looks at each document, for half as long as it encodes it.

    Raises:
        StorageError: MongoDB stored another number of documents; the transaction is undone.
    """

    def insert() -> None:
        done = operations.get_collection(name).database.command(
            "insert", name, documents=documents, session=session
        )
        if "writeErrors" in done:
            raise BulkWriteError(done)
        if done["n"] != len(documents):
            raise StorageError(f"MongoDB stored {done['n']} of {len(documents)} documents of {name}.")

    if documents:
        operations.run(f"{name}.insert", insert)


def verify_written(name: str, requests: Sequence[Request], *, stored: int, spare: int = 0) -> None:
    """Compare what MongoDB says of a bulk with what was asked: each write finds or inserts a document.

    Deletions may find any number of documents, so they are not counted; ``spare`` others may find none.

    Raises:
        StorageError: it is another number; the transaction is undone.
    """
    asked = sum(not isinstance(one, DeleteMany) for one in requests)
    if not asked - spare <= stored <= asked:
        raise StorageError(f"MongoDB stored {stored} of {asked} documents of {name}.")


def find_together(
    operations: Operations, lookups: Sequence[Lookup], *, hint: str, session: ClientSession | None
) -> list[list[Document]]:
    """Return the documents of each lookup, in their order; ``hint`` names the index of the first one.

    It is one operation and costs hardly more than a read of one of them. The result may be at most 16 MB.
    """
    first, *others = lookups
    pipeline: list[Query] = [
        {"$match": scope_filter(first.scope, first.query)},
        {"$facet": {"0": [{"$match": {}}]}},  # gives one document even when nothing matches
    ]
    for place, lookup in enumerate(others, 1):
        inner: list[Query] = [{"$match": scope_filter(lookup.scope, lookup.query)}]
        if lookup.fields:
            inner.append({"$project": dict.fromkeys(lookup.fields, 1)})
        pipeline.append({"$lookup": {"from": lookup.name, "pipeline": inner, "as": str(place)}})
    collection = operations.get_collection(first.name)
    (found,) = operations.run(f"{first.name}.aggregate", _aggregate, collection, pipeline, hint, session)
    return [found[str(place)] for place in range(len(lookups))]


def _aggregate(
    collection: Collection[Document],
    pipeline: Sequence[Query],
    hint: str | None,
    session: ClientSession | None,
) -> list[Document]:
    options: dict[str, Any] = {} if hint is None else {"hint": hint}
    return collection.aggregate(pipeline, session=session, **options).to_list()
