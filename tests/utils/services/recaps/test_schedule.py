"""When recaps are due and which days they cover, at the edges of days, weeks and clocks."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import NotFoundError
from utils.models.recaps import PlannedRecap, RecapKind, RecapSettings, RecapSpan, Weekday
from utils.services.recaps.schedule import (
    Readiness,
    Step,
    choose_step,
    find_end,
    find_next,
    find_span,
    find_span_before,
    plan_after,
    plan_again,
    plan_next,
    read_span,
)

UTC_ZONE, BERLIN, NEW_YORK = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
DAILY, WEEKLY = RecapKind.DAILY, RecapKind.WEEKLY
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("settings", "kind", "zone", "after", "expected"),
    [
        (RecapSettings(), WEEKLY, UTC_ZONE, NOON, datetime(2026, 11, 30, 9, tzinfo=UTC)),
        (RecapSettings(), DAILY, UTC_ZONE, NOON, datetime(2026, 11, 26, 9, tzinfo=UTC)),
        (RecapSettings(hour=12), DAILY, UTC_ZONE, NOON, datetime(2026, 11, 26, 12, tzinfo=UTC)),
        (RecapSettings(hour=13), DAILY, UTC_ZONE, NOON, datetime(2026, 11, 25, 13, tzinfo=UTC)),
        (
            RecapSettings(hour=0, weekday=Weekday.THURSDAY),
            WEEKLY,
            BERLIN,
            NOON,
            datetime(2026, 11, 25, 23, tzinfo=UTC),
        ),
        (RecapSettings(), WEEKLY, NEW_YORK, NOON, datetime(2026, 11, 30, 14, tzinfo=UTC)),
    ],
)
def test_next_recap_is_at_the_hour_of_the_own_clock(
    settings: RecapSettings, kind: RecapKind, zone: ZoneInfo, after: datetime, expected: datetime
) -> None:
    """It is the first such moment after now, never now."""
    assert find_next(settings, kind, zone, after=after) == expected


def test_skipped_hour_moves_on_and_a_doubled_one_counts_first() -> None:
    """In Berlin 2:00 does not exist on 29 March 2026, and exists twice on 25 October 2026."""
    settings = RecapSettings(hour=2)
    skipped = find_next(settings, DAILY, BERLIN, after=datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert skipped == datetime(2026, 3, 29, 1, tzinfo=UTC)  # 3:00 there
    assert find_next(settings, DAILY, BERLIN, after=skipped) == datetime(2026, 3, 30, 0, tzinfo=UTC)
    doubled = find_next(settings, DAILY, BERLIN, after=datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert doubled == datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert find_next(settings, DAILY, BERLIN, after=doubled) == datetime(2026, 10, 26, 1, tzinfo=UTC)


def test_recap_covers_what_is_over() -> None:
    """A daily one covers yesterday; a weekly one the last whole week, on any day of the week."""
    monday = datetime(2026, 11, 30, 9, tzinfo=UTC)
    week = RecapSpan(WEEKLY, date(2026, 11, 23), date(2026, 11, 29))
    assert find_span(RecapSettings(), WEEKLY, UTC_ZONE, due_at=monday) == week
    sunday = RecapSettings(weekday=Weekday.SUNDAY)
    assert find_span(sunday, WEEKLY, UTC_ZONE, due_at=monday + 6 * DAY) == week
    assert find_span(RecapSettings(), DAILY, UTC_ZONE, due_at=monday) == RecapSpan(
        DAILY, date(2026, 11, 29), date(2026, 11, 29)
    )
    assert (week.key, RecapSpan(DAILY, date(2026, 11, 28), date(2026, 11, 28)).key) == (
        "2026-W48",
        "2026-11-28",
    )
    assert RecapSpan(WEEKLY, date(2026, 12, 28), date(2027, 1, 3)).key == "2026-W53"
    assert find_span_before(week) == RecapSpan(WEEKLY, date(2026, 11, 16), date(2026, 11, 22))


def test_days_are_over_when_they_are_over_on_every_server() -> None:
    """The last one is that of the zone farthest in the west."""
    span = RecapSpan(DAILY, date(2026, 11, 24), date(2026, 11, 24))
    assert find_end(span, [BERLIN, NEW_YORK]) == datetime(2026, 11, 25, 5, tzinfo=UTC)


@given(
    st.sampled_from(["UTC", "Europe/Berlin", "America/Scoresbysund", "Pacific/Apia", "Asia/Kathmandu"]),
    st.builds(RecapSettings, hour=st.integers(0, 23), weekday=st.sampled_from(Weekday)),
    st.sampled_from(RecapKind),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_each_day_and_week_is_covered_once(
    name: str, settings: RecapSettings, kind: RecapKind, after: datetime
) -> None:
    """The next recap covers the days after those of the one before. Changes of the clocks lose none."""
    zone = ZoneInfo(name)
    first = find_next(settings, kind, zone, after=after)
    second = find_next(settings, kind, zone, after=first)
    assert after < first < second
    before, later = (find_span(settings, kind, zone, due_at=due_at) for due_at in (first, second))
    assert find_span_before(later) == before
    assert find_end(before, [zone]) <= first


READY = datetime(2026, 11, 30, 9, tzinfo=UTC)
LONG_AGO = READY - 7 * DAY


@pytest.mark.parametrize(
    ("kind", "now", "readiness", "expected"),
    [
        (WEEKLY, READY - MINUTE, Readiness(LONG_AGO, is_importing=False, is_read=True), Step.WAIT),
        (WEEKLY, READY, Readiness(LONG_AGO, is_importing=False, is_read=True), Step.TELL),
        (WEEKLY, READY, Readiness(LONG_AGO, is_importing=False, is_read=False), Step.WAIT),
        (WEEKLY, READY + 10 * MINUTE, Readiness(LONG_AGO, is_importing=False, is_read=False), Step.TELL),
        (WEEKLY, READY, Readiness(LONG_AGO, is_importing=True, is_read=True), Step.WAIT),
        (
            WEEKLY,
            READY + 3 * HOUR - MINUTE,
            Readiness(LONG_AGO, is_importing=True, is_read=False),
            Step.WAIT,
        ),
        (WEEKLY, READY + 3 * HOUR, Readiness(LONG_AGO, is_importing=True, is_read=False), Step.TELL),
        (DAILY, READY + 12 * HOUR, Readiness(LONG_AGO, is_importing=False, is_read=True), Step.TELL),
        (DAILY, READY + 13 * HOUR, Readiness(LONG_AGO, is_importing=False, is_read=True), Step.GIVE_UP),
        (WEEKLY, READY + 13 * HOUR, Readiness(LONG_AGO, is_importing=False, is_read=True), Step.TELL),
        (WEEKLY, READY + 24 * HOUR, Readiness(LONG_AGO, is_importing=False, is_read=True), Step.TELL),
        (
            WEEKLY,
            READY + 24 * HOUR + MINUTE,
            Readiness(LONG_AGO, is_importing=False, is_read=True),
            Step.GIVE_UP,
        ),
        (
            DAILY,  # the bot was away: it waits for the servers first
            READY + 11 * HOUR,
            Readiness(READY + 11 * HOUR, is_importing=False, is_read=False),
            Step.WAIT,
        ),
        (
            DAILY,  # but not so long that the recap would be late
            READY + 12 * HOUR - 5 * MINUTE,
            Readiness(READY + 11 * HOUR, is_importing=True, is_read=False),
            Step.TELL,
        ),
    ],
)
def test_recap_waits_but_not_for_ever(
    kind: RecapKind, now: datetime, readiness: Readiness, expected: Step
) -> None:
    """It waits for an import and for the game servers, and is given up after 12 or 24 hours."""
    assert choose_step(kind, READY, readiness, now=now) is expected


def test_recaps_that_are_too_late_already_are_passed_over() -> None:
    """After a long time away the next one is the first that can still be told."""
    settings, back = RecapSettings(is_daily=True), datetime(2026, 12, 10, 10, tzinfo=UTC)
    first, second = (
        plan_after(settings, plan_next(settings, kind, UTC_ZONE, after=LONG_AGO), UTC_ZONE, now=back).due_at
        for kind in (DAILY, WEEKLY)
    )
    assert (first, second) == (back - HOUR, datetime(2026, 12, 14, 9, tzinfo=UTC))


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Auckland"])
CLOCKS = st.tuples(
    st.builds(RecapSettings, hour=st.integers(0, 23), weekday=st.sampled_from(Weekday)), ZONES.map(ZoneInfo)
)


@given(
    st.sampled_from(RecapKind),
    CLOCKS,
    st.lists(st.tuples(st.integers(0, 9 * 24 * 60), CLOCKS), max_size=4),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_all_days_are_told_once_when_settings_and_zone_change(
    kind: RecapKind,
    clock: tuple[RecapSettings, ZoneInfo],
    changes: list[tuple[int, tuple[RecapSettings, ZoneInfo]]],
    now: datetime,
) -> None:
    """Each recap covers the days after those of the one before."""
    planned = plan_next(clock[0], kind, clock[1], after=now)
    told = [find_span_before(planned.span)]
    for minutes, changed in [*changes, (20 * 24 * 60, clock)]:
        until = now + minutes * MINUTE
        while planned.due_at <= until:
            told.append(planned.span)
            planned = plan_after(clock[0], planned, clock[1], now=planned.due_at)
        clock, now = changed, until
        planned = plan_again(clock[0], planned.span, clock[1], now=now)
        assert planned.due_at >= now
    assert len(told) > 2
    assert all(find_span_before(later) == before for before, later in pairwise(told))


@pytest.mark.parametrize(
    ("kind", "before", "after", "now", "due_at"),
    [
        (WEEKLY, RecapSettings(), RecapSettings(hour=8), READY - MINUTE, READY - MINUTE),
        (WEEKLY, RecapSettings(), RecapSettings(hour=20), READY - MINUTE, READY + 11 * HOUR),
        (WEEKLY, RecapSettings(weekday=Weekday.FRIDAY), RecapSettings(), READY + 3 * DAY, READY + 3 * DAY),
        (DAILY, RecapSettings(hour=23), RecapSettings(hour=0), READY + 13 * HOUR, READY + 13 * HOUR),
    ],
)
def test_days_that_wait_are_told_by_new_settings(
    kind: RecapKind, before: RecapSettings, after: RecapSettings, now: datetime, due_at: datetime
) -> None:
    """Their recap is due at once if its moment is over; the next ones come by the new settings."""
    planned = plan_next(before, kind, UTC_ZONE, after=now)
    again = plan_again(after, planned.span, UTC_ZONE, now=now)
    assert again == PlannedRecap(due_at, planned.span)
    assert plan_after(after, again, UTC_ZONE, now=now) == plan_next(after, kind, UTC_ZONE, after=due_at)


def test_days_that_waited_for_long_are_passed_over() -> None:
    """Without a channel no recap is posted, and new settings do not bring up old days."""
    planned = plan_next(RecapSettings(), WEEKLY, UTC_ZONE, after=LONG_AGO)
    now, settings = READY + 15 * DAY, RecapSettings(hour=8)
    again = plan_again(settings, planned.span, UTC_ZONE, now=now)
    assert again == plan_next(settings, WEEKLY, UTC_ZONE, after=now)


OLD, AHEAD = "weekly:2026-09-01", "daily:2027-01-01"


@pytest.mark.parametrize(
    "argument",
    ["", "weekly", "weekly:", "weekly:soon", "monthly:2026-11-23", "daily:2026-11-31", OLD, AHEAD],
)
def test_button_that_names_no_recap_is_refused(argument: str) -> None:
    """Its argument may come from anyone, so it costs no long read."""
    with pytest.raises(NotFoundError):
        read_span(argument, today=date(2026, 12, 1))


@given(st.sampled_from(RecapKind), st.integers(0, 50))
def test_button_names_the_days_of_its_recap(kind: RecapKind, days: int) -> None:
    """A button keeps the days that are written into it."""
    due_at = datetime(2026, 12, 1, 9, tzinfo=UTC) - days * DAY
    span = find_span(RecapSettings(), kind, UTC_ZONE, due_at=due_at)
    assert read_span(span.argument, today=date(2026, 12, 1)) == span
