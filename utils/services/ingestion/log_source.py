"""Protocols of the package ``utils/sftp``, as ingestion uses it."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from utils.models.deaths import LogFile
from utils.models.reading import Chunk, Cursor
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import ConnectionCount, GameServer, Obstacle
from utils.models.texts import Text


class LiveLogs(Protocol):  # implemented by DeathLogTail
    """The death logs of one game server, read onward from cursors."""

    @property
    def problems(self) -> Sequence[Text]:
        """Return a text for every file and folder that was skipped because it could not be read."""

    def read_on(
        self, cursors: Mapping[LogFile, Cursor], held: Collection[LogFile] = ()
    ) -> AsyncGenerator[Chunk, None]:
        """Yield what is new, file after file in order; the caller stores each chunk before the next.

        Files that are ``held`` are not read.

        Raises:
            RemoteError: the host failed.
        """

    async def read_newest_lines(self, *, back: int = 0) -> Sequence[bytes]:
        """Return the last whole lines of every world (about a hundred each), also those read before.

        They come from the newest non-empty file of each world, or from the file ``back`` places before it.

        May be called between two chunks of ``read_on``.

        Raises:
            RemoteFileMissingError, RemotePermissionError, RemoteFailureError: such a file cannot be read now.
        """

    def list_gone(self, cursors: Mapping[LogFile, Cursor]) -> Sequence[LogFile]:
        """Return files that have a cursor but were deleted long ago."""


class HistoryLogs(Protocol):  # implemented by DeathLogTail
    """The death logs of one game server, read from beginning to end for an import."""

    async def list_sizes(self) -> Mapping[LogFile, int]:
        """Return every death log with its size in bytes."""

    async def continues(self, cursor: Cursor) -> bool:
        """Tell whether a listed file is still the one of this cursor, and not shorter.

        Raises:
            RemoteFileMissingError, RemotePermissionError, RemoteFailureError: that file cannot be read now.
        """

    def read_until(self, cursor: Cursor | None, file: LogFile, end: int) -> AsyncGenerator[Chunk, None]:
        """Yield whole lines from the cursor up to byte ``end``, and a last row that ends the file there.

        Raises:
            RemoteFileMissingError, RemotePermissionError, RemoteFailureError: that file cannot be read now.
        """


class DeathLogs(LiveLogs, HistoryLogs, Protocol):  # implemented by DeathLogTail
    """The opened death logs of a server."""


class LogOpener(Protocol):  # implemented by DeathLogAccess
    """Opens logs. Caches login, folder and sizes between openings."""

    def open(self, server: GameServer, *, guild_limit: int) -> AbstractAsyncContextManager[DeathLogs]:
        """Lend the death logs of a server for one poll or one import.

        Readers of other logs of the server share the connection.

        Raises:
            RemoteError: the host, the login or the folder fails.
        """

    def forget(self, scope: ServerScope) -> None:
        """Drop the state of a server."""


class LogAccess(LogOpener, Protocol):  # implemented by DeathLogAccess
    """Opens logs repeatedly, and knows the obstacles."""

    def get_log_folder(self, scope: ServerScope) -> str | None:
        """Return the folder of a server's death logs, as its host names it; None before it was found."""

    def renew(self, scope: ServerScope) -> None:
        """Drop the state of a server, and allow its login to be tried again although it was refused."""

    def find_obstacle(self, scope: ServerScope) -> Obstacle | None:
        """Return the known reason why a server cannot be connected to, if there is one."""

    async def wait_for_way(self, scope: ServerScope, *, guild_limit: int) -> None:
        """Wait until the obstacle changes. Return at once if there is none."""

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has, and how many of its requests wait for one."""


class NoLogs:
    """No logs, for an import that counts the stored deaths again and reads nothing."""

    async def list_sizes(self) -> Mapping[LogFile, int]:
        """Return no file."""
        return {}

    async def continues(self, cursor: Cursor) -> bool:
        """Return False: there is no file."""
        del cursor
        return False

    async def read_until(self, cursor: Cursor | None, file: LogFile, end: int) -> AsyncGenerator[Chunk, None]:
        """Yield nothing."""
        del cursor, file, end
        nothing: tuple[Chunk, ...] = ()
        for chunk in nothing:
            yield chunk
