"""Discovery: where on a host the death logs lie.

The game's hosters put them at ``{host}_{number}/actual1/deathlogs``, some with ``Deadside/Saved`` in between,
some without the first folder. Folders are found by looking and compared with names; a link is followed
when it stays inside the login's root. A path that an admin names may lie outside of it, and may go down to
the logs themselves. A place that is refused or fails is passed over: another may be the right one.
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
)
from utils.models.problems import Problem
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
PROBES_MAXIMUM = 100  # without a number all of an account's servers are looked into; most have a handful
SHOWN_MAXIMUM = 10

_Find = Callable[[str | None], Awaitable[str | None]]
"""Looks for logs in one server's folder, and returns where they are, or will be."""


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """A folder named ``{host}_{number}``."""

    name: str
    number: int
    is_link: bool = False


@dataclass(slots=True)
class Neighbours:
    """What lies beside each other in a folder, as far as it may be meant.

    Attributes:
        host: the host's name without port, as in folder names.
        number: the hoster's; None when any may be meant.
        of_host: server folders of that number and host.
        others: server folders of that number and another host.
        shown: names of a few server folders.
        has_logs: death logs themselves lie here.
    """

    host: str
    number: int | None
    of_host: list[ServerFolder] = field(default_factory=list)
    others: list[ServerFolder] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    has_logs: bool = False

    def take(self, entry: RemoteEntry) -> None:
        """Look at one entry; of those that fit no more are kept than are looked into."""
        match = SERVER_FOLDER.fullmatch(entry.name)
        if match is None or entry.is_file:
            self.has_logs |= DATED_NAME.fullmatch(entry.name) is not None
            return
        if len(self.shown) < SHOWN_MAXIMUM:
            self.shown.append(entry.name)
        if self.number in (None, int(match["number"])):
            is_of_host = match["host"].casefold() == self.host.strip().casefold()
            fitting = self.of_host if is_of_host else self.others
            if len(fitting) < PROBES_MAXIMUM:
                fitting.append(ServerFolder(entry.name, int(match["number"]), entry.is_link))

    def choose(self) -> list[ServerFolder]:
        """Return which folders may be meant: of this number, if possible of this host as well."""
        return sorted(self.of_host or self.others, key=lambda folder: folder.name)


async def find_death_logs(
    session: SftpSession, *, base_path: str | None, host: str, number: int | None
) -> str:
    """Return the folder of a server's death logs: relative to the login's root, absolute outside of it.

    With a ``base_path`` it looks only there, otherwise in the login's root. ``host`` is the host's name
    without port, as in folder names; ``number`` is the hoster's, needed when several lie side by side. The
    folder of a game that has had no death yet may be missing: the game makes it with the first.

    Raises:
        InvalidInputError: the base path is none, or several servers fit.
        LogsMissingError: nothing fits; the text says what was looked for.
        RemotePermissionError, RemoteFailureError: nothing fits, and something could not be looked into.
    """
    search = _Search(session, await _resolve_base(session, base_path))
    here = await search.look_around(host, number)
    for find in (search.find_logs_in, search.find_begun_in):
        found = await search.find_among(here.choose(), find)
        if len(found) > 1:
            raise _build_ambiguous_error([folder for folder, _ in found])
        if found:
            return found[0][1]
        if (beside := await find(search.base)) is not None:
            return beside
        if here.has_logs and base_path is not None:
            return search.base
    if search.refused is not None:
        raise search.refused
    wanted = f"{host}_{'<number>' if number is None else number}"
    raise LogsMissingError(_describe_missing(search.base, sorted(here.shown), wanted=wanted))


async def find_real_folder(session: SftpSession, folder: str) -> str:
    """Return a folder as the host names it, links resolved; as it was found where the host cannot tell.

    The last part may be missing: the folder of a game that has had no death yet.
    """
    above, name = posixpath.split(folder)
    for known, rest in ((folder, ""), (above or ".", name)):
        with suppress(RemoteFailureError, RemoteFileMissingError, RemotePermissionError):
            return posixpath.normpath(posixpath.join(await session.real_path(known), rest))
    return folder


async def _resolve_base(session: SftpSession, base_path: str | None) -> str:
    """Check the base path by its text and by where the host says it leads."""
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
    """A search from a folder on, and the first place that could not be looked into."""

    session: SftpSession
    base: str
    refused: RemoteError | None = None

    async def look_around(self, host: str, number: int | None) -> Neighbours:
        """Return what lies in the base; what cannot be listed may still be found by its usual name."""
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
        """Return the server folders that hold something, with its place."""
        places = [(folder, await find(await self._enter(folder))) for folder in folders]
        return [(folder, place) for folder, place in places if place is not None]

    async def find_logs_in(self, folder: str | None) -> str | None:
        """Return the death logs of one server's folder, in any form that hosters have."""
        if folder is None:
            return None
        if posixpath.basename(folder).casefold() == LOGS_FOLDER:
            return folder if await self._has(folder) else None
        for game in _list_games(folder):
            if await self._has(path := posixpath.join(game, LOGS_FOLDER)):
                return path
        return None

    async def find_begun_in(self, folder: str | None) -> str | None:
        """Return where the logs of a server will be when its game has run and has had no death yet."""
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
        """Tell whether a folder is there; one that may not be looked at counts as missing and is noted."""
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


def _build_ambiguous_error(folders: list[ServerFolder]) -> InvalidInputError:
    """Say how the one that is meant can be named: by its number, or by its folder where two share one."""
    numbers = {folder.number for folder in folders}
    if len(numbers) == len(folders):
        named = (Problem.NUMBERED.say(number=str(one.number), name=one.name) for one in folders)
        return InvalidInputError(Problem.SEVERAL_SERVERS.say(numbers=Names(tuple(named))))
    names = _quote(folder.name for folder in folders)
    return InvalidInputError(Problem.SEVERAL_FOLDERS.say(folders=names))


def _describe_missing(base: str, shown: list[str], *, wanted: str) -> Text:
    """Say what was looked for and what is there instead."""
    if base == ".":
        if shown:
            return Problem.NO_LOGS_BESIDE.say(folder=wanted, beside=_quote(shown))
        return Problem.NO_LOGS.say(folder=wanted)
    if shown:
        return Problem.NO_LOGS_IN_BESIDE.say(path=base, folder=wanted, beside=_quote(shown))
    return Problem.NO_LOGS_IN.say(path=base, folder=wanted)


def _quote(names: Iterable[str]) -> Names:
    return Names(tuple(Problem.QUOTED.say(name=name) for name in names))
