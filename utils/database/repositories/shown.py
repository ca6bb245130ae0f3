"""What each server of a guild shows: read for every answer, since an import switches it with one write."""

from collections.abc import Sequence

from utils.database.database import Document, SafeDatabase
from utils.database.scoped import ScopedCollection
from utils.database.shown import Shown, group_shown
from utils.models.scope import GuildId, ServerId


async def list_shown(
    database: SafeDatabase, guild_id: GuildId, server_ids: Sequence[ServerId] | None
) -> tuple[Shown, ...]:
    """Return the named servers, or all of the guild's, by the generation of counters they show."""
    query: Document = {"is_removed": {"$ne": True}}
    if server_ids is not None:
        query["server_id"] = {"$in": list(server_ids)}
    servers = ScopedCollection.of_guild(database, "game_servers", guild_id)
    projection = {"_id": 0, "server_id": 1, "generation": 1}
    return group_shown(await servers.find(query, projection=projection, hint="server"))
