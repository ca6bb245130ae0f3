"""A session: what the bot does on a game host while it holds a lease - it looks and reads, it never writes.

No file is kept open between reads. A handle held for the next poll would save a round trip now and then, but
it would go on reading the old file after another one took its name; opening by name cannot be wrong. A poll
without news is one ``stat``, which is one request.
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncssh

from utils.errors import ConnectionLostError, RemoteError, RemoteFailureError, RemoteTimeoutError
from utils.sftp.connection import HostConnection
from utils.sftp.failures import map_remote_errors
from utils.sftp.host_keys import compute_fingerprint
from utils.tasks import run_together

BLOCK_BYTES_MAXIMUM = 256 * 1024  # OpenSSH cuts off who asks for more in one message
WINDOW_BYTES = 2 * 1024 * 1024  # asked for at once; fills 100 ms of a 160 Mbit/s line
ANSWERS_OF_A_BLOCK = 64  # and one for each KiB of it: whoever answers with less at a time wants us busy
CLOSE_TIMEOUT_SECONDS = 3  # also waited for by a reader that was cancelled, and a task has 5 s to end
LARGEST_SIZE = 2**63 - 1  # of a file: places in it are stored as numbers of 64 bits with a sign
REQUESTS_OF_A_LISTING = 4  # open, names, end, close: folders of some hundred entries need no more


@dataclass(frozen=True, slots=True)
class RemoteStat:
    """What a host says of a file or folder: size in bytes, time of the last change in Unix seconds."""

    size: int
    modified_at_seconds: int
    is_directory: bool


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One name in a folder. A symbolic link is neither file nor directory: it could lead anywhere."""

    name: str
    size: int
    modified_at_seconds: int
    is_directory: bool
    is_file: bool
    is_link: bool = False


class SftpSession:
    """Looking and reading over a leased connection. Paths are text with ``/``, relative to the login's root.

    Every operation raises ``RemoteError`` alone and takes no longer than the operation timeout. After a
    timeout or a loss the connection is not lent again.

    Attributes:
        requests: SFTP requests sent so far (of a listing: an estimate).
    """

    def __init__(self, connection: HostConnection, *, operation_timeout_seconds: float) -> None:
        self.requests = 0
        self._connection = connection
        self._timeout = operation_timeout_seconds

    @property
    def host_key(self) -> str:
        """Return the key the host showed, as ``algorithm base64``, to be pinned."""
        return self._connection.host_key

    @property
    def fingerprint(self) -> str:
        """Return ``SHA256:...`` of the key the host showed, as people compare it."""
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
            is_directory=_is_kind(attributes, stat.S_IFDIR, ""),
        )

    async def real_path(self, path: str) -> str:
        """Return the absolute path as the host sees it, links resolved."""
        async with self._operation(path, requests=1):
            return str(await self._connection.sftp.realpath(path))

    async def list_directory(self, path: str) -> tuple[RemoteEntry, ...]:
        """Return what lies in a folder, sorted by name, without ``.`` and ``..``."""
        async with self._operation(path, requests=REQUESTS_OF_A_LISTING):
            names = await self._connection.sftp.readdir(path)
        entries = (_build_entry(name) for name in names)
        return tuple(sorted((entry for entry in entries if entry.name not in (".", "..")), key=_get_name))

    async def read(self, path: str, *, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset`` on, or as many as there are; never asks for more."""
        (data,) = await self.read_ranges(path, [(offset, length)])
        return data

    async def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> tuple[bytes, ...]:
        """Return the bytes of several ``(offset, length)``, all of the same file: it is opened once.

        So a file's head and its new bytes belong together even when the file is replaced in between.
        """
        async with self._operation(path, requests=1):
            file = await self._connection.sftp.open(path, "rb", block_size=0)
        try:
            return tuple([await self._read_range(file, path, offset, length) for offset, length in ranges])
        finally:
            await self._close(file, path)

    async def _close(self, file: asyncssh.SFTPClientFile, path: str) -> None:
        """Have the host close a file. What was read stands without that, and so does why it was not read.

        Least of all may a failure take the place of a cancellation, or the reader would go on for ever.
        """
        if self._connection.is_usable:
            with suppress(RemoteError):
                async with self._operation(path, requests=1, timeout_seconds=CLOSE_TIMEOUT_SECONDS):
                    await file.close()

    async def _read_range(self, file: asyncssh.SFTPClientFile, path: str, offset: int, length: int) -> bytes:
        """Read block by block, several at once, and return what is there without a gap."""
        blocks = list(_split(offset, length, self._block_bytes))
        contents: list[bytes] = [b""] * len(blocks)
        waiting = iter(enumerate(blocks))

        async def read_blocks() -> None:
            for index, (start, size) in waiting:
                contents[index] = await self._read_block(file, path, start, size)

        await run_together([read_blocks] * min(len(blocks), WINDOW_BYTES // self._block_bytes))
        return b"".join(_take_without_gap(contents, blocks))

    async def _read_block(self, file: asyncssh.SFTPClientFile, path: str, start: int, size: int) -> bytes:
        """Read one block; a host that answers with less is asked for the rest until it has no more.

        Raises:
            RemoteFailureError: its answers are too small to go on like that.
        """
        data = b""
        for _ in range(ANSWERS_OF_A_BLOCK + size // 1024):
            async with self._operation(path, requests=1):
                # typed str by the library even for binary files
                part: bytes = await file.read(size - len(data), start + len(data))
            data += part
            if not part or len(data) == size:
                return data
        raise RemoteFailureError(f"{self.address} hands “{path}” out in pieces too small to be read.")

    @property
    def _block_bytes(self) -> int:
        """Return how much one request may ask for: what the host allows, within reason."""
        return min(self._connection.sftp.limits.max_read_len, BLOCK_BYTES_MAXIMUM)

    @asynccontextmanager
    async def _operation(
        self, path: str, *, requests: int, timeout_seconds: float | None = None
    ) -> AsyncIterator[None]:
        """Count, limit and map one operation (the library would wait for ever on a closing connection)."""
        if not self._connection.is_usable:
            raise ConnectionLostError(f"The connection to {self.address} is closed.")
        self.requests += requests
        try:
            with map_remote_errors(self.address, what=f"“{path}”"):
                async with asyncio.timeout(min(timeout_seconds or self._timeout, self._timeout)):
                    yield
        except (ConnectionLostError, RemoteTimeoutError):
            self._connection.is_broken = True
            raise


def _split(offset: int, length: int, block_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut a range into blocks of ``(offset, length)``."""
    for start in range(offset, offset + length, block_bytes):
        yield start, min(block_bytes, offset + length - start)


def _take_without_gap(contents: list[bytes], blocks: list[tuple[int, int]]) -> Iterator[bytes]:
    """Take blocks up to the first short one: what a growing file has behind that would leave a hole."""
    for content, (_, size) in zip(contents, blocks, strict=True):
        yield content
        if len(content) < size:
            return


def _build_entry(name: asyncssh.SFTPName) -> RemoteEntry:
    """Build our value from the library's, whose text fields are bytes or str by how they were asked for."""
    long_name = str(name.longname or "")
    return RemoteEntry(
        name=str(name.filename),
        size=min(name.attrs.size or 0, LARGEST_SIZE),
        modified_at_seconds=int(name.attrs.mtime or 0),
        is_directory=_is_kind(name.attrs, stat.S_IFDIR, long_name),
        is_file=_is_kind(name.attrs, stat.S_IFREG, long_name),
        is_link=_is_kind(name.attrs, stat.S_IFLNK, long_name),
    )


def _is_kind(attributes: asyncssh.SFTPAttrs, kind: int, long_name: str) -> bool:
    """Tell a file type by the mode; hosts that send none show it in front of the long name (``drwx``)."""
    if attributes.permissions is not None and stat.S_IFMT(attributes.permissions):
        return stat.S_IFMT(attributes.permissions) == kind
    return long_name[:1] == {stat.S_IFDIR: "d", stat.S_IFREG: "-", stat.S_IFLNK: "l"}[kind]


def _get_name(entry: RemoteEntry) -> str:
    return entry.name
