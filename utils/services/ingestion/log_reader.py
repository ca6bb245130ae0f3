"""Protocol between the reader loop and the code that reads one log.

A game server has several logs. Each log has its own reader and state. They share only the connection, the
poll times and the settings.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from utils.models.servers import GameServer, ServerHealth
from utils.models.texts import Text, Value
from utils.services.ingestion.reader_state import ReaderState


@dataclass(frozen=True, slots=True, eq=False)
class ServerLook:
    """A server as read from the database. Valid until the next lookup.

    Attributes:
        looked_at: the time of the lookup, in monotonic seconds.
        changes: the number of changes that were reported to the loop before.
    """

    server: GameServer
    looked_at: float
    changes: int


@dataclass(frozen=True, slots=True)
class Visit:
    """The task of a reader for one visit.

    Attributes:
        look: the server. The same object until the next lookup; readers compare it with ``is``.
        guild_limit: the number of connections that the guild's tier allows.
        passes_over: True: keep a line that cannot be stored as rejected, and continue.
        find_current: returns the current server; used to check settings during a read.
    """

    look: ServerLook
    guild_limit: int
    passes_over: bool
    find_current: Callable[[], Awaitable[GameServer]]


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The result of a visit.

    Attributes:
        problem: the problem with files or lines that were skipped; None without one.
        is_history: True after an import. The server document has changed, so look it up again.
    """

    problem: Text | None = None
    is_history: bool = False


class LogReader(Protocol):  # implemented by DeathLogReader
    """Reads one log of a game server."""

    @property
    def state(self) -> ReaderState:
        """Return the state of reading."""

    @property
    def is_importing(self) -> bool:
        """Tell whether the last read was an import. An import starts again after a failure."""

    def describe(self, server_name: str) -> Value:
        """Return the text that names this log in a failure alert."""

    def add_health(self, health: ServerHealth) -> ServerHealth:
        """Return the health of the server, with the state of this log."""

    def list_told(self) -> frozenset[str]:
        """Return the keys of the alerts that are still open."""

    async def recall(self) -> None:
        """Load the stored health once after a start.

        Raises:
            StorageError: it cannot be read now.
        """

    async def read(self, visit: Visit) -> ReadReport:
        """Open the log, and read and store what is new.

        Raises:
            KillfeedError: the host or the database failed.
        """

    async def save(self, *, is_urgent: bool) -> None:
        """Store the health. If not urgent, it may be skipped this time.

        Raises:
            StorageError: it is not stored.
        """

    async def note_removal(self) -> None:
        """The server is being removed. Show that in the import's progress message."""
