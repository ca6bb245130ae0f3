"""The tests' database, which stays and is emptied.

Making a database means making some 80 files, which takes mongod longer than most tests take.
"""

import asyncio
from typing import Any

from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES, ensure_indexes
from utils.database.process.connection import SafeMongoDBConnection


async def open_emptied(connection: SafeMongoDBConnection) -> SafeDatabase:
    """Open the database of an earlier test without documents and with every index, like a new one.

    It is emptied here and not at the end of a test, because by now the connection of the earlier test is
    closed, and nothing writes any more.
    """
    database = await connection.open()
    listed = await database.command("listCollections")
    found = listed["cursor"]["firstBatch"]
    await asyncio.gather(*(_empty(database, collection) for collection in found))
    await ensure_indexes(database)
    return database


async def _empty(database: SafeDatabase, found: dict[str, Any]) -> None:
    """Delete the documents of a collection of the bot. Drop one that a test has made or changed."""
    name, collection = found["name"], database.unscoped(found["name"])
    if name in INDEXES and not found["options"]:
        await database.run(f"{name}.delete_many", collection.delete_many({}))
    else:
        await database.run(f"{name}.drop", collection.drop())
