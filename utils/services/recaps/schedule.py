"""When recaps are due, and which days they cover: functions of values.

A recap is due at a full hour of the guild's own clock. An hour that the clocks skip moves on to the next
moment there is; of an hour that they show twice the first counts. It covers whole days that are over: a day,
or a week from Monday to Sunday, by each game server's own calendar.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from zoneinfo import ZoneInfo

from utils.errors import NotFoundError
from utils.models.recaps import (
    PlannedRecap,
    RecapDays,
    RecapKind,
    RecapPlan,
    RecapSettings,
    RecapSpan,
    build_span,
)
from utils.models.texts import text
from utils.services.seasons.rules import begin_day

LATEST: Mapping[RecapKind, timedelta] = {
    RecapKind.DAILY: timedelta(hours=12),
    RecapKind.WEEKLY: timedelta(hours=24),
}
"""A recap that could not be posted for so long is not posted any more."""

MOST_MOVED = timedelta(hours=49)
"""Another hour and another time zone move the moment of a recap by less."""

IMPORT_PATIENCE = timedelta(hours=3)
"""A recap waits so long for an import of history to end."""

READ_PATIENCE = timedelta(minutes=10)
"""A recap waits so long until every game server is read that can be read."""

LAST_CHANCE = timedelta(minutes=5)  # some rounds of the timer before it would be late
OLDEST_SHOWN = timedelta(days=60)  # the standings keep these days anyway
NO_DAYS_ANY_MORE = text("This recap is too old. I don't keep its places any more.")

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


class Step(Enum):
    """The next step with a recap that is due."""

    WAIT = auto()
    TELL = auto()
    GIVE_UP = auto()


@dataclass(frozen=True, slots=True)
class Readiness:
    """The facts for which a recap may wait.

    Attributes:
        started_at: since when this process could have told it.
        is_importing: a game server's history is being imported.
        is_read: every game server was read since the days of the recap are over.
    """

    started_at: datetime
    is_importing: bool
    is_read: bool


def find_next(settings: RecapSettings, kind: RecapKind, zone: ZoneInfo, *, after: datetime) -> datetime:
    """Return the first moment (UTC) after another one at which a recap is due."""
    day = after.astimezone(zone).date() - DAY
    while not (_is_day_of(settings, kind, day) and _find_moment(day, settings.hour, zone) > after):
        day += DAY
    return _find_moment(day, settings.hour, zone)


def find_due(settings: RecapSettings, span: RecapSpan, zone: ZoneInfo) -> datetime:
    """Return the moment (UTC) at which the days of a span are told."""
    wait = timedelta() if span.kind is RecapKind.DAILY else settings.weekday.number * DAY
    return _find_moment(span.last_day + DAY + wait, settings.hour, zone)


def plan_next(settings: RecapSettings, kind: RecapKind, zone: ZoneInfo, *, after: datetime) -> PlannedRecap:
    """Return the first recap that is due after a moment."""
    due_at = find_next(settings, kind, zone, after=after)
    return PlannedRecap(due_at, find_span(settings, kind, zone, due_at=due_at))


def plan_again(settings: RecapSettings, span: RecapSpan, zone: ZoneInfo, *, now: datetime) -> PlannedRecap:
    """Return when days are told that were planned by other settings: at once if their moment is over.

    Days that have not been the last ones for long are passed over: they waited for a channel.
    """
    due_at = find_due(settings, span, zone)
    if due_at > now:
        return PlannedRecap(due_at, span)
    oldest = find_span(settings, span.kind, zone, due_at=now - MOST_MOVED)
    if span.first_day >= oldest.first_day:
        return PlannedRecap(now, span)
    return plan_next(settings, span.kind, zone, after=now)


def complete_plan(
    settings: RecapSettings, plan: RecapPlan, days: RecapDays, zone: ZoneInfo, *, now: datetime
) -> RecapPlan:
    """Return the plan of the kinds that are on; what is planned stays, and so do the days that wait."""
    waiting = {kind: plan_again(settings, span, zone, now=now) for kind, span in days.items()}
    return {
        kind: plan.get(kind) or waiting.get(kind) or plan_next(settings, kind, zone, after=now)
        for kind in settings.kinds
    }


def plan_after(
    settings: RecapSettings, planned: PlannedRecap, zone: ZoneInfo, *, now: datetime
) -> PlannedRecap:
    """Return the recap of the days after those of another one; those that are too late are passed over."""
    kind = planned.span.kind
    span = build_span(kind, planned.span.last_day + DAY)
    due_at, latest = find_due(settings, span, zone), now - LATEST[kind]
    return PlannedRecap(due_at, span) if due_at > latest else plan_next(settings, kind, zone, after=latest)


def find_span(settings: RecapSettings, kind: RecapKind, zone: ZoneInfo, *, due_at: datetime) -> RecapSpan:
    """Return the last day, or the last week, that is over on the day on which a recap is due."""
    day = due_at.astimezone(zone).date()
    if _find_moment(day - DAY, settings.hour, zone) == due_at:  # the clocks skipped the last hour of that day
        day -= DAY
    if kind is RecapKind.DAILY:
        return build_span(kind, day - DAY)
    return build_span(kind, day - timedelta(days=day.weekday()) - WEEK)


def find_span_before(span: RecapSpan) -> RecapSpan:
    """Return as many days before a span."""
    step = span.last_day - span.first_day + DAY
    return RecapSpan(span.kind, span.first_day - step, span.last_day - step)


def find_end(span: RecapSpan, zones: Iterable[ZoneInfo]) -> datetime:
    """Return when (UTC) the last day of a span is over in every zone."""
    return max(begin_day(span.last_day + DAY, zone) for zone in zones)


def choose_step(kind: RecapKind, ready_at: datetime, readiness: Readiness, *, now: datetime) -> Step:
    """Return what is to be done with a recap whose hour has come and whose days are over at ``ready_at``.

    It waits for a running import and for the game servers that can be read, but not so long that it would
    be late.
    """
    if now < ready_at:
        return Step.WAIT
    latest_at = ready_at + LATEST[kind]
    if now > latest_at:
        return Step.GIVE_UP
    patience = IMPORT_PATIENCE if readiness.is_importing else READ_PATIENCE
    waited_for = readiness.is_importing or not readiness.is_read
    until = min(max(ready_at, readiness.started_at) + patience, latest_at - LAST_CHANCE)
    return Step.WAIT if waited_for and now < until else Step.TELL


def read_span(argument: str, *, today: date) -> RecapSpan:
    """Return the span that a button names; its argument may come from anyone.

    Raises:
        NotFoundError: it names none, or one that is too old.
    """
    kinds: Sequence[RecapKind] = tuple(RecapKind)
    kind, _, day = argument.partition(":")
    try:
        first = date.fromisoformat(day)
    except ValueError:
        raise NotFoundError(NO_DAYS_ANY_MORE) from None
    if kind not in kinds or not today - OLDEST_SHOWN <= first <= today:
        raise NotFoundError(NO_DAYS_ANY_MORE)
    return build_span(RecapKind(kind), first)


def _is_day_of(settings: RecapSettings, kind: RecapKind, day: date) -> bool:
    return kind is RecapKind.DAILY or day.weekday() == settings.weekday.number


def _find_moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """Return the moment of an hour of a day; a skipped one has the offset of before, so it moves on."""
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
