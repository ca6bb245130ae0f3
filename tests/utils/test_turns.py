"""Fair slots between guilds, for any number of requests."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from utils.models.scope import GuildId
from utils.turns import FairTurns


@dataclass
class Borrowing:
    """Eight slots, and guilds that hold them until the test ends them.

    Attributes:
        granted: the guilds that got a slot, in order.
        borrowers: the unfinished tasks of each guild.
    """

    turns: FairTurns = field(default_factory=lambda: FairTurns(8))
    granted: list[GuildId | None] = field(default_factory=list)
    borrowers: dict[GuildId | None, list[tuple["asyncio.Task[None]", asyncio.Event]]] = field(
        default_factory=dict
    )
    held: Counter[GuildId | None] = field(default_factory=Counter)

    async def borrow(self, guild_id: GuildId | None, times: int = 1) -> None:
        """Ask for slots."""
        for _ in range(times):
            done = asyncio.Event()
            task = asyncio.create_task(self._hold(guild_id, done))
            self.borrowers.setdefault(guild_id, []).append((task, done))
        await self.rest()

    async def give_back(self, guild_id: GuildId | None, *, cancels: bool = False) -> None:
        """End the oldest task of a guild."""
        task, done = self.borrowers[guild_id].pop(0)
        done.set()
        if cancels:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await self.rest()

    async def rest(self) -> None:
        """Let everything run that can."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def close(self) -> None:
        """End all tasks."""
        while any(self.borrowers.values()):
            for guild_id in [one for one, begun in self.borrowers.items() if begun]:
                await self.give_back(guild_id)

    async def _hold(self, guild_id: GuildId | None, done: asyncio.Event) -> None:
        async with self.turns.lend(guild_id):
            self.granted.append(guild_id)
            self.held[guild_id] += 1
            try:
                await done.wait()
            finally:
                self.held[guild_id] -= 1


A, B, C, D = (GuildId(number) for number in range(1, 5))


async def test_guild_never_holds_more_than_half_of_the_places() -> None:
    """A guild with many requests does not block another guild."""
    borrowing = Borrowing()
    await borrowing.borrow(A, times=20)
    assert borrowing.held == {A: 4}
    await borrowing.borrow(B)
    assert borrowing.held == {A: 4, B: 1}
    await borrowing.close()
    assert borrowing.granted.count(A) == 20


async def test_guilds_that_wait_take_turns() -> None:
    """A guild with many requests waits for those with few; within a guild the first request is first."""
    borrowing = Borrowing()
    await borrowing.borrow(A, times=6)
    await borrowing.borrow(B, times=6)
    await borrowing.borrow(C, times=2)
    await borrowing.borrow(D, times=1)
    borrowing.granted.clear()
    for _ in range(5):
        await borrowing.give_back(B)
    assert borrowing.granted == [B, C, D, B, C]
    await borrowing.close()


@given(
    st.lists(
        st.tuples(st.sampled_from(["borrow", "give back", "cancel"]), st.sampled_from([None, A, B])),
        max_size=60,
    )
)
async def test_places_are_shared_whatever_is_asked_and_given_up(steps: list[tuple[str, Any]]) -> None:
    """No guild has too many slots, no slot is free while a guild may have it, and none is lost."""
    borrowing = Borrowing()
    for step, guild_id in steps:
        if step == "borrow":
            await borrowing.borrow(guild_id)
        elif borrowing.borrowers.get(guild_id):
            await borrowing.give_back(guild_id, cancels=step == "cancel")
        wanted = {one: min(4, len(begun)) for one, begun in borrowing.borrowers.items()}
        assert all(borrowing.held[one] <= count for one, count in wanted.items())
        assert sum(borrowing.held.values()) == min(8, sum(wanted.values()))
    await borrowing.close()
    await borrowing.borrow(A, times=4)
    await borrowing.borrow(B, times=4)
    assert (borrowing.held[A], borrowing.held[B], borrowing.held.total()) == (4, 4, 8)
    await borrowing.close()
