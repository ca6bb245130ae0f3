"""Waiting for what must not be left alone."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


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
