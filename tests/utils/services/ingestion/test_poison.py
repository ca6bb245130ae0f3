"""Poison: the rest of a batch is stored around the lines that cannot be."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.deaths import FILE
from utils.errors import (
    CursorMovedError,
    DiskFullError,
    LeaseLostError,
    RemoteTimeoutError,
    ScopeViolationError,
    StorageConflictError,
    StorageError,
    StorageUnavailableError,
    TransactionsUnsupportedError,
)
from utils.models.reading import Chunk, Cursor, digest_head
from utils.models.texts import Text, text
from utils.services.ingestion.poison import is_poison, store_around_poison


def build_chunk(data: bytes, *, begun: bytes = b"") -> Chunk:
    """Return the chunk of a file with these bytes after those that were read before."""
    content = begun + data
    before = Cursor(FILE, len(begun), digest_head(begun[:256])) if begun else None
    after = Cursor(FILE, len(content), digest_head(content[:256]))
    return Chunk(before, after, len(begun), data, is_growth=True, head=content[:256])


@given(
    st.lists(st.tuples(st.integers(0, 150), st.booleans()), min_size=1, max_size=40), st.sampled_from([0, 9])
)
async def test_all_lines_but_the_poisoned_are_stored_in_order(
    lines: list[tuple[int, bool]], begun: int
) -> None:
    """Each step moves the cursor from the end of the previous one, and checks the file by its head."""
    data = b"".join(b"x" * length + (b"!\n" if is_poisoned else b".\n") for length, is_poisoned in lines)
    chunk = build_chunk(data, begun=b"." * begun + b"\n" if begun else b"")
    content = chunk.head[: chunk.start] + data
    cursor = chunk.before
    found: list[tuple[bytes, bool]] = []
    reported: list[BaseException] = []

    def move(part: Chunk) -> None:
        nonlocal cursor
        assert part.before == cursor
        assert content[part.start : part.after.offset] == part.data
        assert part.after.head == digest_head(content[: min(256, part.after.offset)])
        cursor = part.after

    async def store(part: Chunk) -> None:
        if b"!" in part.data:
            raise OverflowError
        move(part)
        found.extend((line, False) for line in part.data.splitlines())

    async def pass_over(part: Chunk, reason: Text) -> None:
        assert str(reason) == "could not be stored (OverflowError)"
        move(part)
        found.append((part.data.rstrip(b"\n"), True))

    await store_around_poison(chunk, store=store, pass_over=pass_over, report=reported.append)
    assert found == [(line, line.endswith(b"!")) for line in data.splitlines()]
    assert len(reported) == sum(is_passed for _, is_passed in found)
    assert cursor == chunk.after


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OverflowError("a row"), True),
        (StorageError("refused"), True),
        (ScopeViolationError("a bug"), True),
        (StorageUnavailableError("away"), False),
        (StorageConflictError("somebody"), False),
        (CursorMovedError("moved"), False),
        (LeaseLostError("lost"), False),
        (DiskFullError("full"), False),
        (TransactionsUnsupportedError("no set"), False),
        (RemoteTimeoutError(text("silent")), False),
        (asyncio.CancelledError(), False),
    ],
)
async def test_nothing_is_passed_over_for_what_lies_not_in_it(
    error: BaseException, *, expected: bool
) -> None:
    """Failures of the database, of the host or of another process are raised again, and lose no row."""
    assert is_poison(error) is expected
    passed: list[Chunk] = []
    reported: list[BaseException] = []

    async def store(_: Chunk) -> None:
        raise error

    async def pass_over(part: Chunk, _: Text) -> None:
        passed.append(part)

    storing = store_around_poison(
        build_chunk(b"1\n2\n3\n"), store=store, pass_over=pass_over, report=reported.append
    )
    if expected:
        await storing
        assert [part.data for part in passed] == [b"1\n", b"2\n", b"3\n"]
        assert reported == [error] * 3
    else:
        with pytest.raises(type(error)):
            await storing
        assert passed == []
