"""Settling: waiting for an operation that no cancellation reaches."""

import asyncio
import gc
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.database.sessions import SessionPool, settle
from utils.models.scope import GuildId


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


@dataclass
class FakeSession:
    """A session that nothing is sent over."""

    number: int

    @property
    def session_id(self) -> dict[str, bytes]:
        """Return what it is known by."""
        return {"id": bytes([self.number])}


@dataclass
class Borrowing:
    """Eight sessions, and guilds that borrow them until they are told to give one back.

    Attributes:
        granted: the guilds that were lent a session, in that order.
        borrowers: what was begun for each guild and has not ended.
    """

    pool: SessionPool = field(
        default_factory=lambda: SessionPool(tuple(FakeSession(number) for number in range(8)))  # type: ignore[arg-type]
    )
    granted: list[GuildId | None] = field(default_factory=list)
    borrowers: dict[GuildId | None, list[tuple["asyncio.Task[None]", asyncio.Event]]] = field(
        default_factory=dict
    )
    held: Counter[GuildId | None] = field(default_factory=Counter)

    async def borrow(self, guild_id: GuildId | None, times: int = 1) -> None:
        """Ask for sessions."""
        for _ in range(times):
            done = asyncio.Event()
            task = asyncio.create_task(self._hold(guild_id, done))
            self.borrowers.setdefault(guild_id, []).append((task, done))
        await self.rest()

    async def give_back(self, guild_id: GuildId | None, *, cancels: bool = False) -> None:
        """End what a guild began first."""
        task, done = self.borrowers[guild_id].pop(0)
        done.set()
        if cancels:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await self.rest()

    async def rest(self) -> None:
        """Let everything happen that can."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def close(self) -> None:
        """End everything that was begun."""
        while any(self.borrowers.values()):
            for guild_id in [one for one, begun in self.borrowers.items() if begun]:
                await self.give_back(guild_id)

    async def _hold(self, guild_id: GuildId | None, done: asyncio.Event) -> None:
        async with self.pool.borrow(guild_id):
            self.granted.append(guild_id)
            self.held[guild_id] += 1
            try:
                await done.wait()
            finally:
                self.held[guild_id] -= 1


A, B, C, D = (GuildId(number) for number in range(1, 5))


async def test_guild_never_holds_more_than_half_of_the_sessions() -> None:
    """Whatever one of them has to store, another one is served at once."""
    sessions = Borrowing()
    await sessions.borrow(A, times=20)
    assert sessions.held == {A: 4}
    await sessions.borrow(B)
    assert sessions.held == {A: 4, B: 1}
    await sessions.close()
    assert sessions.granted.count(A) == 20


async def test_guilds_that_wait_take_turns() -> None:
    """Who asked for much is not served before those who ask for little; within a guild the first is first."""
    sessions = Borrowing()
    await sessions.borrow(A, times=6)
    await sessions.borrow(B, times=6)
    await sessions.borrow(C, times=2)
    await sessions.borrow(D, times=1)
    sessions.granted.clear()
    for _ in range(5):
        await sessions.give_back(B)
    assert sessions.granted == [B, C, D, B, C]
    await sessions.close()


@given(
    st.lists(
        st.tuples(st.sampled_from(["borrow", "give back", "cancel"]), st.sampled_from([None, A, B])),
        max_size=60,
    )
)
async def test_sessions_are_shared_whatever_is_asked_and_given_up(steps: list[tuple[str, Any]]) -> None:
    """No share is passed, no session lies idle while somebody may have it, and none is lost."""
    sessions = Borrowing()
    for step, guild_id in steps:
        if step == "borrow":
            await sessions.borrow(guild_id)
        elif sessions.borrowers.get(guild_id):
            await sessions.give_back(guild_id, cancels=step == "cancel")
        wanted = {one: min(4, len(begun)) for one, begun in sessions.borrowers.items()}
        assert all(sessions.held[one] <= count for one, count in wanted.items())
        assert sum(sessions.held.values()) == min(8, sum(wanted.values()))
    await sessions.close()
    await sessions.borrow(A, times=4)
    await sessions.borrow(B, times=4)
    assert (sessions.held[A], sessions.held[B], sessions.held.total()) == (4, 4, 8)
    await sessions.close()
