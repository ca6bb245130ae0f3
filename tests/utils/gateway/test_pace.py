"""The pace of connecting: pauses, and the budget of identifies."""

import asyncio
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock, settle
from utils.gateway.pace import (
    HOUR_SECONDS,
    IDENTIFIES_AN_HOUR,
    OPEN_SECONDS,
    SPARING_SECONDS,
    ConnectionPace,
    IdentifyBudget,
    generate_pauses,
)


def test_pauses_grow_to_half_a_minute() -> None:
    """The login is tried again after 5, 10, 20 and then always 30 seconds."""
    assert list(islice(generate_pauses(), 6)) == [5, 10, 20, 30, 30, 30]


def test_connection_is_given_up_some_seconds_after_its_last_failure() -> None:
    """A try has 30 seconds; after a failure of the library the pauses hold, until the connection is open."""
    pace = ConnectionPace()
    assert pace.compute_left(0) is None
    pace.begin(100)
    assert (pace.compute_left(100), pace.compute_left(129), pace.compute_left(140)) == (OPEN_SECONDS, 1, 0)
    lefts = []
    for now in (101, 102, 103, 104, 105):
        pace.note_failure(now)
        lefts.append(pace.compute_left(now))
    assert lefts == [5, 10, 20, 30, 30]
    pace.note_open()
    assert pace.compute_left(500) is None
    pace.note_failure(600)
    assert pace.compute_left(600) == 5


@given(st.lists(st.floats(0, 500), max_size=120))
def test_budget_is_kept_at_every_pace_and_never_waits_for_long(pauses: list[float]) -> None:
    """Within an hour there are never more than 20 identifies, except one in five minutes."""

    async def identify() -> list[float]:
        clock, times = FakeClock(), []
        budget = IdentifyBudget(clock)
        for pause in pauses:
            clock.move(pause)
            taking = asyncio.ensure_future(budget.take(0))
            await asyncio.sleep(0)
            while not taking.done():
                wait = budget.compute_wait(0)
                assert 0 <= wait <= SPARING_SECONDS
                clock.move(max(wait, 0.001))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            times.append(clock.monotonic())
        return times

    times = asyncio.run(identify())
    for place, time in enumerate(times[IDENTIFIES_AN_HOUR:]):
        is_spare = time - times[place + IDENTIFIES_AN_HOUR - 1] >= SPARING_SECONDS - 0.01
        assert is_spare or time - times[place] >= HOUR_SECONDS - 0.01


async def test_each_shard_has_its_own_budget() -> None:
    """A shard that has used its identifies holds up no other one."""
    clock = FakeClock()
    budget = IdentifyBudget(clock)
    for _ in range(IDENTIFIES_AN_HOUR):
        await budget.take(0)
    assert (budget.compute_wait(0), budget.compute_wait(1)) == (SPARING_SECONDS, 0)
    await budget.take(1)
    taking = asyncio.ensure_future(budget.take(0))
    await clock.advance(SPARING_SECONDS - 1)
    assert not taking.done()
    await clock.advance(1)
    await settle()
    assert taking.done()
