"""Writers of the log: a bounded queue and a thread of its own, so that the event loop never waits for a disk.

A log call only puts an entry into the queue. If the disk hangs and the queue is full, entries of DEBUG and
INFO go first. The number of entries that were given up stands in the log when the disk is back.
"""

import threading
import time
from collections import deque
from typing import Protocol

from structlog import get_logger

from utils.telemetry.log_entries import Entry

CAPACITY = 10_000  # entries; about 10 MB
MINOR_LEVELS = frozenset({"debug", "info"})
TEND_SECONDS = 60.0
CLOSE_SECONDS = 2.0  # a disk that hangs does not hold up the end of the process for longer

_log = get_logger(__name__)


class EntryQueue:
    """A queue between the log calls and the thread that writes; no call waits for a place."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._minor: deque[tuple[int, Entry]] = deque()
        self._major: deque[tuple[int, Entry]] = deque()
        self._number = 0
        self._lost = 0
        self._is_closed = False
        # reentrant, because a finalizer may log in the middle of any line
        self._changed = threading.Condition(threading.RLock())

    def __len__(self) -> int:
        return len(self._minor) + len(self._major)

    def put(self, entry: Entry) -> None:
        """Add an entry; when there is no place, the oldest one of DEBUG or INFO goes, or this one."""
        is_minor = entry.get("level") in MINOR_LEVELS
        with self._changed:
            if len(self) >= self._capacity:
                self._lost += 1
                if is_minor or not self._minor:
                    return
                self._minor.popleft()
            self._number += 1
            (self._minor if is_minor else self._major).append((self._number, entry))
            self._changed.notify()

    def take(self, seconds: float) -> Entry | None:
        """Return the oldest entry; None if none comes in that time, or ever again."""
        with self._changed:
            if not len(self) and not self._is_closed:
                self._changed.wait(seconds)
            queues = [queue for queue in (self._minor, self._major) if queue]
            return min(queues, key=lambda queue: queue[0][0]).popleft()[1] if queues else None

    def take_lost(self) -> int:
        """Return how many entries were given up since the last call."""
        with self._changed:
            lost, self._lost = self._lost, 0
            return lost

    def close(self) -> None:
        """End: nobody waits for further entries."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Tell whether it is closed and empty."""
        return self._is_closed and not len(self)


class EntryTarget(Protocol):  # implemented by LogFolder
    """A place for entries; used by one thread."""

    def write(self, entry: Entry) -> None:
        """Write an entry; what cannot be written is lost."""

    def tend(self) -> None:
        """Do what is due now and then."""

    def close(self) -> None:
        """Close files."""


class LogWriter:
    """The thread that writes entries to one place."""

    def __init__(self, name: str, target: EntryTarget, *, capacity: int = CAPACITY) -> None:
        self._name = name
        self._target = target
        self._queue = EntryQueue(capacity)
        self._thread = threading.Thread(target=self._run, name=f"log-{name}", daemon=True)
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Write an entry soon."""
        self._queue.put(entry)

    def close(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Write the entries that wait, close the files, and tell whether that took no longer than allowed."""
        self._queue.close()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        tended = time.monotonic()
        while not self._queue.is_over:
            entry = self._queue.take(TEND_SECONDS)
            if entry is not None:
                self._write(entry)
                if lost := self._queue.take_lost():
                    _log.warning(
                        "log records were given up, the disk was too slow", lost=lost, where=self._name
                    )
            if time.monotonic() - tended >= TEND_SECONDS:
                tended = time.monotonic()
                self._target.tend()
        self._target.close()

    def _write(self, entry: Entry) -> None:
        try:
            self._target.write(entry)
        except Exception:  # noqa: BLE001 - without this thread no later record would be written
            _log.error("a log record could not be written", where=self._name, exc_info=True)
