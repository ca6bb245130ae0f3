"""The first of several waits ends the others, and no task is left running."""

import asyncio

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.waiting import Signal, wait_for_any, wait_for_first


async def test_first_of_several_waits_ends_the_others() -> None:
    """On return all waits have ended, however the first one ended, and also after a cancellation."""
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
    """If several ended at once, the first named one counts."""
    never, now, too = asyncio.Event(), asyncio.Event(), asyncio.Event()
    now.set()
    too.set()
    assert await wait_for_first(never.wait(), now.wait(), too.wait()) == 1


async def test_an_event_ends_a_wait_for_a_time() -> None:
    """Without an event the time ends the wait."""
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
    """On return the work has ended, however the wait ended; a set signal does not wait."""
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
    """The caller gets the error of the work."""

    async def fail() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Signal().wait_beside(fail())
