"""Recaps: what happened on the game servers of a community on a day or in a week, told afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from utils.models.declared_settings import between, setting
from utils.models.lasting_buttons import ButtonKind
from utils.models.players import NamedCount
from utils.models.scope import GuildId, PlayerId
from utils.models.statistics import PlayerPlace
from utils.models.texts import Text, text, text_in

LEAST_KILLS = 10
"""A day or week with fewer kills is not told."""

LAST_HOUR = 23
MOST_RECAPS = 60
"""The number of recaps of a guild that are remembered; the oldest makes room for a new one."""

RIVAL_LEAST_KILLS = 2

RECAP_PLACE = ButtonKind("recap_place")
"""The button below a recap that shows the own place; its argument names the recap's kind and first day."""


class RecapKind(StrEnum):
    """The kinds of recaps."""

    DAILY = "daily"
    WEEKLY = "weekly"


class RecapState(StrEnum):
    """The outcome of a recap."""

    POSTED = "posted"
    QUIET = "quiet"
    LATE = "late"


class Weekday(StrEnum):
    """The days of the week, in their order; short, because the choices of ``/admin`` are limited together."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"

    @property
    def number(self) -> int:
        """Its number as of ``date.weekday``: 0 for Monday."""
        return tuple(Weekday).index(self)


WEEKDAY_CHOICES: Mapping[Weekday, Text] = {
    Weekday.MONDAY: text_in("a choice", "Monday"),
    Weekday.TUESDAY: text_in("a choice", "Tuesday"),
    Weekday.WEDNESDAY: text_in("a choice", "Wednesday"),
    Weekday.THURSDAY: text_in("a choice", "Thursday"),
    Weekday.FRIDAY: text_in("a choice", "Friday"),
    Weekday.SATURDAY: text_in("a choice", "Saturday"),
    Weekday.SUNDAY: text_in("a choice", "Sunday"),
}
"""Their names in lists of choices."""


@dataclass(frozen=True, slots=True)
class RecapSettings:
    """When a guild gets recaps.

    Attributes:
        hour: the hour of the day at which they are posted, in the guild's time zone.
        weekday: the day of the weekly one.
    """

    is_daily: bool = setting(default=False)
    is_weekly: bool = setting(default=True)
    hour: int = setting(9, check=between(0, LAST_HOUR, text("An hour is 0 to 23.")))
    weekday: Weekday = setting(Weekday.MONDAY)

    @property
    def kinds(self) -> tuple[RecapKind, ...]:
        """The kinds that are on."""
        switches = {RecapKind.DAILY: self.is_daily, RecapKind.WEEKLY: self.is_weekly}
        return tuple(kind for kind, is_on in switches.items() if is_on)


@dataclass(frozen=True, slots=True)
class RecapSpan:
    """The whole days that a recap covers, by each game server's own calendar."""

    kind: RecapKind
    first_day: date
    last_day: date

    @property
    def key(self) -> str:
        """The key of the span: ``2026-W48`` for a week, ``2026-11-28`` for a day."""
        if self.kind is RecapKind.DAILY:
            return self.first_day.isoformat()
        year, week, _ = self.first_day.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def argument(self) -> str:
        """The argument of the button below a recap, which names the span."""
        return f"{self.kind.value}:{self.first_day.isoformat()}"


def build_span(kind: RecapKind, first_day: date) -> RecapSpan:
    """Return the span of a kind that begins with a day."""
    days = 1 if kind is RecapKind.DAILY else 7
    return RecapSpan(kind, first_day, first_day + timedelta(days=days - 1))


RecapDays = Mapping[RecapKind, RecapSpan]
"""The days that the next recap of each kind covers; a change of settings leaves them."""


@dataclass(frozen=True, slots=True)
class PlannedRecap:
    """The next recap of a kind: when it is due, UTC, and the days that it covers."""

    due_at: datetime
    span: RecapSpan


RecapPlan = Mapping[RecapKind, PlannedRecap]
"""The next recap of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recap:
    """A recap as it is stored; it has no names.

    Attributes:
        period: the key of its span.
        at: when this was decided, UTC.
        kills: the kills of its days, and ``killers`` the players with a kill; None if it came too late, so
            nothing was counted.
    """

    guild_id: GuildId
    kind: RecapKind
    period: str
    state: RecapState
    at: datetime
    kills: int | None = None
    killers: int | None = None


@dataclass(frozen=True, slots=True)
class RecapBest:
    """The player who was the best at something, and the value."""

    player_id: PlayerId
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Rivalry:
    """Two players and the number of kills of each other, the one with more kills first."""

    first: RecapBest
    second: RecapBest


@dataclass(frozen=True, slots=True)
class RecapServerFigures:
    """One game server: its name, its kills, the players with a kill, and the first of them."""

    name: str
    kills: int = 0
    killers: int = 0
    first: RecapBest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecapFigures:
    """The figures of the days of a recap, over all game servers.

    Attributes:
        kills_before: the kills of as many days before.
        killers: the players with a kill.
        mvp: the player with the most kills; None without a kill, as in ``longest`` and ``streak``.
        mvp_xp: their XP of all time, and their place by it.
        servers: each game server, those with the most kills first.
    """

    kills: int = 0
    kills_before: int = 0
    killers: int = 0
    mvp: RecapBest | None = None
    mvp_xp: PlayerPlace | None = None
    longest: RecapBest | None = None
    streak: RecapBest | None = None
    weapon: NamedCount | None = None
    rivalry: Rivalry | None = None
    servers: tuple[RecapServerFigures, ...] = field(default=())

    @property
    def player_ids(self) -> frozenset[PlayerId]:
        """The players who are named."""
        rivals = (self.rivalry.first, self.rivalry.second) if self.rivalry else ()
        firsts = tuple(one.first for one in self.servers)
        named = (self.mvp, self.longest, self.streak, *rivals, *firsts)
        return frozenset(one.player_id for one in named if one is not None)


@dataclass(frozen=True, slots=True)
class RecapOverview:
    """The answer of ``/admin recap``.

    Attributes:
        timezone: the name of the zone of their hour.
        next_at: when (UTC) the next ones are due, of the kinds that are on.
        has_channel: the news channel is set.
    """

    settings: RecapSettings
    timezone: str
    next_at: Mapping[RecapKind, datetime]
    has_channel: bool
