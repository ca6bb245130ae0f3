"""Listing: which death logs there are, in the order in which they are read."""

import posixpath
from dataclasses import dataclass

from utils.errors import LogsMissingError, RemoteFileMissingError, RemotePermissionError
from utils.models.deaths import LogFile
from utils.sftp.links import find_linked_folder
from utils.sftp.session import RemoteEntry, SftpSession

DEPTH_MAXIMUM = 3  # the game uses one level, ``world_0``
FOLDERS_MAXIMUM = 100
FILES_MAXIMUM = 20_000  # one a day: decades of several worlds


@dataclass(frozen=True, slots=True)
class LogFileEntry:
    """One death log on the host: its identity, where it lies, its size in bytes, its change in Unix time."""

    file: LogFile
    path: str
    size: int
    modified_at_seconds: int


@dataclass(frozen=True, slots=True)
class LogFolder:
    """A folder that was listed, with its time from before the listing: another time means list again.

    The time has whole seconds, so a file made in the second of the listing can hide; list regularly as well.
    """

    path: str
    modified_at_seconds: int


@dataclass(frozen=True, slots=True)
class DeathLogListing:
    """All death logs of a server, by world and name, and the folders they were found in.

    Attributes:
        refused: the sentences about folders that the login may not list.
    """

    files: tuple[LogFileEntry, ...]
    folders: tuple[LogFolder, ...]
    refused: tuple[str, ...] = ()


async def list_death_logs(session: SftpSession, deathlogs_folder: str) -> DeathLogListing:
    """List every ``*.csv`` in a folder and below it; a file's world is its folder, relative.

    A folder below it that may not be listed is left out and told.

    Raises:
        LogsMissingError: the folder is gone, or it holds far more than death logs.
    """
    try:
        top = await session.stat(deathlogs_folder)
    except RemoteFileMissingError as error:
        raise LogsMissingError(f"The folder “{deathlogs_folder}” is gone from {session.address}.") from error
    files: list[LogFileEntry] = []
    folders: list[LogFolder] = []
    refused: list[str] = []
    first = LogFolder(deathlogs_folder, top.modified_at_seconds)
    waiting = [(first, "")]
    while waiting:
        folder, world = waiting.pop()
        folders.append(folder)
        for entry in await _list_if_there(session, folder.path, None if folder == first else refused):
            path = posixpath.join(folder.path, entry.name)
            if entry.is_file and entry.name.lower().endswith(".csv"):
                file = LogFile(world=world, name=entry.name)
                files.append(LogFileEntry(file, path, entry.size, entry.modified_at_seconds))
            elif world.count("/") < DEPTH_MAXIMUM - 1:
                below = await _find_folder(session, entry, path, top=deathlogs_folder)
                waiting.extend((one, posixpath.join(world, entry.name)) for one in below)
        if len(files) > FILES_MAXIMUM or len(folders) + len(waiting) > FOLDERS_MAXIMUM:
            raise LogsMissingError(
                f"“{deathlogs_folder}” holds far too much for death logs. Check the base path."
            )
    files.sort(key=lambda file: file.file)
    folders.sort(key=lambda folder: folder.path)
    return DeathLogListing(files=tuple(files), folders=tuple(folders), refused=tuple(refused))


async def _find_folder(
    session: SftpSession, entry: RemoteEntry, path: str, *, top: str
) -> tuple[LogFolder, ...]:
    """Return the folder that an entry is or leads to, if any."""
    if entry.is_directory:
        return (LogFolder(path, entry.modified_at_seconds),)
    linked = await find_linked_folder(session, path, apart_from=top) if entry.is_link else None
    return () if linked is None else (LogFolder(path, linked.modified_at_seconds),)


async def _list_if_there(
    session: SftpSession, path: str, refused: list[str] | None
) -> tuple[RemoteEntry, ...]:
    """List a folder that may have been removed since its parent was listed.

    Where the login may not, that is added to ``refused``; without such a list it is raised.
    """
    try:
        return await session.list_directory(path)
    except RemoteFileMissingError:
        return ()
    except RemotePermissionError as error:
        if refused is None:
            raise
        refused.append(str(error))
        return ()
