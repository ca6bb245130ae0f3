"""The timer of seasons: it begins and ends them, and keeps their results.

Theory of operation
-------------------
Once a minute each guild with an open season is looked at. Every step is one conditional update, so of a timer
and a command, or of two processes, one wins. Closing is one transaction: the state, the rows of all boards
and the notice are stored, or none of them; a process that dies in between leaves the season closing, and the
next round closes it. A planned season waits until the one before it is over everywhere. A guild whose tier
has no seasons is passed over, so its seasons stay as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from typing import Protocol

from utils.clock import Clock
from utils.errors import TierRequiredError
from utils.events import EventDispatcher, SeasonChanged
from utils.models.factions import list_rows
from utils.models.notices.notice import Notice
from utils.models.premium import Feature
from utils.models.scope import GuildId, ServerId
from utils.models.seasons import FROZEN_ROWS, SEASON_BOARDS, Season, SeasonResult, SeasonState
from utils.models.servers import GameServer, list_zones
from utils.models.statistics import Board, Coverage
from utils.services.factions.figures import FactionFigureService
from utils.services.guilds.news import build_news_queued, has_open_news
from utils.services.players.coverage import CoverageService
from utils.services.players.statistics import StatisticsService
from utils.services.ports import ChannelFinder, ServerStore
from utils.services.premium.tiers import PremiumService
from utils.services.seasons.notices import build_season_notice
from utils.services.seasons.rules import find_due_state, list_covered
from utils.services.seasons.running import SeasonSource
from utils.tasks import TaskManager

SEASONS_TASK = "seasons:move"

BuildNotice = Callable[[Sequence[SeasonResult]], Notice]
"""Makes the notice of a closed season from the rows that are stored."""


class MovingSeasons(Protocol):  # implemented by ScopeIndexRepository
    """Lists the guilds with something to do."""

    async def list_guilds_with_seasons(self) -> Sequence[GuildId]:
        """Return every guild with a season that is not closed yet."""


class MovedSeasons(SeasonSource, Protocol):  # implemented by SeasonRepository
    """Storage of what the timer does."""

    async def change_season(self, guild_id: GuildId, before: Season, after: Season) -> bool:
        """Change a season that is still as it was read; tell whether it was."""

    async def close_season(
        self,
        guild_id: GuildId,
        before: Season,
        after: Season,
        results: Sequence[SeasonResult],
        *,
        server_ids: Sequence[ServerId],
        build_notice: BuildNotice | None,
        at: datetime,
    ) -> bool:
        """Close a season that is still as it was read, with its results and the notice about them."""


@dataclass(eq=False, repr=False)
class SeasonTimer:
    """Moves the seasons of all guilds on."""

    index: MovingSeasons
    store: MovedSeasons
    _: KW_ONLY
    servers: ServerStore
    coverage: CoverageService
    statistics: StatisticsService
    factions: FactionFigureService
    channels: ChannelFinder
    premium: PremiumService
    events: EventDispatcher
    tasks: TaskManager
    clock: Clock

    async def move_all(self) -> None:
        """Carry out every step that is due.

        Raises:
            StorageError: the database is away; the next time goes on.
        """
        await self.tasks.for_each(SEASONS_TASK, await self.index.list_guilds_with_seasons(), self.move)

    async def move(self, guild_id: GuildId) -> None:
        """Carry out the steps that are due in a guild, of the oldest season first."""
        try:
            await self.premium.verify_premium_for_feature(guild_id, Feature.SEASON)
        except TierRequiredError:
            return
        servers = await self.servers.list_servers(guild_id)
        running: set[ServerId] = set()
        for season in reversed(await self.store.list_seasons(guild_id)):
            if season.state.is_moving:
                moved = await self._move(season, servers, running)
                if moved.state is SeasonState.RUNNING:
                    running.add(moved.server_id)

    async def _move(self, season: Season, servers: Sequence[GameServer], running: set[ServerId]) -> Season:
        """Carry out the steps of one season that are due, and return it as it is then."""
        covered = list_covered(season, servers)
        while (due := await self._find_due(season, covered)) is not None:
            if due is SeasonState.RUNNING and season.server_id in running:
                return season
            after = self._step(season, due)
            try:
                is_done = await self._store(season, after, covered)
            finally:  # after a commit without an answer as well
                self.events.dispatch(SeasonChanged(guild_id=season.guild_id))
            if not is_done:
                return season  # somebody was faster; the next round reads what became of it
            season = after
        return season

    async def _find_due(self, season: Season, covered: Sequence[GameServer]) -> SeasonState | None:
        if not covered and not season.is_of_all:
            return SeasonState.CANCELLED if season.state.is_moving else None  # its server was removed
        zones = list_zones(covered)
        is_closing = season.state is SeasonState.CLOSING
        reads = [(await self.servers.get_health(one.scope)).last_read_at for one in covered if is_closing]
        return find_due_state(season, zones, reads, now=self.clock.now())

    def _step(self, season: Season, due: SeasonState) -> Season:
        now = self.clock.now()
        if due is SeasonState.CLOSING:
            return replace(season, state=due, last_day=season.final_day, closing_at=now)
        return replace(season, state=due, closed_at=now if due is SeasonState.CLOSED else None)

    async def _store(self, before: Season, after: Season, covered: Sequence[GameServer]) -> bool:
        if after.state is SeasonState.CLOSED:
            return await self._close(before, after, covered)
        return await self.store.change_season(before.guild_id, before, after)

    async def _close(self, before: Season, after: Season, covered: Sequence[GameServer]) -> bool:
        coverage, now = self.coverage.cover(before, covered), self.clock.now()
        results = [await self._freeze(before.season_id, coverage, board) for board in SEASON_BOARDS]
        is_told = not before.is_silent and await has_open_news(self.channels, self.premium, before.guild_id)

        def build_notice(kept: Sequence[SeasonResult]) -> Notice:
            where = "" if before.is_of_all else covered[0].name
            return build_season_notice(after, kept, game_server=where, at=now)

        try:
            return await self.store.close_season(
                before.guild_id,
                before,
                after,
                results,
                server_ids=coverage.server_ids,
                build_notice=build_notice if is_told else None,
                at=now,
            )
        finally:
            if is_told:
                self.events.dispatch(build_news_queued(before.guild_id))

    async def _freeze(self, season_id: str, coverage: Coverage, board: Board) -> SeasonResult:
        """Return the rows of a board as they are now."""
        if board is Board.FACTIONS:
            ranked = list_rows(await self.factions.rank(coverage))
            return SeasonResult(season_id, board, factions=ranked[:FROZEN_ROWS])
        rows = await self.statistics.list_first(coverage, board, limit=FROZEN_ROWS)
        return SeasonResult(season_id, board, rows)
