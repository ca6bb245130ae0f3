"""Settling: waiting for an operation that no cancellation reaches."""

import asyncio
import gc
from dataclasses import dataclass
from typing import Any

import pytest

from utils.database.core.sessions import SessionPool
from utils.models.scope import GuildId
from utils.waiting import wait_until_done


@pytest.mark.parametrize("turns", range(5))
async def test_failure_and_cancel_at_one_moment_leave_nothing_unlooked_at(turns: int) -> None:
    """An operation fails at the moment of a cancellation; the loop reports no forgotten error."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    operation: asyncio.Future[None] = loop.create_future()
    waiting = asyncio.create_task(wait_until_done(operation))
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
    """A session must not be used while a thread still uses it."""
    operation: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(wait_until_done(operation))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    operation.set_result(7)
    await asyncio.wait([waiting])
    assert (waiting.cancelled(), operation.result()) == (True, 7)


@dataclass
class FakeSession:
    """A session without a connection."""

    number: int

    @property
    def session_id(self) -> dict[str, bytes]:
        """Return its id."""
        return {"id": bytes([self.number])}


async def test_no_session_is_lent_twice_at_a_time() -> None:
    """Each session has its id, so that a successor can end it."""
    pool = SessionPool(tuple(FakeSession(number) for number in range(4)))  # type: ignore[arg-type]
    assert pool.ids == (b"\0", b"\1", b"\2", b"\3")
    lent: list[int] = []

    async def use(guild_id: GuildId) -> None:
        async with pool.borrow(guild_id) as session:
            number = session.number  # type: ignore[attr-defined]
            assert number not in lent
            lent.append(number)
            await asyncio.sleep(0)
            lent.remove(number)

    await asyncio.gather(*(use(GuildId(number % 3)) for number in range(40)))
