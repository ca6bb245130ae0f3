"""Progress of an import: adds up the finished work and reports it."""

from collections.abc import Awaitable, Callable, Mapping

from utils.clock import Clock
from utils.models.deaths import LogFile
from utils.models.reading import Cursor, ImportProgress

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
        self._files_total = len(ends)
        self._bytes_total = sum(
            max(0, end - (cursors[file].offset if file in cursors else 0)) for file, end in ends.items()
        )
        self._files_done = 0
        self._bytes_done = 0
        self._rows = 0

    async def add(self, *, rows: int = 0, read_bytes: int = 0, files: int = 0) -> None:
        """Add a stored batch, and the files that ended with it."""
        self._rows += rows
        self._bytes_done += read_bytes
        self._files_done += files
        await self._on_progress(self._build())

    async def begin_counting(self) -> None:
        """Report that all rows are read and the counters are being made."""
        await self._on_progress(self._build(is_counting=True))

    async def finish(self) -> ImportProgress:
        """Report and return the end."""
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
