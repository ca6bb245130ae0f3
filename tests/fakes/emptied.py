"""The tests' database, which stays and is emptied.

Making a database means making some 100 files, which takes mongod longer than most tests take.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES, ensure_indexes
from utils.database.process.connection import SafeMongoDBConnection

Catalog = list[dict[str, Any]]

_kept: Catalog = []
"""The collections, their options and indexes after the last change of them, as one worker left them."""


async def open_emptied(connection: SafeMongoDBConnection) -> SafeDatabase:
    """Open the database of an earlier test without documents and with every index, like a new one.

    It is emptied here and not at the end of a test, because by now the connection of the earlier test is
    closed, and nothing writes any more.
    """
    database = await connection.open()
    if _kept and await _read_catalog(database) == _kept:
        filled = await _find_filled(database)
        await asyncio.gather(*(database.unscoped(name).delete_many({}) for name in filled))
        return database
    listed = await database.command("listCollections")
    await asyncio.gather(*(_restore(database, found) for found in listed["cursor"]["firstBatch"]))
    await ensure_indexes(database)
    _kept[:] = await _read_catalog(database)
    return database


async def _read_catalog(database: SafeDatabase) -> Catalog:
    """Return what the server knows of the collections, in one command."""
    admin = database.unscoped("any").database.client.admin
    entries = admin.aggregate([{"$listCatalog": {}}, {"$match": {"db": database.name}}, {"$sort": {"ns": 1}}])
    found = await entries.to_list(None)
    return [
        {"name": one["name"], "options": one["md"]["options"], "indexes": _list_indexes(one)} for one in found
    ]


def _list_indexes(entry: dict[str, Any]) -> list[Any]:
    return sorted((index["spec"] for index in entry["md"]["indexes"]), key=lambda spec: str(spec["name"]))


async def _find_filled(database: SafeDatabase) -> list[str]:
    """Return the names of the collections that have documents, in one command."""
    first, pipeline = build_probe([*INDEXES])
    found = await database.unscoped(first).aggregate(pipeline).to_list(None)
    return [one["name"] for one in found]


def build_probe(names: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """Return the first of some collections, and its pipeline that yields the names of the filled ones."""
    first, *others = names
    united = [{"$unionWith": {"coll": name, "pipeline": _build_probe(name)}} for name in others]
    return first, [*_build_probe(first), *united]


def _build_probe(name: str) -> list[dict[str, Any]]:
    return [{"$limit": 1}, {"$project": {"_id": 0, "name": name}}]


async def _restore(database: SafeDatabase, found: dict[str, Any]) -> None:
    """Delete the documents of a collection of the bot. Drop one that a test has made or changed."""
    name, collection = found["name"], database.unscoped(found["name"])
    if name in INDEXES and not found["options"]:
        await collection.delete_many({})
    else:
        await collection.drop()
