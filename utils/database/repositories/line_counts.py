"""Counted lines: stored with the cursor of each file, so that parallel transactions share no document."""

from typing import NamedTuple

from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.models.scope import ServerScope


class LineCounts(NamedTuple):
    """The number of lines read since a server was added, and of those that were rejected."""

    read: int
    rejected: int


async def count_lines(database: SafeDatabase, scope: ServerScope) -> LineCounts:
    """Return a server's counted lines, summed over its files."""
    cursors = ScopedCollection.of_server(database, "cursors", scope)
    totals = {"read": {"$sum": "$lines_read"}, "rejected": {"$sum": "$lines_rejected"}}
    found = await cursors.aggregate([{"$group": {"_id": None, **totals}}])
    return LineCounts(found[0]["read"], found[0]["rejected"]) if found else LineCounts(0, 0)
