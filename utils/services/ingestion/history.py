"""History import: stores all rows of a server's logs without posting them, and makes the counters.

An import fixes the files' sizes at its start: bytes up to there are history, later bytes are live. Files are
read ahead and parsed while the previous batch is stored and the one before it is counted. Deaths and cursors
of a batch are one transaction, and the counters that are shown stay unchanged. The new counters are a
*generation* of their own, and one write shows it. The first import of a server counts deaths while it stores
them. If deaths were stored before, or arrive out of order (several worlds, a clock that was set back), all
deaths are counted again at the end.

A crash at any point costs only time: the job is stored, the cursors tell how far it is, and a generation that
is not shown is dropped. Each try counts into a generation of its own, so a process that was suspended and
lost its lease cannot change the shown counters when it wakes up.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSource, Where
from utils.errors import (
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
    StorageConflictError,
    StorageError,
)
from utils.events import EventDispatcher, HistoryImported
from utils.models.audit import AuditEntry
from utils.models.deaths import EARLIEST_WRITTEN_AT, Death, LogFile
from utils.models.reading import CaughtUp, Chunk, Cursor, ImportJob, ImportProgress
from utils.models.scope import ChannelId, ServerScope
from utils.models.servers import GameServer
from utils.services.ingestion.catch_up import fix_ends, sum_up
from utils.services.ingestion.generation import (
    COUNTED_ROWS,
    GenerationCount,
    GenerationStore,
    count_anew,
    has_deaths,
)
from utils.services.ingestion.history_batches import HistoryBatch, HistoryStoring
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.services.ingestion.log_source import HistoryLogs
from utils.services.ingestion.prefetch import prefetch
from utils.services.ingestion.progress import ProgressMeter, ProgressSink
from utils.services.ingestion.row_reader import BATCHES_OF_ALL, RowReader
from utils.services.ingestion.stores import IngestionStore, IngestionUnit
from utils.services.ingestion.wall_clock import WallClock
from utils.tasks import run_together
from utils.turns import FairTurns

logger = get_logger(__name__)

BATCH_ROWS = 4000  # of one transaction; smaller ones cost mongod more per row, larger ones block the loop
BATCH_BYTES = 1024 * 1024  # the limit for unusually long rows
FILES_AT_ONCE = 6
FILES_OF_ALL = 24  # files read at once by all imports together; each reads at least one


class ImportJobs(Protocol):  # implemented by ImportRepository
    """Storage of running imports."""

    async def find_import(self, scope: ServerScope) -> ImportJob | None:
        """Return the running import, if any."""

    async def find_left_out(self, scope: ServerScope) -> ImportJob | None:
        """Return what of a catch-up waits for files that could not be read, if any."""


EraseCaughtUp = Callable[[ServerScope, datetime], Awaitable[int]]
"""Erases everyone who was erased since a backup from the deaths that a server's catch-up has stored."""


class ImportStore(GenerationStore, Protocol):  # implemented by ImportRepository
    """Storage of imports, besides the transactions of ingestion."""

    async def begin_import(
        self,
        scope: ServerScope,
        job: ImportJob,
        *,
        starts: Collection[LogFile] | None = None,
        entry: AuditEntry | None = None,
        left_out: ImportJob | None = None,
    ) -> None:
        """Store the job and set the cursors of some files to 0 (else all of its own), in one transaction.

        If the job is a catch-up, ``left_out`` takes the place of what an earlier one has left.
        """

    async def take_up_import(self, scope: ServerScope) -> int:
        """Give the running job a new, empty generation and return its number."""

    async def finish_import(
        self,
        scope: ServerScope,
        job: ImportJob,
        *,
        caught_up: CaughtUp | None = None,
        left_out: ImportJob | None = None,
    ) -> None:
        """Show the job's generation, end the job, and keep what is to be told; in one transaction.

        ``left_out`` is added to what is left of a catch-up.
        """

    async def find_left_out(self, scope: ServerScope) -> ImportJob | None:
        """Return what of a catch-up waits for files that could not be read, if any."""

    async def count_deaths(self, scope: ServerScope) -> int:
        """Return the number of stored deaths."""

    async def drop_unshown_generations(self, scope: ServerScope) -> None:
        """Delete all counters except the shown ones and those of the running job."""

    async def drop_deaths_outside(self, scope: ServerScope, first: date, last: date) -> None:
        """Delete deaths that were written before or after these days."""


class HistoryImport:
    """Imports the history of one server, from where an earlier try stopped.

    Args:
        store: the guild's storage.
        imports: storage of the job and of generations of counters.
        erase_caught_up: erases what a catch-up has brought back.
        events: dispatches ``HistoryImported`` when the new counters are shown.
        batch_rows: the least number of lines of a transaction; a chunk is never cut.
        throttle: the import waits for it before each batch.
        turns: places for batches in memory, for all guilds.
    """

    def __init__(
        self,
        store: IngestionStore,
        imports: ImportStore,
        events: EventDispatcher,
        *,
        erase_caught_up: EraseCaughtUp | None = None,
        clock: Clock,
        batch_rows: int = BATCH_ROWS,
        throttle: ImportThrottle | None = None,
        turns: FairTurns | None = None,
    ) -> None:
        self._store = store
        self._imports = imports
        self._erase_caught_up = erase_caught_up
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
        entry: AuditEntry | None = None,
    ) -> ImportJob:
        """Fix the sizes and store the job, so that no later row counts as history.

        In files that were read live before, history ends at the cursor. The message shows the progress.
        """
        sizes = await logs.list_sizes()
        cursors = await self._store.list_cursors(server.scope)
        ends = {
            file: min(cursors[file].offset, size) if file in cursors else size for file, size in sizes.items()
        }
        job = ImportJob(server.generation, self._clock.now(), ends, channel_id, message_id)
        await self._imports.begin_import(server.scope, job, entry=entry)
        return job

    async def prepare_waiting(self, server: GameServer, logs: HistoryLogs, job: ImportJob) -> ImportJob:
        """Fix the ends of a job that waited for the logs: that of a restore, or of a server without logs."""
        if job.catch_up is None:
            return await self.prepare(server, logs, channel_id=job.channel_id, message_id=job.message_id)
        cursors = await self._store.list_cursors(server.scope)
        plan = await fix_ends(job, job.catch_up, cursors, logs, now=self._clock.now())
        rest = job.leave_out(plan.left_out)
        await self._imports.begin_import(server.scope, plan.job, starts=plan.begun_again, left_out=rest)
        return plan.job

    async def prepare_left_out(
        self, server: GameServer, logs: HistoryLogs, left_out: ImportJob
    ) -> ImportJob | None:
        """Prepare the catch-up with files that could not be read before; None if they still cannot."""
        before = left_out.catch_up
        if before is None:
            raise ValueError("only a catch-up leaves files out")
        cursors, files = await self._store.list_cursors(server.scope), left_out.ends.keys()
        plan = await fix_ends(left_out, before, cursors, logs, now=self._clock.now(), files=files)
        if plan.left_out == files:
            return None
        stored = await self._imports.count_deaths(server.scope)
        missing = max(0, before.missing - (stored - before.stored))
        catch_up = replace(before, stored=stored, missing=missing)
        job = replace(plan.job, generation=server.generation, catch_up=catch_up)
        rest = replace(left_out, catch_up=catch_up).leave_out(plan.left_out)
        await self._imports.begin_import(server.scope, job, starts=plan.begun_again, left_out=rest)
        return job

    async def plan(
        self, server: GameServer, *, channel_id: ChannelId | None = None, message_id: int | None = None
    ) -> ImportJob:
        """Store a job for logs that are not there yet; it is prepared when they are found."""
        job = ImportJob(server.generation, self._clock.now(), {}, channel_id, message_id, is_waiting=True)
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

        With ``passes_over``, a line that cannot be stored is kept as rejected, and the other lines are
        imported.

        Raises:
            RemoteError: the host failed; another call goes on where this one stopped.
            StorageError: the database failed; another call goes on as well.
        """
        scope = server.scope
        job = replace(job, generation=await self._imports.take_up_import(scope))
        logger.info("an import begins", scope=str(scope), logs=len(job.ends), generation=job.generation)
        await self._imports.drop_unshown_generations(scope)
        await self._drop_misdated(server)
        cursors = await self._store.list_cursors(scope)
        meter = ProgressMeter(self._clock, job.ends, cursors, on_progress)
        count = None if job.is_catch_up else await self._begin_count(scope, job.generation)
        storing = HistoryStoring(
            self._store, server, self._clock, passes_over=passes_over, errors=self._events.errors
        )
        unread = await self._read_all(storing, logs, job, cursors, meter=meter, count=count)
        if job.catch_up is not None and self._erase_caught_up is not None:
            await self._erase_caught_up(scope, job.catch_up.since)
            job = replace(job, generation=await self._imports.take_up_import(scope))
        await meter.begin_counting()
        if count is not None and count.is_in_order:
            counted = await count.finish()
        else:
            counted = await count_anew(self._imports, scope, job.generation, self._iterate_deaths(server))
        is_whole = not unread and await self._imports.find_left_out(scope) is None
        caught_up = sum_up(job, scope, deaths=counted.deaths, is_whole=is_whole)
        await self._switch(scope, job, caught_up, job.leave_out(unread))
        if job.is_catch_up:
            logger.info(
                "a game server has caught up after a restore",
                scope=str(scope),
                deaths_in_silence=0 if caught_up is None else caught_up.deaths,
                deaths_lost=0 if caught_up is None else caught_up.lost,
                system="backup",
            )
        await self._clear_up(scope)
        self._events.dispatch(HistoryImported(scope=scope))
        done = await meter.finish(counted)
        logger.info(
            "an import is done",
            scope=str(scope),
            deaths=done.deaths,
            rows=done.rows,
            seconds=round(done.elapsed_seconds, 1),
        )
        return done

    async def _drop_misdated(self, server: GameServer) -> None:
        """Delete deaths with rejected times, which an older version stored.

        Their rows are read once more, and kept as rejected lines.
        """
        latest = RowReader(server.scope, server.zone).find_latest(self._clock.now())
        first, last = EARLIEST_WRITTEN_AT.date(), latest.date()
        await self._imports.drop_deaths_outside(server.scope, first, last)

    async def _iterate_deaths(self, server: GameServer) -> AsyncGenerator[Sequence[Death], None]:
        """Yield all stored deaths, with moments of the server's zone: it may be another one than before.

        Deaths of existing files were read again by now; this is for the deaths of deleted files.
        """
        clock = WallClock(server.zone)
        async for deaths in self._imports.iterate_deaths(server.scope, batch=COUNTED_ROWS):
            right = [
                death
                if clock.is_reading(death.row.written_at, death.at)
                else death._replace(at=clock.read(death.row.written_at))
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
        """Delete the old counters; if that fails, they are deleted later, because the import has ended."""
        try:
            await self._imports.drop_unshown_generations(scope)
        except StorageError as failure:
            logger.warning("counters shown before stay for now", scope=str(scope), problem=str(failure))
            where = Where(source=ErrorSource.DATABASE, guild_id=scope.guild_id, server_id=scope.server_id)
            self._events.errors.report(failure, where=where)

    async def _switch(
        self, scope: ServerScope, job: ImportJob, caught_up: CaughtUp | None, left_out: ImportJob | None
    ) -> None:
        """Show the new counters, unless deaths were changed during counting: then the next try counts again.

        Raises:
            StorageConflictError: the new counters are not shown, and not kept.
        """
        try:
            await self._imports.finish_import(scope, job, caught_up=caught_up, left_out=left_out)
        except StorageConflictError:
            await self._imports.drop_generation(scope, job.generation)
            raise

    async def _begin_count(self, scope: ServerScope, generation: int) -> GenerationCount | None:
        """Return the counter for deaths while they are stored; None if some are stored already."""
        if await has_deaths(self._imports, scope):
            return None
        count = GenerationCount(self._imports, scope, generation)
        await count.begin()
        return count

    async def _read_all(
        self,
        storing: HistoryStoring,
        logs: HistoryLogs,
        job: ImportJob,
        cursors: Mapping[LogFile, Cursor],
        *,
        meter: ProgressMeter,
        count: GenerationCount | None,
    ) -> Collection[LogFile]:
        """Read and store all files; return those that could not be read."""
        batches: asyncio.Queue[HistoryBatch | None] = asyncio.Queue(maxsize=1)
        stored: asyncio.Queue[tuple[HistoryBatch, list[Death]] | None] = asyncio.Queue(maxsize=1)
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
                    await self._throttle.wait()
                    await storing.parse(batch)
                    await batches.put(batch)
            if left_out:
                logger.warning("death logs are left out", scope=str(storing.scope), logs=len(left_out))
            await batches.put(None)

        async def store() -> None:
            while (batch := await batches.get()) is not None:
                await self._throttle.wait()
                await stored.put((batch, await storing.store(batch)))
            await stored.put(None)

        async def add_up() -> None:
            nonlocal held
            while (one := await stored.get()) is not None:
                batch, new = one
                if count is not None:
                    await count.add(new)
                await meter.add(rows=batch.rows, read_bytes=batch.read_bytes, files=batch.files)
                held -= 1
                self._turns.give_back(guild_id)

        self._running += 1
        try:
            await run_together([read, store, add_up])
        finally:
            self._running -= 1
            for _ in range(held):
                self._turns.give_back(guild_id)
        return left_out

    def _count_files(self) -> int:
        """Return how many files an import reads at once; with more imports, each reads fewer."""
        return min(FILES_AT_ONCE, FILES_OF_ALL // max(1, self._running))

    async def _read_file(
        self, logs: HistoryLogs, cursor: Cursor | None, file: LogFile, end: int, left_out: list[LogFile]
    ) -> AsyncGenerator[Chunk, None]:
        """Yield the rest of a file; nothing if it cannot be read.

        Later polls try it again and report it, so one file does not stop an import.
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
        """Yield batches of enough rows for a transaction, not parsed yet; small files share one."""
        batch = HistoryBatch()
        async with aclosing(prefetch(files, at_once=self._count_files)) as chunks:
            async for chunk in chunks:
                if chunk is None:
                    batch.files += 1
                    continue
                if batch.rows >= self._batch_rows or batch.held_bytes >= BATCH_BYTES:
                    yield batch
                    batch = HistoryBatch()
                batch.take(chunk)
        yield batch
