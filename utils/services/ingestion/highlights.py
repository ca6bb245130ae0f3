"""Highlights: decides what makes a kill special, in the transaction that stores it.

*Theory of operation.* A highlight is a fact of the death's notice, so it needs no post and no flag of its
own: a batch that runs again finds the same ones. Each rule is a pure function (``judge_…``) of facts about
one kill. ``BatchHighlights`` collects the facts in the order of the log, so the kills of a batch see each
other. Most facts are known after counting (``KillFacts``). For the others it reads as little as possible:

* a *record* needs a kill of ``RECORD_METRES``, longer than any of its killer and of its month. Only then are
the other months of the server read;
* *first blood* needs the first kill of its killer on that day, and the month, which was read for counting;
* *revenge* needs the last death of the killer at the hands of a player, which was read with the counters.

Only kills that are posted have highlights, so history has none. Neither has a *late* kill: one that is older
than a counted death of its killer or its victim. The streaks of that time are known only after a recount.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Protocol

from utils.models.deaths import Death, DeathRow, Killing
from utils.models.notices.highlights import MOST_HIGHLIGHTS, Highlight, HighlightKind
from utils.models.players import ServerMonth
from utils.models.scope import PlayerId
from utils.services.ingestion.counting import KillFacts
from utils.services.ingestion.wall_clock import LONGEST_STEP_BACK

RECORD_METRES = 50
RECORD_KILLS = 100  # before so many kills on a server, records would be beaten all the time
MILESTONES = (100, 500)
MILESTONE_STEP = 1_000
MULTIKILL = 3
LEAST_ENDED_STREAK = 5
STREAKS = (3, 5, 10, 15, 20, 25)
STREAK_STEP = 10
REVENGE_TIME = timedelta(minutes=30)


class HighlightUnit(Protocol):  # implemented by IngestionTransaction
    """The transaction of a batch, for its highlights."""

    def list_months(self, *, generation: int) -> Sequence[ServerMonth]:
        """Return all stored months of the server."""


@dataclass(frozen=True, slots=True)
class HighlightTerms:
    """The kills of a batch that can have highlights, and what was read and decided about them.

    Attributes:
        kinds: the kinds of highlights that are switched on.
        facts: the counters around each kill, by death; only of kills that are posted and not late.
        months: the server's months of these kills, as they were before the batch.
        killings: the stored kills of their killers, of ``REVENGE_TIME`` at least; no others matter.
        claims: emeralds of the bounties that a kill claimed, by death.
    """

    generation: int
    kinds: frozenset[HighlightKind]
    facts: Mapping[bytes, KillFacts]
    months: Mapping[date, ServerMonth]
    killings: Sequence[Killing]
    claims: Mapping[bytes, int]


def find_highlights(
    unit: HighlightUnit, deaths: Iterable[Death], terms: HighlightTerms
) -> Mapping[bytes, tuple[Highlight, ...]]:
    """Return the highlights of new deaths, by death; ``deaths`` are all of a batch, in order.

    Raises:
        StorageError: a read failed.
    """
    if not terms.facts or not terms.kinds:
        return {}
    kills = [death for death in deaths if death.row.kind.is_kill]
    batch = BatchHighlights(unit, kills, terms)
    return {kill.id: batch.add(kill) for kill in kills}


def compute_killed_since(kills: Iterable[Death]) -> datetime | None:
    """Return since when it matters who killed the killers, by the wall clock; None without a kill."""
    first = min((kill.row.written_at for kill in kills), default=None)
    # the clock may have been set forward or back
    return None if first is None else first - REVENGE_TIME - LONGEST_STEP_BACK


class BatchHighlights:
    """The highlights of one batch; ``add`` takes its kills in order."""

    def __init__(self, unit: HighlightUnit, kills: Iterable[Death], terms: HighlightTerms) -> None:
        self._unit = unit
        self._terms = terms
        self._months = {kill.row.written_at.date().replace(day=1) for kill in kills}
        self._longest = max((month.longest for month in terms.months.values()), default=0)
        self._kills: int | None = None  # of the server; known when all months are read
        self._added = 0  # kills of this batch so far
        self._days: set[date] = set()  # of kills of this batch
        self._last: dict[PlayerId, Killing] = {}
        self._rules: Mapping[HighlightKind, Callable[[Death, KillFacts], Highlight | None]] = {
            HighlightKind.RECORD: self._find_record,
            HighlightKind.MILESTONE: lambda _, facts: judge_milestone(facts.kills),
            HighlightKind.BOUNTY: lambda kill, _: judge_bounty(terms.claims.get(kill.id, 0)),
            HighlightKind.MULTIKILL: lambda _, facts: judge_multikill(facts.kills_at_once),
            HighlightKind.STREAK_ENDED: lambda _, facts: judge_ended_streak(facts.ended_streak),
            HighlightKind.STREAK: lambda _, facts: judge_streak(facts.streak),
            HighlightKind.REVENGE: self._find_revenge,
            HighlightKind.FIRST_BLOOD: self._find_first_blood,
        }
        for killing in terms.killings:
            self._note(killing)

    def add(self, kill: Death) -> tuple[Highlight, ...]:
        """Return the highlights of a kill, the rarest first, and remember it for the next ones."""
        facts = self._terms.facts.get(kill.id)
        found = () if facts is None else tuple(islice(self._judge(kill, facts), MOST_HIGHLIGHTS))
        self._remember(kill.row, kill.at)
        return found

    def _judge(self, kill: Death, facts: KillFacts) -> Iterable[Highlight]:
        for kind in HighlightKind:
            highlight = self._rules[kind](kill, facts) if kind in self._terms.kinds else None
            if highlight is not None:
                yield highlight

    def _remember(self, row: DeathRow, at: datetime) -> None:
        self._added += 1
        self._days.add(row.written_at.date())
        if row.counts_as_longest:
            self._longest = max(self._longest, row.distance)
        if row.killer_id is not None:
            self._note(Killing(row.killer_id, row.victim_id, at))

    def _note(self, killing: Killing) -> None:
        last = self._last.get(killing.victim_id)
        if last is None or last.at <= killing.at:
            self._last[killing.victim_id] = killing

    def _find_record(self, kill: Death, facts: KillFacts) -> Highlight | None:
        distance = kill.row.distance if kill.row.counts_as_longest else 0
        if distance < RECORD_METRES or distance <= max(facts.longest, self._longest):
            return None
        if self._kills is None:
            self._read_months()
        return judge_record(distance, longest=self._longest, kills=(self._kills or 0) + self._added)

    def _read_months(self) -> None:
        """Read the server's other months: their kills and the longest of them."""
        stored = self._unit.list_months(generation=self._terms.generation)
        others = [month for month in stored if month.month not in self._months]
        self._kills = sum(month.kills for month in (*self._terms.months.values(), *others))
        self._longest = max((self._longest, *(month.longest for month in others)))

    def _find_revenge(self, kill: Death, _: KillFacts) -> Highlight | None:
        last = None if kill.row.killer_id is None else self._last.get(kill.row.killer_id)
        return judge_revenge(kill.row.victim_id, kill.at, last)

    def _find_first_blood(self, kill: Death, facts: KillFacts) -> Highlight | None:
        day = kill.row.written_at.date()
        if facts.kills_today > 1 or day in self._days:
            return None
        return judge_first_blood(day, self._terms.months.get(day.replace(day=1)))


def judge_record(distance: int, *, longest: int, kills: int) -> Highlight | None:
    """Judge a kill that counts as a longest one, by its distance in metres.

    Args:
        distance: of the kill.
        longest: the server's longest kill before it.
        kills: all kills that the server counted before it.
    """
    if distance < RECORD_METRES or distance <= longest or kills < RECORD_KILLS:
        return None
    return Highlight(HighlightKind.RECORD, distance, longest)


def judge_milestone(kills: int) -> Highlight | None:
    """Judge the number of a player's kills on the server."""
    if kills in MILESTONES or (kills and kills % MILESTONE_STEP == 0):
        return Highlight(HighlightKind.MILESTONE, kills)
    return None


def judge_bounty(emeralds: int) -> Highlight | None:
    """Judge the sum of the bounties that the kill itself claimed."""
    return Highlight(HighlightKind.BOUNTY, emeralds) if emeralds else None


def judge_multikill(kills: int) -> Highlight | None:
    """Judge the number of a player's kills within ``MULTIKILL_TIME``."""
    return Highlight(HighlightKind.MULTIKILL, kills) if kills >= MULTIKILL else None


def judge_ended_streak(streak: int) -> Highlight | None:
    """Judge the streak that the victim had."""
    return Highlight(HighlightKind.STREAK_ENDED, streak) if streak >= LEAST_ENDED_STREAK else None


def judge_streak(streak: int) -> Highlight | None:
    """Judge the killer's streak."""
    if streak in STREAKS or (streak > STREAKS[-1] and streak % STREAK_STEP == 0):
        return Highlight(HighlightKind.STREAK, streak)
    return None


def judge_revenge(victim_id: PlayerId, at: datetime, last: Killing | None) -> Highlight | None:
    """Judge the victim of a kill, by the last death of its killer at the hands of a player."""
    if last is None or last.killer_id != victim_id or not timedelta(0) <= at - last.at <= REVENGE_TIME:
        return None
    return Highlight(HighlightKind.REVENGE)


def judge_first_blood(day: date, month: ServerMonth | None) -> Highlight | None:
    """Judge the day of a kill, by the server's month before it; None if it had no kill.

    A month that was counted before its days were stored tells nothing.
    """
    if month is not None and (not month.days or day.day in month.days):
        return None
    return Highlight(HighlightKind.FIRST_BLOOD)
