"""The level of a player or a member, for ``/rank``."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from utils.errors import NotFoundError, TierRequiredError
from utils.models.levels import RankReport
from utils.models.roles import RoleId
from utils.models.rule_plans import MemberRoles
from utils.models.scope import GuildId, PlayerId
from utils.models.statistics import Board, Coverage, CoveredDeaths, Period, PlayerPlace
from utils.services.players.coverage import CoverageService, StatisticsQuestion
from utils.services.roles.member_roles import MemberRoleService


class PlaceStore(Protocol):  # implemented by StatisticsRepository
    """Places on boards."""

    async def find_place(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], *, board: str
    ) -> PlayerPlace:
        """Return the value of players summed to one on a board, and their place among all others."""


@dataclass(eq=False, repr=False)
class RankService:
    """Answers ``/rank``."""

    store: PlaceStore
    coverage: CoverageService
    roles: MemberRoleService

    async def describe(self, question: StatisticsQuestion, owned: Collection[RoleId] = ()) -> RankReport:
        """Return the XP of a player, or of a member's linked players together, over all game servers.

        ``owned`` are the roles of that member in Discord.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError: the text fits nobody, or several.
            NotLinkedError: nobody is named, and the asker has no link.
        """
        coverage = await self.coverage.choose(question.guild_id, None)
        players = await self.coverage.find_players(question, coverage)
        player_ids = [player.player_id for player in players]
        report = RankReport(
            players,
            await self._find_place(coverage, player_ids),
            roles=await self._list_roles(question, player_ids, owned),
        )
        season = await self._find_season(question.guild_id)
        if season is None or not season.season:
            return report
        place = await self._find_place(season, player_ids)
        return replace(report, season=season.season, season_place=place)

    async def _find_place(self, coverage: Coverage, player_ids: Sequence[PlayerId]) -> PlayerPlace:
        return await self.store.find_place(coverage, player_ids, board=Board.XP.value)

    async def _list_roles(
        self, question: StatisticsQuestion, player_ids: Sequence[PlayerId], owned: Collection[RoleId]
    ) -> MemberRoles:
        """Return the roles of the member who is asked for; none for a player."""
        if question.player is not None:
            return MemberRoles()
        member_id = question.member_id or question.asker_id
        return await self.roles.describe(question.guild_id, member_id, player_ids, owned)

    async def _find_season(self, guild_id: GuildId) -> Coverage | None:
        """Return the days of the season of all game servers; None without one."""
        try:
            return await self.coverage.choose(guild_id, None, Period.SEASON)
        except (NotFoundError, TierRequiredError):
            return None
