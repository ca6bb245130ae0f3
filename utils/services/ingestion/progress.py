"""Progress of an import: adds up the finished work and reports it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from utils.clock import Clock
from utils.models.deaths import LogFile
from utils.models.reading import Cursor, ImportProgress
from utils.services.ingestion.generation import CountedDeaths

ProgressSink = Callable[[ImportProgress], Awaitable[object]]


class ProgressMeter:
    """Adds up the work of an import and reports it."""

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
        left = (max(0, end - (cursors[file].offset if file in cursors else 0)) for file, end in ends.items())
        self._progress = ImportProgress(0, len(ends), 0, sum(left), 0, 0.0)

    async def add(self, *, rows: int = 0, read_bytes: int = 0, files: int = 0) -> None:
        """Add a stored batch, and the files that ended with it."""
        before = self._progress
        self._progress = replace(
            before,
            files_done=before.files_done + files,
            bytes_done=before.bytes_done + read_bytes,
            rows=before.rows + rows,
        )
        await self._tell(self._progress)

    async def begin_counting(self) -> None:
        """Report that all rows are read and the counters are being made."""
        await self._tell(replace(self._progress, is_counting=True))

    async def finish(self, counted: CountedDeaths) -> ImportProgress:
        """Report and return the end, with what was counted."""
        done = replace(self._progress, is_done=True, deaths=counted.deaths, days=counted.days)
        return await self._tell(done)

    async def _tell(self, progress: ImportProgress) -> ImportProgress:
        timed = replace(progress, elapsed_seconds=self._clock.monotonic() - self._started)
        await self._on_progress(timed)
        return timed
