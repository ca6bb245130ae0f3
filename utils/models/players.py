"""Players: names, counters, and the answers about them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from utils.models.scope import PlayerId, ServerId
from utils.models.texts import text

MOST_NAMES = 50
"""The newest names of a player are kept; the game lets people rename themselves without end."""

MOST_WEAPONS = 200
"""One document counts this number of weapons by name, and all others together; the game has some dozens."""

LEAST_RECENT = 3
"""The times of so many last kills of a player are kept, however old they are."""

MOST_RECENT = 20
"""The most times of last kills that are kept."""

MULTIKILL_TIME = timedelta(seconds=60)
"""Kills of a player that are no further apart belong together; so all of this time are kept."""

REST = text("other weapons")

OTHER_WEAPONS = str(REST)
"""The stored name of all other weapons; each language shows its own words (``localizer.STAND_INS``)."""


@dataclass(frozen=True, slots=True)
class NameSeen:
    """A name a player has had on one server, and when (UTC)."""

    name: str
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class NamedPlayer:
    """A player, by the name that people know."""

    player_id: PlayerId
    name: str


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of a player, over all time or over one day.

    Deaths include those without a killer; suicides are neither kills nor deaths. ``metres`` sums the
    distance of every kill; ``longest`` is the longest counted kill in metres; ``best_streak`` is the highest
    streak reached (by a kill of that day, in a day's counters). ``xp`` is what the kills gave.
    """

    kills: int = 0
    deaths: int = 0
    suicides: int = 0
    metres: int = 0
    longest: int = 0
    best_streak: int = 0
    xp: int = 0

    @property
    def ratio(self) -> float:
        """Kills for each death, a player without deaths counting as one death; two decimals."""
        return round(self.kills / max(self.deaths, 1), 2)


def sum_counters(several: Iterable[Counters]) -> Counters:
    """Return the sum over servers, players or days; longest kill and best streak are the highest of them."""
    counted = list(several)
    if len(counted) == 1:
        return counted[0]
    return Counters(
        kills=sum(one.kills for one in counted),
        deaths=sum(one.deaths for one in counted),
        suicides=sum(one.suicides for one in counted),
        metres=sum(one.metres for one in counted),
        longest=max((one.longest for one in counted), default=0),
        best_streak=max((one.best_streak for one in counted), default=0),
        xp=sum(one.xp for one in counted),
    )


@dataclass(frozen=True, slots=True, order=True)
class WeaponCount:
    """Kills with one weapon and the longest of them in metres (0 if none counts as a longest kill)."""

    weapon: str
    kills: int
    longest: int


@dataclass(frozen=True, slots=True)
class PlayerRecord:
    """A player on one game server.

    Attributes:
        weapons: their kills with each weapon, by its name.
        current_streak: kills since the last own death.
        last_order: place of the newest death row this player takes part in (see ``Death.order``).
        last_seen_at: the same moment in UTC.
        recent: the moments of their last kills in UTC, the newest last (``add_recent``).
    """

    player_id: PlayerId
    name: str
    names: tuple[NameSeen, ...]
    counters: Counters
    current_streak: int
    last_order: tuple[datetime, str, str, int]
    last_seen_at: datetime
    weapons: tuple[WeaponCount, ...] = ()
    recent: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class PlayerDay:
    """A player's counters of one calendar day (of the game server's time zone)."""

    player_id: PlayerId
    day: date
    counters: Counters


HOURS_OF_A_DAY = 24
HOURS_OF_A_WEEK = 7 * HOURS_OF_A_DAY


@dataclass(frozen=True, slots=True)
class ServerMonth:
    """Kills of all players of one server in one month (its first day names it), by the server's own calendar.

    Attributes:
        weapons: by the weapon's name.
        hours: kills in each hour of the week, Monday 0:00 first; as many as ``HOURS_OF_A_WEEK``.
        days: the days of the month with a kill, in order; empty if it was counted before these were stored.
    """

    month: date
    weapons: tuple[WeaponCount, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] = ()

    @property
    def kills(self) -> int:
        """All kills of the month."""
        return sum(count.kills for count in self.weapons)

    @property
    def longest(self) -> int:
        """The longest kill in metres, 0 without one."""
        return max((count.longest for count in self.weapons), default=0)


def choose_weapon(weapon: str, counted: Collection[str]) -> str:
    """Return the name under which a weapon is counted, given the names that are counted already."""
    return weapon if weapon in counted or len(counted) < MOST_WEAPONS else OTHER_WEAPONS


def sum_months(one: ServerMonth, other: ServerMonth) -> ServerMonth:
    """Return the sum of two counts of the same month."""
    weapons = {count.weapon: count for count in one.weapons}
    for count in other.weapons:
        name = choose_weapon(count.weapon, weapons)
        before = weapons.get(name, WeaponCount(name, 0, 0))
        weapons[name] = WeaponCount(name, before.kills + count.kills, max(before.longest, count.longest))
    hours = tuple(first + second for first, second in zip(one.hours, other.hours, strict=True))
    days = tuple(sorted({*one.days, *other.days}))
    return ServerMonth(one.month, tuple(sorted(weapons.values())), hours, days)


def add_recent(recent: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    """Return the moments of a player's last kills after one more.

    These are the last ``LEAST_RECENT``, and the others within ``MULTIKILL_TIME``, ``MOST_RECENT`` in all.
    """
    newest = (*recent, at)
    while len(newest) > LEAST_RECENT and (len(newest) > MOST_RECENT or at - newest[0] > MULTIKILL_TIME):
        newest = newest[1:]
    return newest


def count_at_once(recent: tuple[datetime, ...], at: datetime) -> int:
    """Return the number of kills that belong to one more at this moment, itself included."""
    number = 1
    for earlier in reversed(recent):
        if abs(at - earlier) > MULTIKILL_TIME:
            break
        number += 1
    return number


@dataclass(frozen=True, slots=True)
class NamedCount:
    """A name with a count: a weapon, a nemesis, a prey."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class PlayerStats:
    """The answer of ``/stats``: one player or several of one person, on one server or summed over several.

    Attributes:
        player_id: the player; of several the one seen last, with their name and current streak.
        rank: place by kills among the players of the same servers, from 1; None without kills.
        ranked: the number of ranked players; the players summed here count as one.
        servers: the servers in the sum.
        also: names of the other players in the sum.
    """

    player_id: PlayerId
    name: str
    counters: Counters
    current_streak: int
    top_weapon: NamedCount | None
    nemesis: NamedCount | None
    prey: NamedCount | None
    rank: int | None
    ranked: int
    last_seen_at: datetime
    servers: tuple[ServerId, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One line of a leaderboard.

    Attributes:
        value: the number that the board ranks by.
        claims: the number of bounties; only on the board of bounties.
    """

    rank: int
    player_id: PlayerId
    name: str
    value: float
    counters: Counters
    claims: int = 0


@dataclass(frozen=True, slots=True)
class KnownPlayer:
    """A player as offered by autocomplete and look-up by name."""

    player_id: PlayerId
    name: str
    names: tuple[str, ...]
    kills: int
    last_seen_at: datetime
    servers: tuple[ServerId, ...] = field(default=())
