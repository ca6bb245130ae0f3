"""Statistics: a player's figures, the boards."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from utils.errors import InvalidInputError, NotFoundError
from utils.models.players import BoardRow, Counters, PlayerStats
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.statistics import (
    KD_MINIMUM_KILLS,
    Board,
    BoardRows,
    Comparison,
    Coverage,
    CoveredDeaths,
    DayCount,
    HourCount,
    Period,
    RankedPlaces,
)
from utils.models.texts import text
from utils.services.players.combat import CombatStore
from utils.services.players.coverage import CoverageService, StatisticsQuestion
from utils.services.players.player_names import NameStore
from utils.services.players.wording import describe_missing_player
from utils.services.presence.playtimes import PlaytimeStore

BOARD_PAGE_ROWS = 10
NEVER_SEEN = text("They haven't played on that server. Leave out `server` to see all servers.")
CHART_DAYS = 30


@dataclass(frozen=True, slots=True)
class BoardPage:
    """One page of a board of players; ``page`` counts from 0, ``own`` is the asker's own row."""

    board: Board
    rows: tuple[BoardRow, ...]
    page: int
    total: int
    own: BoardRow | None = None

    @property
    def pages(self) -> int:
        """Return the number of pages, at least one."""
        return max(1, -(-self.total // BOARD_PAGE_ROWS))


@dataclass(frozen=True, slots=True)
class PlayerReport:
    """The answer of ``/stats``.

    Attributes:
        days: the days of the period, at most ``CHART_DAYS``, without empty ones.
        hours: the hours of today without empty ones, if the period is today; otherwise there are none.
        is_own: all the players are linked to the asker.
        own_id: the asker's main player, whom the shown one can be compared with; None without a link.
    """

    coverage: Coverage
    stats: PlayerStats
    days: tuple[DayCount, ...] = ()
    hours: tuple[HourCount, ...] = ()
    is_own: bool = False
    own_id: PlayerId | None = None

    @property
    def shown_days(self) -> int:
        """Return how many days the chart has; of a season at most those that have begun."""
        coverage = self.coverage
        if coverage.period is Period.SEASON and coverage.since is not None:
            return min(CHART_DAYS, max(1, (coverage.today - coverage.since).days + 1))
        return coverage.period.days or CHART_DAYS


class StatisticsStore(NameStore, Protocol):  # implemented by StatisticsRepository
    """Reads of counters, over the servers of one guild."""

    async def find_stats(self, covered: CoveredDeaths, player_ids: Sequence[PlayerId]) -> PlayerStats | None:
        """Return players' figures summed over servers and players; None if no player was ever seen there."""

    async def list_days(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], *, since: date
    ) -> Sequence[DayCount]:
        """Return the counters of players by day, without empty days."""

    async def sum_of_players(
        self, covered: CoveredDeaths, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, Counters]:
        """Return players' counters, without metres, summed over servers; those without rows are absent."""

    async def list_hours_of_day(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], day: date
    ) -> Sequence[HourCount]:
        """Return the kills and deaths of players by hour of a day, without empty hours."""

    async def list_board(
        self,
        covered: CoveredDeaths,
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
        own: Sequence[PlayerId] = (),
    ) -> BoardRows:
        """Return rows of a board, the number of all rows, and the best row of ``own`` players."""

    async def find_first_places(
        self, covered: CoveredDeaths, *, board: str, minimum_kills: int, limit: int
    ) -> Mapping[PlayerId, int]:
        """Return the first players of a board with their places, the first one first."""


async def read_first_row(store: StatisticsStore, covered: CoveredDeaths, board: Board) -> BoardRows:
    """Return the first row of a board, with the number and the sum of all rows."""
    return await store.list_board(covered, board=board.value, minimum_kills=0, limit=1, offset=0)


class HunterStore(Protocol):  # implemented by HunterRepository
    """Players who claimed bounties."""

    async def list_hunters(self, covered: CoveredDeaths) -> Sequence[BoardRow]:
        """Return all players who claimed a bounty, by the sum that was paid, highest first."""


@dataclass(eq=False, repr=False)
class StatisticsService:
    """Answers ``/stats``, ``/compare`` and ``/leaderboard``."""

    store: StatisticsStore
    combat: CombatStore
    hunters: HunterStore
    playtimes: PlaytimeStore
    coverage: CoverageService

    async def get_stats(self, question: StatisticsQuestion) -> PlayerReport:
        """Return the figures of a player, or of a member's linked players, by time too.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError: the text fits nobody, or several.
        """
        coverage = await self.coverage.choose(question.guild_id, question.server, question.period)
        meant = await self.coverage.find_players(question, coverage)
        player_ids = [player.player_id for player in meant]
        stats, own, (days, hours) = await asyncio.gather(
            self._find_stats(coverage, player_ids, meant[0].name),
            self.coverage.list_linked(question.guild_id, question.asker_id),
            self._read_course(coverage, player_ids),
        )
        is_own, own_id = set(player_ids) <= set(own), own[0] if own else None
        return PlayerReport(coverage, stats, days, hours, is_own=is_own, own_id=own_id)

    async def get_places(self, coverage: Coverage, board: Board, member_id: MemberId) -> RankedPlaces:
        """Return the places of a member's linked players on a board of players, best first.

        Raises:
            InvalidInputError: the member has linked none.
        """
        players = await self.coverage.list_own(coverage.guild_id, member_id)
        pages = await asyncio.gather(
            *(self._find_page(coverage, board, 0, [player.player_id]) for player in players)
        )
        rows = [page.own for page in pages if page.own is not None]
        missing = [player.name for player, page in zip(players, pages, strict=True) if page.own is None]
        return RankedPlaces(
            board,
            tuple(sorted(rows, key=lambda row: row.rank)),
            tuple(missing),
            minimum_kills=KD_MINIMUM_KILLS if board is Board.KD else 0,
        )

    async def compare(
        self, guild_id: GuildId, first: str, second: str, *, server: str | None
    ) -> tuple[Coverage, Comparison]:
        """Return two players' figures side by side, and how often each killed the other.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError: a name fits nobody or several, or both fit the
            same player.
        """
        coverage = await self.coverage.choose(guild_id, server)
        meant = [await self.coverage.resolve(coverage, name) for name in (first, second)]
        one, other = (player.player_id for player in meant)
        if one == other:
            raise InvalidInputError(text("Both names mean the same player. Choose two different ones."))
        first_stats, second_stats, first_kills, second_kills = await asyncio.gather(
            self._find_stats(coverage, [one], meant[0].name),
            self._find_stats(coverage, [other], meant[1].name),
            self.combat.count_kills(coverage, one, other),
            self.combat.count_kills(coverage, other, one),
        )
        return coverage, Comparison(first_stats, second_stats, first_kills, second_kills)

    async def get_board(
        self, coverage: Coverage, board: Board, *, page: int, asker_id: MemberId | None = None
    ) -> BoardPage:
        """Return one page of a board of players, and the best row of the asker's linked players."""
        own: Sequence[PlayerId] = ()
        if asker_id is not None:
            own = await self.coverage.list_linked(coverage.guild_id, asker_id)
        return await self._find_page(coverage, board, page, own)

    async def list_first(self, coverage: Coverage, board: Board, *, limit: int) -> tuple[BoardRow, ...]:
        """Return the first rows of a board of players."""
        if board is Board.BOUNTIES:
            return tuple(await self.hunters.list_hunters(coverage))[:limit]
        found = await self.store.list_board(
            coverage,
            board=board.value,
            minimum_kills=KD_MINIMUM_KILLS if board is Board.KD else 0,
            limit=limit,
            offset=0,
        )
        return found.rows

    async def _find_page(
        self, coverage: Coverage, board: Board, page: int, own: Sequence[PlayerId]
    ) -> BoardPage:
        if board is Board.BOUNTIES:
            return _cut_page(board, await self.hunters.list_hunters(coverage), page, own)
        if board is Board.PLAYTIME:
            return _cut_page(board, await self.playtimes.list_most_played(coverage), page, own)
        found = await self.store.list_board(
            coverage,
            board=board.value,
            minimum_kills=KD_MINIMUM_KILLS if board is Board.KD else 0,
            limit=BOARD_PAGE_ROWS,
            offset=page * BOARD_PAGE_ROWS,
            own=own,
        )
        return BoardPage(board, found.rows, page, found.total, found.own)

    async def _read_course(
        self, coverage: Coverage, player_ids: Sequence[PlayerId]
    ) -> tuple[tuple[DayCount, ...], tuple[HourCount, ...]]:
        """Return the days of a period, or the hours of today."""
        if coverage.period is Period.TODAY:
            return (), tuple(await self.store.list_hours_of_day(coverage, player_ids, coverage.today))
        since = coverage.since or coverage.today - timedelta(days=CHART_DAYS - 1)
        if coverage.period is Period.SEASON:
            since = max(since, coverage.today - timedelta(days=CHART_DAYS - 1))
        return tuple(await self.store.list_days(coverage, player_ids, since=since)), ()

    async def _find_stats(self, coverage: Coverage, player_ids: Sequence[PlayerId], name: str) -> PlayerStats:
        stats = await self.store.find_stats(coverage, player_ids)
        if stats is None:
            raise NotFoundError(describe_missing_player(name), hint=NEVER_SEEN)
        return stats


def _cut_page(board: Board, rows: Sequence[BoardRow], page: int, own: Sequence[PlayerId]) -> BoardPage:
    """Return one page of all rows of a board."""
    start = page * BOARD_PAGE_ROWS
    mine = next((row for row in rows if row.player_id in own), None)
    return BoardPage(board, tuple(rows[start : start + BOARD_PAGE_ROWS]), page, len(rows), mine)
