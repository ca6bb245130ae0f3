"""Reads seasons for the commands that show them: one with its first players, results, all seasons."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from utils.clock import Clock
from utils.errors import AmbiguousError, InvalidInputError, NotFoundError
from utils.models.factions import FactionRow
from utils.models.labels import REMOVED_SERVER, add_labels
from utils.models.players import BoardRow
from utils.models.scope import GuildId, MemberId, ServerId
from utils.models.seasons import (
    Season,
    SeasonList,
    SeasonReport,
    SeasonResult,
    SeasonStanding,
    SeasonState,
    SeasonWinners,
)
from utils.models.servers import GameServer, list_zones
from utils.models.statistics import Board
from utils.models.texts import Command, Text, Value, text
from utils.services.factions.factions import FactionService
from utils.services.players.coverage import ALL_SERVERS, CoverageService
from utils.services.players.statistics import StatisticsService
from utils.services.seasons.choosing import choose_season
from utils.services.seasons.rules import find_today, list_covered
from utils.services.seasons.running import SeasonSource
from utils.services.servers.game_servers import GameServerService

FIRST_PLACES = 3
NO_SEASON = text("There's no season yet.")
HOW_TO_START = text("An admin can start one with {start}.", start=Command("season start"))


class SeasonResults(SeasonSource, Protocol):  # implemented by SeasonRepository
    """Read access to seasons and their results."""

    async def find_result(self, guild_id: GuildId, season_id: str, board: Board) -> SeasonResult | None:
        """Return the rows of one board of a closed season; None if there are none."""

    async def list_winners(self, guild_id: GuildId) -> SeasonWinners:
        """Return the first player by kills of each closed season."""


@dataclass(eq=False, repr=False)
class SeasonReports:
    """Reads seasons for people."""

    store: SeasonResults
    _: KW_ONLY
    servers: GameServerService
    coverage: CoverageService
    statistics: StatisticsService
    factions: FactionService
    clock: Clock

    async def describe(self, guild_id: GuildId, typed: str, server: str | None) -> SeasonReport:
        """Return the named season, or the running one, else the next planned one, else the last one.

        Raises:
            NotFoundError, AmbiguousError: there is none, or several fit.
        """
        seasons = await self._list_fitting(guild_id, server)
        season = choose_season(seasons, typed) if typed else await self._choose_current(seasons)
        covered = await self._list_covered(season)
        zones = list_zones(covered)
        today = find_today(zones, self.clock.now())
        where = (await self._list_places(guild_id))[season.server_id]
        return SeasonReport(season, where, today, await self._find_first(season, covered))

    async def get_results(
        self, guild_id: GuildId, typed: str, board: Board, server: str | None, *, asker_id: MemberId
    ) -> SeasonStanding:
        """Return a board of the named season, or of the one that was closed last.

        Raises:
            NotFoundError, AmbiguousError: there is none, or several fit.
            InvalidInputError: it has no results yet.
        """
        seasons = await self._list_fitting(guild_id, server)
        closed = [one for one in seasons if one.closed_at is not None]
        if typed:
            season = choose_season(seasons, typed)
        elif closed:
            season = max(closed, key=lambda one: (one.closed_at, one.season_id))
        else:
            raise NotFoundError(
                text("No season has results yet."),
                hint=text("{info} shows how the season stands.", info=Command("season info")),
            )
        result = await self.store.find_result(guild_id, season.season_id, board)
        if result is None:
            raise InvalidInputError(_describe_missing(season))
        linked = await self.coverage.list_linked(guild_id, asker_id)
        own = next((row for row in result.rows if row.player_id in linked), None)
        coverage = self.coverage.cover(season, await self._list_covered(season))
        faction = await self._find_faction(result, guild_id, asker_id)
        return SeasonStanding(season, coverage, result, own, is_linked=bool(linked), own_faction=faction)

    async def list_all(self, guild_id: GuildId) -> SeasonList:
        """Return all seasons with their winners."""
        return SeasonList(
            await self.store.list_seasons(guild_id),
            await self.store.list_winners(guild_id),
            await self._list_places(guild_id),
        )

    async def list_seasons(self, guild_id: GuildId) -> Sequence[Season]:
        """Return all seasons of a guild that were not cancelled, newest first."""
        return await self.store.list_seasons(guild_id)

    async def _find_faction(
        self, result: SeasonResult, guild_id: GuildId, member_id: MemberId
    ) -> FactionRow | None:
        """Return the row of a member's faction of now; None without one."""
        if not result.factions:
            return None
        faction_id = await self.factions.find_id(guild_id, member_id)
        return next((one for one in result.factions if one.faction_id == faction_id), None)

    async def _list_fitting(self, guild_id: GuildId, server: str | None) -> Sequence[Season]:
        """Return the seasons that cover a server; without one all of the guild."""
        seasons = await self.store.list_seasons(guild_id)
        if server is not None:
            scope = (await self.servers.resolve(guild_id, server)).scope
            seasons = [one for one in seasons if one.covers(scope.server_id)]
        if not seasons:
            raise NotFoundError(NO_SEASON, hint=HOW_TO_START)
        return seasons

    async def _choose_current(self, seasons: Sequence[Season]) -> Season:
        running = [one for one in seasons if one.state is SeasonState.RUNNING]
        if len(running) > 1:
            places = await self._list_places(running[0].guild_id)
            own = [(one.server_id, str(places[one.server_id])) for one in running]
            asked = text("Several game servers have a season of their own. Choose one.")
            raise AmbiguousError(asked, typed=None, choices=add_labels(own))
        planned = [one for one in seasons if one.state is SeasonState.PLANNED]
        next_one = min(planned, key=lambda one: (one.first_day, one.season_id), default=None)
        return running[0] if running else next_one or seasons[0]

    async def _find_first(self, season: Season, covered: Sequence[GameServer]) -> tuple[BoardRow, ...]:
        if season.state is SeasonState.PLANNED:
            return ()
        if season.state is SeasonState.CLOSED:
            result = await self.store.find_result(season.guild_id, season.season_id, Board.KILLS)
            return result.rows[:FIRST_PLACES] if result else ()
        coverage = self.coverage.cover(season, covered)
        return await self.statistics.list_first(coverage, Board.KILLS, limit=FIRST_PLACES)

    async def _list_covered(self, season: Season) -> Sequence[GameServer]:
        servers = await self.servers.list_servers(season.guild_id)
        return list_covered(season, servers)

    async def _list_places(self, guild_id: GuildId) -> Mapping[ServerId, Value]:
        """Return the words for the servers of every season of a guild."""
        servers = await self.servers.list_servers(guild_id)
        names: dict[ServerId, Value] = {one.scope.server_id: one.name for one in servers}
        seasons = await self.store.list_seasons(guild_id)
        found = {one.server_id: names.get(one.server_id, REMOVED_SERVER) for one in seasons}
        return {server_id: ALL_SERVERS if not server_id else name for server_id, name in found.items()}


def _describe_missing(season: Season) -> Text:
    """Return why a season has no results for a board."""
    if season.state is SeasonState.CLOSING:
        return text("**{season}** is over. Its results follow within a day.", season=season.name)
    if season.state is SeasonState.CLOSED:
        return text("**{season}** has no results for this board.", season=season.name)
    return text(
        "**{season}** isn't over yet. {info} shows how it stands.",
        season=season.name,
        info=Command("season info"),
    )
