"""The log reader: how one log of a game server is read, as the loop over it asks for it.

A game server has several logs. Each has a reader with a state of its own, and nothing that happens to one of
them changes another: they share the connection to the host, the pace and what an admin changes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from utils.models.servers import GameServer, ServerHealth
from utils.models.texts import Text, Value
from utils.services.ingestion.reader_state import ReaderState


@dataclass(frozen=True, slots=True, eq=False)
class ServerLook:
    """A server as it was looked up; it holds until the next look.

    Attributes:
        looked_at: in monotonic seconds.
        changes: how many changes the loop had been told of.
    """

    server: GameServer
    looked_at: float
    changes: int


@dataclass(frozen=True, slots=True)
class Visit:
    """What a reader is to do now.

    Attributes:
        look: the server; the same object as in the visit before while nobody has looked again.
        guild_limit: how many connections the guild's tier allows.
        passes_over: a line that cannot be stored is kept as rejected, and the rest is read on.
        find_current: returns the server as it is now, for what is asked in the middle of a visit.
    """

    look: ServerLook
    guild_limit: int
    passes_over: bool
    find_current: Callable[[], Awaitable[GameServer]]


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What a visit came to.

    Attributes:
        problem: what had to be passed over.
        is_history: an import has ended; so the server is another one than before.
    """

    problem: Text | None = None
    is_history: bool = False


class LogReader(Protocol):
    """Knows how one log of a game server is read, and what of that is stored."""

    @property
    def state(self) -> ReaderState:
        """Return how reading goes."""

    @property
    def is_importing(self) -> bool:
        """Tell whether the last visit was one to history, which begins anew after a failure."""

    def describe(self, server_name: str) -> Value:
        """Return what is not read when it fails."""

    def add_health(self, health: ServerHealth) -> ServerHealth:
        """Return the health of the server together with what is known of this log."""

    def list_told(self) -> frozenset[str]:
        """Return what the admins were told of that lasts."""

    async def recall(self) -> None:
        """Take in how reading went before the bot was started, unless that is known.

        Raises:
            StorageError: it cannot be read now.
        """

    async def read(self, visit: Visit) -> ReadReport:
        """Open the log, and read and store what is new.

        Raises:
            KillfeedError: the host or the database did not do what was asked.
        """

    async def save(self, *, is_urgent: bool) -> None:
        """Store how reading goes; what is not urgent may wait for a later time.

        Raises:
            StorageError: it is not stored.
        """

    async def note_removal(self) -> None:
        """Nobody reads the server any more: say so where its reading is shown."""
