"""Waiting: for the first of several things, and for operations that must not be abandoned."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from utils.clock import Clock

T = TypeVar("T")


async def wait_for_first(*works: Coroutine[Any, Any, object]) -> int:
    """Wait until one of several has ended; the others are cancelled, and have ended on return.

    Returns:
        the index of the one that ended first; the lowest index if several ended at once.

    Raises:
        Exception: the error of that one.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = next(place for place, task in enumerate(tasks) if task in ended)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    tasks[first].result()
    return first


async def wait_for_any(*events: asyncio.Event, seconds: float, clock: Clock) -> None:
    """Wait until one of the events is set, or the time is over."""
    await wait_for_first(clock.sleep(seconds), *(event.wait() for event in events))


class Signal:
    """Like ``asyncio.Event``, for a frequent wait that can also end otherwise: it takes only one task."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        """Wake all waiters; later ones go on at once, until it is cleared."""
        self._is_set = True
        for woken in self._waiting:
            _wake(woken)

    def clear(self) -> None:
        """Let later callers wait again."""
        self._is_set = False

    async def wait_beside(self, work: Coroutine[Any, Any, object]) -> None:
        """Wait until it is set or the work has ended; the work has ended on return, cancelled if need be.

        Raises:
            Exception: the error of the work.
        """
        task = asyncio.create_task(work)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task.add_done_callback(lambda _: _wake(woken))
        self._waiting.add(woken)
        try:
            if self._is_set:
                await asyncio.sleep(0)  # the work begins in any case
            else:
                await woken
        finally:
            self._waiting.discard(woken)
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


async def wait_until_done(operation: Awaitable[T]) -> T:
    """Wait for an operation in a thread until it has ended, even when cancelled.

    A cancellation does not reach the thread. The things that the thread uses (above all a session) must not
    be lent again before it has ended, no matter how often the waiting task is cancelled.
    """
    running = asyncio.ensure_future(operation)
    try:
        await asyncio.wait([running])  # unlike a shield it loses no result when both end at once
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # read, so that the loop does not report it as never retrieved
        raise
    return running.result()
