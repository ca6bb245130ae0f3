"""History import: everything the logs held when a server was added, silently, and the counters from it.

An import fixes the files' sizes at its start: bytes up to there are history, bytes after it are live. Each
chunk's deaths and cursor are one transaction, two files at a time; counters are not touched meanwhile. Then
all stored deaths of the server are counted anew, in order, into a new *generation* of counters, and one
write switches to it. A crash at any point loses nothing but time: the job is stored, cursors tell how far it
is, and a generation nobody was switched to is dropped.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import date
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from structlog import get_logger

from utils.clock import Clock
from utils.errors import RemoteFileMissingError
from utils.events import EventDispatcher, HistoryImported
from utils.models.deaths import Death, LogFile
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.reading import Chunk, Cursor, ImportJob, ImportProgress, RejectedLine
from utils.models.scope import ServerScope
from utils.models.servers import GameServer
from utils.services.counting import Counting
from utils.services.ingestion.reading import HistoryLogs, RowReader
from utils.services.ingestion.stores import IngestionStore, IngestionUnit

logger = get_logger(__name__)

LANES = 2  # transactions in flight, on different files; more wait for each other on two cores
SLICE_ROWS = 250  # parsed or counted between two turns of the event loop: a few milliseconds
COUNTED_ROWS = 5000

ProgressSink = Callable[[ImportProgress], Awaitable[object]]


class ImportStore(Protocol):
    """What an import needs of the storage besides the transactions of ingestion."""

    async def begin_import(self, scope: ServerScope, job: ImportJob) -> None:
        """Store the job and set the cursors of its files to 0, in one transaction."""

    async def finish_import(self, scope: ServerScope, job: ImportJob) -> None:
        """Switch the server to the job's generation and end the job, in one transaction."""

    def iterate_deaths(self, scope: ServerScope, *, batch: int) -> AsyncIterator[Sequence[Death]]:
        """Yield every stored death of a server in order of time."""

    async def write_generation(
        self,
        scope: ServerScope,
        generation: int,
        *,
        players: Sequence[PlayerRecord] = (),
        days: Sequence[PlayerDay] = (),
    ) -> None:
        """Add counters to a generation that is not shown yet."""

    async def drop_generation(self, scope: ServerScope, generation: int) -> None:
        """Delete counters of a generation."""


class HistoryImport:
    """Imports the history of one server, from wherever an earlier try stopped.

    Args:
        store: the guild's storage.
        imports: storage of the job and of generations of counters.
        events: told when the new counters are shown.
    """

    def __init__(
        self, store: IngestionStore, imports: ImportStore, events: EventDispatcher, *, clock: Clock
    ) -> None:
        self._store = store
        self._imports = imports
        self._events = events
        self._clock = clock

    async def prepare(self, server: GameServer, logs: HistoryLogs, requested: ImportJob) -> ImportJob:
        """Fix what is history and store the job, so that nothing after this moment is taken for history.

        Of files that were read live before, history ends where reading stands.
        """
        sizes = await logs.list_sizes()
        cursors = await self._store.list_cursors(server.scope)
        ends = {
            file: min(cursors[file].offset, size) if file in cursors else size for file, size in sizes.items()
        }
        job = ImportJob(
            generation=server.generation + 1,
            started_at=self._clock.now(),
            ends=ends,
            channel_id=requested.channel_id,
            message_id=requested.message_id,
        )
        await self._imports.begin_import(server.scope, job)
        return job

    async def run(
        self, server: GameServer, logs: HistoryLogs, job: ImportJob, *, on_progress: ProgressSink
    ) -> ImportProgress:
        """Read, store and count a prepared job to its end.

        Raises:
            RemoteError: the host failed; call again, it goes on where it stopped.
            StorageError: likewise.
        """
        cursors = await self._store.list_cursors(server.scope)
        meter = ProgressMeter(self._clock, job.ends, cursors, on_progress)
        await self._read_all(server, logs, job, cursors, meter)
        await meter.begin_counting()
        await self._count(server.scope, job.generation)
        await self._imports.finish_import(server.scope, job)
        await self._imports.drop_generation(server.scope, server.generation)
        await self._events.dispatch(HistoryImported(scope=server.scope))
        return await meter.finish()

    async def _read_all(
        self,
        server: GameServer,
        logs: HistoryLogs,
        job: ImportJob,
        cursors: Mapping[LogFile, Cursor],
        meter: "ProgressMeter",
    ) -> None:
        reader = RowReader(server.scope, ZoneInfo(server.timezone))
        files = iter(sorted(job.ends))

        async def read_files() -> None:
            for file in files:
                cursor, end = cursors.get(file), job.ends[file]
                if cursor is None or cursor.offset < end:
                    await self._read_file(server.scope, logs, reader, cursor, file, end, meter)
                await meter.add(files=1)

        await _run_together([read_files] * LANES)

    async def _read_file(
        self,
        scope: ServerScope,
        logs: HistoryLogs,
        reader: RowReader,
        cursor: Cursor | None,
        file: LogFile,
        end: int,
        meter: "ProgressMeter",
    ) -> None:
        try:
            async with aclosing(logs.read_until(cursor, file, end)) as chunks:
                async for chunk in chunks:
                    rows = await self._store_chunk(scope, reader, chunk)
                    await meter.add(rows=rows, read_bytes=chunk.after.offset - chunk.start)
        except RemoteFileMissingError:
            if file in await logs.list_sizes():
                raise
            logger.warning("death log is gone", scope=str(scope), world=file.world, file=file.name)

    async def _store_chunk(self, scope: ServerScope, reader: RowReader, chunk: Chunk) -> int:
        deaths, rejected = await self._read_slices(reader, chunk)
        unique = list({death.id: death for death in reversed(deaths)}.values())
        await self._store.in_transaction(scope, partial(_store_in_unit, chunk, unique, rejected, len(deaths)))
        return len(deaths) + len(rejected)

    async def _read_slices(self, reader: RowReader, chunk: Chunk) -> tuple[list[Death], list[RejectedLine]]:
        """Parse a chunk without holding the event loop for longer than a slice."""
        deaths: list[Death] = []
        rejected: list[RejectedLine] = []
        for start, data in slice_lines(chunk.data, rows=SLICE_ROWS):
            read = reader.read(chunk.after.file, chunk.start + start, data, now=self._clock.now())
            deaths += read[0]
            rejected += read[1]
            await asyncio.sleep(0)
        return deaths, rejected

    async def _count(self, scope: ServerScope, generation: int) -> None:
        """Count every stored death anew into a generation that nobody sees yet."""
        await self._imports.drop_generation(scope, generation)
        counting = Counting()
        month = date.min
        async for deaths in in_order(self._imports.iterate_deaths(scope, batch=COUNTED_ROWS)):
            first_month = deaths[0].row.written_at.date().replace(day=1)
            if first_month > month:
                await self._write_days(scope, generation, counting.take_days_before(first_month))
                month = first_month
            for start in range(0, len(deaths), SLICE_ROWS):
                for death in deaths[start : start + SLICE_ROWS]:
                    counting.add(death)
                await asyncio.sleep(0)
        await self._write_days(scope, generation, list(counting.freeze_days()))
        await self._imports.write_generation(scope, generation, players=list(counting.freeze_players()))

    async def _write_days(self, scope: ServerScope, generation: int, days: list[PlayerDay]) -> None:
        if days:
            await self._imports.write_generation(scope, generation, days=days)


async def _store_in_unit(
    chunk: Chunk, deaths: Sequence[Death], rejected: Sequence[RejectedLine], lines: int, unit: IngestionUnit
) -> None:
    known = await unit.find_known_ids([death.id for death in deaths]) if deaths else frozenset()
    await unit.insert_deaths(sorted((death for death in deaths if death.id not in known), key=_get_id))
    await unit.insert_rejected(rejected)
    await unit.add_lines_read(lines + len(rejected), len(rejected))
    await unit.move_cursor(chunk.before, chunk.after)


def _get_id(death: Death) -> bytes:
    return death.id


class ProgressMeter:
    """Adds up what an import has done and tells it onward."""

    def __init__(
        self,
        clock: Clock,
        ends: Mapping[LogFile, int],
        cursors: Mapping[LogFile, Cursor],
        on_progress: ProgressSink,
    ) -> None:
        self._clock = clock
        self._on_progress = on_progress
        self._started = clock.monotonic()
        self._files_total = len(ends)
        self._bytes_total = sum(
            max(0, end - (cursors[file].offset if file in cursors else 0)) for file, end in ends.items()
        )
        self._files_done = 0
        self._bytes_done = 0
        self._rows = 0

    async def add(self, *, rows: int = 0, read_bytes: int = 0, files: int = 0) -> None:
        """Add a stored chunk or a finished file."""
        self._rows += rows
        self._bytes_done += read_bytes
        self._files_done += files
        await self._on_progress(self._build())

    async def begin_counting(self) -> None:
        """Tell that all is read and the counters are being made."""
        await self._on_progress(self._build(is_counting=True))

    async def finish(self) -> ImportProgress:
        """Tell, and return, the end."""
        progress = self._build(is_done=True)
        await self._on_progress(progress)
        return progress

    def _build(self, *, is_counting: bool = False, is_done: bool = False) -> ImportProgress:
        return ImportProgress(
            files_done=self._files_done,
            files_total=self._files_total,
            bytes_done=self._bytes_done,
            bytes_total=self._bytes_total,
            rows=self._rows,
            elapsed_seconds=self._clock.monotonic() - self._started,
            is_counting=is_counting,
            is_done=is_done,
        )


def slice_lines(data: bytes, *, rows: int) -> list[tuple[int, bytes]]:
    """Cut whole lines into pieces of about ``rows`` rows, each with its offset."""
    pieces: list[tuple[int, bytes]] = []
    start = 0
    while start < len(data):
        end = data.find(b"\n", min(start + rows * 128, len(data) - 1)) + 1
        pieces.append((start, data[start:end]))
        start = end
    return pieces


async def in_order(batches: AsyncIterator[Sequence[Death]]) -> AsyncIterator[list[Death]]:
    """Put deaths of one second into the order of the log; batches come by second, and may cut one."""
    held: list[Death] = []
    async for batch in batches:
        held.extend(batch)
        held.sort(key=lambda death: death.order)
        last = held[-1].row.written_at if held else None
        ready = [death for death in held if death.row.written_at != last]
        held = held[len(ready) :]
        if ready:
            yield ready
    if held:
        yield held


async def _run_together(lanes: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run lanes at once; the first failure ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(lane()) for lane in lanes]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
