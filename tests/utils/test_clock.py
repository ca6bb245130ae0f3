"""The real clock and the clock of tests both fulfil ``Clock``."""

import asyncio
from datetime import UTC, timedelta

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.clock import Clock, SystemClock


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
def test_now_is_aware_and_utc(clock: Clock) -> None:
    """Every time of the bot can be compared with every other one."""
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now().tzinfo is UTC


async def test_real_sleep_lets_others_run_and_takes_its_time() -> None:
    """A sleep does not block others, and is never shorter than asked for."""
    clock = SystemClock()
    began, turns = clock.monotonic(), 0
    sleeping = asyncio.create_task(clock.sleep(0.02))
    while not sleeping.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1
    assert clock.monotonic() - began >= 0.019


async def test_moved_clock_wakes_whose_time_has_come() -> None:
    """Longer sleepers sleep on, and cancelled ones are forgotten."""
    clock, woken = FakeClock(), []

    async def wait(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    tasks = [asyncio.create_task(wait(seconds)) for seconds in (5, 1, 3, 2)]
    await settle()
    tasks[-1].cancel()
    await clock.advance(2)
    await clock.advance(1)
    assert woken == [(1, 1002.0), (3, 1003.0)]
    tasks[0].cancel()
    await asyncio.wait(tasks)
