"""Settling: waiting for an operation that no cancellation reaches."""

import asyncio
import gc
from typing import Any

import pytest

from utils.database.sessions import settle


@pytest.mark.parametrize("turns", range(5))
async def test_failure_and_cancel_at_one_moment_leave_nothing_unlooked_at(turns: int) -> None:
    """A stop meets an operation that fails just then; the loop has no error to report as forgotten."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    operation: asyncio.Future[None] = loop.create_future()
    waiting = asyncio.create_task(settle(operation))
    await asyncio.sleep(0)
    operation.set_exception(OSError("the connection is gone"))
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    if not waiting.cancelled():
        assert isinstance(waiting.exception(), OSError)
    del operation, waiting
    gc.collect()
    assert complaints == []


async def test_cancelled_wait_lasts_until_the_operation_has_ended() -> None:
    """A session must not be touched while a thread still works with it."""
    operation: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(settle(operation))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    operation.set_result(7)
    await asyncio.wait([waiting])
    assert (waiting.cancelled(), operation.result()) == (True, 7)
