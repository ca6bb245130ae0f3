"""Restart times: what is typed, the next one over changes of the clocks, and what the bot learns itself."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.storage import build_server
from utils.errors import InvalidInputError
from utils.models.game_log import NextRestart
from utils.services.servers.restart_times import (
    NEAR_TIME,
    find_next_restart,
    is_near_restart,
    learn_time,
    read_times,
)

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SERVER = replace(build_server(), timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("typed", "times"),
    [
        ("2:00", ("02:00",)),
        (" 18:30, 06:00;6:00 ", ("06:00", "18:30")),
        ("00:00 23:59", ("00:00", "23:59")),
    ],
)
def test_times_are_read_as_people_type_them(typed: str, times: tuple[str, ...]) -> None:
    """Blanks, commas and semicolons divide them; their order does not matter, and none counts twice."""
    assert read_times(typed) == times


@pytest.mark.parametrize("typed", ["", "24:00", "2", "02:60", "2pm", "02:00-04:00", "02:00,,x"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    """The refusal shows how to write them."""
    with pytest.raises(InvalidInputError, match="Write the times like 02:00"):
        read_times(typed)


def test_more_than_a_day_holds_is_refused() -> None:
    """Hardly any server starts 13 times a day."""
    with pytest.raises(InvalidInputError, match="12 restart times at most"):
        read_times(" ".join(f"{number // 60:02}:{number % 60:02}" for number in range(13)))


@pytest.mark.parametrize(
    ("now", "at"),
    [
        (datetime(2025, 1, 10, 0, 30, tzinfo=UTC), datetime(2025, 1, 10, 1, 30, tzinfo=UTC)),
        (datetime(2025, 1, 10, 1, 30, tzinfo=UTC), datetime(2025, 1, 11, 1, 30, tzinfo=UTC)),
        (datetime(2025, 7, 10, 0, 0, tzinfo=UTC), datetime(2025, 7, 10, 0, 30, tzinfo=UTC)),
        # the clocks skip 02:30 on 30 March 2025: it is 03:30 there when the old clock would have shown it
        (datetime(2025, 3, 30, 0, 0, tzinfo=UTC), datetime(2025, 3, 30, 1, 30, tzinfo=UTC)),
        # they show 02:30 twice on 26 October 2025: the first one counts
        (datetime(2025, 10, 26, 0, 0, tzinfo=UTC), datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        (datetime(2025, 10, 26, 0, 45, tzinfo=UTC), datetime(2025, 10, 27, 1, 30, tzinfo=UTC)),
    ],
)
def test_set_time_is_of_the_servers_own_clock(now: datetime, at: datetime) -> None:
    """There is one restart on each day, even if the clocks are changed on it."""
    server = replace(SERVER, restart_times=("02:30",))
    assert find_next_restart(server, (), now=now) == NextRestart(at, is_set=True)


def test_set_times_beat_the_learnt_one() -> None:
    """Without any of both, the next restart is not known."""
    now = datetime(2025, 1, 10, 12, tzinfo=UTC)
    starts = [datetime(2025, 1, day, 4, day % 3, 30, tzinfo=UTC) for day in (6, 7, 8, 9, 10)]
    learnt = NextRestart(datetime(2025, 1, 11, 4, 1, tzinfo=UTC), is_set=False)
    assert find_next_restart(SERVER, starts, now=now) == learnt
    server = replace(SERVER, restart_times=("14:00", "20:00"))
    expected = NextRestart(datetime(2025, 1, 10, 13, tzinfo=UTC), is_set=True)
    assert find_next_restart(server, starts, now=now) == expected
    assert find_next_restart(SERVER, starts[:2], now=now) is None


def test_time_near_midnight_is_learnt() -> None:
    """23:58 and 00:02 are four minutes apart."""
    starts = [
        datetime(2025, 1, 5, 22, 58, tzinfo=UTC),
        datetime(2025, 1, 6, 23, 2, tzinfo=UTC),
        datetime(2025, 1, 7, 15, 0, tzinfo=UTC),
        datetime(2025, 1, 8, 22, 59, tzinfo=UTC),
    ]
    assert learn_time(starts, BERLIN) == time(0, 0)


def test_restart_is_near_ten_minutes_before_and_after() -> None:
    """Around a restart a log that stands still is expected."""
    server, at = replace(SERVER, restart_times=("00:05",)), datetime(2025, 1, 9, 23, 5, tzinfo=UTC)
    moments = [at - NEAR_TIME - MINUTE, at - NEAR_TIME, at, at + NEAR_TIME, at + NEAR_TIME + MINUTE]
    near = [is_near_restart(server, (), now=now) for now in moments]
    assert near == [False, True, True, True, False]


STARTS = st.lists(
    st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    max_size=12,
).map(sorted)


@given(
    starts=STARTS, minutes=st.integers(0, 24 * 60 - 1), shifts=st.lists(st.integers(-290, 290), max_size=5)
)
def test_learnt_time_is_that_of_three_of_the_last_five_starts(
    starts: list[datetime], minutes: int, shifts: list[int]
) -> None:
    """A time is learnt if and only if three of the last five starts are within five minutes of it."""
    middle = datetime(2026, 2, 1, tzinfo=UTC) + minutes * MINUTE
    kept = [middle + number * DAY + timedelta(seconds=shift) for number, shift in enumerate(shifts)]
    all_starts = [*starts, *kept]
    learnt = learn_time(all_starts, ZoneInfo("UTC"))
    if len(kept) >= 3:
        assert learnt is not None
    if learnt is not None:
        offset = timedelta(hours=learnt.hour, minutes=learnt.minute)
        distances = [
            min((since := (one - datetime(2020, 1, 1, tzinfo=UTC) - offset) % DAY), DAY - since)
            for one in all_starts[-5:]
        ]
        assert sum(distance <= 6 * MINUTE for distance in distances) >= 3
