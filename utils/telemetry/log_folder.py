"""The folder of log files: one file for each system, rotated by day and by size, and deleted in time.

Theory of operation: one thread uses a folder (``log_writer.py``). ``NAME.log`` is the file of today;
``NAME.log.2025-05-01`` is the one of an earlier day, and ``NAME.log.2025-05-01.2`` a further one of that day.
The day of a record decides, so the clock of the records is the only clock. A file from before the start has
the day on which it was written last. Every line goes to the system at once, by one call.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from structlog import get_logger

from utils.clock import Clock
from utils.telemetry.log_entries import Entry, build_line
from utils.telemetry.log_systems import MAIN_SYSTEM, SYSTEMS

ERRORS_NAME = "errors"
ERROR_LEVELS = frozenset({"error", "critical"})
MEGABYTE = 1_000_000
MAX_FILE_BYTES = 100 * MEGABYTE
SHARE_OF_FILE = 20  # all files of today together are well below the limit of all files
PRIVATE = 0o600
UNKNOWN = date.min
OPENED = os.O_WRONLY | os.O_APPEND | os.O_CREAT

_NAME = re.compile(r"(?P<name>[a-z_]+)\.log(?:\.(?P<day>\d{4}-\d\d-\d\d)(?:T[\d-]+)?)?(?:\.(?P<number>\d+))?")
"""Also the names of mongod's own log, which mongod rotates, and of logs of older versions of the bot."""

_CURRENT_NAMES = frozenset({*SYSTEMS, ERRORS_NAME, "mongod"})

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much of the log is kept.

    Attributes:
        keep_days: the number of days before today.
        total_megabytes: of all files together.
    """

    keep_days: int
    total_megabytes: int

    @property
    def total_bytes(self) -> int:
        """The size of all files together."""
        return self.total_megabytes * MEGABYTE

    @property
    def file_bytes(self) -> int:
        """The size at which a file is rotated."""
        return min(MAX_FILE_BYTES, self.total_bytes // SHARE_OF_FILE)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A log file on the disk.

    Attributes:
        day: the day of its records; of its last change, if the name has none.
        is_current: records are still written to it.
    """

    path: Path
    day: date
    number: int
    size: int
    is_current: bool


class LogFile:
    """The file of one system: opened with the first line, and moved aside when its day or size is over."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._descriptor: int | None = None
        self._day = UNKNOWN
        self._size = 0
        self._is_torn = False

    def write(self, line: bytes, day: date) -> bool:
        """Append a line; tell whether an older file was moved aside for it.

        Raises:
            OSError: the disk is full or away; a part of the line may be written.
        """
        self._open(day)
        is_rotated = self._size > 0 and (self._is_over(day) or self._size + len(line) > self._max_bytes)
        if is_rotated:
            self.rotate()
            self._open(day)
        if self._is_torn:
            line = b"\n" + line  # the torn line before stays one line
        self._append(line)
        return is_rotated

    def verify_writable(self) -> None:
        """Make the file, if it is missing.

        Raises:
            OSError: it cannot be written.
        """
        os.close(os.open(self._path, OPENED, PRIVATE))

    def rotate(self) -> None:
        """Move the file aside, under the day of its records."""
        self.close()
        aside = self._path.with_name(f"{self._path.name}.{self._day}")
        number = 2
        while aside.exists():
            aside = self._path.with_name(f"{self._path.name}.{self._day}.{number}")
            number += 1
        self._path.rename(aside)
        self._day = UNKNOWN

    def end_day(self, today: date) -> None:
        """Move the file aside if its records are of an earlier day.

        Raises:
            OSError: the disk is away.
        """
        if self._descriptor is None and not self._path.is_file():
            return
        self._open(today)
        if self._size and self._day < today:
            self.rotate()

    def leave_moved(self) -> None:
        """Close the file if another process moved or deleted it; the next line begins it again."""
        if self._descriptor is None:
            return
        try:
            is_same = os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            is_same = False
        if not is_same:
            self.close()
            self._day = UNKNOWN

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor, self._size = self._descriptor, None, 0
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)

    def _open(self, day: date) -> None:
        if self._descriptor is not None:
            return
        self._descriptor = os.open(self._path, OPENED, PRIVATE)
        found = os.fstat(self._descriptor)
        self._size = found.st_size
        if self._size == 0:
            self._day = day
        elif self._day == UNKNOWN:
            self._day = find_day(found.st_mtime)

    def _is_over(self, day: date) -> bool:
        """Tell whether the day is over; records of just before midnight may come after it."""
        return day > self._day or day < self._day - timedelta(days=1)

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            return
        self._is_torn = True
        rest = memoryview(line)
        while rest:
            written = os.write(self._descriptor, rest)
            self._size += written
            rest = rest[written:]
        self._is_torn = False


class LogFolder:
    """All log files; each record goes to the file of its system, and errors to ``errors.log`` as well."""

    def __init__(self, directory: Path, limits: LogLimits, *, clock: Clock) -> None:
        self._directory = directory
        self._limits = limits
        self._clock = clock
        self._files = {
            name: LogFile(directory / f"{name}.log", max_bytes=limits.file_bytes)
            for name in (*SYSTEMS, ERRORS_NAME)
        }
        self._failing: set[str] = set()
        self._today = date.min
        self._was_told_of_total = False

    def verify_writable(self) -> None:
        """Make the main file, if it is missing.

        Raises:
            OSError: it cannot be written.
        """
        self._files[MAIN_SYSTEM].verify_writable()

    def write(self, entry: Entry) -> None:
        """Write a record; if the disk does not take it, say so once."""
        line, day = build_line(entry), date.fromisoformat(entry["timestamp"][:10])
        self._begin_day(day)
        names = [entry.get("system", MAIN_SYSTEM)]
        if entry.get("level") in ERROR_LEVELS:
            names.append(ERRORS_NAME)
        for name in names:
            self._write(name, line, day)

    def tend(self) -> None:
        """Rotate what is of an earlier day, and delete what is too old or too much."""
        for file in self._files.values():
            file.leave_moved()
        self._begin_day(self._clock.now().date())
        self._prune()

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()

    def _write(self, name: str, line: bytes, day: date) -> None:
        try:
            if self._files[name].write(line, day):
                self._prune()
        except OSError as failure:
            self._files[name].close()
            if name not in self._failing:
                self._failing.add(name)
                _log.error(
                    "a log file cannot be written, its records are on the console alone",
                    file=f"{name}.log",
                    problem=failure.strerror,
                )
        else:
            self._failing.discard(name)

    def _begin_day(self, day: date) -> None:
        """Move aside all files of earlier days, also those to which nothing is written."""
        if day <= self._today:
            return
        self._today = day
        for file in self._files.values():
            with suppress(OSError):
                file.end_day(day)
        self._prune()

    def _prune(self) -> None:
        """Delete files of days long past, then the oldest ones until all together are small enough."""
        oldest_day = self._today - timedelta(days=self._limits.keep_days)
        kept = [
            file
            for file in self.list_files()
            if file.is_current or file.day >= oldest_day or not _delete(file)
        ]
        excess = sum(file.size for file in kept) - self._limits.total_bytes
        for file in kept:
            if excess > 0 and not file.is_current and _delete(file):
                excess -= file.size
                self._tell_of_total()

    def _tell_of_total(self) -> None:
        """Say once that logs are deleted before their time."""
        if not self._was_told_of_total:
            self._was_told_of_total = True
            _log.warning(
                "all log files together are too large, the oldest ones are deleted",
                megabytes=self._limits.total_megabytes,
                setting="logging.max_total_megabytes",
            )

    def list_files(self) -> list[KeptFile]:
        """Return all log files, the oldest first; other files in the folder are left alone."""
        return sorted(self._find_files(), key=lambda file: (file.day, file.number, file.path.name))

    def _find_files(self) -> Iterable[KeptFile]:
        for path in self._directory.glob("*.log*"):
            if (match := _NAME.fullmatch(path.name)) is None:
                continue
            with suppress(OSError, ValueError):
                found = path.stat()
                day, number = match["day"], match["number"]
                yield KeptFile(
                    path,
                    date.fromisoformat(day) if day else find_day(found.st_mtime),
                    int(number or 1),
                    found.st_size,
                    is_current=not day and not number and path.stem in _CURRENT_NAMES,
                )


def find_day(seconds: float) -> date:
    """Return the day in UTC of a time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).date()


def _delete(file: KeptFile) -> bool:
    """Delete a file; tell whether it is gone."""
    try:
        file.path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
