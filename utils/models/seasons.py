"""Seasons: named spans of whole days, by each game server's own calendar. They are views of stored days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from utils.models.factions import FactionRow
from utils.models.players import BoardRow
from utils.models.scope import ALL_SERVERS, GuildId, ServerId
from utils.models.statistics import Board, Coverage
from utils.models.texts import Value

LONGEST_DAYS = 366
"""A season has this number of days at most; one without a last day ends after them."""

NAME_CHARACTERS = 40

MOST_SEASONS = 50
"""A guild keeps this number of seasons; the oldest closed one makes room for a new one."""

FROZEN_ROWS = 100
"""The rows of each board that are kept when a season is closed."""

SEASON_BOARDS = (Board.KILLS, Board.KD, Board.STREAK, Board.LONGEST, Board.XP, Board.BOUNTIES, Board.FACTIONS)
"""The boards that are kept, in the order in which they are shown."""


class SeasonState(StrEnum):
    """The states of a season; each step is one conditional update."""

    PLANNED = "planned"
    RUNNING = "running"
    CLOSING = "closing"
    CLOSED = "closed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Tell whether its days are not over: it stands in the way of another one."""
        return self in (SeasonState.PLANNED, SeasonState.RUNNING)

    @property
    def is_moving(self) -> bool:
        """Tell whether the timer has something to do with it."""
        return self.is_open or self is SeasonState.CLOSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A season of one game server, or of all of a guild.

    Attributes:
        server_id: the game server; ``ALL_SERVERS`` for all.
        first_day: the first day that counts.
        last_day: the last one; None: an admin ends it, or it ends after ``LONGEST_DAYS``.
        closing_at: when (UTC) its days were found to be over; None before.
        closed_at: when its results were kept.
        is_silent: its results are not told, because they are those of a time before a restore.
    """

    guild_id: GuildId
    season_id: str
    name: str
    server_id: ServerId = ALL_SERVERS
    first_day: date
    last_day: date | None = None
    state: SeasonState = SeasonState.PLANNED
    closing_at: datetime | None = None
    closed_at: datetime | None = None
    is_silent: bool = False

    @property
    def final_day(self) -> date:
        """The last day that counts, also of a season without a set one."""
        return self.last_day or self.first_day + timedelta(days=LONGEST_DAYS - 1)

    @property
    def is_of_all(self) -> bool:
        """Tell whether it covers all game servers of its guild."""
        return self.server_id == ALL_SERVERS

    def covers(self, server_id: ServerId) -> bool:
        """Tell whether it covers a game server."""
        return self.is_of_all or self.server_id == server_id

    def shares_days(self, other: "Season") -> bool:
        """Tell whether a day belongs to both."""
        return self.first_day <= other.final_day and other.first_day <= self.final_day


@dataclass(frozen=True, slots=True)
class SeasonResult:
    """The first rows of one board of a season, as they were when it was closed.

    Attributes:
        rows: players; none on the board of factions, which has ``factions``.
    """

    season_id: str
    board: Board
    rows: tuple[BoardRow, ...] = ()
    factions: tuple[FactionRow, ...] = ()


SeasonWinners = Mapping[str, BoardRow]
"""The first player by kills of each closed season, by its id; a season in which nobody killed has none."""


@dataclass(frozen=True, slots=True)
class SeasonReport:
    """The answer of ``/season info``.

    Attributes:
        where: the name of its game server (foreign text), or words for all.
        today: the day that it is there.
        rows: the first three by kills.
    """

    season: Season
    where: Value
    today: date
    rows: tuple[BoardRow, ...] = ()


@dataclass(frozen=True, slots=True)
class SeasonStanding:
    """One board of a closed season, and the best row of the asker's linked players among those kept.

    Attributes:
        coverage: the servers and days of the season, for its look.
        is_linked: the asker has a linked player.
        own_faction: the row of the asker's faction.
    """

    season: Season
    coverage: Coverage
    result: SeasonResult
    own: BoardRow | None = None
    is_linked: bool = False
    own_faction: FactionRow | None = None


@dataclass(frozen=True, slots=True)
class SeasonList:
    """All seasons of a guild, newest first, with their winners and the names of their game servers."""

    seasons: Sequence[Season]
    winners: SeasonWinners
    places: Mapping[ServerId, Value]
