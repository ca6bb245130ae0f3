"""The generation that each server shows: read for every answer, because an import may switch it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Self

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.player_documents import list_months, read_counters, read_days
from utils.database.read_models.shown import ShownServers, build_match, group_shown
from utils.models.players import Counters, PlayerDay, sum_counters
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.statistics import CoveredDeaths


async def list_shown(
    database: SafeDatabase, guild_id: GuildId, server_ids: Sequence[ServerId] | None
) -> tuple[ShownServers, ...]:
    """Return the named servers, or all of the guild, by the generation that they show."""
    query: Document = {"is_removed": {"$ne": True}}
    if server_ids is not None:
        query["server_id"] = {"$in": list(server_ids)}
    servers = ScopedCollection.of_guild(database, "game_servers", guild_id)
    projection = {"_id": 0, "server_id": 1, "generation": 1}
    return group_shown(await servers.find(query, projection=projection, hint="server"))


class ShownPlayers:
    """The players of some servers of one guild, in the generations that are shown at one moment.

    ``since`` is the first day that counts, in the servers' own calendars; None means all time.
    """

    def __init__(self, database: SafeDatabase, guild_id: GuildId, shown: Sequence[ShownServers]) -> None:
        self._database = database
        self._guild_id = guild_id
        self.shown = shown

    @classmethod
    async def open(cls, database: SafeDatabase, covered: CoveredDeaths) -> Self:
        """Return the players of the servers that are covered."""
        shown = await list_shown(database, covered.guild_id, covered.server_ids)
        return cls(database, covered.guild_id, shown)

    @property
    def server_ids(self) -> list[str]:
        """The servers."""
        return [server_id for one in self.shown for server_id in one.server_ids]

    def of(self, name: str) -> ScopedCollection:
        """Return a collection of the guild."""
        return ScopedCollection.of_guild(self._database, name, self._guild_id)

    async def find(
        self, name: str, query: Document, hint: str, *, projection: Document | None = None
    ) -> list[Document]:
        """Return the shown documents of a collection; none without servers or players."""
        if not self.shown or not query["player_id"]["$in"]:
            return []
        return await self.of(name).find(build_match(self.shown, query), projection=projection, hint=hint)

    async def find_names(self, player_ids: Iterable[PlayerId]) -> Mapping[PlayerId, str]:
        """Return players' newest names over the servers."""
        wanted = {"player_id": {"$in": list(dict.fromkeys(player_ids))}}
        fields = {"player_id": 1, "name": 1, "last_seen_at": 1}
        found = await self.find("players", wanted, "player", projection=fields)
        newest = sorted(found, key=lambda one: (one["last_seen_at"], one["name"]))
        return {PlayerId(one["player_id"]): one["name"] for one in newest}

    async def find_counters(
        self, player_ids: Sequence[PlayerId], since: date | None, until: date | None = None
    ) -> Mapping[PlayerId, Counters]:
        """Return players' counters, summed over servers and days."""
        several: dict[PlayerId, list[Counters]] = {player_id: [] for player_id in player_ids}
        if since is not None:
            for day in await self.list_days(player_ids, since, until):
                several[day.player_id].append(day.counters)
        else:
            wanted = {"player_id": {"$in": list(player_ids)}}
            fields = {"player_id": 1, "counters": 1}
            for one in await self.find("players", wanted, "player", projection=fields):
                several[PlayerId(one["player_id"])].append(read_counters(one["counters"]))
        return {player_id: sum_counters(counters) for player_id, counters in several.items()}

    async def list_days(
        self, player_ids: Sequence[PlayerId], since: date, until: date | None = None
    ) -> list[PlayerDay]:
        """Return the counters of players on each day."""
        wanted = {"month": {"$in": list_months(since, until)}, "player_id": {"$in": list(player_ids)}}
        buckets = await self.find("player_days", wanted, "month")
        last = until or date.max
        return [day for bucket in buckets for day in read_days(bucket) if since <= day.day <= last]
