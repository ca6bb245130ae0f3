"""Of several things the first ends the wait, and nothing is left running."""

import asyncio

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.waiting import Signal, wait_for_any, wait_for_first


async def test_first_of_several_waits_ends_the_others() -> None:
    """They have ended on return, however the first one did, and also when the waiting itself is cancelled."""
    ended: list[int] = []

    async def wait(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    async def fail() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await wait_for_first(wait(1), fail())
    assert ended == [1]
    waiting = asyncio.create_task(wait_for_first(wait(2), wait(3)))
    await settle()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert ended == [1, 2, 3]


async def test_the_one_that_ended_first_is_told() -> None:
    """Of those that ended at once it is the first that was named."""
    never, now, too = asyncio.Event(), asyncio.Event(), asyncio.Event()
    now.set()
    too.set()
    assert await wait_for_first(never.wait(), now.wait(), too.wait()) == 1


async def test_an_event_ends_a_wait_for_a_time() -> None:
    """Without one the time does."""
    clock, events = FakeClock(), (asyncio.Event(), asyncio.Event())
    waiting = asyncio.create_task(wait_for_any(*events, seconds=5, clock=clock))
    await clock.advance(4)
    assert not waiting.done()
    events[1].set()
    await waiting
    waiting = asyncio.create_task(wait_for_any(seconds=5, clock=clock))
    await clock.advance(5)
    assert waiting.done()


async def test_a_signal_ends_a_wait_beside_work() -> None:
    """The work has ended on return, however the wait ended; one that is set lets nobody wait."""
    clock, signal, ended = FakeClock(), Signal(), []

    async def work(number: int) -> None:
        try:
            await clock.sleep(5)
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    waiting = asyncio.create_task(signal.wait_beside(work(1)))
    await clock.advance(4)
    assert not waiting.done()
    signal.set()
    await waiting
    assert ended == [1]
    await signal.wait_beside(clock.sleep(5))
    signal.clear()
    waiting = asyncio.create_task(signal.wait_beside(work(2)))
    await clock.advance(5)
    assert waiting.done()
    waiting = asyncio.create_task(signal.wait_beside(work(3)))
    await clock.advance(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert ended == [1, 2, 3]


async def test_a_wait_beside_work_that_fails_raises_it() -> None:
    """So whoever waits hears of it."""

    async def fail() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Signal().wait_beside(fail())
