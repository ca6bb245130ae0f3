"""Game servers side by side: ``/servers``."""

import asyncio
from collections.abc import Sequence

from utils.models.players import NamedCount
from utils.models.scope import GuildId
from utils.models.statistics import Board, Coverage, Period, ServerFigures, WeaponRow
from utils.services.players.combat import CombatStore
from utils.services.players.coverage import CoverageService
from utils.services.players.statistics import StatisticsStore, read_first_row


class ServerComparisonService:
    """Compares the game servers of a guild."""

    def __init__(self, statistics: StatisticsStore, combat: CombatStore, coverage: CoverageService) -> None:
        self._statistics = statistics
        self._combat = combat
        self._coverage = coverage

    async def compare(self, guild_id: GuildId, period: Period) -> Sequence[ServerFigures]:
        """Return the figures of each game server, those with the most kills first.

        Raises:
            NotFoundError: there is no server, or no running season.
            TierRequiredError: the guild's tier has no seasons, and the period is one.
        """
        covered = await self._coverage.choose_each(guild_id, period)
        figures = await asyncio.gather(*map(self._find_figures, covered))
        return sorted(figures, key=lambda one: (-one.kills, one.name.casefold(), one.name))

    async def _find_figures(self, coverage: Coverage) -> ServerFigures:
        name = str(coverage.where)
        board, farthest, weapon = await asyncio.gather(
            read_first_row(self._statistics, coverage, Board.KILLS),
            read_first_row(self._statistics, coverage, Board.LONGEST),
            self._find_weapon(coverage),
        )
        if not board.rows:
            return ServerFigures(name)
        [best] = board.rows
        return ServerFigures(
            name=name,
            kills=int(board.summed),
            killers=board.total,
            first=NamedCount(best.name, best.counters.kills),
            weapon=weapon,
            longest=int(farthest.rows[0].value) if farthest.rows else 0,
        )

    async def _find_weapon(self, coverage: Coverage) -> WeaponRow | None:
        """Return the weapon with the most kills; kills by weapon are not kept for a season's length."""
        if coverage.period is Period.SEASON:
            return None
        return next(iter(await self._combat.list_weapons(coverage)), None)
