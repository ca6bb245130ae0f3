"""The log source: what reading a game server needs of the package that connects to its host."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from utils.models.deaths import LogFile
from utils.models.reading import Chunk, Cursor
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import ConnectionCount, GameServer, Obstacle
from utils.models.texts import Text


class LiveLogs(Protocol):
    """The death logs of one game server, read onward from cursors."""

    @property
    def problems(self) -> Sequence[Text]:
        """Return a text for every file and folder that was passed over because it could not be read."""

    def read_on(self, cursors: Mapping[LogFile, Cursor]) -> AsyncGenerator[Chunk, None]:
        """Yield what is new, file after file in order; the caller stores each chunk before the next.

        Raises:
            RemoteError: the host did not do what was asked.
        """

    async def read_newest_lines(self, *, back: int = 0) -> Sequence[bytes]:
        """Return the last whole lines of every world (about a hundred each), read or not.

        They are those of its newest file that holds anything or, with ``back``, of one so many before it.

        May be called between two chunks of ``read_on``.
        """

    def list_gone(self, cursors: Mapping[LogFile, Cursor]) -> Sequence[LogFile]:
        """Return the files with a cursor that went long ago."""


class HistoryLogs(Protocol):
    """The death logs of one game server, read from begin to end for an import."""

    async def list_sizes(self) -> Mapping[LogFile, int]:
        """Return every death log with its size in bytes."""

    def read_until(self, cursor: Cursor | None, file: LogFile, end: int) -> AsyncGenerator[Chunk, None]:
        """Yield whole lines from the cursor up to byte ``end``, and a last row that ends the file there.

        Raises:
            RemoteFileMissingError, RemotePermissionError, RemoteFailureError: that file cannot be read now.
        """


class DeathLogs(LiveLogs, HistoryLogs, Protocol):
    """A server's death logs, opened."""


class LogOpener(Protocol):
    """Opens the logs of game servers; remembers between openings what it knows of each."""

    def open(self, server: GameServer, *, guild_limit: int) -> AbstractAsyncContextManager[DeathLogs]:
        """Lend the death logs of a server for one poll or one import.

        Readers of other logs of the server share the connection meanwhile.

        Raises:
            RemoteError: the host, the login or the folder is not as it should be.
        """

    def forget(self, scope: ServerScope) -> None:
        """Drop what is remembered of a server."""


class LogAccess(LogOpener, Protocol):
    """Opens logs again and again, and knows what is in the way."""

    def get_log_folder(self, scope: ServerScope) -> str | None:
        """Return where the death logs of a server were found, as its host names the folder; None before."""

    def renew(self, scope: ServerScope) -> None:
        """Drop what is remembered of a server, and let its login be tried again although it was refused."""

    def find_obstacle(self, scope: ServerScope) -> Obstacle | None:
        """Return what is known to be in the way of connecting to a server, if anything is."""

    async def wait_for_way(self, scope: ServerScope, *, guild_limit: int) -> None:
        """Return when what is in the way of a server has changed; at once when nothing is."""

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has, and how many of its servers wait for one."""
