"""The rules of seasons: edges of days, what may exist beside what, when results are kept."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidInputError
from utils.models.scope import GuildId, ServerId
from utils.models.seasons import Season, SeasonState
from utils.services.seasons.rules import (
    EARLIEST,
    LATEST,
    find_begin,
    find_due_state,
    find_end,
    find_today,
    may_freeze,
    verify_days,
    verify_free,
)

NORTH, SOUTH = ServerId("north000"), ServerId("south000")
BERLIN, NEW_YORK, AUCKLAND, CAIRO, HAVANA = map(
    ZoneInfo, ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "Africa/Cairo", "America/Havana")
)
UTC_ZONE = ZoneInfo("UTC")
MONDAY = date(2026, 11, 30)
SEASON = Season(
    guild_id=GuildId(1), season_id="1", name="Winter", first_day=MONDAY, last_day=date(2026, 12, 6)
)
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    """Return a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_season_begins_with_its_first_day_anywhere_and_ends_with_its_last_everywhere() -> None:
    """Three zones: the first day begins in Auckland, and the last one is over in New York."""
    zones = (NEW_YORK, BERLIN, AUCKLAND)
    assert find_begin(SEASON, zones) == at("2026-11-29 11:00")
    assert find_end(SEASON, zones) == at("2026-12-07 05:00")
    assert (find_begin(SEASON, (BERLIN,)), find_end(SEASON, (BERLIN,))) == (
        at("2026-11-29 23:00"),
        at("2026-12-06 23:00"),
    )


@pytest.mark.parametrize(
    ("zone", "first", "last", "begin", "end"),
    [
        (BERLIN, date(2026, 3, 29), date(2026, 3, 29), "2026-03-28 23:00", "2026-03-29 22:00"),  # 23 hours
        (BERLIN, date(2026, 10, 25), date(2026, 10, 25), "2026-10-24 22:00", "2026-10-25 23:00"),  # 25 hours
        # Cairo has no midnight on this day, Havana has two
        (CAIRO, date(2026, 4, 24), date(2026, 4, 24), "2026-04-23 22:00", "2026-04-24 21:00"),
        (HAVANA, date(2026, 11, 1), date(2026, 11, 1), "2026-11-01 04:00", "2026-11-02 05:00"),
    ],
)
def test_days_have_their_own_length_when_the_clocks_change(
    zone: ZoneInfo, first: date, last: date, begin: str, end: str
) -> None:
    """A day of a season is a day of the calendar, with 23, 24 or 25 hours."""
    season = replace(SEASON, first_day=first, last_day=last)
    assert (find_begin(season, (zone,)), find_end(season, (zone,))) == (at(begin), at(end))


@pytest.mark.parametrize(
    ("zones", "now", "today"),
    [
        ((NEW_YORK,), "2026-12-01 03:00", date(2026, 11, 30)),
        ((NEW_YORK, NEW_YORK), "2026-12-01 03:00", date(2026, 11, 30)),
        ((BERLIN, AUCKLAND), "2026-11-30 22:00", date(2026, 11, 30)),
        ((NEW_YORK, HAVANA), "2026-12-01 03:00", date(2026, 11, 30)),  # no server has the day of UTC yet
        ((NEW_YORK, BERLIN), "2026-12-01 03:00", date(2026, 12, 1)),
    ],
)
def test_today_is_a_day_that_has_begun(zones: tuple[ZoneInfo, ...], now: str, today: date) -> None:
    """A season that begins today is running at once, wherever the servers are."""
    assert find_today(zones, at(now)) == today
    assert find_begin(replace(SEASON, first_day=today, last_day=None), zones) <= at(now)


def test_states_follow_each_other_at_their_moments() -> None:
    """Planned, running, closing, closed: each at its moment and not a second earlier."""
    begin, end = find_begin(SEASON, (BERLIN,)), find_end(SEASON, (BERLIN,))

    def follow(season: Season, now: datetime, *reads: datetime | None) -> SeasonState | None:
        return find_due_state(season, (BERLIN,), reads, now=now)

    running = replace(SEASON, state=SeasonState.RUNNING)
    closing = replace(SEASON, state=SeasonState.CLOSING, closing_at=end)
    assert [follow(SEASON, begin - SECOND), follow(SEASON, begin)] == [None, SeasonState.RUNNING]
    assert [follow(running, end - SECOND), follow(running, end)] == [None, SeasonState.CLOSING]
    assert [follow(closing, end + EARLIEST - SECOND, end), follow(closing, end + EARLIEST, end)] == [
        None,
        SeasonState.CLOSED,
    ]
    for state in (SeasonState.CLOSED, SeasonState.CANCELLED):
        assert follow(replace(closing, state=state), end + 2 * LATEST) is None


@given(
    reads=st.lists(st.one_of(st.none(), st.integers(-48, 48)), max_size=3),
    hours=st.integers(-1, 30),
)
def test_results_wait_for_every_server_but_no_longer_than_a_day(reads: list[int | None], hours: int) -> None:
    """An hour is the least, a day the most; in between, all servers must have been read since the end."""
    end = at("2026-12-06 23:00")
    moments = [None if read is None else end + timedelta(hours=read) for read in reads]
    may = may_freeze(end, moments, now=end + timedelta(hours=hours))
    assert may == (hours >= 24 or (hours >= 1 and all(read is not None and read >= 0 for read in reads)))


def test_season_without_a_last_day_ends_after_366_days() -> None:
    """It cannot last longer than any other one."""
    endless = replace(SEASON, first_day=date(2027, 12, 1), last_day=None)
    assert endless.final_day == date(2028, 11, 30)  # 2028 is a leap year


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        (-365, None, None),
        (365, 365 + 365, None),
        (0, 0, None),
        (-3, 0, None),
        (-366, None, "That first day is more than a year away. Choose one from "),
        (366, None, "That first day is more than a year away. Choose one from "),
        (2, 1, "The last day is before the first day. Choose a later last day."),
        (-3, -1, "That last day is over. Choose today or a later day."),
        (0, 366, "A season has 366 days at most. Choose other days."),
    ],
)
def test_days_are_refused_at_their_edges(first: int, last: int | None, problem: str | None) -> None:
    """A year back, a year ahead, 366 days, in order, and not over."""
    days = (MONDAY + timedelta(days=first), None if last is None else MONDAY + timedelta(days=last))
    if problem is None:
        verify_days(*days, today=MONDAY)
        return
    with pytest.raises(InvalidInputError) as refused:
        verify_days(*days, today=MONDAY)
    assert str(refused.value).startswith(problem)


PLANNED, RUNNING = SeasonState.PLANNED, SeasonState.RUNNING


@pytest.mark.parametrize(
    ("new", "other", "is_free"),
    [
        ((NORTH, PLANNED, 7, 9), (NORTH, RUNNING, 0, 6), True),
        ((NORTH, PLANNED, 6, 9), (NORTH, RUNNING, 0, 6), False),
        ((NORTH, PLANNED, 400, 500), (NORTH, RUNNING, 0, None), True),
        ((NORTH, PLANNED, 365, 500), (NORTH, RUNNING, 0, None), False),
        ((NORTH, RUNNING, 0, 6), (NORTH, RUNNING, 0, 6), False),
        ((NORTH, RUNNING, 0, 6), (NORTH, PLANNED, 7, 9), True),
        ((NORTH, RUNNING, 0, None), (NORTH, PLANNED, 7, 9), False),
        ((NORTH, PLANNED, 20, 30), (NORTH, PLANNED, 7, 9), False),
        ((NORTH, RUNNING, 0, 6), (SOUTH, RUNNING, 0, 6), True),
        ((NORTH, PLANNED, 20, 30), (ServerId(""), RUNNING, 0, 6), False),
        ((ServerId(""), PLANNED, 20, 30), (SOUTH, RUNNING, 0, 6), False),
        ((NORTH, RUNNING, 0, 6), (NORTH, SeasonState.CLOSING, 0, 6), True),
        ((ServerId(""), RUNNING, 0, 6), (SOUTH, SeasonState.CLOSED, 0, 6), True),
    ],
)
def test_one_season_runs_and_one_is_planned_for_a_server(
    new: tuple[ServerId, SeasonState, int, int | None],
    other: tuple[ServerId, SeasonState, int, int | None],
    *,
    is_free: bool,
) -> None:
    """Open seasons of a server share no day, one is planned at most, and the two kinds exclude each other."""
    wanted, there = build(*new), build(*other)
    if is_free:
        verify_free(wanted, [there])
        return
    with pytest.raises(InvalidInputError, match=r"\*\*Winter\*\*"):
        verify_free(wanted, [there])


def build(server_id: ServerId, state: SeasonState, first: int, last: int | None) -> Season:
    """Return a season with days counted from a Monday."""
    return replace(
        SEASON,
        server_id=server_id,
        state=state,
        first_day=MONDAY + timedelta(days=first),
        last_day=None if last is None else MONDAY + timedelta(days=last),
    )
