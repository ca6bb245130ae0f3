"""A game host's files in memory, with the methods of a session."""

import asyncio
import posixpath
from collections.abc import Callable, Sequence
from typing import Any, Self

from utils.errors import RemoteAnswerError, RemoteFileMissingError, RemotePermissionError
from utils.models.texts import text
from utils.sftp.session import FolderScan, ListingBudget, RemoteEntry, RemoteStat

FOLDER = "game/actual1/deathlogs"


class SparseFile(bytes):
    """A file with a hole at its beginning, which takes no memory.

    Attributes:
        hole: the number of NULs before the bytes.
    """

    hole: int

    def __new__(cls, hole: int, data: bytes) -> Self:
        """Make a file."""
        made = super().__new__(cls, data)
        made.hole = hole
        return made

    def __len__(self) -> int:
        """Return the size with the hole."""
        return self.hole + super().__len__()

    def __getitem__(self, part: Any) -> Any:
        """Return bytes of the file."""
        start, stop, _ = part.indices(len(self))
        nulls = bytes(max(0, min(stop, self.hole) - start))
        return nulls + super().__getitem__(slice(max(0, start - self.hole), max(0, stop - self.hole)))


class FakeSession:
    """A session over bytes in memory; every change increases the times of files.

    Attributes:
        files: bytes by path below ``FOLDER``; change them with the methods, so that times change too.
        requests: the number of requests, one for each message to the host, as a session counts them.
        round_trips: the number of waits for answers; requests that are sent together count once.
        opened: paths of files whose bytes were read; ``tried``: paths of files whose bytes were requested.
        size_lie: a number that is added to every reported size.
        denied: paths of unreadable files, which their folder lists.
        garbled: folders with an invalid listing.
        has_logs: whether ``FOLDER`` exists; the game's own folder above it always does.
        scans: the number of folders listed so far.
    """

    address = "fake:22"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests = 0
        self.round_trips = 0
        self._waiting = 0
        self.opened: list[str] = []
        self.tried: list[str] = []
        self.size_lie = 0
        self.denied: set[str] = set()
        self.garbled: set[str] = set()
        self.has_logs = True
        self.scans = 0
        self.folder_times: dict[str, int] = {"": 1}
        self._times: dict[str, int] = {}
        self._ticks = 1

    def write(self, path: str, data: bytes) -> None:
        """Write a file again, or create it."""
        self._ticks += 1
        if path not in self.files:
            self._touch_folders(path)
        self.files[path] = data
        self._times[path] = self._ticks

    def append(self, path: str, data: bytes) -> None:
        """Append to a file, or create it."""
        self.write(path, self.files.get(path, b"") + data)

    def remove(self, path: str) -> None:
        """Delete a file."""
        self._ticks += 1
        del self.files[path]
        self._touch_folders(path)

    async def stat(self, path: str) -> RemoteStat:
        """Return size and time of a file or folder."""
        await self._ask()
        if path == posixpath.dirname(FOLDER):
            return RemoteStat(4096, int(self.has_logs), is_directory=True)
        inner = self._strip(path)
        if inner in self.folder_times:
            return RemoteStat(4096, self.folder_times[inner], is_directory=True)
        if inner not in self.files:
            raise RemoteFileMissingError(text("{path}", path=path))
        size = len(self.files[inner]) + self.size_lie
        return RemoteStat(size, self._times[inner], is_directory=False)

    async def real_path(self, path: str) -> str:
        """Return an absolute path; this host has no links."""
        await self._ask()
        return posixpath.normpath(posixpath.join("/", path))

    async def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder."""
        return (await self.stat(path)).is_directory

    async def scan(
        self, path: str, take: Callable[[RemoteEntry], None], *, budget: ListingBudget
    ) -> FolderScan:
        """Yield the entries of a folder."""
        await self._ask(4)
        self.scans += 1
        scan = FolderScan()
        inner = self._strip(path)
        if inner in self.garbled:
            raise RemoteAnswerError(text("garbled {path}", path=inner))
        for entry in self._list_entries(inner):
            scan.seen += 1
            if not budget.take(len(entry.name)):
                scan.is_cut = True
                break
            take(entry)
        return scan

    def _list_entries(self, inner: str) -> list[RemoteEntry]:
        entries = [
            RemoteEntry(posixpath.basename(name), 4096, time, is_directory=True, is_file=False)
            for name, time in self.folder_times.items()
            if name and posixpath.dirname(name) == inner
        ]
        return entries + [
            RemoteEntry(
                posixpath.basename(name), len(data), self._times[name], is_directory=False, is_file=True
            )
            for name, data in self.files.items()
            if posixpath.dirname(name) == inner
        ]

    async def read(self, path: str, *, offset: int, length: int) -> bytes:
        """Return bytes of a file."""
        (data,) = await self.read_ranges(path, [(offset, length)])
        return data

    async def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> tuple[bytes, ...]:
        """Return several ranges of one file."""
        await self._ask(2 + len(ranges))
        inner = self._strip(path)
        self.tried.append(inner)
        if inner not in self.files:
            raise RemoteFileMissingError(text("{path}", path=path))
        if inner in self.denied:
            raise RemotePermissionError(text("no permission for {path}", path=inner))
        self.opened.append(inner)
        return tuple(self.files[inner][offset : offset + length] for offset, length in ranges)

    async def _ask(self, requests: int = 1) -> None:
        """Wait for answers; requests that come meanwhile share the wait."""
        self.requests += requests
        self.round_trips += 0 if self._waiting else requests
        self._waiting += 1
        await asyncio.sleep(0)
        self._waiting -= 1

    def _strip(self, path: str) -> str:
        if not self.has_logs or (path != FOLDER and not path.startswith(FOLDER + "/")):
            raise RemoteFileMissingError(text("{path}", path=path))
        return path[len(FOLDER) :].strip("/")

    def _touch_folders(self, path: str) -> None:
        folder = posixpath.dirname(path)
        if folder not in self.folder_times:
            self.folder_times[posixpath.dirname(folder)] = self._ticks
        self.folder_times[folder] = self._ticks
