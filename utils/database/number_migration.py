"""From version 4 to 5 of the data: the numbers of a server stand together, no longer one for each kind."""

from pymongo import UpdateOne

from utils.database.database import Document, Fence, SafeDatabase
from utils.database.server_numbers import KIND
from utils.database.sessions import LentSession

_OF_ANY = {"guild_id": {"$gt": 0}}


async def join_numbers(database: SafeDatabase, fence: Fence) -> None:
    """Put the outbox's counters beside the number of batches."""
    cursors = database.unscoped("cursors")

    async def write(session: LentSession) -> None:
        counted = {**_OF_ANY, "kind": "counted"}
        renamed = cursors.update_many(counted, {"$set": {"kind": KIND}}, session=session)
        await database.run("migration.renamed", renamed)
        sequences = {**_OF_ANY, "kind": "sequence"}
        found = await database.run(
            "migration.sequences", cursors.find(sequences, session=session).to_list(None)
        )
        if found:
            joined = cursors.bulk_write([_join(one) for one in found], session=session)
            await database.run("migration.joined", joined)
            await database.run("migration.gone", cursors.delete_many(sequences, session=session))

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
