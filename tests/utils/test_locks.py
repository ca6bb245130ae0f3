"""Locks by key make users of one key wait for each other, and are dropped afterwards."""

import asyncio

import pytest

from tests.fakes.clock import settle
from utils.locks import KeyedLocks


async def test_work_on_one_key_takes_turns_in_the_order_of_asking() -> None:
    """The second user begins when the first has ended."""
    locks, steps = KeyedLocks[int](), list[str]()

    async def work(name: str) -> None:
        async with locks.hold(1):
            steps.append(f"{name} begins")
            await settle()
            steps.append(f"{name} ends")

    await asyncio.gather(work("a"), work("b"), work("c"))
    assert steps == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]


async def test_work_on_different_keys_waits_for_nobody() -> None:
    """Users of different keys run at the same time."""
    locks = KeyedLocks[str]()
    async with locks.hold("a"), locks.hold("b"):
        assert len(locks) == 2


async def test_a_lock_that_nobody_uses_is_dropped() -> None:
    """The lock is dropped after any end of the block, but not while others wait for it."""
    locks, may_end = KeyedLocks[int](), asyncio.Event()

    async def work() -> None:
        async with locks.hold(1):
            await may_end.wait()

    first, second, third = (asyncio.create_task(work()) for _ in range(3))
    await settle()
    second.cancel()  # this one waits
    first.cancel()  # this one holds the lock
    await settle()
    assert (len(locks), third.done()) == (1, False)
    may_end.set()
    await third
    assert len(locks) == 0

    with pytest.raises(ValueError, match="broken"):
        async with locks.hold(2):
            raise ValueError("broken")
    assert len(locks) == 0
