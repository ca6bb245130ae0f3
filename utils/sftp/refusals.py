"""Refusals: files that a host listed and did not let be read, tried again ever more rarely.

A host may list thousands of them, so a poll tries no more than some dozen in vain: of those that were never
tried, and as many again of those that were. Then each has its turn, and the game's own file waits for none.
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
"""What concerns one file and no other."""

REFUSED_BACKOFF = Backoff(first_seconds=5, longest_seconds=120)
"""Somebody may hold the file open at the moment."""

FAILURES_OF_A_POLL = 64
SHOWN_MAXIMUM = 10


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that could not be read.

    Attributes:
        said: for admins.
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
        """Note that a file could be read, or holds nothing to be read."""
        self._by_file.pop(file, None)

    def forget_all_but(self, files: Collection[LogFile]) -> None:
        """Drop those that are gone."""
        self._by_file = {file: refusal for file, refusal in self._by_file.items() if file in files}

    def list_shown(self) -> list[Text]:
        """Return what to tell of the first few."""
        return [self._by_file[file].said for file in heapq.nsmallest(SHOWN_MAXIMUM, self._by_file)]


class Tries:
    """What one poll tried in vain."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._failed: Counter[bool] = Counter()  # by whether it had failed before

    def is_enough(self, file: LogFile) -> bool:
        """Tell whether a file like this one is not tried any more."""
        return self._failed[file in self._refusals] >= FAILURES_OF_A_POLL

    def fail(self, file: LogFile, error: RemoteError, *, now: float) -> None:
        """Note one that could not be read."""
        self._failed[file in self._refusals] += 1
        self._refusals.note(file, error, now=now)
