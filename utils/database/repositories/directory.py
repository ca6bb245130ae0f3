"""The directory: the one repository without a scope. It answers start-up and timers, with keys alone."""

from datetime import datetime

from utils.database.database import Document, SafeDatabase
from utils.database.money_documents import OPEN
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

    async def list_ended_premium(self, now: datetime) -> tuple[GuildId, ...]:
        """Return every guild with a grant whose end has come; the index alone is read."""
        # without a bound on its first field MongoDB would not look at the index's second one
        ended = {"guild_id": {"$gt": 0}, "premium.ends_at": {"$lte": now}}
        cursor = self._database.unscoped("guilds").find(ended, {"_id": 0, "guild_id": 1}, hint="premium")
        found = await self._database.run("directory.premium", cursor.to_list(None))
        return tuple(sorted(GuildId(document["guild_id"]) for document in found))

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

    async def list_guilds_with_open_links(self) -> tuple[GuildId, ...]:
        """Return every guild with a link that waits for its proof, or whose outcome is not told yet."""
        pipeline: list[Document] = [{"$match": {"is_open": True}}, {"$group": {"_id": "$guild_id"}}]
        cursor = self._database.unscoped("links").aggregate(pipeline, hint="open")
        found = await self._database.run("directory.links", cursor.to_list(None))
        return tuple(sorted(GuildId(document["_id"]) for document in found))

    async def list_scopes_with_due_bounties(self, *, before: datetime) -> tuple[ServerScope, ...]:
        """Return every game server with open bounties that ended before a moment."""
        bounties = self._database.unscoped("bounties")
        guilds: list[Document] = [{"$sort": {"guild_id": 1}}, {"$group": {"_id": "$guild_id"}}]
        grouping = bounties.aggregate(guilds, hint="ending")
        known = [one["_id"] for one in await self._database.run("directory.guilds", grouping.to_list(None))]
        due = {"guild_id": {"$in": known}, "slot": OPEN, "expires_at": {"$lt": before}}
        cursor = bounties.find(due, {"_id": 0, "guild_id": 1, "server_id": 1}, hint="ending")
        found = await self._database.run("directory.bounties", cursor.to_list(None))
        return tuple(sorted({_read_scope(document) for document in found}))


def _read_scope(document: Document) -> ServerScope:
    return ServerScope(GuildId(document["guild_id"]), ServerId(document["server_id"]))
