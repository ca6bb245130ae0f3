"""From version 2 to 3 of the data: cursors remember a digest of a file's first bytes, no longer the bytes.

The first rows of a log name players, who can be erased.
"""

from pymongo import UpdateOne

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.models.reading import HEAD_DIGEST_BYTES, digest_head

_FILES = {"guild_id": {"$gt": 0}, "kind": "file"}


async def digest_heads(database: SafeDatabase, fence: Fence) -> None:
    """Replace the heads that are no digests yet; one without any bytes stays so."""
    cursors = database.unscoped("cursors")
    found = cursors.find(_FILES, {"head": 1})
    changes = [
        UpdateOne({"_id": one["_id"]}, {"$set": {"head": digest_head(one["head"])}})
        for one in await database.run("migration.heads", found.to_list(None))
        if len(one["head"]) != HEAD_DIGEST_BYTES
    ]

    def write(transaction: Transaction) -> None:
        bulk = transaction.unscoped("cursors").bulk_write
        transaction.run("migration.digests", bulk, changes, session=transaction.session)

    if changes:
        await database.in_transaction(write, fence=fence)
