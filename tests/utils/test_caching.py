"""A value is remembered for its time, and a change is never hidden by an older read."""

import asyncio

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.caching import Remembered


class Shelf:
    """Stored values, and the number of their reads."""

    def __init__(self) -> None:
        self.values = {"a": 1, "b": 1}
        self.reads: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, key: str) -> int:
        """Return the stored value of now, and answer when the test allows it."""
        self.reads.append(key)
        value = self.values[key]
        await self.may_answer.wait()
        return value


async def test_a_value_is_read_again_when_its_time_is_over() -> None:
    """The time counts from the beginning of the read, separately for each key."""
    shelf, clock = Shelf(), FakeClock()
    remembered = Remembered(shelf.read, seconds=30, clock=clock)
    shelf.may_answer.clear()
    slow = asyncio.create_task(remembered.get("a"))
    await clock.advance(10)
    shelf.may_answer.set()
    assert (await slow, await remembered.get("b"), await remembered.get("a")) == (1, 1, 1)
    assert shelf.reads == ["a", "b"]
    clock.move(20)
    await remembered.get("a")
    await remembered.get("b")
    assert shelf.reads == ["a", "b", "a"]


async def test_what_was_dropped_is_read_again() -> None:
    """Other keys keep their values."""
    shelf = Shelf()
    remembered = Remembered(shelf.read, seconds=30, clock=FakeClock())
    await remembered.get("a")
    await remembered.get("b")
    shelf.values["a"] = 2
    remembered.drop("a")
    assert (await remembered.get("a"), await remembered.get("b")) == (2, 1)
    assert shelf.reads == ["a", "b", "a"]
    remembered.drop_where(lambda key: key < "b")
    assert len(remembered) == 1


async def test_a_read_that_began_before_a_drop_is_not_kept() -> None:
    """The read may have the value from before the change."""
    shelf = Shelf()
    remembered = Remembered(shelf.read, seconds=30, clock=FakeClock())
    shelf.may_answer.clear()
    before = asyncio.create_task(remembered.get("a"))
    await settle()
    shelf.values["a"] = 2
    remembered.drop("a")
    shelf.may_answer.set()
    assert (await before, await remembered.get("a")) == (1, 2)


async def test_a_read_that_fails_keeps_nothing() -> None:
    """The next read asks again."""
    shelf = Shelf()
    remembered = Remembered(shelf.read, seconds=30, clock=FakeClock())
    with pytest.raises(KeyError):
        await remembered.get("c")
    shelf.values["c"] = 3
    assert await remembered.get("c") == 3
