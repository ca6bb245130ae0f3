"""Scoped collections: no operation sees or changes another scope."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.examples import choose_examples
from utils.database.core.blocking import Replacement, Update
from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.scoped import DELETED_AT_ONCE, ScopedCollection
from utils.errors import ScopeViolationError, StorageError
from utils.models.scope import GuildId, ServerId, ServerScope

OWN = ServerScope(GuildId(1), ServerId("aaaaaaaa"))
FOREIGN: list[Document] = [
    {"_id": b"f" * 32, "guild_id": 1, "server_id": "bbbbbbbb", "name": "x", "mark": "foreign"},
    {"_id": b"g" * 32, "guild_id": 2, "server_id": "aaaaaaaa", "name": "x", "mark": "foreign"},
    {"_id": b"h" * 32, "name": "x", "mark": "foreign"},
]
MINE: list[Document] = [
    {"_id": b"a" * 32, "name": "x", "value": 1},
    {"_id": b"b" * 32, "name": "y", "value": 2},
]

fields = st.sampled_from(["guild_id", "server_id", "name", "value", "_id", "a.guild_id"])
values = st.sampled_from([1, 2, "x", "aaaaaaaa", "bbbbbbbb", None, b"f" * 32, b"a" * 32])
conditions = values | st.sampled_from(
    [{"$ne": 1}, {"$exists": True}, {"$in": [1, 2, "bbbbbbbb"]}, {"$not": {"$gt": 5}}, {"$gte": 0}]
)
filters: st.SearchStrategy[Document] = st.recursive(
    st.dictionaries(fields, conditions, max_size=2),
    lambda inner: st.builds(
        lambda operator, some: {operator: some},
        st.sampled_from(["$or", "$and", "$nor"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)
updates: st.SearchStrategy[Document] = st.dictionaries(
    st.sampled_from(["$set", "$unset", "$inc", "$setOnInsert", "$rename"]),
    st.dictionaries(fields, values, min_size=1, max_size=2),
    min_size=1,
    max_size=2,
)
stages: st.SearchStrategy[Document] = st.one_of(
    filters.map(lambda query: {"$match": query}),
    st.just({"$group": {"_id": "$guild_id", "all": {"$push": "$$ROOT"}}}),
    st.just({"$lookup": {"from": "scratch", "pipeline": [], "as": "all"}}),
    st.just({"$unionWith": "scratch"}),
    st.just({"$out": "scratch"}),
    st.just({"$merge": {"into": "scratch"}}),
    filters.map(lambda query: {"$facet": {"all": [{"$match": query}], "more": [{"$unionWith": "scratch"}]}}),
    st.just({"$set": {"guild_id": 2}}),
)
documents: st.SearchStrategy[Document] = st.dictionaries(fields.filter(lambda name: "." not in name), values)


@pytest.fixture(name="collection")
async def _collection(database: SafeDatabase) -> ScopedCollection:
    """Return a collection for one server."""
    return ScopedCollection.of_server(database, "scratch", OWN)


async def _reset(database: SafeDatabase, collection: ScopedCollection) -> None:
    await database.unscoped("scratch").delete_many({})
    await database.unscoped("scratch").insert_many([dict(document) for document in FOREIGN])
    await collection.insert_many(MINE)


async def _list_foreign(database: SafeDatabase) -> list[Document]:
    not_mine = {"$nor": [{"guild_id": OWN.guild_id, "server_id": OWN.server_id}]}
    return await database.unscoped("scratch").find(not_mine).sort("_id", 1).to_list(None)


T = TypeVar("T")
Ask = Callable[[], Awaitable[Any]]


@settings(
    max_examples=choose_examples(quick=20, deep=200),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(query=filters, update=updates, pipeline=st.lists(stages, max_size=3), document=documents)
async def test_other_scopes_are_neither_seen_nor_changed_whatever_is_asked(
    database: SafeDatabase,
    collection: ScopedCollection,
    query: Document,
    update: Document,
    pipeline: list[Document],
    document: Document,
) -> None:
    """Any filter, update, document and pipeline stays in its scope or raises."""
    reads: list[Ask] = [
        lambda: collection.find(query),
        lambda: collection.find_one(query),
        lambda: collection.aggregate(pipeline),
        lambda: collection.aggregate([{"$match": query}, *pipeline]),
    ]
    writes: list[Ask] = [
        lambda: collection.update_one(query, update, upsert=True),
        lambda: collection.update_many(query, update),
        lambda: collection.find_one_and_update(query, update),
        lambda: collection.bulk_write([Replacement(query, document), Update(query, update, upsert=True)]),
        lambda: collection.insert_one(dict(document)),
        lambda: collection.delete(query),
    ]
    await _reset(database, collection)
    for ask in (*reads, *writes):
        try:
            answer = await ask()
        except StorageError:
            continue
        assert "foreign" not in str(answer)
    assert await _list_foreign(database) == FOREIGN


async def test_keys_outside_the_prefix_are_not_seen_even_when_named(database: SafeDatabase) -> None:
    """A read of the key index is limited to its scope by the prefix."""
    await database.unscoped("scratch").insert_many([{"_id": letter * 32} for letter in (b"a", b"b", b"c")])
    collection = ScopedCollection.of_server(database, "scratch", OWN)
    prefix = b"b" * 16
    assert await collection.find_keys(b"a" * 32, b"c" * 32, prefix=prefix) == [b"b" * 32]
    assert await collection.find_keys(b"a" * 32, b"a" * 32, prefix=prefix) == []


async def test_own_documents_are_written_in_bulk(database: SafeDatabase) -> None:
    """A replacement inserts a missing document; a change does so only with ``upsert``."""
    collection = ScopedCollection.of_server(database, "scratch", OWN)
    await collection.bulk_write(
        [
            Replacement({"name": "x"}, {"name": "x", "value": 1}),
            Update({"name": "y"}, {"$set": {"value": 2}}, upsert=True),
            Update({"name": "z"}, {"$set": {"value": 3}}),
        ]
    )
    found = await collection.find({}, projection={"_id": 0}, sort=[("name", 1)])
    mine = {"guild_id": 1, "server_id": "aaaaaaaa"}
    assert found == [{**mine, "name": "x", "value": 1}, {**mine, "name": "y", "value": 2}]


async def test_everything_is_deleted_in_parts_and_nothing_of_others(database: SafeDatabase) -> None:
    """One deletion takes some thousands of documents, until all are deleted; other documents stay."""
    sizes: list[int] = []

    class Counted(ScopedCollection):
        """Records the number of documents per deletion."""

        async def call(self, operation: Callable[[], T]) -> T:
            done = await super().call(operation)
            if isinstance(done, int):
                sizes.append(done)
            return done

    mine, others = (
        Counted.of_server(database, "scratch", ServerScope(GuildId(guild), ServerId("aaaaaaaa")))
        for guild in (1, 2)
    )
    for collection in (mine, others):
        await collection.insert_many([{"number": number} for number in range(DELETED_AT_ONCE + 7)])
    assert await mine.delete_in_parts({"number": {"$gte": 5}}) == DELETED_AT_ONCE + 2
    assert sizes == [DELETED_AT_ONCE, 2]
    assert await mine.delete_in_parts({}) == 5
    assert (await mine.find({}), len(await others.find({}))) == ([], DELETED_AT_ONCE + 7)


async def test_foreign_document_is_refused_at_the_door(database: SafeDatabase) -> None:
    """MongoDB never gets an insert with another guild."""
    collection = ScopedCollection.of_guild(database, "scratch", GuildId(1))
    with pytest.raises(ScopeViolationError):
        await collection.insert_many([{"name": "x"}, {"guild_id": 2}])
    assert await database.unscoped("scratch").count_documents({}) == 0
