"""Discovery: finds the death logs on a host.

The game's hosters put them at ``{host}_{number}/actual1/deathlogs``, some with ``Deadside/Saved`` in between,
some without the first folder. Folders are listed and compared with these names. A link is followed if it
stays inside the login's root. A path that an admin names may be outside of the root, and may lead to the logs
themselves. A folder that cannot be listed is skipped, because another may be the right one.
"""

import posixpath
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from utils.errors import (
    InvalidInputError,
    LogsMissingError,
    RemoteError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
    SeveralServersError,
)
from utils.models.problems import Problem
from utils.models.reading import ServerPlace
from utils.models.texts import Names, Text
from utils.sftp.listing import LIMITS
from utils.sftp.remote_paths import (
    DATED_NAME,
    GAME_FOLDER,
    LOGS_FOLDER,
    cut_to_logs,
    is_inside,
    validate_base_path,
)
from utils.sftp.session import ListingBudget, RemoteEntry, SftpSession
from utils.sftp.symlinks import LinkGuide

GAMES_BELOW_SERVER = (GAME_FOLDER, f"Deadside/Saved/{GAME_FOLDER}")
SERVER_FOLDER = re.compile(r"(?P<host>.+)_(?P<number>\d{1,9})")
PROBES_MAXIMUM = 100  # without a number all servers of an account are searched; most accounts have a handful
SHOWN_MAXIMUM = 10

_Find = Callable[[str | None], Awaitable[str | None]]
"""Searches one server's folder, and returns where the logs are, or will be."""


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """A folder named ``{host}_{number}``."""

    name: str
    number: int
    is_link: bool = False


@dataclass(slots=True)
class Neighbours:
    """The entries of a folder that may be the right one.

    Attributes:
        host: the host's name without port, as in folder names.
        number: the hoster's number; None if any server may be the right one.
        of_host: server folders with that number and host.
        others: server folders with that number and another host.
        shown: a few server folders.
        has_logs: the folder itself holds death logs.
    """

    host: str
    number: int | None
    of_host: list[ServerFolder] = field(default_factory=list)
    others: list[ServerFolder] = field(default_factory=list)
    shown: list[ServerFolder] = field(default_factory=list)
    has_logs: bool = False

    def take(self, entry: RemoteEntry) -> None:
        """Check one entry; no more fitting entries are kept than will be searched."""
        match = SERVER_FOLDER.fullmatch(entry.name)
        if match is None or entry.is_file:
            self.has_logs |= DATED_NAME.fullmatch(entry.name) is not None
            return
        folder = ServerFolder(entry.name, int(match["number"]), entry.is_link)
        if len(self.shown) < SHOWN_MAXIMUM:
            self.shown.append(folder)
        if self.number in (None, folder.number):
            is_of_host = match["host"].casefold() == self.host.strip().casefold()
            fitting = self.of_host if is_of_host else self.others
            if len(fitting) < PROBES_MAXIMUM:
                fitting.append(folder)

    def choose(self) -> list[ServerFolder]:
        """Return the folders that may be right: with this number, and if possible with this host."""
        return sorted(self.of_host or self.others, key=lambda folder: folder.name)


async def find_death_logs(
    session: SftpSession, *, base_path: str | None, host: str, number: int | None
) -> str:
    """Return the folder of a server's death logs: relative to the login's root, or absolute if it is outside.

    With a ``base_path`` it searches only there, otherwise the login's root. ``host`` is the host's name
    without port, as in folder names; ``number`` is the hoster's, needed if there are several servers. The
    folder may be missing before the first death: the game makes it then.

    Raises:
        InvalidInputError: the base path is not a path.
        SeveralServersError: several servers fit.
        LogsMissingError: nothing fits; the text says what was searched for.
        RemotePermissionError, RemoteFailureError: nothing fits, and a folder could not be searched.
    """
    search = _Search(session, await _resolve_base(session, base_path))
    here = await search.look_around(host, number)
    for find in (search.find_logs_in, search.find_begun_in):
        found = await search.find_among(here.choose(), find)
        if len(found) > 1:
            raise _build_several_error(search.base, [folder for folder, _ in found])
        if found:
            return found[0][1]
        if (beside := await find(search.base)) is not None:
            return beside
        if here.has_logs and base_path is not None:
            return search.base
    if search.refused is not None:
        raise search.refused
    raise _build_missing_error(search.base, host, here)


async def find_real_folder(session: SftpSession, folder: str) -> str:
    """Return a folder as the host names it, links resolved; unchanged if the host cannot tell.

    The last part may be missing: the game makes the folder at the first death.
    """
    above, name = posixpath.split(folder)
    for known, rest in ((folder, ""), (above or ".", name)):
        with suppress(RemoteFailureError, RemoteFileMissingError, RemotePermissionError):
            return posixpath.normpath(posixpath.join(await session.real_path(known), rest))
    return folder


async def _resolve_base(session: SftpSession, base_path: str | None) -> str:
    """Check the base path by its text, and by the path that the host resolves it to."""
    if base_path is None:
        return "."
    root = await session.real_path(".")
    base = cut_to_logs(validate_base_path(base_path, root=root))
    if not await _is_folder(session, base) and not await _is_folder(session, _find_game(base)):
        raise LogsMissingError(Problem.NO_SUCH_FOLDER.say(path=base, host=session.address))
    resolved = await find_real_folder(session, base)
    if not base.startswith("/") and not is_inside(resolved, root):
        raise InvalidInputError(Problem.PATH_OUTSIDE.say(path=resolved))
    return base


async def _is_folder(session: SftpSession, path: str | None) -> bool:
    if path is None:
        return False
    try:
        return await session.is_folder(path)
    except RemoteFileMissingError:
        return False


def _find_game(folder: str) -> str | None:
    """Return the game's folder for a folder of logs, whether or not the logs are there yet."""
    game, name = posixpath.split(folder)
    return game if name == LOGS_FOLDER and posixpath.basename(game) == GAME_FOLDER else None


@dataclass(slots=True)
class _Search:
    """A search below a folder, and the first folder that could not be searched."""

    session: SftpSession
    base: str
    refused: RemoteError | None = None

    async def look_around(self, host: str, number: int | None) -> Neighbours:
        """Return the entries of the base; if it cannot be listed, the usual names are still tried."""
        here = Neighbours(host, number)
        is_whole = False
        try:
            scan = await self.session.scan(self.base, here.take, budget=ListingBudget(LIMITS.entries))
            is_whole = not scan.is_cut
        except RemoteFileMissingError:
            is_whole = True
        except (RemotePermissionError, RemoteFailureError) as error:
            self.refused = error
        if not is_whole and number is not None and not here.of_host:
            here.of_host.append(ServerFolder(f"{host.strip()}_{number}", number, is_link=True))
        return here

    async def find_among(
        self, folders: Iterable[ServerFolder], find: _Find
    ) -> list[tuple[ServerFolder, str]]:
        """Return the server folders in which a place of logs was found, with that place."""
        places = [(folder, await find(await self._enter(folder))) for folder in folders]
        return [(folder, place) for folder, place in places if place is not None]

    async def find_logs_in(self, folder: str | None) -> str | None:
        """Return the death logs of one server's folder, in any layout that hosters use."""
        if folder is None:
            return None
        if posixpath.basename(folder).casefold() == LOGS_FOLDER:
            return folder if await self._has(folder) else None
        for game in _list_games(folder):
            if await self._has(path := posixpath.join(game, LOGS_FOLDER)):
                return path
        return None

    async def find_begun_in(self, folder: str | None) -> str | None:
        """Return where the logs of a server will be, if its game has run but has had no death yet."""
        if folder is None:
            return None
        known = _find_game(folder)
        for game in _list_games(folder) if known is None else (known,):
            if await self._has(game):
                return posixpath.join(game, LOGS_FOLDER)
        return None

    async def _enter(self, folder: ServerFolder) -> str | None:
        """Return the path of a server's folder; None for a link that is not followed."""
        path = posixpath.normpath(posixpath.join(self.base, folder.name))
        if not folder.is_link:
            return path
        return path if await LinkGuide(self.session, self.base, is_deep=False).follow(path) else None

    async def _has(self, path: str) -> bool:
        """Tell whether a folder is there; a folder that may not be read counts as missing and is noted."""
        try:
            return await _is_folder(self.session, path)
        except (RemotePermissionError, RemoteFailureError) as error:
            self.refused = self.refused or error
            return False


def _list_games(folder: str) -> tuple[str, ...]:
    """Return where the game's own folder may be in a server's folder."""
    if posixpath.basename(folder) == GAME_FOLDER:
        return (folder,)
    return tuple(posixpath.normpath(posixpath.join(folder, below)) for below in GAMES_BELOW_SERVER)


def _build_several_error(base: str, folders: list[ServerFolder]) -> SeveralServersError:
    """Say how to name the right server: by its number, or by its folder if two have the same number."""
    if _are_told_apart(folders):
        named = (Problem.NUMBERED.say(number=str(one.number), name=one.name) for one in folders)
        said = Problem.SEVERAL_SERVERS.say(numbers=Names(tuple(named)))
    else:
        said = Problem.SEVERAL_FOLDERS.say(folders=_quote(folders))
    return SeveralServersError(said, places=_list_places(base, folders))


def _build_missing_error(base: str, host: str, here: Neighbours) -> LogsMissingError:
    """Say what was searched for and what is there instead."""
    wanted = f"{host}_{'<number>' if here.number is None else here.number}"
    shown = sorted(here.shown, key=lambda folder: folder.name)
    # without a number all of them were searched; with one, the others may be meant
    others = [] if here.number is None else [folder for folder in shown if folder.number != here.number]
    return LogsMissingError(_describe_missing(base, shown, wanted=wanted), places=_list_places(base, others))


def _describe_missing(base: str, shown: list[ServerFolder], *, wanted: str) -> Text:
    if base == ".":
        if shown:
            return Problem.NO_LOGS_BESIDE.say(folder=wanted, beside=_quote(shown))
        return Problem.NO_LOGS.say(folder=wanted)
    if shown:
        return Problem.NO_LOGS_IN_BESIDE.say(path=base, folder=wanted, beside=_quote(shown))
    return Problem.NO_LOGS_IN.say(path=base, folder=wanted)


def _list_places(base: str, folders: list[ServerFolder]) -> tuple[ServerPlace, ...]:
    """Return how each of these servers is named: by its number alone if no two have the same."""
    if _are_told_apart(folders):
        return tuple(ServerPlace(str(folder.number), folder.number) for folder in folders)
    return tuple(
        ServerPlace(folder.name, folder.number, posixpath.normpath(posixpath.join(base, folder.name)))
        for folder in folders
    )


def _are_told_apart(folders: list[ServerFolder]) -> bool:
    return len({folder.number for folder in folders}) == len(folders)


def _quote(folders: Iterable[ServerFolder]) -> Names:
    return Names(tuple(Problem.QUOTED.say(name=folder.name) for folder in folders))
