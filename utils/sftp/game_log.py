"""Deadside.log on its host: beside the game's own folder, in the folder ``Logs``."""

import posixpath

from utils.errors import RemoteFileMissingError
from utils.models.game_log import HEAD_BYTES, LogSize
from utils.sftp.remote_paths import LOGS_FOLDER
from utils.sftp.session import SftpSession

GAME_LOG_PATH = "Logs/Deadside.log"


def place_game_log(deathlogs_folder: str) -> str:
    """Return the path of Deadside.log for a folder of death logs: ``actual1`` and ``Logs`` are neighbours."""
    is_usual = posixpath.basename(deathlogs_folder) == LOGS_FOLDER
    game = posixpath.dirname(deathlogs_folder) if is_usual else deathlogs_folder
    return posixpath.join(posixpath.dirname(game), GAME_LOG_PATH)


class GameLogFile:
    """Deadside.log of one game server, over a lent session."""

    def __init__(self, session: SftpSession, path: str) -> None:
        self._session = session
        self._path = path

    async def look(self) -> LogSize | None:
        """Return its size, in one request; None if it is not there.

        Raises:
            RemoteError: the host failed.
        """
        try:
            found = await self._session.stat(self._path)
        except RemoteFileMissingError:
            return None
        return LogSize(found.size, found.modified_at_seconds)

    async def read(self, offset: int, length: int, *, has_head: bool = False) -> tuple[bytes, bytes]:
        """Return the first bytes of the file if asked for, and the bytes from an offset on, at one opening.

        Raises:
            RemoteError: the host failed.
        """
        if not has_head:
            return b"", await self._session.read(self._path, offset=offset, length=length)
        head, data = await self._session.read_ranges(self._path, [(0, HEAD_BYTES), (offset, length)])
        return head, data
