"""Game servers: what a guild has added, and how reading them goes."""

from utils.database.database import Document, SafeDatabase
from utils.database.documents import GameServerDocument, HealthDocument
from utils.database.scoped import ScopedCollection
from utils.database.sessions import Session
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import GameServer, ServerHealth

_KEPT = {"is_removed": {"$ne": True}}
_SMALL = ("cursors", "rejected_lines", "outbox", "messages")
_STATISTICS = ("kills", "players", "player_days")


class GameServerRepository:
    """The game servers of guilds."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def insert_server(self, server: GameServer) -> None:
        """Add a server.

        Raises:
            StorageConflictError: the guild has one with this id.
        """
        document = GameServerDocument.from_value(server).to_document()
        await self._server(server.scope).insert_one(document)

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return a server; None when it is not there (any more)."""
        found = await self._server(scope).find_one(_KEPT)
        return None if found is None else GameServerDocument.model_validate(found).to_value()

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return a guild's servers, first added first."""
        found = await self._guild(guild_id).find(_KEPT)
        servers = [GameServerDocument.model_validate(document).to_value() for document in found]
        return tuple(sorted(servers, key=lambda server: (str(server.added_at or ""), server.scope)))

    async def replace_server(self, server: GameServer) -> bool:
        """Write a server's settings; tell whether it is still there. Its health and generation stay as they are."""
        fields = GameServerDocument.from_value(server).to_document()
        update = {key: fields[key] for key in fields.keys() - {"guild_id", "server_id", "generation"}}
        return await self._server(server.scope).update_one(_KEPT, {"$set": update})

    async def set_host_key(self, scope: ServerScope, host_key: str | None) -> bool:
        """Pin a host key, or forget the pinned one; tell whether the server is still there."""
        return await self._server(scope).update_one(_KEPT, {"$set": {"host_key": host_key}})

    async def switch_generation(self, scope: ServerScope, generation: int) -> bool:
        """Show another generation of counters; tell whether the server is still there."""
        return await self._server(scope).update_one(_KEPT, {"$set": {"generation": generation}})

    async def delete_server(self, scope: ServerScope, *, keep_stats: bool) -> None:
        """Remove a server whose reading has been stopped, with its statistics or without.

        The server itself goes last, so that a removal that was cut off can be asked for again. With
        ``keep_stats`` its name and generation stay, without login, and statistics over all servers still
        count it.
        """
        for name in () if keep_stats else _STATISTICS:
            await ScopedCollection.of_server(self._database, name, scope).delete({})

        async def remove(session: Session) -> None:
            for name in _SMALL:
                await ScopedCollection.of_server(self._database, name, scope).delete({}, session=session)
            if keep_stats:
                forget = {"host": "", "username": "", "secret": b"", "host_key": None, "channels": {}}
                update = {"$set": {**forget, "is_removed": True}, "$unset": {"health": ""}}
                await self._server(scope).update_one({}, update, session=session)
            else:
                await self._server(scope).delete({}, session=session)

        await self._database.in_transaction(remove)

    async def find_health(self, scope: ServerScope) -> ServerHealth | None:
        """Return how reading a server goes; None when it is not there (any more)."""
        found = await self._server(scope).find_one(_KEPT, projection={"server_id": 1, "health": 1})
        if found is None:
            return None
        lines = await self._count_lines(ScopedCollection.of_server(self._database, "cursors", scope))
        return _read_health(scope, found, lines)

    async def list_health(self, guild_id: GuildId) -> tuple[ServerHealth, ...]:
        """Return how reading each of a guild's servers goes, by id."""
        found = await self._guild(guild_id).find(_KEPT, projection={"server_id": 1, "health": 1})
        lines = await self._count_lines(ScopedCollection.of_guild(self._database, "cursors", guild_id))
        scopes = sorted((ServerScope(guild_id, ServerId(one["server_id"])), one) for one in found)
        return tuple(_read_health(scope, document, lines) for scope, document in scopes)

    async def replace_health(self, health: ServerHealth) -> bool:
        """Write how reading goes, all but the counted lines; tell whether the server is still there."""
        document = HealthDocument.from_value(health).to_document()
        return await self._server(health.scope).update_one(_KEPT, {"$set": {"health": document}})

    async def _count_lines(self, cursors: ScopedCollection) -> dict[str, Document]:
        totals = {"lines_read": {"$sum": "$lines_read"}, "lines_rejected": {"$sum": "$lines_rejected"}}
        found = await cursors.aggregate([{"$group": {"_id": "$server_id", **totals}}])
        return {document.pop("_id"): document for document in found}

    def _guild(self, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, "game_servers", guild_id)

    def _server(self, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, "game_servers", scope)


def _read_health(scope: ServerScope, document: Document, lines: dict[str, Document]) -> ServerHealth:
    counted = lines.get(scope.server_id, {"lines_read": 0, "lines_rejected": 0})
    return HealthDocument.model_validate(document.get("health", {})).to_value(scope, **counted)
