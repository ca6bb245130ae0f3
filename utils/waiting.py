"""Waiting for several things at once, events and times above all."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from utils.clock import Clock


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
