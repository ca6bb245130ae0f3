"""Prefetching: everything in order, a few files at once, nothing left open."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import settle
from utils.errors import ConnectionLostError
from utils.models.deaths import LogFile
from utils.models.reading import Chunk, Cursor
from utils.models.texts import text
from utils.services.ingestion.prefetch import prefetch


@dataclass(slots=True)
class Shelf:
    """Files that record their opening and closing, and how many were open at once.

    Attributes:
        sizes: the number of chunks of each file.
        failing: the file and the chunk at which the connection is lost.
    """

    sizes: list[int]
    failing: tuple[int, int] | None = None
    opened: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    read: list[tuple[int, int]] = field(default_factory=list)
    most_open: int = 0

    def iterate(self) -> Iterator[AsyncGenerator[Chunk, None]]:
        """Yield the files; reading opens them."""
        return (self._open(number, size) for number, size in enumerate(self.sizes))

    async def _open(self, number: int, size: int) -> AsyncGenerator[Chunk, None]:
        self.opened.append(number)
        self.most_open = max(self.most_open, len(self.opened) - len(self.closed))
        try:
            for place in range(size):
                await asyncio.sleep(0)
                if (number, place) == self.failing:
                    raise ConnectionLostError(text("The host hung up."))
                self.read.append((number, place))
                yield build_chunk(number, place)
        finally:
            self.closed.append(number)


def build_chunk(number: int, place: int) -> Chunk:
    """Return a chunk of a file."""
    file = LogFile("world_0", f"{number}")
    return Chunk(None, Cursor(file, place + 1), place, b"\n", is_growth=True)


def list_expected(sizes: list[int]) -> list[Chunk | None]:
    """Return the expected output: each file's chunks, followed by None."""
    expected: list[Chunk | None] = []
    for number, size in enumerate(sizes):
        expected += [build_chunk(number, place) for place in range(size)]
        expected.append(None)
    return expected


@given(st.lists(st.integers(0, 4), max_size=8), st.integers(1, 5))
async def test_chunks_come_in_order_of_the_files_however_many_are_read_at_once(
    sizes: list[int], at_once: int
) -> None:
    """One file comes after another, followed by None and closed; no more are open than allowed."""
    shelf = Shelf(sizes)
    found = [chunk async for chunk in prefetch(shelf.iterate(), at_once=lambda: at_once)]
    assert found == list_expected(sizes)
    assert sorted(shelf.closed) == sorted(shelf.opened) == list(range(len(sizes)))
    assert shelf.most_open <= at_once


async def test_next_files_are_on_their_way_while_the_first_is_dealt_with() -> None:
    """Only the first chunk of the next files is read ahead."""
    shelf = Shelf([3, 3, 3, 3])
    chunks = prefetch(shelf.iterate(), at_once=lambda: 3)
    await anext(chunks)
    await settle()
    assert sorted(shelf.read) == [(0, 0), (0, 1), (1, 0), (2, 0)]
    await chunks.aclose()
    assert sorted(shelf.closed) == [0, 1, 2]


async def test_fewer_files_are_read_at_once_when_there_is_less_room() -> None:
    """Open files are read to their end; at least one file is read, and more again when the limit grows."""
    shelf = Shelf([2] * 12)
    room = 4
    chunks = prefetch(shelf.iterate(), at_once=lambda: room)
    opened: list[int] = []
    found: list[Chunk | None] = []
    async for chunk in chunks:
        found.append(chunk)
        await settle()
        if chunk is None:
            opened.append(len(shelf.opened) - len(shelf.closed))
            room = 0 if len(opened) < 6 else 3
    assert found == list_expected(shelf.sizes)
    assert opened == [4, 3, 2, 1, 1, 1, 3, 3, 3, 2, 1, 0]


async def test_failing_file_is_told_in_its_turn_and_the_others_are_closed() -> None:
    """Chunks before the failure come first, and all files are closed afterwards."""
    shelf = Shelf([2, 3, 2, 2], failing=(1, 1))
    found: list[Chunk | None] = []

    async def read_all() -> None:
        async for chunk in prefetch(shelf.iterate(), at_once=lambda: 2):
            found.append(chunk)  # noqa: PERF401 - what came before the failure is wanted

    with pytest.raises(ConnectionLostError, match="hung up"):
        await read_all()
    assert found == [build_chunk(0, 0), build_chunk(0, 1), None, build_chunk(1, 0)]
    await settle()
    assert sorted(shelf.closed) == sorted(shelf.opened)


async def test_failure_of_a_file_nobody_came_to_is_no_forgotten_error() -> None:
    """A reader that stops early does not get the failure of a later file."""
    shelf = Shelf([3, 1], failing=(1, 0))
    chunks = prefetch(shelf.iterate(), at_once=lambda: 2)
    assert await anext(chunks) == build_chunk(0, 0)
    await settle()
    await chunks.aclose()
    assert sorted(shelf.closed) == [0, 1]


async def test_cancelled_reader_leaves_no_file_open() -> None:
    """An import that is cancelled while it waits for the host closes its files."""
    gate = asyncio.Event()
    closed: list[str] = []

    async def wait_for_ever() -> AsyncGenerator[Chunk, None]:
        try:
            await gate.wait()
            yield build_chunk(0, 0)
        finally:
            closed.append("file")

    async def read_all() -> None:
        async for _ in prefetch([wait_for_ever(), wait_for_ever()], at_once=lambda: 2):
            pass

    reading = asyncio.create_task(read_all())
    await settle()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await settle()
    assert closed == ["file", "file"]
