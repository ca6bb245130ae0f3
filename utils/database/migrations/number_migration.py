"""From version 4 to 5 of the data: the numbers of a server stand together, no longer one for each kind."""

from typing import Any

from pymongo import UpdateOne
from pymongo.collection import Collection

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.units.server_numbers import KIND

_OF_ANY = {"guild_id": {"$gt": 0}}


async def join_numbers(database: SafeDatabase, fence: Fence) -> None:
    """Put the outbox's counters beside the number of batches."""
    cursors: Collection[Document] = database.unscoped("cursors").delegate
    counted, sequences = {**_OF_ANY, "kind": "counted"}, {**_OF_ANY, "kind": "sequence"}

    def find(**options: Any) -> list[Document]:
        return cursors.find(sequences, **options).to_list()

    def write(transaction: Transaction) -> None:
        rename = {"$set": {"kind": KIND}}
        transaction.run(
            "migration.renamed", cursors.update_many, counted, rename, session=transaction.session
        )
        found = transaction.run("migration.sequences", find, session=transaction.session)
        joins = [_join(one) for one in found]
        if joins:
            transaction.run("migration.joined", cursors.bulk_write, joins, session=transaction.session)
            transaction.run("migration.gone", cursors.delete_many, sequences, session=transaction.session)

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
