"""The directory: the one repository without a scope. It answers start-up and timers, with keys alone."""

from utils.database.database import Document, SafeDatabase
from utils.models.scope import GuildId, ServerId, ServerScope


class DirectoryRepository:
    """Which guilds and servers there are."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def list_server_scopes(self) -> tuple[ServerScope, ...]:
        """Return every game server of every guild."""
        kept = {"is_removed": {"$ne": True}}
        cursor = self._database.unscoped("game_servers").find(
            kept, {"_id": 0, "guild_id": 1, "server_id": 1}, hint="server"
        )
        found = await self._database.run("directory.servers", cursor.to_list(None))
        return tuple(sorted(_read_scope(document) for document in found))

    async def list_guild_ids(self) -> tuple[GuildId, ...]:
        """Return every guild with a game server."""
        return tuple(sorted({scope.guild_id for scope in await self.list_server_scopes()}))

    async def list_guilds_with_boards(self) -> tuple[GuildId, ...]:
        """Return every guild with a posted board."""
        pipeline: list[Document] = [{"$sort": {"guild_id": 1}}, {"$group": {"_id": "$guild_id"}}]
        cursor = self._database.unscoped("boards").aggregate(pipeline, hint="board")
        found = await self._database.run("directory.boards", cursor.to_list(None))
        return tuple(sorted(GuildId(document["_id"]) for document in found))

    async def list_scopes_with_outbox(self) -> tuple[ServerScope, ...]:
        """Return every game server with notices that wait, or that are in a message not yet sent."""
        # Sorting and grouping by the whole index prefix lets MongoDB jump from one server to the next.
        pipeline: list[Document] = [
            {"$sort": {"guild_id": 1, "server_id": 1}},
            {"$group": {"_id": {"guild_id": "$guild_id", "server_id": "$server_id"}}},
        ]
        cursor = self._database.unscoped("outbox").aggregate(pipeline, hint="sequence")
        found = await self._database.run("directory.outbox", cursor.to_list(None))
        return tuple(sorted(_read_scope(document["_id"]) for document in found))


def _read_scope(document: Document) -> ServerScope:
    return ServerScope(GuildId(document["guild_id"]), ServerId(document["server_id"]))
