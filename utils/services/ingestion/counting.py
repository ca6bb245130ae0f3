"""Turns deaths into counters. Only this module knows the counting rules.

*Theory of operation.* Counting is a fold: players, their days and the server's months are the state, and
``Counting.add`` updates them with one death. Live batches start from the stored counters; an import and a
recount start from zero. All three use the same ``add``, so they cannot disagree.

A fold needs an order, because a streak does: it grows with a kill and ends with a death. The order is
``Death.order``, the order of the log, and deaths must be added in it. A death newer than all others is added
on top. A late live death cannot be added on top, because the counter no longer knows the streak of that time.
``late_players`` names the players to be counted again from all of their deaths (``count_one_player``). Months
are sums without an order, so a late death is simply added.

``DeathKind`` decides how a death counts: a kill counts for the killer, and as a death of the victim. A
suicide (by menu, fall or one's own hand) is only a suicide. An unknown end is a death without a killer. All
of them end a streak. Only a kill with a believable distance can be the longest (``counts_as_longest``).

A kill gives XP (``compute_reward``), times the factor of its moment (``XpEvent``). It gives none if the same
killer killed the same victim ``PAID_KILLS_OF_A_VICTIM`` times or more within the hour before, by the wall
clock; all of these kills count, paid or not, so stored kills alone decide. A fold over all kills remembers
its last hour itself. A live batch gets the stored kills of that hour, but only of killers for whom they can
matter (``list_watched_killers``), which counters that it has anyway tell. Of erased players nobody knows who
they were, so their kills and deaths are each another's.

Everything here is sync and without I/O. A batch of one kill loads only the players and days it changes:
tallies are made for the players and days of its deaths, and turned into values once, at the end.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from utils.models.deaths import Death, DeathKind, DeathRow
from utils.models.money import PAID_KILLS_OF_A_VICTIM, PAID_WINDOW, compute_reward
from utils.models.players import (
    HOURS_OF_A_WEEK,
    MOST_NAMES,
    Counters,
    NameSeen,
    PlayerDay,
    PlayerRecord,
    ServerMonth,
    WeaponCount,
    add_recent,
    choose_weapon,
    count_at_once,
)
from utils.models.scope import ERASED_PLAYER_ID, PlayerId
from utils.models.xp import LastKill, XpEvents, find_factor
from utils.services.ingestion.wall_clock import LONGEST_STEP_BACK

DayKey = tuple[PlayerId, date]
Order = tuple[datetime, str, str, int]
LastKills = Mapping[PlayerId, Sequence[LastKill]]
"""Stored kills of the last hour, by killer."""

_NOTHING = Counters()
_REMEMBERED = PAID_WINDOW + LONGEST_STEP_BACK
"""A later kill may have an earlier wall-clock time, by so much at most."""


class KillFacts(NamedTuple):
    """The counters of killer and victim around a kill, for the killfeed.

    Attributes:
        kills: the killer's counters right after it, like ``deaths`` and ``streak``.
        kills_today: the killer's kills on its day, itself included.
        kills_at_once: the killer's kills within ``MULTIKILL_TIME`` before it, itself included.
        longest: the killer's longest kill before it, in metres.
        ended_streak: the victim's streak that it ended.
    """

    kills: int
    deaths: int
    streak: int
    kills_today: int = 1
    kills_at_once: int = 1
    longest: int = 0
    ended_streak: int = 0


class CounterTally:
    """Counters during counting."""

    __slots__ = ("best_streak", "deaths", "kills", "longest", "metres", "suicides", "xp")

    def __init__(self, counters: Counters | None = None) -> None:
        seed = counters or _NOTHING
        self.kills = seed.kills
        self.deaths = seed.deaths
        self.suicides = seed.suicides
        self.metres = seed.metres
        self.longest = seed.longest
        self.best_streak = seed.best_streak
        self.xp = seed.xp

    def add_kill(self, row: DeathRow, streak: int, xp: int) -> None:
        """Count a kill that gives ``xp``; ``streak`` is the killer's streak after it."""
        self.kills += 1
        self.xp += xp
        self.metres += row.distance
        self.best_streak = max(self.best_streak, streak)
        if row.distance > self.longest and row.counts_as_longest:
            self.longest = row.distance

    def freeze(self) -> Counters:
        """Return the counters as a value."""
        return Counters(
            self.kills, self.deaths, self.suicides, self.metres, self.longest, self.best_streak, self.xp
        )


class DayTally(CounterTally):
    """One player's day during counting; ``is_changed`` is True after a death was added."""

    __slots__ = ("is_changed",)

    def __init__(self, counters: Counters | None = None) -> None:
        super().__init__(counters)
        self.is_changed = False


class WeaponTally:
    """Kills by weapon during counting: number and longest, by the weapon's name.

    Weapons after the first ``MOST_WEAPONS`` are counted together.
    """

    __slots__ = ("_counts",)

    def __init__(self, weapons: Iterable[WeaponCount] = ()) -> None:
        self._counts = {one.weapon: [one.kills, one.longest] for one in weapons}

    def add_kill(self, row: DeathRow) -> None:
        """Count a kill."""
        count = self._counts.get(row.weapon)
        if count is None:
            count = self._counts.setdefault(choose_weapon(row.weapon, self._counts), [0, 0])
        count[0] += 1
        if row.distance > count[1] and row.counts_as_longest:
            count[1] = row.distance

    def freeze(self) -> tuple[WeaponCount, ...]:
        """Return the counts as values, by name."""
        return tuple(WeaponCount(name, *self._counts[name]) for name in sorted(self._counts))


class MonthTally:
    """All kills of one month of a server during counting."""

    __slots__ = ("days", "hours", "weapons")

    def __init__(self) -> None:
        self.weapons = WeaponTally()
        self.hours = [0] * HOURS_OF_A_WEEK
        self.days: set[int] = set()

    def add_kill(self, row: DeathRow) -> None:
        """Count a kill."""
        self.weapons.add_kill(row)
        self.hours[row.written_at.weekday() * 24 + row.written_at.hour] += 1
        self.days.add(row.written_at.day)

    def freeze(self, month: date) -> ServerMonth:
        """Return the counts as a value."""
        return ServerMonth(month, self.weapons.freeze(), tuple(self.hours), tuple(sorted(self.days)))


class PlayerTally:
    """One player during counting."""

    __slots__ = (
        *("counters", "last_kills", "last_order", "last_seen_at", "name", "names", "player_id", "recent"),
        *("streak", "weapons"),
    )

    def __init__(
        self, player_id: PlayerId, record: PlayerRecord | None = None, last_kills: Iterable[LastKill] = ()
    ) -> None:
        self.player_id = player_id
        self.last_kills = deque(last_kills)
        self.counters = CounterTally(record.counters if record else None)
        self.weapons = WeaponTally(record.weapons if record else ())
        self.streak = record.current_streak if record else 0
        self.recent = record.recent if record else ()
        self.name = record.name if record else ""
        self.names: dict[str, list[datetime]] = (
            {seen.name: [seen.first_seen_at, seen.last_seen_at] for seen in record.names} if record else {}
        )
        self.last_order: Order | None = record.last_order if record else None
        self.last_seen_at: datetime | None = record.last_seen_at if record else None

    def see(self, name: str, at: datetime, order: Order) -> None:
        """Note the player's name and the moment; only the newest names are kept."""
        seen = self.names.get(name)
        if seen is None:
            self.names[name] = [at, at]
        elif at > seen[1]:
            seen[1] = at
        elif at < seen[0]:
            seen[0] = at
        while len(self.names) > MOST_NAMES:
            del self.names[min(self.names.keys() - {name}, key=lambda one: (self.names[one][1], one))]
        self.name = name
        self.last_order = order
        self.last_seen_at = at

    def add_kill(self, death: Death, day: CounterTally, *, ended_streak: int, factor: int) -> KillFacts:
        """Count a kill, also on its day; ``factor`` multiplies its XP."""
        row, counters, longest = death.row, self.counters, self.counters.longest
        self.streak += 1
        at_once = count_at_once(self.recent, death.at)
        self.recent = add_recent(self.recent, death.at)
        self.weapons.add_kill(row)
        xp = compute_reward(row.distance) * factor if self._is_paid(death) else 0
        counters.add_kill(row, self.streak, xp)
        day.add_kill(row, self.streak, xp)
        return KillFacts(
            counters.kills, counters.deaths, self.streak, day.kills, at_once, longest, ended_streak
        )

    def _is_paid(self, death: Death) -> bool:
        """Tell whether a kill gives XP, and remember it."""
        row, kills = death.row, self.last_kills
        if ERASED_PLAYER_ID in (self.player_id, row.victim_id):
            return True
        oldest = death.order[0] - _REMEMBERED
        while kills and kills[0].written_at <= oldest:
            kills.popleft()
        since, until, victim_id = row.written_at - PAID_WINDOW, row.written_at, row.victim_id
        before = sum(one.victim_id == victim_id and since < one.written_at <= until for one in kills)
        kills.append(LastKill(row.written_at, victim_id))
        return before < PAID_KILLS_OF_A_VICTIM

    def freeze(self) -> PlayerRecord:
        """Return the player as a value; fails if no death of the player was added."""
        if self.last_order is None or self.last_seen_at is None:
            raise ValueError(f"player {self.player_id} was never seen")
        return PlayerRecord(
            player_id=self.player_id,
            name=self.name,
            names=tuple(NameSeen(name, first, last) for name, (first, last) in self.names.items()),
            counters=self.counters.freeze(),
            current_streak=self.streak,
            last_order=self.last_order,
            last_seen_at=self.last_seen_at,
            weapons=self.weapons.freeze(),
            recent=self.recent,
        )


class Counting:
    """A fold over deaths, starting from earlier counters.

    Args:
        players: the stored players; all others start from zero.
        days: their stored day counters.
        xp_events: the times in which kills give more XP.
        last_kills: the stored kills of the last hour, of killers for whom they matter.
    """

    def __init__(
        self,
        players: Mapping[PlayerId, PlayerRecord] | None = None,
        days: Mapping[DayKey, PlayerDay] | None = None,
        *,
        xp_events: XpEvents = (),
        last_kills: LastKills | None = None,
    ) -> None:
        known = last_kills or {}
        self._players = {
            key: PlayerTally(key, record, known.get(key, ())) for key, record in (players or {}).items()
        }
        self._xp_events = xp_events
        self._days: dict[date, dict[PlayerId, DayTally]] = {}
        self._months: dict[tuple[int, int], MonthTally] = {}
        for (player_id, day), stored in (days or {}).items():
            self._days.setdefault(day, {})[player_id] = DayTally(stored.counters)
        self.late_players: set[PlayerId] = set()

    def add(self, death: Death) -> KillFacts | None:
        """Count one death; if it was a kill, return the killer's counters after it."""
        row, order = death.row, death.order
        day = self._days.setdefault(row.written_at.date(), {})
        victim = self._meet(row.victim_id, row.victim_name, death.at, order)
        facts = self._add_kill(death, order, day, victim) if row.kind.is_kill else None
        tally = _get_day(day, row.victim_id)
        if row.kind.is_suicide:
            victim.counters.suicides += 1
            tally.suicides += 1
        else:
            victim.counters.deaths += 1
            tally.deaths += 1
        victim.streak = 0
        return facts

    def freeze_players(self) -> Iterator[PlayerRecord]:
        """Yield every player that was given or counted."""
        return (tally.freeze() for tally in self._players.values())

    def freeze_days(self) -> Iterator[PlayerDay]:
        """Yield the day counters that changed."""
        return (
            PlayerDay(player_id, day, tally.freeze())
            for day, players in self._days.items()
            for player_id, tally in players.items()
            if tally.is_changed
        )

    def freeze_months(self) -> Iterator[ServerMonth]:
        """Yield the months of the deaths added here, without the stored counts."""
        return (tally.freeze(date(*month, 1)) for month, tally in self._months.items())

    def take_days_before(self, month: date) -> list[PlayerDay]:
        """Return and forget the changed days before ``month``; a fold in order does not return to them."""
        return [
            PlayerDay(player_id, day, tally.freeze())
            for day in [day for day in self._days if day < month]
            for player_id, tally in self._days.pop(day).items()
            if tally.is_changed
        ]

    def _add_kill(
        self, death: Death, order: Order, day: dict[PlayerId, DayTally], victim: PlayerTally
    ) -> KillFacts:
        row = death.row
        if row.killer_id is None:
            raise ValueError("a kill has a killer")
        killer = self._meet(row.killer_id, row.killer_name, death.at, order)
        self._get_month(row.written_at).add_kill(row)
        factor = find_factor(self._xp_events, death.at) if self._xp_events else 1
        tally = _get_day(day, row.killer_id)
        return killer.add_kill(death, tally, ended_streak=victim.streak, factor=factor)

    def _get_month(self, at: datetime) -> MonthTally:
        month = at.year, at.month
        tally = self._months.get(month)
        if tally is None:
            tally = self._months[month] = MonthTally()
        return tally

    def _meet(self, player_id: PlayerId, name: str, at: datetime, order: Order) -> PlayerTally:
        tally = self._players.get(player_id)
        if tally is None:
            tally = self._players[player_id] = PlayerTally(player_id)
        elif tally.last_order is not None and order < tally.last_order:
            self.late_players.add(player_id)
        tally.see(name, at, order)
        return tally


def _get_day(day: dict[PlayerId, DayTally], player_id: PlayerId) -> DayTally:
    """Return a player's counters of a day, to be changed; new ones if there are none."""
    tally = day.get(player_id)
    if tally is None:
        tally = day[player_id] = DayTally()
    tally.is_changed = True
    return tally


@dataclass(frozen=True, slots=True)
class PlayerRecount:
    """One player counted again.

    Attributes:
        standings: their counters around each of their kills, by death; without the streaks of their victims,
            because not all deaths of these are counted.
    """

    record: PlayerRecord
    days: tuple[PlayerDay, ...]
    standings: Mapping[bytes, KillFacts]


def count_one_player(player_id: PlayerId, deaths: Iterable[Death], *, xp_events: XpEvents) -> PlayerRecount:
    """Count one player again from all their death rows, given in order."""
    counting = Counting(xp_events=xp_events)
    standings: dict[bytes, KillFacts] = {}
    for death in deaths:
        facts = counting.add(death)
        if facts is not None and death.row.killer_id == player_id:
            standings[death.id] = facts._replace(ended_streak=0)
    return PlayerRecount(
        record=next(record for record in counting.freeze_players() if record.player_id == player_id),
        days=tuple(day for day in counting.freeze_days() if day.player_id == player_id),
        standings=standings,
    )


def list_watched_killers(
    deaths: Iterable[Death],
    players: Mapping[PlayerId, PlayerRecord],
    days: Mapping[DayKey, PlayerDay],
) -> Collection[PlayerId]:
    """Return the killers of new deaths whose stored kills of the last hour decide about XP.

    A victim who died less often lately, or whose killer killed less often, cannot have been killed too often
    by that killer; so mostly nobody is watched.
    """
    watched: set[PlayerId] = set()
    pairs = Counter[tuple[PlayerId, PlayerId]]()
    for death in deaths:
        row = death.row
        killer = players.get(row.killer_id) if row.kind.is_kill and row.killer_id else None
        if killer is None:
            continue
        pair = killer.player_id, row.victim_id
        stored = min(_count_lately(killer, death), _count_died(death, players, days))
        if stored and stored + pairs[pair] >= PAID_KILLS_OF_A_VICTIM:
            watched.add(killer.player_id)
        pairs[pair] += 1
    return watched


def _count_lately(killer: PlayerRecord, death: Death) -> int:
    """Return how many of a killer's last stored kills may be within the hour before a kill."""
    since = death.at - _REMEMBERED  # moments differ from wall-clock times where these jump
    return sum(at > since for at in killer.recent)


def _count_died(
    death: Death, players: Mapping[PlayerId, PlayerRecord], days: Mapping[DayKey, PlayerDay]
) -> int:
    """Return how often the victim of a kill may have died within the hour before it, by stored counters."""
    row = death.row
    day = row.written_at.date()
    if (row.written_at - PAID_WINDOW).date() == day:
        counted = days.get((row.victim_id, day))
        return 0 if counted is None else counted.counters.deaths
    victim = players.get(row.victim_id)
    return 0 if victim is None else victim.counters.deaths


def list_player_ids(deaths: Iterable[Death]) -> frozenset[PlayerId]:
    """Return all players whose counters these deaths may change."""
    found: set[PlayerId] = set()
    for death in deaths:
        found.add(death.row.victim_id)
        if death.row.killer_id is not None and death.row.kind is not DeathKind.UNKNOWN:
            found.add(death.row.killer_id)
    return frozenset(found)
