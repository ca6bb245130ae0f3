"""Statistics beyond one player's counters: periods, weapons, rivals, comparisons, hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from utils.models.deaths import Death
from utils.models.players import BoardRow, Counters, NamedCount, PlayerStats
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.texts import Text, Value, text_in

RIVAL_MINIMUM_KILLS = 3
KD_MINIMUM_KILLS = 10


class Period(StrEnum):
    """The span of time an answer covers, in whole calendar days."""

    ALL = "all"
    TODAY = "today"
    WEEK = "7d"
    MONTH = "30d"
    SEASON = "season"

    @property
    def days(self) -> int | None:
        """How many calendar days it has, today included; None for all time and for a season."""
        return {Period.TODAY: 1, Period.WEEK: 7, Period.MONTH: 30}.get(self)


Side = Literal["killer", "victim"]


PERIOD_CHOICES: Mapping[Period, Text] = {
    Period.ALL: text_in("a choice", "All time"),
    Period.TODAY: text_in("a choice", "Today"),
    Period.WEEK: text_in("a choice", "Last 7 days"),
    Period.MONTH: text_in("a choice", "Last 30 days"),
}
"""The names of periods in lists of choices."""

SEASON_PERIOD_CHOICES: Mapping[Period, Text] = {
    **PERIOD_CHOICES,
    Period.SEASON: text_in("a choice", "This season"),
}
"""The same, where the figures of a season can be asked for as well."""


class Board(StrEnum):
    """The kinds of leaderboards: players by a figure or by claimed bounties, or weapons by kills."""

    KILLS = "kills"
    DEATHS = "deaths"
    KD = "kd"
    STREAK = "streak"
    LONGEST = "longest"
    SUICIDES = "suicides"
    WEAPONS = "weapons"
    BOUNTIES = "bounties"
    PLAYTIME = "playtime"
    FACTIONS = "factions"
    XP = "xp"


BOARD_CHOICES: Mapping[Board, Text] = {
    Board.KILLS: text_in("a choice", "Kills"),
    Board.DEATHS: text_in("a choice", "Deaths"),
    Board.KD: text_in("a choice", "K/D ratio"),
    Board.STREAK: text_in("a choice", "Best streak"),
    Board.LONGEST: text_in("a choice", "Longest kill"),
    Board.SUICIDES: text_in("a choice", "Respawns and accidents"),
    Board.WEAPONS: text_in("a choice", "Weapons"),
    Board.BOUNTIES: text_in("a choice", "Claimed bounties"),
    Board.PLAYTIME: text_in("a choice", "Time played"),
    Board.FACTIONS: text_in("a choice", "Factions"),
    Board.XP: text_in("a choice", "XP and levels"),
}
"""The names of boards in lists of choices."""

BOARD_NAMES: Mapping[str, Text] = {
    Board.KILLS: text_in("a board", "kills"),
    Board.DEATHS: text_in("a board", "deaths"),
    Board.KD: text_in("a board", "K/D"),
    Board.STREAK: text_in("a board", "streak"),
    Board.LONGEST: text_in("a board", "longest"),
    Board.SUICIDES: text_in("a board", "respawns and accidents"),
    Board.WEAPONS: text_in("a board", "weapons"),
    Board.BOUNTIES: text_in("a board", "bounties"),
    Board.PLAYTIME: text_in("a board", "time played"),
    Board.FACTIONS: text_in("a board", "factions"),
    Board.XP: text_in("a board", "XP"),
}
"""The names of boards in sentences."""


@dataclass(frozen=True, slots=True)
class CoveredDeaths:
    """The deaths that figures are about.

    Attributes:
        server_ids: the servers that are summed.
        since: the first day that counts, by the servers' own calendars; None counts everything.
        since_at: the moment (UTC) at which that day begins, where it is today.
        until: the last day that counts, by the same calendars; None if there is none.
        until_at: the moment (UTC) at which that day is over.
    """

    guild_id: GuildId
    server_ids: Sequence[ServerId]
    since: date | None = None
    since_at: datetime | None = None
    until: date | None = None
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(CoveredDeaths):
    """The period and the servers that an answer covers.

    Attributes:
        where: the server's name (foreign text), or words for several servers.
        today: today's date in the server's own time zone, or in UTC for several servers.
        season: the name of the season (foreign text) if the period is one.
    """

    where: Value
    today: date
    period: Period = Period.ALL
    season: str = ""


@dataclass(frozen=True, slots=True)
class BoardRows:
    """Rows of a board.

    Attributes:
        total: the number of all rows, and ``summed`` the sum of their values.
        own: the best row of the players asked for.
    """

    rows: tuple[BoardRow, ...] = ()
    total: int = 0
    own: BoardRow | None = None
    summed: float = 0.0


@dataclass(frozen=True, slots=True)
class PlayerPlace:
    """The place of players summed to one on a board.

    Attributes:
        value: the number that the board ranks by.
        rank: from 1; None without a value.
        ranked: the number of places.
    """

    value: int
    rank: int | None = None
    ranked: int = 0


@dataclass(frozen=True, slots=True)
class RankedPlaces:
    """The places of a member's players on a board, best first.

    Attributes:
        missing: the names of those who are not on it.
        minimum_kills: how many kills a player needs to be on it; 0 if one is enough.
    """

    board: Board
    rows: tuple[BoardRow, ...]
    missing: tuple[str, ...] = ()
    minimum_kills: int = 0


@dataclass(frozen=True, slots=True)
class WeaponRow:
    """One weapon of a table: kills with it, the longest of them in metres, and who used it best."""

    weapon: str
    kills: int
    longest: int
    best_name: str = ""
    best_kills: int = 0


@dataclass(frozen=True, slots=True)
class WeaponTable:
    """Weapons by kills, most first; ``kills`` is the sum of all of them."""

    rows: tuple[WeaponRow, ...]
    kills: int


@dataclass(frozen=True, slots=True)
class ServerFigures:
    """The kills on one game server.

    Attributes:
        name: the server's name.
        killers: how many players have a kill.
        first: the player with the most kills; None without a kill.
        weapon: the weapon with the most kills; None for a season, whose weapons are not kept.
        longest: the longest kill as the board counts it, in metres; 0 without one.
    """

    name: str
    kills: int = 0
    killers: int = 0
    first: NamedCount | None = None
    weapon: WeaponRow | None = None
    longest: int = 0


@dataclass(frozen=True, slots=True)
class Enemy:
    """Another player and the number of kills of them or by them."""

    player_id: PlayerId
    name: str
    kills: int


@dataclass(frozen=True, slots=True)
class Rival:
    """Two rivals: how often the player killed the other, and the other way round."""

    player_id: PlayerId
    name: str
    kills: int
    deaths: int


@dataclass(frozen=True, slots=True)
class Rivals:
    """The players who killed a player most, and those they killed most; three times or more, most first."""

    name: str
    nemeses: tuple[Rival, ...]
    prey: tuple[Rival, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two players' figures, and how often each killed the other."""

    first: PlayerStats
    second: PlayerStats
    first_kills: int
    second_kills: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """The figures of a player on one day."""

    day: date
    counters: Counters


@dataclass(frozen=True, slots=True)
class HourCount:
    """The kills and deaths of a player in one hour of a day, by the servers' own clocks, from 0."""

    hour: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class Activity:
    """Kills in each hour of the week, Monday 0:00 first; ``name`` is the player's, empty for everybody."""

    hours: tuple[int, ...]
    name: str = ""

    @property
    def kills(self) -> int:
        """Return the sum."""
        return sum(self.hours)


@dataclass(frozen=True, slots=True)
class RecentDeath:
    """A stored death and the name of the server it happened on."""

    server_name: str
    death: Death
