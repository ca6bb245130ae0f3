"""Threads: a coroutine that waits for nothing is driven to its end in one."""

import asyncio

import pytest

from utils.database.core.threads import complete


def test_coroutine_gives_what_it_returns() -> None:
    """It may wait for others that wait for nothing."""

    async def add(one: int, other: int) -> int:
        return one + other

    async def work() -> int:
        return await add(await add(1, 2), 4)

    assert complete(work()) == 7


def test_coroutine_that_waits_for_the_event_loop_is_refused_and_closed() -> None:
    """There is none in the thread; what the work holds is let go."""
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append("yes")

    with pytest.raises(RuntimeError, match="MongoDB alone"):
        complete(work())
    assert ended == ["yes"]
