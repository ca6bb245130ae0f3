"""What ``/stats`` and its kin ask of players over one or several servers of a guild."""

from collections.abc import Sequence
from datetime import date, datetime, time

from utils.database.database import Document, SafeDatabase
from utils.database.player_documents import format_month, read_days, read_player
from utils.database.repositories.generations import list_shown
from utils.database.scoped import ScopedCollection
from utils.models.deaths import DeathKind
from utils.models.players import Counters, PlayerRecord, Tallied
from utils.models.scope import GuildId, PlayerId, ServerId

Servers = Sequence[ServerId] | None
"""The servers an answer covers; None is all of the guild's."""

_KILLS = {"$in": [kind.value for kind in DeathKind if kind.is_kill]}


def add_counters(several: Sequence[Counters]) -> Counters:
    """Return the sum over servers, players or days: streak and longest kill are the best of any."""
    return Counters(
        kills=sum(one.kills for one in several),
        deaths=sum(one.deaths for one in several),
        suicides=sum(one.suicides for one in several),
        metres=sum(one.metres for one in several),
        longest=max((one.longest for one in several), default=0),
        best_streak=max((one.best_streak for one in several), default=0),
    )


class StatisticsRepository:
    """Counters and tallies of players."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def find_records(
        self, guild_id: GuildId, player_ids: Sequence[PlayerId], *, server_ids: Servers = None
    ) -> tuple[tuple[ServerId, PlayerRecord], ...]:
        """Return the players' records on each server that knows them, seen last first."""
        shown = await list_shown(self._database, guild_id, server_ids)
        if not shown:
            return ()
        wanted = {"player_id": {"$in": list(player_ids)}}
        players = ScopedCollection.of_guild(self._database, "players", guild_id)
        found = await players.find({"$or": [{**one, **wanted} for one in shown]})
        records = [(ServerId(document["server_id"]), read_player(document)) for document in found]
        return tuple(sorted(records, key=lambda pair: (pair[1].last_seen_at, *pair[0:1]), reverse=True))

    async def sum_days(
        self,
        guild_id: GuildId,
        player_ids: Sequence[PlayerId],
        *,
        since: date,
        server_ids: Servers = None,
    ) -> Counters:
        """Return the players' counters from a day of the servers' calendars on, summed."""
        shown = await list_shown(self._database, guild_id, server_ids)
        if not shown:
            return Counters()
        wanted = {"month": {"$gte": format_month(since)}, "player_id": {"$in": list(player_ids)}}
        days = ScopedCollection.of_guild(self._database, "player_days", guild_id)
        buckets = await days.find({"$or": [{**one, **wanted} for one in shown]})
        return add_counters([day.counters for one in buckets for day in read_days(one) if day.day >= since])

    async def list_weapons(
        self,
        guild_id: GuildId,
        player_ids: Sequence[PlayerId],
        *,
        since: date | None = None,
        server_ids: Servers = None,
        limit: int = 25,
    ) -> tuple[Tallied, ...]:
        """Return the weapons the players killed with, most kills first."""
        match = {"killer_id": {"$in": list(player_ids)}, "kind": _KILLS}
        return await self._tally(guild_id, match, ("weapon", "weapon"), since, server_ids, limit)

    async def list_prey(
        self,
        guild_id: GuildId,
        player_ids: Sequence[PlayerId],
        *,
        since: date | None = None,
        server_ids: Servers = None,
        limit: int = 1,
    ) -> tuple[Tallied, ...]:
        """Return whom the players killed most, under the newest name."""
        match = {"killer_id": {"$in": list(player_ids)}, "kind": _KILLS}
        return await self._tally(guild_id, match, ("victim_id", "victim_name"), since, server_ids, limit)

    async def list_nemeses(
        self,
        guild_id: GuildId,
        player_ids: Sequence[PlayerId],
        *,
        since: date | None = None,
        server_ids: Servers = None,
        limit: int = 1,
    ) -> tuple[Tallied, ...]:
        """Return who killed the players most, under the newest name."""
        match = {"victim_id": {"$in": list(player_ids)}, "kind": _KILLS}
        return await self._tally(guild_id, match, ("killer_id", "killer_name"), since, server_ids, limit)

    async def _tally(
        self,
        guild_id: GuildId,
        match: Document,
        by: tuple[str, str],
        since: date | None,
        server_ids: Servers,
        limit: int,
    ) -> tuple[Tallied, ...]:
        shown = await list_shown(self._database, guild_id, server_ids)
        key, name = by
        match = {"server_id": {"$in": [one["server_id"] for one in shown]}, **match}
        if since is not None:
            match["written_at"] = {"$gte": datetime.combine(since, time.min)}
        pipeline = [
            {"$match": match},
            {
                "$group": {
                    "_id": f"${key}",
                    "count": {"$sum": 1},
                    "newest": {"$max": {"at": "$written_at", "name": f"${name}"}},
                }
            },
            {"$sort": {"count": -1, "newest.name": 1, "_id": 1}},
            {"$limit": limit},
        ]
        found = await ScopedCollection.of_guild(self._database, "kills", guild_id).aggregate(pipeline)
        return tuple(Tallied(document["newest"]["name"], document["count"]) for document in found)
