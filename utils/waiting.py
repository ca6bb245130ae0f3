"""Waiting: for the first of several things, and for what must not be left alone."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from utils.clock import Clock

T = TypeVar("T")


async def wait_for_first(*works: Coroutine[Any, Any, object]) -> int:
    """Wait until one of several has ended; the others are cancelled, and have ended on return.

    Returns:
        the place of the one that ended first, from 0; the first of those that ended at once.

    Raises:
        Exception: what that one failed with.
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
    """Wait until one of the events is set, or for so many seconds."""
    await wait_for_first(clock.sleep(seconds), *(event.wait() for event in events))


async def wait_until_done(operation: Awaitable[T]) -> T:
    """Wait for an operation within a thread; when cancelled, still until it has ended.

    No cancellation reaches the thread. What it works with (a session, above all) must not be lent to the next
    one before, however often the waiting task was cancelled.
    """
    running = asyncio.ensure_future(operation)
    try:
        await asyncio.wait([running])  # unlike a shield it leaves nothing unlooked at when both end at once
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # looked at, so that the loop does not report it as forgotten
        raise
    return running.result()
