"""The scope index: the only repository without a scope. It returns keys, for the start and for timers.

It returns the guilds of this process. An index of MongoDB cannot tell which these are, because the shard is
the remainder of a division. So each process reads the keys of all guilds and keeps its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from structlog import get_logger

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.documents.money_documents import OPEN
from utils.models.guilds import ChannelKind
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.sharding import Sharding

_log = get_logger(__name__)


class ScopeIndexRepository:
    """The guilds and servers of this process, by ``sharding``."""

    def __init__(self, database: SafeDatabase, sharding: Sharding) -> None:
        self._database = database
        self._sharding = sharding
        self._told: set[str] = set()

    async def list_server_scopes(self) -> tuple[ServerScope, ...]:
        """Return every game server of every guild."""
        return self._read_scopes(await self._find("game_servers", {"is_removed": {"$ne": True}}, "server"))

    async def list_warned_servers(self) -> tuple[ServerScope, ...]:
        """Return every game server whose restarts are announced; only their index is read."""
        warned = {"guild_id": {"$gt": 0}, "is_warned": True, "is_removed": {"$ne": True}}
        return self._read_scopes(await self._find("game_servers", warned, "warned"))

    async def list_removals(self) -> tuple[ServerScope, ...]:
        """Return every removed game server that may still have data."""
        removed = {"removed_at": {"$exists": True}}
        return self._read_scopes(await self._find("game_servers", removed, "server"))

    async def list_guild_ids(self) -> tuple[GuildId, ...]:
        """Return every guild with a game server."""
        return tuple(sorted({scope.guild_id for scope in await self.list_server_scopes()}))

    async def list_left_guilds(self) -> tuple[GuildId, ...]:
        """Return every guild that the bot has left."""
        left = {"guild_id": {"$gt": 0}, "is_left": True}
        found = await self._find("guilds", left, "guild", keys=("guild_id",))
        return self._read_guilds(document["guild_id"] for document in found)

    async def list_guilds_caught_up(self) -> tuple[GuildId, ...]:
        """Return every guild whose admins are not told yet how its servers caught up after a restore."""
        untold = {"guild_id": {"$gt": 0}, "caught_up": {"$exists": True}}
        found = await self._find("guilds", untold, "guild", keys=("guild_id",))
        return self._read_guilds(document["guild_id"] for document in found)

    async def list_ended_premium(self, now: datetime) -> tuple[GuildId, ...]:
        """Return every guild with an ended grant; only the index is read."""
        # without a bound on the first field, MongoDB would not use the second field of the index
        ended = {"guild_id": {"$gt": 0}, "premium.ends_at": {"$lte": now}}
        found = await self._find("guilds", ended, "premium", keys=("guild_id",))
        return self._read_guilds(document.get("guild_id") for document in found)

    async def list_guilds_with_boards(self) -> tuple[GuildId, ...]:
        """Return every guild with a posted board."""
        return await self._group_guilds("boards", {"$sort": {"guild_id": 1}}, hint="board")

    async def list_guilds_with_open_links(self) -> tuple[GuildId, ...]:
        """Return every guild with a link that waits for its proof, or whose outcome is not shown yet."""
        return await self._group_guilds("links", {"$match": {"is_open": True}}, hint="open")

    async def list_guilds_with_seasons(self) -> tuple[GuildId, ...]:
        """Return every guild with a season that is not closed yet."""
        return await self._group_guilds("seasons", {"$match": {"is_moving": True}}, hint="moving")

    async def list_guilds_with_due_recaps(self, now: datetime) -> tuple[GuildId, ...]:
        """Return every guild with a news channel and a recap that is due or not planned."""
        due = {
            "guild_id": {"$gt": 0},
            "channels.news": {"$exists": True},
            "recap.due_at": {"$not": {"$gt": now}},
        }
        found = await self._find("guilds", due, "recap", keys=("guild_id",))
        return self._read_guilds(document["guild_id"] for document in found)

    async def list_guilds_with_direct_messages(self) -> tuple[GuildId, ...]:
        """Return every guild with a direct message that waits."""
        return await self._group_guilds("direct_messages", {"$sort": {"guild_id": 1}}, hint="message")

    async def list_guilds_with_role_grants(self) -> tuple[GuildId, ...]:
        """Return every guild with a role that the bot gave, or is about to give or take."""
        return await self._group_guilds("role_grants", {"$sort": {"guild_id": 1}}, hint="grant")

    async def list_guilds_with_levels(self) -> tuple[GuildId, ...]:
        """Return every guild with a member whose level is known."""
        return await self._group_guilds("levels", {"$sort": {"guild_id": 1}}, hint="member")

    async def list_guilds_with_errors(self) -> tuple[GuildId, ...]:
        """Return every guild with groups of errors, or with hours of them, and the whole bot."""
        known = [
            await self._group_guilds(name, {"$sort": {"guild_id": 1}}, hint=hint)
            for name, hint in (("errors", "group"), ("error_hours", "hour"))
        ]
        return tuple(sorted({guild_id for guild_ids in known for guild_id in guild_ids}))

    async def list_guilds_with_erasures(self) -> tuple[GuildId, ...]:
        """Return every guild in which somebody was erased."""
        return await self._group_guilds("erasures", {"$sort": {"guild_id": 1}}, hint="digest")

    async def list_guilds_with_incidents(self) -> tuple[GuildId, ...]:
        """Return every guild with an incident, open or not; the process of shard 0 has ``WHOLE_BOT``."""
        return await self._group_guilds("incidents", {"$sort": {"guild_id": 1}}, hint="newest")

    async def list_scopes_with_due_bounties(self, *, before: datetime) -> tuple[ServerScope, ...]:
        """Return every game server with open bounties that expired before a moment."""
        known = list(await self._group_guilds("bounties", {"$sort": {"guild_id": 1}}, hint="ending"))
        due = {"guild_id": {"$in": known}, "slot": OPEN, "expires_at": {"$lt": before}}
        return self._read_scopes(await self._find("bounties", due, "ending"))

    async def list_waiting(self) -> tuple[tuple[ServerScope, ChannelKind, int, datetime], ...]:
        """Return each feed with waiting posts: its key, their number, and when the oldest was due."""
        pipeline: list[Document] = [
            {"$sort": {"guild_id": 1}},
            {
                "$group": {
                    "_id": {"guild_id": "$guild_id", "server_id": "$server_id", "kind": "$channel_kind"},
                    "count": {"$sum": 1},
                    "due_at": {"$min": "$due_at"},
                }
            },
        ]
        cursor = self._database.unscoped("outbox").aggregate(pipeline, hint="sequence")
        found = await self._database.run("scope_index.outbox.waiting", cursor.to_list(None))
        return tuple(
            (scope, ChannelKind(one["_id"]["kind"]), one["count"], one["due_at"])
            for one in found
            for scope in self._read_scopes([one["_id"]])
            if isinstance(one["due_at"], datetime)
        )

    async def count_locales(self, month: str) -> Mapping[str, int]:
        """Return the uses of a month by locale, of all guilds: those of other processes too."""
        field = f"locales.{month}"
        pipeline: list[Document] = [
            {"$match": {"guild_id": {"$gt": 0}, field: {"$type": "object"}}},
            {"$project": {"uses": {"$objectToArray": f"${field}"}}},
            {"$unwind": "$uses"},
            {"$group": {"_id": "$uses.k", "count": {"$sum": "$uses.v"}}},
        ]
        cursor = self._database.unscoped("guilds").aggregate(pipeline, hint="guild")
        found = await self._database.run("scope_index.guilds.locales", cursor.to_list(None))
        return {one["_id"]: one["count"] for one in found}

    async def _find(
        self, collection: str, query: Document, hint: str, *, keys: Iterable[str] = ("guild_id", "server_id")
    ) -> list[Document]:
        projection = {"_id": 0, **dict.fromkeys(keys, 1)}
        cursor = self._database.unscoped(collection).find(query, projection, hint=hint)
        return await self._database.run(f"scope_index.{collection}.{hint}", cursor.to_list(None))

    async def _group_guilds(self, collection: str, first: Document, *, hint: str) -> tuple[GuildId, ...]:
        """Return every guild of a collection; sorted, MongoDB jumps from one to the next by the index."""
        pipeline: list[Document] = [first, {"$group": {"_id": "$guild_id"}}]
        cursor = self._database.unscoped(collection).aggregate(pipeline, hint=hint)
        found = await self._database.run(f"scope_index.{collection}.guilds", cursor.to_list(None))
        return self._read_guilds(document["_id"] for document in found)

    def _read_guilds(self, ids: Iterable[object]) -> tuple[GuildId, ...]:
        """Return the guilds of this process among those found."""
        return tuple(sorted(self._keep_own(ids)))

    def _read_scopes(self, documents: Iterable[Document]) -> tuple[ServerScope, ...]:
        """Return the game servers of this process among those found, each once."""
        scopes = {
            ServerScope(guild_id, ServerId(one["server_id"]))
            for one in documents
            if isinstance(one.get("server_id"), str)
            for guild_id in self._keep_own([one.get("guild_id")])
        }
        return tuple(sorted(scopes))

    def _keep_own(self, ids: Iterable[object]) -> Iterator[GuildId]:
        """Yield the guilds of this process; skip keys that are not the id of a guild."""
        for one in ids:
            if not isinstance(one, int):
                self._tell(one)
            elif self._sharding.serves(GuildId(one)):
                yield GuildId(one)

    def _tell(self, strange: object) -> None:
        if repr(strange) not in self._told:
            self._told.add(repr(strange))
            _log.warning("a document has no guild and is passed over", guild_id=repr(strange))
