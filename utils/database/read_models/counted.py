"""The number of live batches that were counted on each server: what is in memory is compared with it."""

from collections.abc import Iterable, Mapping

from pymongo.client_session import ClientSession

from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.units.server_numbers import KIND
from utils.models.scope import GuildId, ServerId

Counted = Mapping[ServerId, int]
"""The number of counted batches, by server; a server without any may be absent."""


async def list_counted(
    database: SafeDatabase,
    guild_id: GuildId,
    server_ids: Iterable[ServerId],
    *,
    session: ClientSession | None = None,
) -> Counted:
    """Return the number of counted batches, by server; a server without any is left out."""
    cursors = ScopedCollection.of_guild(database, "cursors", guild_id, session=session)
    query = {"server_id": {"$in": list(server_ids)}, "kind": KIND}
    found = await cursors.find(query, projection={"server_id": 1, "batches": 1}, hint="cursor")
    return {one["server_id"]: one.get("batches", 0) for one in found}
