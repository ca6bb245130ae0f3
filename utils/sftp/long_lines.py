"""Long lines: a line that is longer than a chunk is not a row, and is skipped.

A host may show an empty file of 100 GB, or a line without end. So a poll searches a few megabytes of such a
line, and the next poll goes on behind them. A hole in a file is read as NULs. After megabytes of NULs, the
end of the hole is searched in steps that double and then halve. A row after NULs is a row, no matter how many
there are.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

BLOCK_BYTES = 512 * 1024  # bytes read at once
PASSED_BYTES = 16 * 1024 * 1024  # searched at a poll; of a hole, before steps double
SHOWN_BYTES = 4096  # of a skipped line; still too long to be read as a death
PROBE_BYTES = 4096

_NOTHING = bytes(BLOCK_BYTES)


@dataclass(frozen=True, slots=True)
class Passage:
    """How far a line was searched.

    Attributes:
        start: the line's first byte.
        head: digest of the file's first bytes; another digest means another file.
        offset: there is no line feed before it.
        text_at: the first byte that is not a NUL; None if there was none so far.
        is_cut_off: there is more, and the next poll goes on.
    """

    start: int
    head: bytes
    offset: int
    text_at: int | None = None
    is_cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines: their start, their bytes or the part that is shown, and the byte behind them."""

    start: int
    data: bytes
    end: int


class LongLine:
    """Looks for the end of one line.

    Args:
        read: returns a number of bytes of the file from an offset on, or as many as there are.
        size: no bytes beyond it are requested.
        passage: where an earlier search has ended.
    """

    def __init__(self, read: Callable[[int, int], Awaitable[bytes]], size: int, passage: Passage) -> None:
        self.passage = passage
        self._read = read
        self._size = size

    async def find_end(self, *, most: float = PASSED_BYTES) -> Piece | None:
        """Return the line once its line feed is found; None at the file's end, and after ``most`` bytes."""
        looked = 0
        self.passage = replace(self.passage, is_cut_off=False)
        while self.passage.offset < self._size:
            if looked >= most:
                self.passage = replace(self.passage, is_cut_off=True)
                return None
            offset = self.passage.offset
            block = await self._read(offset, min(BLOCK_BYTES, self._size - offset))
            if not block:
                return None  # the file is shorter than the host said
            end = block.find(b"\n")
            self._note_text(block[:end] if end >= 0 else block)
            if end >= 0:
                return await self._show(offset + end)
            looked += len(block)
            self.passage = replace(self.passage, offset=offset + len(block))
            if self.passage.text_at is None and self.passage.offset - self.passage.start > PASSED_BYTES:
                await self._leap()
        return None

    def _note_text(self, part: bytes) -> None:
        if self.passage.text_at is None and not _is_hole(part):
            before = len(part) - len(part.lstrip(b"\0"))
            self.passage = replace(self.passage, text_at=self.passage.offset + before)

    async def _show(self, end: int) -> Piece:
        """Return the line before the line feed at ``end``: whole if it may be a row, else its beginning."""
        start = end if self.passage.text_at is None else self.passage.text_at
        data = await self._read(start, min(end - start, SHOWN_BYTES))
        return Piece(start, data + b"\n", end + 1)

    async def _leap(self) -> None:
        """Move forward within a hole, to less than a block before its end."""
        offset, step = self.passage.offset, BLOCK_BYTES
        while await self._finds_hole(offset + step):
            offset += step
            step *= 2
        while step > BLOCK_BYTES:
            step //= 2
            offset += step if await self._finds_hole(offset + step) else 0
        self.passage = replace(self.passage, offset=offset)

    async def _finds_hole(self, offset: int) -> bool:
        if offset >= self._size:
            return False
        return _is_hole(await self._read(offset, min(PROBE_BYTES, self._size - offset)))


def _is_hole(data: bytes) -> bool:
    return data == _NOTHING[: len(data)]
