"""The row reader: turns the bytes of a death log into deaths."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from utils.models.deaths import CLOCK_MARGIN, Death, LogFile, Rejected
from utils.models.reading import Chunk, Cursor, RejectedLine, RowClock, slice_lines
from utils.models.scope import ServerScope
from utils.models.texts import Text
from utils.parsers.deathlog import KEPT_REJECTED_CHARACTERS, decode_line, iterate_lines, parse_death_line
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id
from utils.services.ingestion.wall_clock import WallClock, place_behind

SLICE_LINES = 50  # lines parsed before the event loop runs again: about a millisecond
BATCHES_OF_ALL = 8  # how many large batches may be in memory at once, over all guilds
KEPT_REJECTED = 24  # rejected lines of a chunk that are kept for admins; the others are counted


@dataclass(frozen=True, slots=True)
class ReadLines:
    """The parsed rows of a chunk.

    Attributes:
        deaths: in the order of the file.
        rejected: the first rejected lines.
        lines: number of lines. ``lines_rejected``: number of unreadable lines.
        after: the cursor after them, with the clock of the last row.
    """

    deaths: Sequence[Death]
    rejected: Sequence[RejectedLine]
    lines: int
    lines_rejected: int
    after: Cursor


class RowReader:
    """Turns chunks of one server into deaths. The chunks of a file must come in order."""

    def __init__(self, scope: ServerScope, zone: tzinfo) -> None:
        self._prefix = build_scope_prefix(scope)
        self._clock = WallClock(zone)
        self._clocks: dict[tuple[LogFile, int], RowClock | None] = {}

    async def read_chunk(self, chunk: Chunk, *, now: datetime, since: datetime | None = None) -> ReadLines:
        """Parse a chunk without blocking the event loop for longer than a slice.

        ``since`` is the time of the previous read. Appended rows are newer than that.
        """
        file, last = chunk.after.file, self._find_clock(chunk)
        deaths: list[Death] = []
        rejected: list[RejectedLine] = []
        lines = 0
        for place, data in slice_lines(chunk.data, lines=SLICE_LINES):
            found, unread = self.read(file, chunk.start + place, data, now=now, last=last, since=since)
            if found and not chunk.is_last_row:
                last = RowClock(found[-1].order[0], found[-1].at)
            lines += len(found) + len(unread)
            deaths += found
            rejected += unread[: KEPT_REJECTED - len(rejected)]
            await asyncio.sleep(0)
        after = self._move(chunk, last)
        if chunk.is_last_row:  # count the line later, when it is complete
            return ReadLines(deaths, (), lines=0, lines_rejected=0, after=after)
        return ReadLines(deaths, rejected, lines, lines_rejected=lines - len(deaths), after=after)

    def reject(self, chunk: Chunk, reason: Text, *, now: datetime) -> ReadLines:
        """Return a chunk of one line as a rejected line."""
        line = decode_line(chunk.data.rstrip(b"\r\n"))[:KEPT_REJECTED_CHARACTERS]
        rejected = RejectedLine(chunk.after.file, chunk.start, line, reason, now)
        after = self._move(chunk, self._find_clock(chunk))
        return ReadLines((), (rejected,), lines=1, lines_rejected=1, after=after)

    def _find_clock(self, chunk: Chunk) -> RowClock | None:
        """Return the time of the row before the chunk: from memory, or from the cursor."""
        before = chunk.before
        stored = before.clock if before is not None and before.offset == chunk.start else None
        return self._clocks.get((chunk.after.file, chunk.start), stored)

    def _move(self, chunk: Chunk, clock: RowClock | None) -> Cursor:
        """Return the cursor behind a chunk."""
        self._clocks[chunk.after.file, chunk.after.offset] = clock
        return replace(chunk.after, clock=clock)

    def read(
        self,
        file: LogFile,
        start: int,
        data: bytes,
        *,
        now: datetime,
        last: RowClock | None = None,
        since: datetime | None = None,
    ) -> tuple[list[Death], list[RejectedLine]]:
        """Return the deaths of ``data`` in file order, and the rejected lines.

        ``last`` is the clock of the row before them.
        """
        deaths: list[Death] = []
        rejected: list[RejectedLine] = []
        latest = self.find_latest(now)
        for place, line in iterate_lines(data):
            row = parse_death_line(line, latest=latest)
            if isinstance(row, Rejected):
                rejected.append(RejectedLine(file, start + place, row.line, row.reason, now))
                continue
            ordered_at = place_behind(row.written_at, last)
            last = RowClock(ordered_at, self._clock.read(row.written_at, last, since=since))
            deaths.append(
                Death(
                    id=compute_death_id(self._prefix, row),
                    row=row,
                    at=last.at,
                    file=file,
                    offset=start + place,
                    ordered_at=None if ordered_at == row.written_at else ordered_at,
                )
            )
        return deaths, rejected

    def find_latest(self, now: datetime) -> datetime:
        """Return the latest valid time of a row, by the server's wall clock."""
        return now.astimezone(self._clock.zone).replace(tzinfo=None) + CLOCK_MARGIN
