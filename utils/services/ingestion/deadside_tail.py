"""The tail of Deadside.log: yields what is new, slice by slice; ``deadside_reading.py`` decides."""

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from functools import partial

from utils.clock import Clock
from utils.models.game_log import LogCursor, LogSize, digest_run
from utils.models.reading import slice_lines
from utils.services.ingestion.deadside_reading import (
    LINE_BYTES,
    SLICE_BYTES,
    Continuation,
    cut_lines,
    is_head_needed,
    judge_continuation,
)
from utils.services.ingestion.deadside_stores import GameLog

FILE_NAME = "Deadside.log"
LONG_LINE_SLICES = 64  # 16 MiB without a line feed: they are searched again when the file grows


@dataclass(frozen=True, slots=True)
class LogSlice:
    """Some whole lines of Deadside.log.

    Attributes:
        continuation: how they follow what was read before.
        cursor: where reading stands behind them.
        data: with their ends, starting at ``start``; empty if its only line is longer than a slice.
        lines: without their ends, long ones cut.
        is_silent: nothing in them is news.
        is_end: they end the silent part, or all that there is.
    """

    continuation: Continuation
    cursor: LogCursor
    start: int
    data: bytes
    lines: list[bytes]
    is_silent: bool
    is_end: bool

    @property
    def place(self) -> str:
        """The file, and where in it they begin."""
        return f"{FILE_NAME}:{self.start}"

    def halve(self) -> tuple["LogSlice", "LogSlice"] | None:
        """Cut it behind half of its lines; None for a single one."""
        if len(self.lines) < 2:
            return None
        (_, first), (place, second) = slice_lines(self.data, lines=(len(self.lines) + 1) // 2)
        offset = self.start + place
        between = replace(self.cursor, offset=offset)
        return (
            replace(self, cursor=between, data=first, lines=cut_lines(first)[0], is_end=False),
            replace(
                self, continuation=Continuation.GOES_ON, start=offset, data=second, lines=cut_lines(second)[0]
            ),
        )


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The beginning of a read: the cursor there, and the bytes that were read already."""

    continuation: Continuation
    cursor: LogCursor
    data: bytes = b""


class GameLogTail:
    """Reads one Deadside.log from visit to visit.

    Attributes:
        is_at_end: the last read came to the end of the file as it was seen.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._head_checked_at = -math.inf
        self.is_at_end = False

    async def read_on(
        self, log: GameLog, seen: LogSize, cursor: LogCursor | None
    ) -> AsyncGenerator[LogSlice, None]:
        """Yield the whole lines behind the cursor, up to the size that was seen.

        Raises:
            RemoteError: the host failed.
        """
        self.is_at_end = False
        beginning = await self._begin(log, seen, cursor)
        if beginning is None:
            self.is_at_end = True  # its first line is still written
            return
        at, data, continuation = beginning.cursor, beginning.data, beginning.continuation
        while at.offset < seen.size:
            is_silent = at.offset < at.border
            end = min(at.border, seen.size) if is_silent else seen.size
            wanted = min(end - at.offset, SLICE_BYTES)
            data = data[:wanted] or (await log.read(at.offset, wanted))[1]
            lines, length = cut_lines(data)
            if not length and len(data) == SLICE_BYTES:
                lines, length = await self._pass_long_line(log, at.offset, end)
            is_short = len(data) < wanted
            is_end = is_short or not length or at.offset + max(length, len(data)) >= end
            start, offset = at.offset, at.offset + length
            at = replace(at, offset=offset, border=offset if is_end and is_silent else at.border)
            yield LogSlice(continuation, at, start, data[:length], lines, is_silent, is_end)
            continuation, data = Continuation.GOES_ON, b""
            if is_short or (is_end and not is_silent):
                self.is_at_end = not is_short
                return
        self.is_at_end = True

    async def _begin(self, log: GameLog, seen: LogSize, cursor: LogCursor | None) -> _Beginning | None:
        """Read the first new bytes, and find out how they follow; None if it is too early to tell."""
        offset = 0 if cursor is None or seen.size < cursor.offset else cursor.offset
        start, now = max(offset - 1, 0), self._clock.monotonic()
        needs_head = is_head_needed(cursor, seen, head_age_seconds=now - self._head_checked_at)
        length = min(seen.size - start, SLICE_BYTES + 1)
        head, data = await log.read(start, length, has_head=needs_head)
        judge = partial(judge_continuation, cursor, seen, before=data[: offset - start])
        continuation = judge(head=head if needs_head else None)
        if continuation is None:
            needs_head = True
            head, _ = await log.read(0, 0, has_head=True)
            continuation = judge(head=head)
        if continuation is None or continuation is Continuation.WAITS:
            return None
        if needs_head:
            self._head_checked_at = now
        if cursor is not None and continuation is Continuation.GOES_ON:
            return _Beginning(continuation, cursor, data[offset - start :])
        edits = 0 if cursor is None else cursor.edits
        again = LogCursor(digest_run(head) or "", border=seen.size, edits=edits)
        return _Beginning(continuation, again)

    async def _pass_long_line(self, log: GameLog, offset: int, end: int) -> tuple[list[bytes], int]:
        """Return a line longer than a slice, cut, with its length; nothing if its end is not there yet."""
        _, first = await log.read(offset, LINE_BYTES)
        for number in range(1, LONG_LINE_SLICES):
            start = offset + number * SLICE_BYTES
            if start >= end:
                break
            _, data = await log.read(start, min(SLICE_BYTES, end - start))
            found = data.find(b"\n")
            if found >= 0:
                return [first[:LINE_BYTES]], start + found + 1 - offset
        return [], 0
