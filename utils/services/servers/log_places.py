"""Log places: tells where the logs of servers are, so that a guild reads no game server twice.

A game server is recognised by host key, user name, and the folder of the logs as the host names it, not by
the typed address. An address proves nothing: a host has many, and two hosts can show the same key (copied
images, ports of one machine). Then the logs decide: a file begins with rows with times and players, so its
beginning is different on each game server.

The user name counts because a hoster locks each login into a folder of its own: two customers both see
``/actual1/deathlogs``, but on two game servers. So two cases stay unnoticed: one folder that two user names
may read, and one machine with SSH services that show different keys.
"""

from collections.abc import Mapping

from utils.errors import InvalidInputError, SameLogsError
from utils.models.deaths import LogFile
from utils.models.problems import Problem
from utils.models.reading import Cursor, FoundLogs, digest_head
from utils.models.servers import GameServer, is_at_host
from utils.models.texts import Command, text
from utils.services.ingestion.stores import CursorStore
from utils.services.ports import ServerStore


class LogPlaces:
    """Tells when two servers of a guild would read the same logs."""

    def __init__(self, servers: ServerStore, cursors: CursorStore) -> None:
        self._servers = servers
        self._cursors = cursors

    async def verify_free(self, server: GameServer, logs: FoundLogs) -> None:
        """Refuse a server if another one reads its logs, also in doubt: figures would be doubled.

        Args:
            server: the server to be stored, with the host key it showed.
            logs: the logs that its test found.

        Raises:
            InvalidInputError: another server reads these logs.
        """
        for other in await self._servers.list_servers(server.scope.guild_id):
            if other.scope == server.scope or not _is_alike(server, logs.folder, other):
                continue
            known = {} if _is_certain(server, logs.folder, other) else await self._list_cursors(other)
            if _may_hold(logs, known):
                raise InvalidInputError(
                    text(
                        "“{server}” already uses these logs: same host key, user name and folder."
                        " Change that server with {edit}, or remove it first with {remove}.",
                        server=other.name,
                        edit=Command("admin server edit"),
                        remove=Command("admin server remove"),
                    )
                )

    async def note_folder(self, server: GameServer, folder: str) -> None:
        """Note where a server's logs were found; refuse to read them if an older server does.

        Raises:
            SameLogsError: an older server surely reads the same logs.
        """
        if server.log_folder != folder:
            await self._servers.set_log_folder(server.scope, folder)
        for other in await self._servers.list_servers(server.scope.guild_id):
            if other.scope == server.scope:
                return
            if _is_alike(server, folder, other) and (
                _is_certain(server, folder, other)
                or _share_a_file(await self._list_cursors(server), await self._list_cursors(other))
            ):
                raise SameLogsError(
                    Problem.SAME_LOGS.say(
                        other=other.name, server=server.name, remove=Command("admin server remove")
                    )
                )

    async def _list_cursors(self, server: GameServer) -> Mapping[LogFile, Cursor]:
        return await self._cursors.list_cursors(server.scope)


def _is_alike(server: GameServer, folder: str, other: GameServer) -> bool:
    """Tell whether both may read the same logs: one login on one host by key or address, one folder by name.

    A folder inside the other counts as the same, and so do names that differ only in case, because Windows
    does not tell them apart.
    """
    if other.log_folder is None or server.username != other.username:
        return False
    one, two = f"{folder.casefold()}/", f"{other.log_folder.casefold()}/"
    is_of_host = server.host_key == other.host_key or is_at_host(server, other)
    return is_of_host and (one.startswith(two) or two.startswith(one))


def _is_certain(server: GameServer, folder: str, other: GameServer) -> bool:
    """Tell whether both are surely the same: equal key, address and folder."""
    is_same_host = server.host_key == other.host_key and is_at_host(server, other)
    return is_same_host and folder == other.log_folder


def _may_hold(logs: FoundLogs, cursors: Mapping[LogFile, Cursor]) -> bool:
    """Tell whether logs may be the ones that were read; True if nothing tells them apart."""
    cursor = cursors.get(logs.newest) if logs.newest else None
    if cursor is not None and cursor.head:
        return digest_head(logs.head[: cursor.offset]) == cursor.head
    return not cursors or not logs.files or not logs.files.isdisjoint(cursors)


def _share_a_file(mine: Mapping[LogFile, Cursor], theirs: Mapping[LogFile, Cursor]) -> bool:
    return any(
        cursor.head and file in theirs and cursor.head == theirs[file].head for file, cursor in mine.items()
    )
