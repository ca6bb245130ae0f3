"""Operations: block a thread until MongoDB answers; each is timed, and its errors are mapped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from pymongo.collection import Collection
from pymongo.database import Database
from structlog import get_logger

from utils.clock import Clock
from utils.database.core.faults import STORAGE_FAULTS, map_storage_errors, translate
from utils.tallies import Durations

P = ParamSpec("P")
T = TypeVar("T")

Document = dict[str, Any]

SLOW_SECONDS = 0.5  # a batch of 5,000 deaths takes about 0.25 s

_log = get_logger(__name__)


class Operations:
    """One database of pymongo, for use in threads.

    Attributes:
        durations: the durations of all operations.
    """

    def __init__(self, database: Database[Document], *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._collections: dict[str, Collection[Document]] = {}
        self._log = _log.bind()  # bind once; this runs for every operation
        self.durations = Durations()

    def get_collection(self, name: str) -> Collection[Document]:
        """Return a bare collection; making one costs as much as a read's way to a thread."""
        if name not in self._collections:
            self._collections[name] = self._database[name]
        return self._collections[name]

    def run(self, operation: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out one operation in this thread.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        started = self._clock.monotonic()
        try:
            return method(*args, **kwargs)
        except STORAGE_FAULTS as error:
            raise translate(error) from error
        finally:
            self._note(operation, started)

    @contextmanager
    def watch(self, operation: str) -> Iterator[None]:
        """Do the same for one awaited operation."""
        started = self._clock.monotonic()
        try:
            with map_storage_errors():
                yield
        finally:
            self._note(operation, started)

    def _note(self, operation: str, started: float) -> None:
        """Log how long an operation took; quick operations are logged at debug level."""
        seconds = self._clock.monotonic() - started
        self.durations.note(seconds)
        level = self._log.warning if seconds >= SLOW_SECONDS else self._log.debug
        level("database operation", operation=operation, milliseconds=round(seconds * 1000, 1))
