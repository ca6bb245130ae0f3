"""A session: the bot's operations on a game host during a loan. It lists and reads, and never writes.

No file is kept open between reads. An open handle would sometimes save a round trip, but it would read the
old file after another one took its name. Opening by name is always right. A poll without news is one
``stat``, which is one request.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import asyncssh
from asyncssh.constants import (
    FILEXFER_TYPE_DIRECTORY,
    FILEXFER_TYPE_REGULAR,
    FILEXFER_TYPE_SYMLINK,
    FILEXFER_TYPE_UNKNOWN,
)

from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    RemoteAnswerError,
    RemoteError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
    RemoteTimeoutError,
)
from utils.models.problems import Problem
from utils.sftp.channel import BLOCK_BYTES_MAXIMUM
from utils.sftp.connection import HostConnection
from utils.sftp.failures import map_remote_errors
from utils.sftp.host_keys import compute_fingerprint
from utils.sftp.remote_paths import is_name
from utils.tasks import run_together

# if a host allows less: it answers with less, and no read is cut into millions
BLOCK_BYTES_MINIMUM = 4 * 1024
JOINED_BYTES = 64 * 1024  # ranges that span at most this are read as one: the bytes cost less than a request
WINDOW_BYTES = 2 * 1024 * 1024  # requested at once; fills 100 ms of a 160 Mbit/s line
ANSWERS_OF_A_BLOCK = 64  # and one for each KiB of it; a host with smaller answers is hostile
CLOSE_TIMEOUT_SECONDS = 3  # a cancelled reader waits for it as well, and a task has 5 s to end
LARGEST_SIZE = 2**63 - 1  # of a file: offsets are stored as signed numbers of 64 bits
REQUESTS_OF_A_LISTING = 4  # open, names, end, close: folders of some hundred entries need no more
LISTING_SECONDS = 120.0  # 175,200 names at 50 ms a request take 90; one answer has the operation timeout
PATH_BYTES_MAXIMUM = 4096
NAME_BYTES_MAXIMUM = 255  # of one name; no common file system allows more
ENTRY_BYTES = 64  # the bytes of an entry in an answer besides its two names
LIBRARY_KINDS = {
    FILEXFER_TYPE_REGULAR: "-",
    FILEXFER_TYPE_DIRECTORY: "d",
    FILEXFER_TYPE_SYMLINK: "l",
}


@dataclass(frozen=True, slots=True)
class RemoteStat:
    """The attributes of a file or folder: size in bytes, time of the last change in Unix seconds.

    Attributes:
        is_untyped: the host did not tell what it is.
        is_special: a pipe, a device or the like.
    """

    size: int
    modified_at_seconds: int
    is_directory: bool
    is_untyped: bool = False
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One entry of a folder. A symbolic link is neither file nor directory: it could lead anywhere.

    Attributes:
        size: in bytes; None if the host did not tell.
        is_untyped: the host did not tell what it is.
    """

    name: str
    size: int | None
    modified_at_seconds: int
    is_directory: bool
    is_file: bool
    is_link: bool = False
    is_untyped: bool = False


@dataclass(slots=True)
class ListingBudget:
    """The rest of the budget for listing, over the folders of one level.

    Attributes:
        entries: the number of names.
        text_bytes: the bytes of names in the answers.
        deadline: by the event loop's time; later entries are left out.
    """

    entries: int
    text_bytes: int = 64 * 1024 * 1024
    deadline: float = field(default_factory=lambda: asyncio.get_running_loop().time() + LISTING_SECONDS)

    def split(self, parts: int) -> "ListingBudget":
        """Take a fair part out, for one of several folders; ``put_back`` returns the rest of it."""
        now = asyncio.get_running_loop().time()
        part = ListingBudget(
            self.entries // parts, self.text_bytes // parts, now + (self.deadline - now) / parts
        )
        self.entries -= part.entries
        self.text_bytes -= part.text_bytes
        return part

    def put_back(self, part: "ListingBudget") -> None:
        """Add the rest of a part."""
        self.entries += part.entries
        self.text_bytes += part.text_bytes

    def take(self, text_bytes: int) -> bool:
        """Count one entry; return False if it is beyond the budget."""
        self.entries -= 1
        self.text_bytes -= text_bytes
        is_late = asyncio.get_running_loop().time() > self.deadline
        return self.entries >= 0 and self.text_bytes >= 0 and not is_late


@dataclass(slots=True)
class FolderScan:
    """The gaps of a listing of a folder, and the number of its entries.

    Attributes:
        seen: entries that arrived, including skipped ones.
        unreadable: entries with invalid names: not UTF-8, too long, or with invalid characters.
        is_cut: there is more, beyond the budget.
    """

    seen: int = 0
    unreadable: int = 0
    is_cut: bool = False


class SftpSession:
    """Lists and reads over a lent connection. Paths are text with ``/``, relative to the login's root.

    Every operation raises only ``RemoteError`` and takes no longer than the operation timeout. After a
    timeout or a loss the connection is not lent again.

    Attributes:
        requests: the number of SFTP requests so far (for a listing an estimate).
    """

    def __init__(self, connection: HostConnection, *, operation_timeout_seconds: float) -> None:
        self.requests = 0
        self._connection = connection
        self._timeout = operation_timeout_seconds

    @property
    def host_key(self) -> str:
        """Return the host's key as ``algorithm base64``, to be pinned."""
        return self._connection.host_key

    @property
    def fingerprint(self) -> str:
        """Return ``SHA256:...`` of the host's key, for people to compare."""
        return compute_fingerprint(self.host_key)

    @property
    def address(self) -> str:
        """Return the host's ``host:port``, for sentences."""
        return self._connection.address

    async def stat(self, path: str) -> RemoteStat:
        """Return size and time of a file or folder, in exactly one request.

        Raises:
            RemoteFileMissingError: there is nothing of that name.
        """
        async with self._operation(path, requests=1):
            attributes = await self._connection.sftp.stat(path)
        return RemoteStat(
            size=min(attributes.size or 0, LARGEST_SIZE),
            modified_at_seconds=int(attributes.mtime or 0),
            is_directory=_find_kind(attributes) == "d",
            is_untyped=not _find_kind(attributes),
            is_special=_find_kind(attributes) == "?",
        )

    async def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder; if the attributes have no type, by opening it.

        Raises:
            RemoteFileMissingError: there is nothing of that name.
        """
        found = await self.stat(path)
        if not found.is_untyped:
            return found.is_directory
        try:
            await self.scan(path, _pass_over, budget=ListingBudget(entries=1))
        except (RemoteFileMissingError, RemotePermissionError, RemoteFailureError):
            return False
        return True

    async def real_path(self, path: str) -> str:
        """Return the absolute path as the host sees it, links resolved; invalid UTF-8 is escaped."""
        async with self._operation(path, requests=1):
            try:
                answer = await self._connection.sftp.realpath(path.encode())
            except IndexError as error:  # the library fails on an answer without names
                raise RemoteAnswerError(Problem.NO_PATH.say(host=self.address, path=path)) from error
            if len(answer) > PATH_BYTES_MAXIMUM:
                raise RemoteAnswerError(Problem.WRONG_PATH.say(host=self.address, path=path))
        return answer.decode(errors="backslashreplace")

    async def scan(
        self, path: str, take: Callable[[RemoteEntry], None], *, budget: ListingBudget
    ) -> FolderScan:
        """Hand each entry of a folder except ``.`` and ``..`` to ``take``, until the budget ends.

        An entry with an invalid name is skipped and counted. Entries before a failure were handed on.

        Raises:
            RemoteAnswerError: an answer cannot be decoded; the entries from there on are unknown.
        """
        scan = FolderScan()
        async with self._operation(path, requests=REQUESTS_OF_A_LISTING, timeout_seconds=LISTING_SECONDS):
            scanning = asyncio.ensure_future(self._scan(path, take, budget, scan))
            try:
                await self._wait_while_it_moves(scanning, scan)
            finally:
                await self._end_scan(scanning)
        return scan

    async def _scan(
        self, path: str, take: Callable[[RemoteEntry], None], budget: ListingBudget, scan: FolderScan
    ) -> None:
        # with bytes the library does not decode names: an invalid name would end the listing
        names = cast("AsyncGenerator[asyncssh.SFTPName]", self._connection.sftp.scandir(path.encode()))
        async with aclosing(names):
            async for name in names:
                scan.seen += 1
                if not budget.take(ENTRY_BYTES + len(name.filename) + len(name.longname or b"")):
                    scan.is_cut = True
                    return
                entry = _build_entry(name)
                if entry is None:
                    scan.unreadable += 1
                elif entry.name not in (".", ".."):
                    take(entry)

    async def _wait_while_it_moves(self, scanning: "asyncio.Future[None]", scan: FolderScan) -> None:
        """Wait for a listing's end, as long as each answer of the host arrives in time."""
        seen = -1
        while not scanning.done():
            if seen == scan.seen:
                raise TimeoutError
            seen = scan.seen
            await asyncio.wait([scanning], timeout=self._timeout)
        scanning.result()

    async def _end_scan(self, scanning: "asyncio.Future[None]") -> None:
        """End a listing. The library asks the host to close the folder and waits for that without a limit."""
        if not scanning.done():
            scanning.cancel()
            await asyncio.wait([scanning], timeout=min(CLOSE_TIMEOUT_SECONDS, self._timeout))
        if not scanning.done():
            self._connection.ssh.abort()
            await asyncio.wait([scanning])
        if not scanning.cancelled():
            scanning.exception()  # marks it as retrieved: the first error of the listing is raised

    async def read(self, path: str, *, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset`` on, or as many as there are; never request more."""
        (data,) = await self.read_ranges(path, [(offset, length)])
        return data

    async def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> tuple[bytes, ...]:
        """Return the bytes of several ``(offset, length)`` of one file, which is opened once.

        So a file's head and its new bytes belong together even if the file is replaced in between. Ranges
        that are close together are one request.
        """
        async with self._operation(path, requests=1):
            file = await self._connection.sftp.open(path, "rb", block_size=0)
        try:
            return await self._read_together(file, path, ranges)
        finally:
            await self._close(file, path)

    async def _read_together(
        self, file: asyncssh.SFTPClientFile, path: str, ranges: Sequence[tuple[int, int]]
    ) -> tuple[bytes, ...]:
        start = min(offset for offset, _ in ranges)
        span = max(offset + length for offset, length in ranges) - start
        if len(ranges) > 1 and span <= min(JOINED_BYTES, self._block_bytes):
            async with self._operation(path, requests=1):
                data: bytes = await file.read(span, start)  # typed str by the library even for binary files
            if len(data) >= span:  # a host with smaller answers is asked only for the needed bytes
                return tuple(data[offset - start :][:length] for offset, length in ranges)
        return tuple([await self._read_range(file, path, offset, length) for offset, length in ranges])

    async def _close(self, file: asyncssh.SFTPClientFile, path: str) -> None:
        """Close a file. An error here changes neither the bytes that were read nor the error of reading.

        A failure must not replace a cancellation, because the reader would then never end.
        """
        if self._connection.is_usable:
            limit = min(CLOSE_TIMEOUT_SECONDS, self._timeout)
            with suppress(RemoteError):
                async with self._operation(path, requests=1, timeout_seconds=limit):
                    await file.close()

    async def _read_range(self, file: asyncssh.SFTPClientFile, path: str, offset: int, length: int) -> bytes:
        """Read block by block, several at once, and return the bytes before the first gap."""
        blocks = list(_split(offset, length, self._block_bytes))
        contents: list[bytes] = [b""] * len(blocks)
        waiting = iter(enumerate(blocks))

        async def read_blocks() -> None:
            for index, (start, size) in waiting:
                contents[index] = await self._read_block(file, path, start, size)

        await run_together([read_blocks] * min(len(blocks), WINDOW_BYTES // self._block_bytes))
        return b"".join(_take_without_gap(contents, blocks))

    async def _read_block(self, file: asyncssh.SFTPClientFile, path: str, start: int, size: int) -> bytes:
        """Read one block; if the host answers with less, request the rest until it has no more.

        Raises:
            RemoteFailureError: its answers are too small.
        """
        data = b""
        for _ in range(ANSWERS_OF_A_BLOCK + size // 1024):
            async with self._operation(path, requests=1):
                # typed str by the library even for binary files
                part: bytes = await file.read(size - len(data), start + len(data))
            data += part[: size - len(data)]  # a host may send more than was requested
            if not part or len(data) == size:
                return data
        raise RemoteFailureError(Problem.SMALL_PIECES.say(host=self.address, path=path))

    @property
    def _block_bytes(self) -> int:
        """Return the size of one request: the host's limit, within our bounds."""
        allowed = self._connection.sftp.limits.max_read_len
        return max(BLOCK_BYTES_MINIMUM, min(allowed, BLOCK_BYTES_MAXIMUM))

    @asynccontextmanager
    async def _operation(
        self, path: str, *, requests: int, timeout_seconds: float | None = None
    ) -> AsyncIterator[None]:
        """Count, limit and map one operation (the library waits for ever on a closing connection)."""
        if not self._connection.is_usable:
            raise ConnectionLostError(Problem.CONNECTION_CLOSED.say(host=self.address))
        self.requests += requests
        try:
            with map_remote_errors(self.address, path=path):
                async with asyncio.timeout(timeout_seconds or self._timeout):
                    yield
        except (ConnectionLostError, RemoteTimeoutError, HandshakeRefusedError) as error:
            self._connection.is_broken = True
            if (fault := self._connection.fault) is not None:
                raise fault from error
            raise


def _split(offset: int, length: int, block_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut a range into blocks of ``(offset, length)``."""
    for start in range(offset, offset + length, block_bytes):
        yield start, min(block_bytes, offset + length - start)


def _take_without_gap(contents: list[bytes], blocks: list[tuple[int, int]]) -> Iterator[bytes]:
    """Take blocks up to the first short one: in a growing file, later blocks would leave a hole."""
    for content, (_, size) in zip(contents, blocks, strict=True):
        yield content
        if len(content) < size:
            return


def _build_entry(name: asyncssh.SFTPName) -> RemoteEntry | None:
    """Build our entry from the library's, which has names in bytes; None for an invalid name."""
    filename = cast("bytes", name.filename)
    try:
        text = filename.decode()
    except UnicodeDecodeError:
        return None
    if len(filename) > NAME_BYTES_MAXIMUM or not is_name(text):
        return None
    kind = _find_kind(name.attrs, cast("bytes", name.longname or b""))
    return RemoteEntry(
        name=text,
        size=None if name.attrs.size is None else min(name.attrs.size, LARGEST_SIZE),
        modified_at_seconds=int(name.attrs.mtime or 0),
        is_directory=kind == "d",
        is_file=kind == "-",
        is_link=kind == "l",
        is_untyped=not kind,
    )


def _find_kind(attributes: asyncssh.SFTPAttrs, long_name: bytes = b"") -> str:
    """Return a file type as ``ls`` shows it (``-``, ``d``, ``l``, or ``?`` for others), empty if unknown.

    If the attributes have no type, it may be at the beginning of the long name (``drwx``).
    """
    if attributes.type == FILEXFER_TYPE_UNKNOWN:
        return long_name[:1].decode(errors="replace") if long_name[:1] in (b"-", b"d", b"l") else ""
    return LIBRARY_KINDS.get(attributes.type, "?")


def _pass_over(entry: RemoteEntry) -> None:
    del entry
