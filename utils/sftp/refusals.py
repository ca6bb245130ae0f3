"""Refusals: files that a host lists but does not let the bot read; they are tried after growing pauses.

A host may list thousands of them, so a poll makes only some dozen failed tries of new files, and as many of
files that failed before. All get their turn over time, and the game's own file does not wait for the others.
"""

import heapq
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from utils.backoff import Backoff
from utils.errors import RemoteError, RemoteFailureError, RemoteFileMissingError, RemotePermissionError
from utils.models.deaths import LogFile
from utils.models.texts import Text

UNREADABLE = (RemoteFileMissingError, RemotePermissionError, RemoteFailureError)
"""Errors that concern only one file."""

REFUSED_BACKOFF = Backoff(first_seconds=5, longest_seconds=120)
"""Another program may hold the file open at the moment."""

FAILURES_OF_A_POLL = 64
SHOWN_MAXIMUM = 10


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that could not be read.

    Attributes:
        said: the text for admins.
        retry_at: when it is tried again, by the monotonic clock.
        failures: how often in a row it could not be read.
    """

    said: Text
    retry_at: float
    failures: int


@dataclass(slots=True)
class Refusals:
    """The files of a server that could not be read at the last try."""

    _by_file: dict[LogFile, Refusal] = field(default_factory=dict)

    def __contains__(self, file: LogFile) -> bool:
        """Tell whether a file is one of them."""
        return file in self._by_file

    def note(self, file: LogFile, error: RemoteError, *, now: float) -> None:
        """Note that a file could not be read, for a reason."""
        before = self._by_file.get(file)
        failures = before.failures + 1 if before else 1
        retry_at = now + REFUSED_BACKOFF.compute_seconds(failures)
        self._by_file[file] = Refusal(error.said, retry_at, failures)

    def find(self, file: LogFile, *, now: float) -> Refusal | None:
        """Return why a file is not tried yet; None when it may be."""
        refusal = self._by_file.get(file)
        return refusal if refusal is not None and now < refusal.retry_at else None

    def forgive(self, file: LogFile) -> None:
        """Note that a file was read, or has nothing to be read."""
        self._by_file.pop(file, None)

    def forget_all_but(self, files: Collection[LogFile]) -> None:
        """Drop the files that no longer exist."""
        self._by_file = {file: refusal for file, refusal in self._by_file.items() if file in files}

    def list_shown(self) -> list[Text]:
        """Return the texts about the first few."""
        return [self._by_file[file].said for file in heapq.nsmallest(SHOWN_MAXIMUM, self._by_file)]


class Tries:
    """The failed tries of one poll."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._failed: Counter[bool] = Counter()  # counts by whether the file had failed before

    def is_enough(self, file: LogFile) -> bool:
        """Tell whether no more files like this one are tried."""
        return self._failed[file in self._refusals] >= FAILURES_OF_A_POLL

    def fail(self, file: LogFile, error: RemoteError, *, now: float) -> None:
        """Note a file that could not be read."""
        self._failed[file in self._refusals] += 1
        self._refusals.note(file, error, now=now)
