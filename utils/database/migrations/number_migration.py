"""From version 4 to 5 of the data: the numbers of a server stand together, no longer one for each kind."""

from typing import Any

from pymongo import UpdateOne
from pymongo.collection import Collection

from utils.database.core.database import Document, Fence, SafeDatabase
from utils.database.core.sessions import Session
from utils.database.units.server_numbers import KIND

_OF_ANY = {"guild_id": {"$gt": 0}}


async def join_numbers(database: SafeDatabase, fence: Fence) -> None:
    """Put the outbox's counters beside the number of batches."""
    cursors: Collection[Document] = database.unscoped("cursors").delegate
    counted, sequences = {**_OF_ANY, "kind": "counted"}, {**_OF_ANY, "kind": "sequence"}

    def find(**options: Any) -> list[Document]:
        return cursors.find(sequences, **options).to_list()

    async def write(session: Session) -> None:
        rename = {"$set": {"kind": KIND}}
        await database.call("migration.renamed", cursors.update_many, counted, rename, session=session)
        found = await database.call("migration.sequences", find, session=session)
        joins = [_join(one) for one in found]
        if joins:
            await database.call("migration.joined", cursors.bulk_write, joins, session=session)
            await database.call("migration.gone", cursors.delete_many, sequences, session=session)

    await database.in_transaction(write, fence=fence)


def _join(sequence: Document) -> UpdateOne:
    key = {
        "guild_id": sequence["guild_id"],
        "server_id": sequence["server_id"],
        "kind": KIND,
        "world": "",
        "name": "",
    }
    return UpdateOne(key, {"$set": {f"next.{sequence['name']}": sequence["next"]}}, upsert=True)
