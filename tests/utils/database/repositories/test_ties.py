"""Ties: half of a guild may have one kill. Sorting their names must not block the event loop."""

import threading
from collections.abc import Callable, Sequence
from datetime import date

from utils.database.core.database import SafeDatabase
from utils.database.read_models.shown import ShownServers
from utils.database.read_models.standings.parts import Standing
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.models.players import PlayerRecord
from utils.models.scope import GuildId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.statistics import CoveredDeaths

PLAYERS = [PlayerId(f"{number:032x}") for number in range(1, 41)]
LAST = PLAYERS[-1]

threads: list[int] = []  # the threads that sort names


class NotedStanding(Standing):
    """Records the requests for names."""

    def find_names(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return players' newest names."""
        threads.append(threading.get_ident())
        return super().find_names(numbers)


class NotedStandings(Standings):
    """Standings that record their requests."""

    async def rank(
        self,
        guild_id: GuildId,
        shown: Sequence[ShownServers],
        board: str,
        *,
        minimum_kills: int,
        since: date | None,
        until: date | None = None,
    ) -> Standing:
        """Rank the players of servers."""
        one = await super().rank(
            guild_id, shown, board, minimum_kills=minimum_kills, since=since, until=until
        )
        return NotedStanding(one.ranking, one.guild, one.totals)


async def test_names_of_a_tie_are_put_in_order_beside_the_event_loop(
    database: SafeDatabase,
    servers: GameServerRepository,
    imports: ImportRepository,
    scope: ServerScope,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
) -> None:
    """Names are sorted outside the event loop for a page, the asker's own row, and one player's rank."""
    await servers.insert_server(scope, make_server(scope, generation=1))
    tied = [make_player(player, name=f"P{number:02}", kills=1) for number, player in enumerate(PLAYERS)]
    await imports.write_generation(scope, 1, players=tied)
    statistics = StatisticsRepository(database, NotedStandings(database))
    threads.clear()
    found = await statistics.list_board(
        CoveredDeaths(scope.guild_id, [scope.server_id]),
        board="kills",
        minimum_kills=0,
        limit=2,
        offset=10,
        own=[LAST],
    )
    stats = await statistics.find_stats(CoveredDeaths(scope.guild_id, [scope.server_id]), [LAST])
    assert [(row.rank, row.name) for row in found.rows] == [(11, "P10"), (12, "P11")]
    assert found.own is not None
    assert stats is not None
    assert (found.own.rank, found.own.name, stats.rank, stats.ranked) == (40, "P39", 40, 40)
    assert len(threads) == 3
    assert threading.get_ident() not in threads
