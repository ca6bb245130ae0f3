"""Game servers side by side: ``/servers``."""

import asyncio
from collections.abc import Sequence

from utils.models.players import NamedCount
from utils.models.scope import GuildId
from utils.models.servers import GameServer
from utils.models.statistics import Board, BoardRows, Coverage, Period, ServerFigures
from utils.services.players.combat import CombatStore
from utils.services.players.coverage import CoverageService
from utils.services.players.statistics import StatisticsStore
from utils.services.servers.game_servers import GameServerService, list_chosen


class ServerComparisonService:
    """Compares the game servers of a guild."""

    def __init__(
        self,
        statistics: StatisticsStore,
        combat: CombatStore,
        coverage: CoverageService,
        servers: GameServerService,
    ) -> None:
        self._statistics = statistics
        self._combat = combat
        self._coverage = coverage
        self._servers = servers

    async def compare(self, guild_id: GuildId, period: Period) -> Sequence[ServerFigures]:
        """Return the figures of each game server, those with the most kills first.

        Raises:
            NotFoundError: there is no server.
        """
        servers = await list_chosen(self._servers, guild_id, None)
        figures = await asyncio.gather(*(self._find_figures(server, period) for server in servers))
        return sorted(figures, key=lambda one: (-one.kills, one.name.casefold(), one.name))

    async def _find_figures(self, server: GameServer, period: Period) -> ServerFigures:
        scope = server.scope
        coverage = await self._coverage.choose(scope.guild_id, scope.server_id, period)
        board, farthest, weapons = await asyncio.gather(
            self._find_best(coverage, Board.KILLS),
            self._find_best(coverage, Board.LONGEST),
            self._combat.list_weapons(coverage),
        )
        if not board.rows or not weapons:
            return ServerFigures(server.name)
        [best] = board.rows
        return ServerFigures(
            name=server.name,
            kills=sum(row.kills for row in weapons),
            killers=board.total,
            first=NamedCount(best.name, best.counters.kills),
            weapon=weapons[0],
            longest=int(farthest.rows[0].value) if farthest.rows else 0,
        )

    async def _find_best(self, coverage: Coverage, board: Board) -> BoardRows:
        """Return the first row of a board, and the number of all rows."""
        return await self._statistics.list_board(
            coverage, board=board.value, minimum_kills=0, limit=1, offset=0
        )
