"""Discovery: where on a host the death logs lie.

The game's hosters put them at ``{host}_{number}/actual1/deathlogs``, some with ``Deadside/Saved`` in between,
some without the first folder. Folders are found by looking and compared with names; a link is followed
when it stays inside the login's root.
"""

import posixpath
import re
from dataclasses import dataclass

from utils.errors import (
    InvalidInputError,
    LogsMissingError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
)
from utils.sftp.links import find_linked_folder
from utils.sftp.remote_paths import is_inside, validate_base_path
from utils.sftp.session import RemoteEntry, SftpSession

DEATH_LOGS_BELOW_SERVER = ("actual1/deathlogs", "Deadside/Saved/actual1/deathlogs")
SERVER_FOLDER = re.compile(r"(?P<host>.+)_(?P<number>\d{1,9})")
PROBES_MAXIMUM = 100  # without a number all of an account's servers are looked into; most have a handful


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """A folder named ``{host}_{number}``."""

    name: str
    host: str
    number: int


async def find_death_logs(
    session: SftpSession, *, base_path: str | None, host: str, number: int | None
) -> str:
    """Return the folder of a server's death logs, relative to the login's root.

    With a ``base_path`` it looks only there, otherwise in the login's root. ``host`` is the host's name
    without port, as in folder names; ``number`` is the hoster's, needed when several lie side by side.

    Raises:
        InvalidInputError: the base path leaves the root, or several servers fit.
        LogsMissingError: nothing fits; the text says what was looked for.
    """
    base = await _resolve_base(session, base_path)
    folders = await _list_server_folders(session, base)
    chosen = choose_folders(folders, host=host, number=number)
    found = await _find_below(session, base, chosen[:PROBES_MAXIMUM])
    if len(found) > 1:
        numbers = ", ".join(f"“{folder.number}” ({folder.name})" for folder, _ in found)
        raise InvalidInputError(f"Several game servers lie here. Set “number” to one of: {numbers}.")
    if found:
        return found[0][1]
    beside = await _find_death_logs_in(session, base)
    if beside is not None:
        return beside
    wanted = f"{host}_{'<number>' if number is None else number}"
    raise LogsMissingError(_describe_missing(base, folders, wanted=wanted))


async def find_real_folder(session: SftpSession, folder: str) -> str:
    """Return a folder as the host names it, links resolved; as it was found where the host cannot tell."""
    try:
        return posixpath.normpath(await session.real_path(folder))
    except (RemoteFailureError, RemoteFileMissingError, RemotePermissionError):
        return folder


def choose_folders(folders: list[ServerFolder], *, host: str, number: int | None) -> list[ServerFolder]:
    """Choose which server folders may be meant: of this number, if possible of this host as well."""
    fitting = [folder for folder in folders if number is None or folder.number == number]
    of_host = [folder for folder in fitting if folder.host.casefold() == host.strip().casefold()]
    return of_host or fitting


async def _resolve_base(session: SftpSession, base_path: str | None) -> str:
    """Check the base path by its text and by where the host says it leads."""
    if base_path is None:
        return "."
    root = await session.real_path(".")
    base = validate_base_path(base_path, root=root)
    try:
        resolved = await session.real_path(base)
        is_directory = (await session.stat(base)).is_directory
    except RemoteFileMissingError:
        is_directory = False
        resolved = root
    if not is_inside(resolved, root):
        raise InvalidInputError("The base path leads out of the login's folder.")
    if not is_directory:
        raise LogsMissingError(f"There is no folder “{base}” on {session.address}. Check the base path.")
    return base


async def _list_server_folders(session: SftpSession, base: str) -> list[ServerFolder]:
    entries = await session.list_directory(base)
    matches = [(entry, SERVER_FOLDER.fullmatch(entry.name)) for entry in entries]
    return [
        ServerFolder(entry.name, match["host"], int(match["number"]))
        for entry, match in matches
        if match and await _is_folder(session, base, entry)
    ]


async def _is_folder(session: SftpSession, base: str, entry: RemoteEntry) -> bool:
    if not entry.is_link:
        return entry.is_directory
    return await find_linked_folder(session, posixpath.join(base, entry.name)) is not None


async def _find_below(
    session: SftpSession, base: str, folders: list[ServerFolder]
) -> list[tuple[ServerFolder, str]]:
    """Return those server folders that hold death logs, with where."""
    found = []
    for folder in folders:
        logs = await _find_death_logs_in(session, posixpath.normpath(posixpath.join(base, folder.name)))
        if logs is not None:
            found.append((folder, logs))
    return found


async def _find_death_logs_in(session: SftpSession, folder: str) -> str | None:
    """Return the death logs of one server's folder, in whichever form the hoster has it."""
    names = folder.split("/")
    if names[-1] == "deathlogs":
        return folder
    candidates = ("deathlogs",) if names[-1] == "actual1" else DEATH_LOGS_BELOW_SERVER
    for candidate in candidates:
        path = posixpath.normpath(posixpath.join(folder, candidate))
        try:
            if (await session.stat(path)).is_directory:
                return path
        except RemoteFileMissingError:
            continue
    return None


def _describe_missing(base: str, folders: list[ServerFolder], *, wanted: str) -> str:
    """Say what was looked for and what is there instead."""
    where = "the login's folder" if base == "." else f"“{base}”"
    seen = ", ".join(f"“{folder.name}”" for folder in folders[:10])
    beside = f" Server folders there: {seen}." if seen else ""
    return (
        f"No death logs found: looked in {where} for “{wanted}/actual1/deathlogs”, “actual1/deathlogs” and"
        f" the same below “Deadside/Saved”.{beside} Set “number” or “base_path”."
    )
