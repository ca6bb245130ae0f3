"""Which counters are shown: each server's generation, read anew for every answer.

An import switches a server's generation with one write and deletes the one before; a remembered one would
find nothing.
"""

from collections.abc import Sequence

from utils.database.database import Document, SafeDatabase
from utils.database.scoped import ScopedCollection
from utils.models.scope import GuildId, ServerId


async def list_shown(
    database: SafeDatabase, guild_id: GuildId, server_ids: Sequence[ServerId] | None
) -> list[Document]:
    """Return server and generation of the named servers, or of all, removed ones with kept statistics included."""
    query = {} if server_ids is None else {"server_id": {"$in": list(server_ids)}}
    projection = {"_id": 0, "server_id": 1, "generation": 1}
    servers = ScopedCollection.of_guild(database, "game_servers", guild_id)
    return await servers.find(query, projection=projection, sort=[("server_id", 1)])
