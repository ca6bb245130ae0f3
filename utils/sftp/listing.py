"""Listing: the death logs there are, in reading order.

A host may send names without end, so every list is limited. Names are taken one by one within a budget, and
only the newest files, folders and links are kept. The listing reports what it left out.
"""

import heapq
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from utils.errors import (
    LogsMissingError,
    RemoteAnswerError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
)
from utils.models.deaths import LogFile
from utils.models.problems import Problem
from utils.models.texts import Number, Text
from utils.sftp.remote_paths import DATED_NAME, GAME_FOLDER, LOGS_FOLDER
from utils.sftp.session import ListingBudget, RemoteEntry, SftpSession
from utils.sftp.symlinks import LinkGuide
from utils.tasks import run_together

DEPTH_MAXIMUM = 3  # the game uses one level, ``world_0``
LOOKS_AT_ONCE = 8
NAMES_A_LOOK = 20  # the cost of a look, in listed names

Rank = tuple[int, str]
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class ListingLimits:
    """Limits of a listing. Above a limit, only the newest are kept.

    Attributes:
        entries: the names of one level of folders; 22 years of a new file each hour are 200,000.
        folders: the folders that are listed.
        files: the files that are kept; with one a day, decades of several worlds.
        looks: entries of unknown type, mostly links; each needs two requests.
    """

    entries: int = 200_000
    folders: int = 100
    files: int = 20_000
    looks: int = 1_000


LIMITS = ListingLimits()


@dataclass(frozen=True, slots=True)
class LogFileEntry:
    """One death log on the host: its identity, its path, its size in bytes, its last change in Unix time."""

    file: LogFile
    path: str
    size: int
    modified_at_seconds: int


@dataclass(frozen=True, slots=True)
class LogFolder:
    """A listed folder with its time before the listing: if the time changes, list it again.

    The time has whole seconds, so a file made in the second of the listing can be missed; list regularly as
    well.
    """

    path: str
    modified_at_seconds: int


@dataclass(frozen=True, slots=True)
class DeathLogListing:
    """All death logs of a server, by world and name, and their folders.

    Attributes:
        refused: a text for each thing that exists and was not listed.
        whole_worlds: completely listed worlds; None if all worlds are complete.
        cost: the cost of the listing, in names.
    """

    files: tuple[LogFileEntry, ...]
    folders: tuple[LogFolder, ...]
    refused: tuple[Text, ...] = ()
    whole_worlds: frozenset[str] | None = None
    cost: int = field(default=0, compare=False)

    def mend(self, before: "DeathLogListing", *, maximum: int = LIMITS.files) -> "DeathLogListing":
        """Return this listing with files of an earlier one, for folders that were not listed to their end."""
        if self.whole_worlds is None:
            return self
        files = {entry.file: entry for entry in before.files if entry.file.world not in self.whole_worlds}
        files.update((entry.file, entry) for entry in self.files)
        newest = heapq.nlargest(maximum, files.values(), key=lambda entry: _rank(entry.file.name))
        return replace(self, files=tuple(sorted(newest, key=lambda entry: entry.file)))


class _Newest(Generic[Kept]):
    """Keeps the newest items up to a limit. ``count`` counts all items."""

    def __init__(self, maximum: int) -> None:
        self.count = 0
        self._maximum = maximum
        self._heap: list[tuple[Rank, int, Kept]] = []

    def add(self, rank: Rank, value: Kept) -> None:
        """Add an item; if there are too many, drop the one of lowest rank."""
        self.count += 1
        item = (rank, self.count, value)
        if len(self._heap) < self._maximum:
            heapq.heappush(self._heap, item)
        elif self._maximum:
            heapq.heappushpop(self._heap, item)

    def __iter__(self) -> Iterator[Kept]:
        """Yield the kept items, the newest first."""
        return (value for _, _, value in sorted(self._heap, reverse=True))

    def describe_rest(self, problem: Problem, path: str) -> Text:
        """Return how many entries a folder has, and how many are used."""
        return problem.count(self.count, path=path, read=Number(len(self._heap)))


async def list_death_logs(
    session: SftpSession, deathlogs_folder: str, *, limits: ListingLimits = LIMITS
) -> DeathLogListing:
    """List every ``*.csv`` in a folder and below it; a file's world is its folder, relative.

    Folders that may not be listed, answers that cannot be decoded and names above a limit are left out and
    reported.

    Raises:
        LogsMissingError: the folder is gone.
        RemotePermissionError, RemoteFailureError: nothing at all can be listed.
    """
    try:
        top = await session.stat(deathlogs_folder)
    except RemoteFileMissingError as error:
        if posixpath.basename(deathlogs_folder) != LOGS_FOLDER:
            raise _build_gone_error(session, deathlogs_folder) from error
        return await _await_first_log(session, deathlogs_folder)
    lister = _Lister(session, deathlogs_folder, limits)
    await lister.list_all(LogFolder(deathlogs_folder, top.modified_at_seconds))
    return lister.build()


async def _await_first_log(session: SftpSession, deathlogs_folder: str) -> DeathLogListing:
    """Return the empty listing of a game that has run but has had no death yet."""
    game = posixpath.dirname(deathlogs_folder)
    try:
        found = await session.stat(game)
    except RemoteFileMissingError as error:
        raise _build_gone_error(session, deathlogs_folder) from error
    if posixpath.basename(game) != GAME_FOLDER:
        raise _build_gone_error(session, deathlogs_folder)
    said = Problem.NO_DEATH_YET.say(path=game)
    return DeathLogListing((), (LogFolder(game, found.modified_at_seconds),), (said,))


def _build_gone_error(session: SftpSession, folder: str) -> LogsMissingError:
    return LogsMissingError(Problem.FOLDER_GONE.say(path=folder, host=session.address))


class _Lister:
    """A listing in progress: level by level, so that the newest of too many folders can be chosen."""

    def __init__(self, session: SftpSession, top: str, limits: ListingLimits) -> None:
        self._session = session
        self._limits = limits
        self._top = top
        self._links = LinkGuide(session, top, is_deep=True)
        self._files = _Newest[LogFileEntry](limits.files)
        self._folders: list[LogFolder] = []
        self._looks = 0
        self._cost = 0
        self._told: list[Text] = []
        self._whole: set[str] = set()
        self._is_torn = False

    async def list_all(self, top: LogFolder) -> None:
        """List the folder and the folders below it."""
        level: Sequence[tuple[LogFolder, str]] = [(top, "")]
        for depth in range(DEPTH_MAXIMUM + 1):
            left = self._limits.folders - len(self._folders) - len(level)
            below = _Newest[tuple[LogFolder, str]](left)
            budget = ListingBudget(self._limits.entries)
            for index, (folder, world) in enumerate(level):
                self._folders.append(folder)
                part = budget.split(len(level) - index)
                await self._list_folder(folder.path, world, below if depth < DEPTH_MAXIMUM else None, part)
                budget.put_back(part)
            if below.count > len(level := list(below)):
                self._told.append(below.describe_rest(Problem.MANY_FOLDERS, self._top))

    def build(self) -> DeathLogListing:
        """Return what was found."""
        files = sorted(self._files, key=lambda entry: entry.file)
        if self._files.count > len(files):
            self._told.append(self._files.describe_rest(Problem.MANY_LOGS, self._top))
        outside = (Problem.OUTSIDE.say(path=path) for path in self._links.outside)
        return DeathLogListing(
            files=tuple(files),
            folders=tuple(sorted(self._folders, key=lambda folder: folder.path)),
            refused=(*self._told, *outside),
            whole_worlds=frozenset(self._whole) if self._is_torn else None,
            cost=self._cost + NAMES_A_LOOK * self._looks,
        )

    async def _list_folder(
        self, path: str, world: str, below: _Newest[tuple[LogFolder, str]] | None, budget: ListingBudget
    ) -> None:
        """List one folder; entries of known type are kept at once, and the others looked at afterwards."""
        unsure = _Newest[RemoteEntry](self._limits.looks - self._looks)

        def take(entry: RemoteEntry) -> None:
            is_log = entry.name.lower().endswith(".csv")
            if entry.is_link or (entry.is_untyped and not is_log) or (is_log and entry.size is None):
                if is_log or below is not None:
                    unsure.add(_rank(entry.name), entry)
            elif is_log and (entry.is_file or entry.is_untyped):
                self._keep_file(path, world, entry)
            elif entry.is_directory and below is not None:
                _keep_folder(below, path, world, entry)

        await self._scan(path, world, take, budget)
        if unsure.count > len(entries := list(unsure)):
            self._told.append(unsure.describe_rest(Problem.MANY_LINKS, path))
        self._looks += len(entries)
        waiting = iter(entries)

        async def look() -> None:
            for entry in waiting:
                known = await self._look(posixpath.join(path, entry.name), entry)
                if known is not None:
                    take(known)

        await run_together([look] * min(len(entries), LOOKS_AT_ONCE))

    async def _scan(
        self, path: str, world: str, take: Callable[[RemoteEntry], None], budget: ListingBudget
    ) -> None:
        """Read the names of a folder, as far as the host and the budget allow."""
        before = budget.entries
        try:
            scan = await self._session.scan(path, take, budget=budget)
        except RemoteFileMissingError:
            return  # removed since its parent was listed
        except (RemotePermissionError, RemoteFailureError) as error:
            if path == self._top and before == budget.entries:
                raise
            self._told.append(error.said)
            self._is_torn |= isinstance(error, RemoteAnswerError)
            return
        finally:
            self._cost += before - budget.entries
        if scan.unreadable:
            self._told.append(Problem.NAMES_UNREADABLE.count(scan.unreadable, path=path))
        if scan.is_cut:
            self._is_torn = True
            self._told.append(Problem.LISTING_CUT.say(path=path))
        else:
            self._whole.add(world)

    async def _look(self, path: str, entry: RemoteEntry) -> RemoteEntry | None:
        """Find the type of an entry whose attributes do not show it."""
        try:
            if entry.is_link:
                found = await self._links.follow(path)
                if found is None:
                    return None
            else:
                found = await self._session.stat(path)
            is_log = entry.name.lower().endswith(".csv")
            is_untyped = found.is_untyped
            is_folder = found.is_directory or (
                is_untyped and not is_log and await self._session.is_folder(path)
            )
        except (RemoteFileMissingError, RemotePermissionError, RemoteFailureError):
            return None
        return replace(
            entry,
            size=found.size,
            modified_at_seconds=found.modified_at_seconds,
            is_directory=is_folder,
            is_file=not is_folder,
            is_link=False,
            is_untyped=False,
        )

    def _keep_file(self, path: str, world: str, entry: RemoteEntry) -> None:
        file = LogFile(world=world, name=entry.name)
        size, changed_at = entry.size or 0, entry.modified_at_seconds
        self._files.add(
            _rank(entry.name), LogFileEntry(file, posixpath.join(path, entry.name), size, changed_at)
        )


def _keep_folder(below: _Newest[tuple[LogFolder, str]], path: str, world: str, entry: RemoteEntry) -> None:
    folder = LogFolder(posixpath.join(path, entry.name), entry.modified_at_seconds)
    below.add((entry.modified_at_seconds, entry.name), (folder, posixpath.join(world, entry.name)))


def _rank(name: str) -> Rank:
    """Return the sort key of a name if there are too many: names without a date are dropped first."""
    return int(DATED_NAME.match(name) is not None), name
