"""History import: everything the logs held when a server was added, silently, and the counters from it.

An import fixes the files' sizes at its start: bytes up to there are history, bytes after it are live. Files
are read ahead and parsed while the batch before is stored; deaths and cursors of a batch are one transaction,
and the counters that are shown stay as they are. The new ones are a *generation* of their own, and one write
switches to it. The first import of a server counts deaths as they are stored; where deaths were stored
before, or come out of order (several worlds, a clock put back), all of them are counted anew at the end.

A crash at any point loses nothing but time: the job is stored, cursors tell how far it is, and a generation
nobody was switched to is dropped. Each try counts into a generation of its own, so that a process that lost
its lease in its sleep and wakes while it counts changes nothing that is shown.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

from structlog import get_logger

from utils.clock import Clock
from utils.errors import (
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
    StorageConflictError,
    StorageError,
)
from utils.events import EventDispatcher, HistoryImported
from utils.models.deaths import EARLIEST_WRITTEN_AT, Death, LogFile
from utils.models.reading import Chunk, Cursor, ImportJob, ImportProgress, RejectedLine
from utils.models.scope import ChannelId, ServerScope
from utils.models.servers import GameServer
from utils.models.texts import Text
from utils.services.ingestion.generation import (
    COUNTED_ROWS,
    GenerationCount,
    GenerationStore,
    count_anew,
    has_deaths,
)
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.services.ingestion.log_source import HistoryLogs
from utils.services.ingestion.poison import store_around_poison
from utils.services.ingestion.prefetch import prefetch
from utils.services.ingestion.progress import ProgressMeter, ProgressSink
from utils.services.ingestion.row_reader import BATCHES_OF_ALL, ReadLines, RowReader
from utils.services.ingestion.stores import IngestionStore, IngestionUnit
from utils.services.ingestion.wall_clock import WallClock
from utils.tasks import run_together
from utils.turns import FairTurns

logger = get_logger(__name__)

BATCH_ROWS = 4000  # one transaction; smaller ones cost mongod more a row, larger ones hold up the loop
BATCH_BYTES = 1024 * 1024  # of rows that are much longer than usual
FILES_AT_ONCE = 6
FILES_OF_ALL = 24  # read at once by all imports together; each reads one in any case


class ImportJobs(Protocol):
    """Storage of imports under way."""

    async def find_import(self, scope: ServerScope) -> ImportJob | None:
        """Return the import under way, if any."""


class ImportStore(GenerationStore, Protocol):
    """What an import needs of the storage besides the transactions of ingestion."""

    async def begin_import(self, scope: ServerScope, job: ImportJob) -> None:
        """Store the job and set the cursors of its files to 0, in one transaction."""

    async def take_up_import(self, scope: ServerScope) -> int:
        """Move the job under way on to a generation that nobody has counted into; return that one."""

    async def finish_import(self, scope: ServerScope, job: ImportJob) -> None:
        """Switch the server to the job's generation and end the job, in one transaction."""

    async def drop_unshown_generations(self, scope: ServerScope) -> None:
        """Delete all counters but those shown and those of the job under way."""

    async def drop_deaths_outside(self, scope: ServerScope, first: date, last: date) -> None:
        """Delete deaths that were written before or after these days."""


@dataclass(slots=True)
class HistoryBatch:
    """What one transaction stores: whole chunks, and how many files end with them.

    Attributes:
        rejected: those of the lines that could not be read that are kept.
        rows: lines in it, readable or not; ``rows_rejected`` of them could not be read.
        held_bytes: of its chunks, in memory.
    """

    chunks: list[Chunk] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    rows: int = 0
    rows_rejected: int = 0
    held_bytes: int = 0
    files: int = 0

    def take(self, chunk: Chunk) -> None:
        """Take one more chunk."""
        self.chunks.append(chunk)
        self.rows += 0 if chunk.is_last_row else chunk.lines
        self.held_bytes += len(chunk.data)

    def note(self, place: int, read: ReadLines) -> None:
        """Note what was read of the chunk at a place."""
        self.chunks[place] = replace(self.chunks[place], after=read.after)
        self.deaths += read.deaths
        self.rejected += read.rejected
        self.rows_rejected += read.lines_rejected

    @property
    def read_bytes(self) -> int:
        """Bytes of the logs it covers."""
        return sum(chunk.after.offset - chunk.start for chunk in self.chunks)


class _Storing:
    """How one import stores its batches: each in one transaction or, to pass over poison, chunk by chunk."""

    def __init__(self, store: IngestionStore, server: GameServer, clock: Clock, *, passes_over: bool) -> None:
        self.scope = server.scope
        self._store = store
        self._clock = clock
        self._passes_over = passes_over
        self._reader = RowReader(server.scope, ZoneInfo(server.timezone))
        self._wall_clock = WallClock(ZoneInfo(server.timezone))

    async def parse(self, batch: HistoryBatch) -> None:
        """Read what a batch holds; to pass over poison, each chunk is read when it is stored."""
        chunks = () if self._passes_over else tuple(batch.chunks)
        for place, chunk in enumerate(chunks):
            batch.note(place, await self._reader.read_chunk(chunk, now=self._clock.now()))

    async def store(self, batch: HistoryBatch) -> list[Death]:
        """Store a batch and return its new deaths, in the order of the log."""
        if not self._passes_over:
            return await self._store_batch(batch)
        new: list[Death] = []
        for chunk in batch.chunks:
            parts = await store_around_poison(chunk, store=self._store_chunk, pass_over=self._pass_over)
            new += [death for part in parts for death in part]
        return new

    async def _store_chunk(self, chunk: Chunk) -> list[Death]:
        read = await self._reader.read_chunk(chunk, now=self._clock.now())
        return await self._store_read(chunk, read)

    async def _pass_over(self, chunk: Chunk, reason: Text) -> list[Death]:
        if chunk.is_last_row:
            return []
        return await self._store_read(chunk, self._reader.reject(chunk, reason, now=self._clock.now()))

    async def _store_read(self, chunk: Chunk, read: ReadLines) -> list[Death]:
        batch = HistoryBatch()
        batch.take(chunk)
        batch.note(0, read)
        return await self._store_batch(batch)

    async def _store_batch(self, batch: HistoryBatch) -> list[Death]:
        clock = self._wall_clock

        def store(unit: IngestionUnit) -> list[Death]:
            return store_history_batch(unit, batch, clock)

        return await self._store.in_transaction(self.scope, store)


class HistoryImport:
    """Imports the history of one server, from where an earlier try stopped.

    Args:
        store: the guild's storage.
        imports: storage of the job and of generations of counters.
        events: told when the new counters are shown.
        batch_rows: lines of a transaction at least; a chunk is never cut.
        throttle: waited for before each batch.
        turns: places for batches in memory, of all guilds.
    """

    def __init__(
        self,
        store: IngestionStore,
        imports: ImportStore,
        events: EventDispatcher,
        *,
        clock: Clock,
        batch_rows: int = BATCH_ROWS,
        throttle: ImportThrottle | None = None,
        turns: FairTurns | None = None,
    ) -> None:
        self._store = store
        self._imports = imports
        self._events = events
        self._clock = clock
        self._batch_rows = batch_rows
        self._throttle = throttle or ImportThrottle(clock)
        self._turns = turns or FairTurns(BATCHES_OF_ALL)
        self._running = 0

    async def prepare(
        self,
        server: GameServer,
        logs: HistoryLogs,
        *,
        channel_id: ChannelId | None = None,
        message_id: int | None = None,
    ) -> ImportJob:
        """Fix what is history and store the job, so that nothing after this moment is taken for history.

        Of files that were read live before, history ends where reading stands. The message shows progress.
        """
        sizes = await logs.list_sizes()
        cursors = await self._store.list_cursors(server.scope)
        ends = {
            file: min(cursors[file].offset, size) if file in cursors else size for file, size in sizes.items()
        }
        job = ImportJob(server.generation, self._clock.now(), ends, channel_id, message_id)
        await self._imports.begin_import(server.scope, job)
        return job

    async def run(
        self,
        server: GameServer,
        logs: HistoryLogs,
        job: ImportJob,
        *,
        on_progress: ProgressSink,
        passes_over: bool = False,
    ) -> ImportProgress:
        """Read, store and count a prepared job to its end.

        With ``passes_over``, a line that cannot be stored is kept as rejected, and the rest is imported.

        Raises:
            RemoteError: the host failed; call again, it goes on where it stopped.
            StorageError: likewise.
        """
        scope = server.scope
        job = replace(job, generation=await self._imports.take_up_import(scope))
        await self._imports.drop_unshown_generations(scope)
        await self._drop_misdated(server)
        cursors = await self._store.list_cursors(scope)
        meter = ProgressMeter(self._clock, job.ends, cursors, on_progress)
        count = await self._begin_count(scope, job.generation)
        storing = _Storing(self._store, server, self._clock, passes_over=passes_over)
        await self._read_all(storing, logs, job, cursors, meter=meter, count=count)
        await meter.begin_counting()
        if count is not None and count.is_in_order:
            await count.finish()
        else:
            await count_anew(self._imports, scope, job.generation, self._iterate_deaths(server))
        await self._switch(scope, job)
        await self._clear_up(scope)
        self._events.dispatch(HistoryImported(scope=scope))
        return await meter.finish()

    async def _drop_misdated(self, server: GameServer) -> None:
        """Delete deaths with times that are rejected: an older version has stored them.

        Their rows are read once more, and kept as rejected lines.
        """
        latest = RowReader(server.scope, ZoneInfo(server.timezone)).find_latest(self._clock.now())
        first, last = EARLIEST_WRITTEN_AT.date(), latest.date()
        await self._imports.drop_deaths_outside(server.scope, first, last)

    async def _iterate_deaths(self, server: GameServer) -> AsyncGenerator[Sequence[Death], None]:
        """Yield all stored deaths, with moments of the server's zone: it may be another one than before.

        Those whose files are there were read again by now; this is for the others.
        """
        clock = WallClock(ZoneInfo(server.timezone))
        async for deaths in self._imports.iterate_deaths(server.scope, batch=COUNTED_ROWS):
            right = [
                death
                if clock.is_reading(death.row.written_at, death.at)
                else replace(death, at=clock.read(death.row.written_at))
                for death in deaths
            ]
            await self._correct(
                [one for one, before in zip(right, deaths, strict=True) if one is not before], server
            )
            yield right

    async def _correct(self, deaths: Sequence[Death], server: GameServer) -> None:
        def correct(unit: IngestionUnit) -> None:
            unit.correct_times(deaths)

        if deaths:
            await self._store.in_transaction(server.scope, correct)

    async def _clear_up(self, scope: ServerScope) -> None:
        """Delete the counters shown before; the import has ended, so those that stay are deleted later."""
        try:
            await self._imports.drop_unshown_generations(scope)
        except StorageError as failure:
            logger.warning("counters shown before stay for now", scope=str(scope), problem=str(failure))

    async def _switch(self, scope: ServerScope, job: ImportJob) -> None:
        """Show what was counted, unless deaths were changed meanwhile: then the next try counts again.

        Raises:
            StorageConflictError: nothing is shown, and nothing of it stays.
        """
        try:
            await self._imports.finish_import(scope, job)
        except StorageConflictError:
            await self._imports.drop_generation(scope, job.generation)
            raise

    async def _begin_count(self, scope: ServerScope, generation: int) -> GenerationCount | None:
        """Return what counts deaths as they are stored; None where some are stored already."""
        if await has_deaths(self._imports, scope):
            return None
        count = GenerationCount(self._imports, scope, generation)
        await count.begin()
        return count

    async def _read_all(
        self,
        storing: _Storing,
        logs: HistoryLogs,
        job: ImportJob,
        cursors: Mapping[LogFile, Cursor],
        *,
        meter: ProgressMeter,
        count: GenerationCount | None,
    ) -> None:
        batches: asyncio.Queue[HistoryBatch | None] = asyncio.Queue(maxsize=1)
        guild_id, held = storing.scope.guild_id, 0
        left_out: list[LogFile] = []

        async def read() -> None:
            nonlocal held
            files = (
                self._read_file(logs, cursors.get(file), file, job.ends[file], left_out)
                for file in sorted(job.ends)
            )
            async with aclosing(self._collect(files)) as collected:
                async for batch in collected:
                    await self._turns.take(guild_id)
                    held += 1
                    await storing.parse(batch)
                    await batches.put(batch)
            if left_out:
                logger.warning("death logs are left out", scope=str(storing.scope), logs=len(left_out))
            await batches.put(None)

        async def store() -> None:
            nonlocal held
            while (batch := await batches.get()) is not None:
                await self._throttle.wait()
                new = await storing.store(batch)
                if count is not None:
                    await count.add(new)
                await meter.add(rows=batch.rows, read_bytes=batch.read_bytes, files=batch.files)
                held -= 1
                self._turns.give_back(guild_id)

        self._running += 1
        try:
            await run_together([read, store])
        finally:
            self._running -= 1
            for _ in range(held):
                self._turns.give_back(guild_id)

    def _count_files(self) -> int:
        """Return how many files an import reads at once: fewer, the more imports there are."""
        return min(FILES_AT_ONCE, FILES_OF_ALL // max(1, self._running))

    async def _read_file(
        self, logs: HistoryLogs, cursor: Cursor | None, file: LogFile, end: int, left_out: list[LogFile]
    ) -> AsyncGenerator[Chunk, None]:
        """Yield what is left of a file; nothing of one that cannot be read.

        The polls that follow try it again, and tell of it: one file holds up no import.
        """
        if cursor is not None and cursor.offset >= end:
            return
        try:
            async with aclosing(logs.read_until(cursor, file, end)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (RemoteFileMissingError, RemotePermissionError, RemoteFailureError) as error:
            if not left_out:
                logger.warning("death log is left out", file=file.name, problem=str(error))
            left_out.append(file)

    async def _collect(
        self, files: Iterator[AsyncGenerator[Chunk, None]]
    ) -> AsyncGenerator[HistoryBatch, None]:
        """Yield batches of enough rows for a transaction, not read yet; small files share one."""
        batch = HistoryBatch()
        async with aclosing(prefetch(files, at_once=self._count_files)) as chunks:
            async for chunk in chunks:
                await self._throttle.wait()
                if chunk is None:
                    batch.files += 1
                    continue
                if batch.rows >= self._batch_rows or batch.held_bytes >= BATCH_BYTES:
                    yield batch
                    batch = HistoryBatch()
                batch.take(chunk)
        yield batch


def store_history_batch(unit: IngestionUnit, batch: HistoryBatch, clock: WallClock) -> list[Death]:
    """Store a batch; return the deaths that are new, each once, in the order of the log.

    Those that are stored get the times that they have by the order of their file and the zone as it is now.
    """
    first_of = {death.id: death for death in reversed(batch.deaths)}
    known = unit.find_times(tuple(first_of)) if first_of else {}
    new = [death for death in batch.deaths if death.id not in known and first_of[death.id] is death]
    right = [clock.correct(first_of[death_id], at) for death_id, (at, _) in known.items()]
    unit.insert_deaths(sorted(new, key=_get_id))
    unit.correct_times([death for death in right if (death.at, death.ordered_at) != known[death.id]])
    unit.insert_rejected(batch.rejected)
    unit.add_lines_read(batch.rows, batch.rows_rejected)
    for chunk in batch.chunks:
        unit.move_cursor(chunk.before, chunk.after)
    return new


def _get_id(death: Death) -> bytes:
    return death.id
