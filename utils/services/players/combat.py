"""Combat: weapons, rivals, hours and the latest deaths."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from utils.models.deaths import Death
from utils.models.players import NamedCount
from utils.models.recaps import Rivalry
from utils.models.scope import PlayerId, ServerId, ServerScope
from utils.models.statistics import (
    RIVAL_MINIMUM_KILLS,
    Activity,
    Coverage,
    CoveredDeaths,
    Enemy,
    RecentDeath,
    Rival,
    Rivals,
    Side,
    WeaponRow,
    WeaponTable,
)
from utils.services.players.coverage import CoverageService, StatisticsQuestion
from utils.services.servers.game_servers import GameServerService

RIVALS = 10


class CombatStore(Protocol):  # implemented by CombatRepository
    """Kills by weapon, by enemy and by hour."""

    async def list_weapons(self, covered: CoveredDeaths) -> Sequence[WeaponRow]:
        """Return the weapons of all players by kills, most first; for a period with their best users."""

    async def list_weapons_of(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId]
    ) -> Sequence[WeaponRow]:
        """Return the weapons that players killed with, most kills first."""

    async def find_best_users(
        self, covered: CoveredDeaths, weapons: Sequence[str]
    ) -> Mapping[str, NamedCount]:
        """Return the best users of these weapons for all time."""

    async def list_enemies(
        self,
        covered: CoveredDeaths,
        player_ids: Sequence[PlayerId],
        side: Side,
        *,
        minimum: int = 1,
        only: Sequence[PlayerId] = (),
    ) -> Sequence[Enemy]:
        """Return the killers or the victims of players for all time, most kills first."""

    async def list_hours(self, covered: CoveredDeaths, player_id: PlayerId | None = None) -> Sequence[int]:
        """Return kills in each hour of the week, Monday 0:00 first; of all players if none is given."""

    async def find_rivalry(self, covered: CoveredDeaths) -> Rivalry | None:
        """Return the two players with the most kills of each other on some days; None without such two."""

    async def count_kills(self, covered: CoveredDeaths, killer_id: PlayerId, victim_id: PlayerId) -> int:
        """Return the number of kills of one player by another for all time."""


class DeathStore(Protocol):  # implemented by DeathRepository
    """Stored deaths."""

    async def list_recent(
        self, covered: CoveredDeaths, *, limit: int, player_id: PlayerId | None = None
    ) -> Sequence[tuple[ServerId, Death]]:
        """Return the latest deaths with their servers, newest first; for one player also their kills."""


class CombatService:
    """Answers ``/weapons``, ``/rivals``, ``/activity`` and ``/killfeed recent``."""

    def __init__(
        self, store: CombatStore, deaths: DeathStore, coverage: CoverageService, servers: GameServerService
    ) -> None:
        self._store = store
        self._deaths = deaths
        self._coverage = coverage
        self._servers = servers

    async def find_newest(self, scope: ServerScope) -> datetime | None:
        """Return the moment of a server's newest stored death; None before the first."""
        newest = await self._deaths.list_recent(CoveredDeaths(scope.guild_id, (scope.server_id,)), limit=1)
        return newest[0][1].at if newest else None

    async def get_weapons(self, coverage: Coverage) -> WeaponTable:
        """Return the weapons of all players."""
        return _build_table(await self._store.list_weapons(coverage))

    async def get_weapons_of(self, question: StatisticsQuestion) -> tuple[Coverage, WeaponTable, str]:
        """Return the weapons of a player, or of a member's linked players, with the name.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError: the text fits nobody, or several.
        """
        coverage = await self._coverage.choose(question.guild_id, question.server, question.period)
        meant = await self._coverage.find_players(question, coverage)
        rows = await self._store.list_weapons_of(coverage, [player.player_id for player in meant])
        return coverage, _build_table(rows), meant[0].name

    async def add_best_users(self, coverage: Coverage, rows: Sequence[WeaponRow]) -> tuple[WeaponRow, ...]:
        """Return rows of all players' weapons with the best users."""
        if coverage.since is not None:
            return tuple(rows)  # the weapons of a period have them already
        found = await self._store.find_best_users(coverage, [row.weapon for row in rows])
        return tuple(
            replace(row, best_name=found[row.weapon].name, best_kills=found[row.weapon].count)
            if row.weapon in found
            else row
            for row in rows
        )

    async def get_rivals(self, question: StatisticsQuestion) -> tuple[Coverage, Rivals]:
        """Return a player's killers and victims with three kills or more, each with the kills of both.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError: the text fits nobody, or several.
        """
        coverage = await self._coverage.choose(question.guild_id, question.server)
        meant = await self._coverage.find_players(question, coverage)
        player_ids = [player.player_id for player in meant]
        is_own = question.player is None and question.member_id is None
        name = "" if is_own else meant[0].name
        read = partial(self._read_rivals, coverage, player_ids)
        nemeses, prey = await asyncio.gather(
            read("killer", "victim"),
            read("victim", "killer"),
        )
        return coverage, Rivals(
            name,
            tuple(Rival(one.player_id, one.name, back, one.kills) for one, back in nemeses),
            tuple(Rival(one.player_id, one.name, one.kills, back) for one, back in prey),
        )

    async def _read_rivals(
        self, coverage: Coverage, player_ids: Sequence[PlayerId], there: Side, back: Side
    ) -> list[tuple[Enemy, int]]:
        """Return the enemies with enough kills in one direction, each with the kills in the other."""
        list_enemies = partial(self._store.list_enemies, coverage, player_ids)
        found = await list_enemies(there, minimum=RIVAL_MINIMUM_KILLS)
        rivals = found[:RIVALS]
        if not rivals:
            return []
        only = [rival.player_id for rival in rivals]
        returned = {one.player_id: one.kills for one in await list_enemies(back, only=only)}
        return [(rival, returned.get(rival.player_id, 0)) for rival in rivals]

    async def get_activity(self, coverage: Coverage, player: str | None) -> Activity:
        """Return kills by hour and weekday, of all players or of one.

        Raises:
            NotFoundError, AmbiguousError: the name fits nobody, or several.
        """
        if player is None:
            return Activity(tuple(await self._store.list_hours(coverage)))
        known = await self._coverage.resolve(coverage, player)
        hours = await self._store.list_hours(coverage, known.player_id)
        return Activity(tuple(hours), known.name)

    async def list_recent(
        self, coverage: Coverage, player: str | None, *, limit: int
    ) -> tuple[RecentDeath, ...]:
        """Return the latest deaths, newest first, of all players or of one.

        Raises:
            NotFoundError, AmbiguousError: the name fits nobody, or several.
        """
        player_id = None
        if player is not None:
            player_id = (await self._coverage.resolve(coverage, player)).player_id
        found = await self._deaths.list_recent(coverage, limit=limit, player_id=player_id)
        servers = await self._servers.list_servers(coverage.guild_id)
        names = {server.scope.server_id: server.name for server in servers}
        return tuple(RecentDeath(names.get(server_id, ""), death) for server_id, death in found)


def _build_table(rows: Sequence[WeaponRow]) -> WeaponTable:
    return WeaponTable(tuple(rows), sum(row.kills for row in rows))
