"""Listing: which death logs there are, in the order in which they are read."""

import posixpath
from dataclasses import dataclass

from utils.errors import LogsMissingError, RemoteFileMissingError
from utils.models.deaths import LogFile
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
    """All death logs of a server, by world and name, and the folders they were found in."""

    files: tuple[LogFileEntry, ...]
    folders: tuple[LogFolder, ...]


async def list_death_logs(session: SftpSession, deathlogs_folder: str) -> DeathLogListing:
    """List every ``*.csv`` in a folder and below it; a file's world is its folder, relative.

    Raises:
        LogsMissingError: the folder is gone, or it holds far more than death logs.
    """
    try:
        top = await session.stat(deathlogs_folder)
    except RemoteFileMissingError as error:
        raise LogsMissingError(f"The folder `{deathlogs_folder}` is gone from {session.address}.") from error
    files: list[LogFileEntry] = []
    folders: list[LogFolder] = []
    waiting = [(LogFolder(deathlogs_folder, top.modified_at_seconds), "")]
    while waiting:
        folder, world = waiting.pop()
        folders.append(folder)
        for entry in await _list_if_there(session, folder.path):
            path = posixpath.join(folder.path, entry.name)
            if entry.is_file and entry.name.lower().endswith(".csv"):
                file = LogFile(world=world, name=entry.name)
                files.append(LogFileEntry(file, path, entry.size, entry.modified_at_seconds))
            elif entry.is_directory and world.count("/") < DEPTH_MAXIMUM - 1:
                below = posixpath.join(world, entry.name)
                waiting.append((LogFolder(path, entry.modified_at_seconds), below))
        if len(files) > FILES_MAXIMUM or len(folders) + len(waiting) > FOLDERS_MAXIMUM:
            raise LogsMissingError(
                f"`{deathlogs_folder}` holds far too much for death logs. Check the base path."
            )
    files.sort(key=lambda file: file.file)
    folders.sort(key=lambda folder: folder.path)
    return DeathLogListing(files=tuple(files), folders=tuple(folders))


async def _list_if_there(session: SftpSession, path: str) -> tuple[RemoteEntry, ...]:
    """List a folder that may have been removed since its parent was listed."""
    try:
        return await session.list_directory(path)
    except RemoteFileMissingError:
        return ()
