"""Kills by weapon, by enemy and by hour, over one or several servers of a guild.

Answers for all time come from counters that ingestion keeps: the months of a server, and each player's
weapons. Answers for a period or a single player come from their kills, found by an index.
"""

import asyncio
from collections.abc import Mapping, Sequence

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.documents.death_documents import KILLS
from utils.database.documents.player_documents import read_month
from utils.database.read_models.enemies import build_rivalry, build_since
from utils.database.read_models.shown import KNOWN, ShownServers, build_match
from utils.database.read_models.standings.standings import Standings
from utils.database.read_models.weapons import (
    build_best_users,
    build_candidates,
    build_hours,
    build_weapon_counts,
    sum_weapons,
)
from utils.database.repositories.enemies import list_enemies
from utils.database.repositories.repository import Repository
from utils.database.repositories.shown import ShownPlayers, list_shown
from utils.models.players import HOURS_OF_A_WEEK, NamedCount, ServerMonth
from utils.models.recaps import RecapBest, Rivalry
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.statistics import CoveredDeaths, Enemy, Side, WeaponRow

POOL_PLAYERS = 30  # the best killers of each server: most weapons have their best user among them
_BEST_FIRST = [("counters.kills", -1), ("counters.deaths", 1), ("name", 1), ("player_id", 1)]


class CombatRepository(Repository):
    """Weapons, enemies and hours."""

    def __init__(self, database: SafeDatabase, standings: Standings) -> None:
        super().__init__(database)
        self._standings = standings

    async def list_weapons(self, covered: CoveredDeaths) -> tuple[WeaponRow, ...]:
        """Return the weapons of all players by kills, most first; for a period with their best users."""
        if covered.since is not None:
            shown = await self._list_shown(covered)
            return await self._standings.list_weapons(covered.guild_id, shown, covered.since, covered.until)
        months = await self._list_months(covered)
        counts = (count for month in months for count in month.weapons)
        return sum_weapons(WeaponRow(count.weapon, count.kills, count.longest) for count in counts)

    async def list_weapons_of(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId]
    ) -> tuple[WeaponRow, ...]:
        """Return the weapons that players killed with, most kills first."""
        if covered.since is None:
            return await self._list_weapons_of_all_time(covered, player_ids)
        match = _of_players(covered.server_ids, player_ids) | build_since(covered.since, covered.until)
        found = await self._of_guild("kills", covered.guild_id).aggregate(
            build_weapon_counts(match), hint="killer"
        )
        return tuple(map(_read_weapon, found))

    async def find_best_users(
        self, covered: CoveredDeaths, weapons: Sequence[str]
    ) -> Mapping[str, NamedCount]:
        """Return the best users of these weapons for all time, by the weapon's name."""
        shown = await self._list_shown(covered)
        if not shown or not weapons:
            return {}
        guild_id = covered.guild_id
        found = await self._find_best_of_all_time(guild_id, shown, weapons)
        best = {document["_id"]: document["best"] for document in found}
        ids = {PlayerId(one["player_id"]) for one in best.values()}
        names = await ShownPlayers(self._database, guild_id, shown).find_names(sorted(ids))
        return {
            weapon: NamedCount(names.get(one["player_id"], ""), one["kills"]) for weapon, one in best.items()
        }

    async def list_enemies(
        self,
        covered: CoveredDeaths,
        player_ids: Sequence[PlayerId],
        side: Side,
        *,
        minimum: int = 1,
        only: Sequence[PlayerId] = (),
    ) -> Sequence[Enemy]:
        """Return the killers or the victims of players for all time, most kills first, at most a hundred."""
        players = await ShownPlayers.open(self._database, covered)
        return await list_enemies(players, player_ids, side, minimum=minimum, only=only)

    async def find_rivalry(self, covered: CoveredDeaths) -> Rivalry | None:
        """Return the two players with the most kills of each other; None without such two.

        The days need a first and a last one.
        """
        players = await ShownPlayers.open(self._database, covered)
        servers = [ServerScope(covered.guild_id, ServerId(one)) for one in players.server_ids]
        if covered.since is None or covered.until is None or not servers:
            return None
        pipeline = build_rivalry(servers, covered.since, covered.until)
        found = await players.of("kills").aggregate(pipeline, hint="_id_")
        if not found:
            return None
        [pair] = found
        kills = {pair["first"]: pair["by_first"], pair["second"]: pair["kills"] - pair["by_first"]}
        names = await players.find_names(map(PlayerId, kills))
        best = [RecapBest(PlayerId(one), names.get(PlayerId(one), ""), kills[one]) for one in sorted(kills)]
        first, second = sorted(best, key=lambda one: -one.value)
        return Rivalry(first, second)

    async def count_kills(self, covered: CoveredDeaths, killer_id: PlayerId, victim_id: PlayerId) -> int:
        """Return how often one player killed another, all time."""
        found = await self.list_enemies(covered, [killer_id], "victim", only=[victim_id])
        return found[0].kills if found else 0

    async def list_hours(self, covered: CoveredDeaths, player_id: PlayerId | None = None) -> tuple[int, ...]:
        """Return kills in each hour of the week, Monday 0:00 first; of all players if none is given."""
        hours = [0] * HOURS_OF_A_WEEK
        if player_id is None:
            for month in await self._list_months(covered):
                hours = [before + new for before, new in zip(hours, month.hours, strict=True)]
            return tuple(hours)
        # one id killed another, so it was a kill: the index alone tells that
        match = {
            "server_id": {"$in": list(covered.server_ids)},
            "killer_id": player_id,
            "victim_id": {"$ne": player_id},
        }
        for document in await self._of_guild("kills", covered.guild_id).aggregate(
            build_hours(match), hint="killer"
        ):
            key = document["_id"]
            hours[(key["day"] - 1) * 24 + key["hour"]] = document["kills"]
        return tuple(hours)

    async def _list_shown(self, covered: CoveredDeaths) -> tuple[ShownServers, ...]:
        return await list_shown(self._database, covered.guild_id, covered.server_ids)

    async def _list_months(self, covered: CoveredDeaths) -> list[ServerMonth]:
        shown = await self._list_shown(covered)
        if not shown:
            return []
        found = await self._of_guild("server_months", covered.guild_id).find(
            build_match(shown, {}), hint="month"
        )
        return [read_month(document) for document in found]

    async def _list_weapons_of_all_time(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId]
    ) -> tuple[WeaponRow, ...]:
        shown = await self._list_shown(covered)
        if not shown:
            return ()
        match = build_match(shown, {"player_id": {"$in": list(player_ids)}})
        found = await self._of_guild("players", covered.guild_id).find(
            match, projection={"weapons": 1}, hint="player"
        )
        return sum_weapons(
            WeaponRow(count["weapon"], count["kills"], count["longest"])
            for player in found
            for count in player["weapons"]
        )

    async def _find_best_of_all_time(
        self, guild_id: GuildId, shown: Sequence[ShownServers], weapons: Sequence[str]
    ) -> list[Document]:
        """Find the best users among the players who can be one.

        If a player has more kills with a weapon than the best of a pool, then on one of the servers they have
        at least that number divided by the number of servers.
        """
        pool = await self._list_pool(guild_id, shown)
        known = await self._read_best_users(guild_id, shown, pool, weapons)
        best = {document["_id"]: document["best"]["kills"] for document in known}
        servers = sum(len(one.server_ids) for one in shown)
        least = {weapon: max(1, -(-best.get(weapon, 0) // servers)) for weapon in weapons}
        pipeline = build_candidates(build_match(shown, KNOWN), least)
        found = await self._of_guild("players", guild_id).aggregate(pipeline, hint="player")
        candidates = [PlayerId(document["_id"]) for document in found]
        return await self._read_best_users(guild_id, shown, candidates, weapons)

    async def _list_pool(self, guild_id: GuildId, shown: Sequence[ShownServers]) -> list[PlayerId]:
        players = self._of_guild("players", guild_id)
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
        shown: Sequence[ShownServers],
        player_ids: Sequence[PlayerId],
        weapons: Sequence[str],
    ) -> list[Document]:
        match = build_match(shown, {"player_id": {"$in": list(player_ids)}})
        pipeline = build_best_users(match, weapons)
        return await self._of_guild("players", guild_id).aggregate(pipeline, hint="player")


def _of_players(server_ids: Sequence[ServerId], player_ids: Sequence[PlayerId]) -> Document:
    return {"server_id": {"$in": list(server_ids)}, "kind": KILLS, "killer_id": {"$in": list(player_ids)}}


def _read_weapon(document: Document) -> WeaponRow:
    return WeaponRow(document["_id"], document["kills"], document["longest"])
