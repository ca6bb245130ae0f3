"""Storage of seasons in memory; a test can make it fail."""

from collections.abc import Sequence
from datetime import date, datetime

from tests.fakes.storage import FakeAuditStore, Outage
from utils.errors import CommitUnknownError
from utils.models.audit import AuditEntry
from utils.models.notices.notice import Notice
from utils.models.scope import GuildId, ServerId
from utils.models.seasons import MOST_SEASONS, Season, SeasonResult, SeasonState, SeasonWinners
from utils.models.statistics import Board
from utils.services.seasons.timer import BuildNotice

FIRST_DAY, LAST_DAY = date(2025, 4, 28), date(2025, 5, 4)


def build_season(guild_id: GuildId, season_id: str = "1", name: str = "Spring", **more: object) -> Season:
    """Return a running season of a week around the clock of the tests."""
    values = {"first_day": FIRST_DAY, "last_day": LAST_DAY, "state": SeasonState.RUNNING, **more}
    return Season(guild_id=guild_id, season_id=season_id, name=name, **values)  # type: ignore[arg-type]


class FakeSeasonStore(Outage):
    """Seasons of any guild, their results, and the notices about them.

    Attributes:
        unanswered: names of methods that work and then fail, like a commit without an answer.
    """

    def __init__(self, *seasons: Season) -> None:
        super().__init__()
        self.seasons = {season.season_id: season for season in seasons}
        self.results: dict[tuple[str, Board], SeasonResult] = {}
        self.notices: list[Notice] = []
        self.audit = FakeAuditStore()
        self.unanswered: set[str] = set()

    async def list_guilds_with_seasons(self) -> Sequence[GuildId]:
        """Return every guild with an open season."""
        return sorted({one.guild_id for one in self.seasons.values() if one.state.is_moving})

    async def list_seasons(self, guild_id: GuildId) -> Sequence[Season]:
        """Return the guild's seasons that were not cancelled, newest first."""
        self.note("list_seasons")
        own = [one for one in self.seasons.values() if one.guild_id == guild_id]
        kept = [one for one in own if one.state is not SeasonState.CANCELLED]
        return sorted(kept, key=lambda one: (one.first_day, one.season_id), reverse=True)

    async def find_season(self, guild_id: GuildId, season_id: str) -> Season | None:
        """Return a season."""
        self.note("find_season")
        found = self.seasons.get(season_id)
        return found if found is not None and found.guild_id == guild_id else None

    async def insert_season(
        self, guild_id: GuildId, season: Season, *, entry: AuditEntry | None = None
    ) -> bool:
        """Store a season."""
        self.note("insert_season")
        if len(self.seasons) >= MOST_SEASONS:
            return False
        self.audit.add(guild_id, entry)
        self.seasons[season.season_id] = season
        return True

    async def change_season(
        self, guild_id: GuildId, before: Season, after: Season, *, entry: AuditEntry | None = None
    ) -> bool:
        """Change a season that is as it was."""
        self.note("change_season")
        if self.seasons.get(before.season_id) != before:
            return False
        self.audit.add(guild_id, entry)
        self.seasons[before.season_id] = after
        return True

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
        """Close a season that is as it was."""
        del server_ids, at
        self.note("close_season")
        if not await self.change_season(guild_id, before, after):
            return False
        self.results |= {(one.season_id, one.board): one for one in results}
        if build_notice is not None:
            self.notices.append(build_notice(results))
        if "close_season" in self.unanswered:
            raise CommitUnknownError("lost")
        return True

    async def find_result(self, guild_id: GuildId, season_id: str, board: Board) -> SeasonResult | None:
        """Return a board of a season."""
        self.note("find_result")
        known = await self.find_season(guild_id, season_id)
        return None if known is None else self.results.get((season_id, board))

    async def list_winners(self, guild_id: GuildId) -> SeasonWinners:
        """Return the first by kills of each season."""
        return {
            season_id: result.rows[0]
            for (season_id, board), result in self.results.items()
            if board is Board.KILLS and result.rows and self.seasons[season_id].guild_id == guild_id
        }
