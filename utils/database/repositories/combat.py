"""Kills by weapon, by enemy and by hour, over one or several servers of a guild.

All time comes from counters that ingestion keeps: months of a server, and each player's weapons. A period,
and whatever a single player did, comes from his or the period's kills alone, found by an index.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from utils.database.boards import KNOWN, Shown, build_match
from utils.database.database import Document, SafeDatabase
from utils.database.keys import build_key_range, build_key_since
from utils.database.player_documents import read_month
from utils.database.repositories.shown import list_shown
from utils.database.repositories.statistics import build_since
from utils.database.scoped import ScopedCollection
from utils.database.weapons import (
    KILLS,
    build_best_users,
    build_candidates,
    build_enemies,
    build_hours,
    build_weapon_counts,
    build_weapon_users,
)
from utils.models.players import HOURS_OF_A_WEEK, ServerMonth, Tallied
from utils.models.scope import ERASED_PLAYER_ID, GuildId, PlayerId, ServerId, ServerScope
from utils.models.statistics import Enemy, WeaponRow

POOL_PLAYERS = 30  # of each server: the best killers, among whom most weapons have their best user
_BEST_FIRST = [("counters.kills", -1), ("counters.deaths", 1), ("name", 1), ("player_id", 1)]


class CombatRepository:
    """Weapons, enemies and hours. ``since`` is the first day that counts; None counts everything."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def list_weapons(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], *, since: date | None = None
    ) -> tuple[WeaponRow, ...]:
        """Return the weapons of all players by kills, most first, without their best users."""
        if since is not None:
            reads = (self._list_weapons_since(ServerScope(guild_id, one), since) for one in server_ids)
            return _sum_weapons(row for rows in await asyncio.gather(*reads) for row in rows)
        months = await self._list_months(guild_id, server_ids)
        counts = (count for month in months for count in month.weapons)
        return _sum_weapons(WeaponRow(count.weapon, count.kills, count.longest) for count in counts)

    async def list_weapons_of(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_ids: Sequence[PlayerId],
        *,
        since: date | None = None,
    ) -> tuple[WeaponRow, ...]:
        """Return the weapons that players killed with, most kills first."""
        match = _of_players(server_ids, player_ids) | build_since(since)
        found = await self._of("kills", guild_id).aggregate(build_weapon_counts(match), hint="killer")
        return tuple(map(_read_weapon, found))

    async def find_best_users(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        weapons: Sequence[str],
        *,
        since: date | None = None,
    ) -> Mapping[str, Tallied]:
        """Return who has most kills with each of these weapons, by the weapon's name."""
        shown = await list_shown(self._database, guild_id, server_ids)
        if not shown or not weapons:
            return {}
        if since is not None:
            found = await self._list_users_since(guild_id, server_ids, since)
            wanted = frozenset(weapons)
            found = [document for document in found if document["_id"] in wanted]
        else:
            found = await self._find_best_of_all_time(guild_id, shown, weapons)
        best = {document["_id"]: document["best"] for document in found}
        ids = {PlayerId(one["player_id"]) for one in best.values()}
        names = await self._find_names(guild_id, shown, sorted(ids))
        return {
            weapon: Tallied(names.get(one["player_id"], ""), one["kills"]) for weapon, one in best.items()
        }

    async def list_killers_of(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], player_ids: Sequence[PlayerId]
    ) -> tuple[Enemy, ...]:
        """Return who killed players, most kills first."""
        match = {
            "server_id": {"$in": list(server_ids)},
            "kind": KILLS,
            "victim_id": {"$in": list(player_ids)},
        }
        found = await self._of("kills", guild_id).aggregate(build_enemies(match, "killer"), hint="victim")
        return tuple(map(_read_enemy, found))

    async def list_victims_of(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], player_ids: Sequence[PlayerId]
    ) -> tuple[Enemy, ...]:
        """Return whom players killed, most kills first."""
        match = _of_players(server_ids, player_ids)
        found = await self._of("kills", guild_id).aggregate(build_enemies(match, "victim"), hint="killer")
        return tuple(map(_read_enemy, found))

    async def count_kills(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], killer_id: PlayerId, victim_id: PlayerId
    ) -> int:
        """Return how often one player killed another."""
        match = _of_players(server_ids, [killer_id]) | {"victim_id": victim_id}
        found = await self._of("kills", guild_id).aggregate(build_enemies(match, "victim"), hint="killer")
        return int(found[0]["kills"]) if found else 0

    async def list_hours(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], player_ids: Sequence[PlayerId] = ()
    ) -> tuple[int, ...]:
        """Return kills in each hour of the week, Monday 0:00 first; without players those of everybody."""
        hours = [0] * HOURS_OF_A_WEEK
        if not player_ids:
            for month in await self._list_months(guild_id, server_ids):
                hours = [before + new for before, new in zip(hours, month.hours, strict=True)]
            return tuple(hours)
        pipeline = build_hours(_of_players(server_ids, player_ids))
        for document in await self._of("kills", guild_id).aggregate(pipeline, hint="killer"):
            key = document["_id"]
            hours[(key["day"] - 1) * 24 + key["hour"]] = document["kills"]
        return tuple(hours)

    async def _list_months(self, guild_id: GuildId, server_ids: Sequence[ServerId]) -> list[ServerMonth]:
        shown = await list_shown(self._database, guild_id, server_ids)
        if not shown:
            return []
        found = await self._of("server_months", guild_id).find(build_match(shown, {}), hint="month")
        return [read_month(document) for document in found]

    async def _list_weapons_since(self, scope: ServerScope, since: date) -> list[WeaponRow]:
        kills = ScopedCollection.of_server(self._database, "kills", scope)
        pipeline = build_weapon_counts({"kind": KILLS, "_id": _build_range(scope, since)})
        return list(map(_read_weapon, await kills.aggregate(pipeline, hint="_id_")))

    async def _list_users_since(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], since: date
    ) -> list[Document]:
        # an _id begins with its server, so a range of them names it
        ranges = [{"_id": _build_range(ServerScope(guild_id, one), since)} for one in server_ids]
        known = {"killer_id": {"$ne": ERASED_PLAYER_ID}}
        pipeline = build_weapon_users({"kind": KILLS, "$or": ranges, **known})
        return await self._of("kills", guild_id).aggregate(pipeline, hint="_id_")

    async def _find_best_of_all_time(
        self, guild_id: GuildId, shown: Sequence[Shown], weapons: Sequence[str]
    ) -> list[Document]:
        """Find the best users among those who can be: the drawer principle spares the rest.

        Whoever has more kills with a weapon than the best of a pool has, on one of the servers, at least that
        number divided by the number of servers.
        """
        pool = await self._list_pool(guild_id, shown)
        known = await self._read_best_users(guild_id, shown, pool, weapons)
        best = {document["_id"]: document["best"]["kills"] for document in known}
        servers = sum(len(one.server_ids) for one in shown)
        least = {weapon: max(1, -(-best.get(weapon, 0) // servers)) for weapon in weapons}
        pipeline = build_candidates(build_match(shown, KNOWN), least)
        found = await self._of("players", guild_id).aggregate(pipeline, hint="player")
        candidates = [PlayerId(document["_id"]) for document in found]
        return await self._read_best_users(guild_id, shown, candidates, weapons)

    async def _list_pool(self, guild_id: GuildId, shown: Sequence[Shown]) -> list[PlayerId]:
        players = self._of("players", guild_id)
        reads = (
            players.find(
                {"server_id": server_id, "generation": one.generation, **KNOWN},
                projection={"_id": 0, "player_id": 1},
                sort=_BEST_FIRST,
                limit=POOL_PLAYERS,
                hint="board",
            )
            for one in shown
            for server_id in one.server_ids
        )
        found = await asyncio.gather(*reads)
        return sorted({PlayerId(document["player_id"]) for some in found for document in some})

    async def _read_best_users(
        self,
        guild_id: GuildId,
        shown: Sequence[Shown],
        player_ids: Sequence[PlayerId],
        weapons: Sequence[str],
    ) -> list[Document]:
        match = build_match(shown, {"player_id": {"$in": list(player_ids)}})
        pipeline = build_best_users(match, weapons)
        return await self._of("players", guild_id).aggregate(pipeline, hint="player")

    async def _find_names(
        self, guild_id: GuildId, shown: Sequence[Shown], player_ids: Sequence[PlayerId]
    ) -> Mapping[str, str]:
        found = await self._of("players", guild_id).find(
            build_match(shown, {"player_id": {"$in": list(player_ids)}}),
            projection={"player_id": 1, "name": 1, "last_seen_at": 1},
            hint="player",
        )
        return {one["player_id"]: one["name"] for one in sorted(found, key=lambda one: one["last_seen_at"])}

    def _of(self, name: str, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, name, guild_id)


def _of_players(server_ids: Sequence[ServerId], player_ids: Sequence[PlayerId]) -> Document:
    return {"server_id": {"$in": list(server_ids)}, "kind": KILLS, "killer_id": {"$in": list(player_ids)}}


def _build_range(scope: ServerScope, since: date) -> Document:
    return {"$gte": build_key_since(scope, since), "$lte": build_key_range(scope)[1]}


def _sum_weapons(rows: Iterable[WeaponRow]) -> tuple[WeaponRow, ...]:
    summed: dict[str, WeaponRow] = {}
    for row in rows:
        before = summed.get(row.weapon, WeaponRow(row.weapon, 0, 0))
        longest = max(before.longest, row.longest)
        summed[row.weapon] = WeaponRow(row.weapon, before.kills + row.kills, longest)
    return tuple(sorted(summed.values(), key=lambda row: (-row.kills, row.weapon)))


def _read_weapon(document: Document) -> WeaponRow:
    return WeaponRow(document["_id"], document["kills"], document["longest"])


def _read_enemy(document: Document) -> Enemy:
    return Enemy(PlayerId(document["_id"]), document["newest"]["name"], document["kills"])
