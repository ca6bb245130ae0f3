"""Attributes, listings and reads of a host."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from asyncssh import SFTPClient, SSHClientConnection

from simulation.game_host.host import GameHost
from utils.errors import (
    ConnectionLostError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
    RemoteTimeoutError,
)
from utils.models.scope import GuildId
from utils.models.servers import ConnectionCount
from utils.sftp.connection import HostConnection
from utils.sftp.host_keys import HostKeyPin
from utils.sftp.login import PoolLimits
from utils.sftp.pool import SftpConnectionPool
from utils.sftp.session import JOINED_BYTES, FolderScan, ListingBudget, RemoteEntry, RemoteStat, SftpSession

GUILD = GuildId(42)


async def test_stat_is_one_request_and_tells_size_and_time(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A quiet poll needs exactly one request."""
    (root / "a.csv").write_bytes(b"12345")
    os.utime(root / "a.csv", (1000, 2000))
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        host.requests.clear()
        assert await session.stat("a.csv") == RemoteStat(5, 2000, is_directory=False)
        assert (await session.stat(".")).is_directory
        assert (dict(host.requests), session.requests) == ({"stat": 2}, 2)


async def test_listing_tells_files_and_folders_and_marks_links_as_neither(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A link may lead anywhere, so it is neither a file nor a folder."""
    (root / "b").mkdir()
    (root / "a.csv").write_bytes(b"123")
    (root / "c").symlink_to("/etc")
    for name in ("a.csv", "b"):
        os.utime(root / name, (1000, 2000))
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        entries: list[RemoteEntry] = []
        scan = await session.scan(".", entries.append, budget=ListingBudget(100))
    file, folder, link = sorted(entries, key=lambda entry: entry.name)
    assert scan == FolderScan(seen=5)
    assert file == RemoteEntry("a.csv", 3, 2000, is_directory=False, is_file=True)
    assert (folder.name, folder.is_directory, folder.is_file) == ("b", True, False)
    assert (link.name, link.is_directory, link.is_file) == ("c", False, False)


async def test_size_that_no_number_of_the_database_holds_is_the_largest_that_one_does(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """SFTP has sizes of 64 bits without a sign; the existing bytes can be read."""
    (root / "a.csv").write_bytes(b"12345")
    host.faults.size_lie = 2**64 - 6
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        assert (await session.stat("a.csv")).size == 2**63 - 1
        entries: list[RemoteEntry] = []
        await session.scan(".", entries.append, budget=ListingBudget(100))
        assert [entry.size for entry in entries if entry.name == "a.csv"] in ([5], [2**63 - 1])
        assert await session.read("a.csv", offset=3, length=2**20) == b"45"


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, 3, b"abc"), (3, 3, b"def"), (4, 100, b"ef"), (6, 5, b""), (0, 0, b"")],
)
async def test_reading_returns_what_exists_of_the_range(
    host: GameHost, pool: SftpConnectionPool, root: Path, offset: int, length: int, expected: bytes
) -> None:
    """A range past the end returns the existing bytes, and never more than the range."""
    (root / "a.csv").write_bytes(b"abcdef")
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        assert await session.read("a.csv", offset=offset, length=length) == expected


async def test_reading_new_bytes_takes_open_read_and_close(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Close ranges share one request, and no request goes past the end."""
    (root / "a.csv").write_bytes(b"abcdef" + bytes(JOINED_BYTES))
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        for ranges, found, reads in (
            ([(0, 2), (4, 2)], (b"ab", b"ef"), 1),
            ([(0, 2), (4, JOINED_BYTES - 4)], (b"ab", b"ef" + bytes(JOINED_BYTES - 6)), 1),
            ([(0, 2), (JOINED_BYTES, 6)], (b"ab", bytes(6)), 2),
        ):
            host.requests.clear()
            assert await session.read_ranges("a.csv", ranges) == found
            assert dict(host.requests) == {"open": 1, "read": reads, "close": 1}
        assert session.requests == 3 + 3 + 4


async def test_host_with_small_answers_is_asked_for_what_is_needed_alone(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The gap between two ranges would need too many small answers, so each range has its request."""
    (root / "a.csv").write_bytes(b"abcdef" + bytes(JOINED_BYTES - 8) + b"gh")
    host.faults.short_reads = 50
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        assert await session.read_ranges("a.csv", [(0, 2), (JOINED_BYTES - 2, 2)]) == (b"ab", b"gh")


@pytest.mark.parametrize("short_reads", [None, 10_000])
async def test_megabytes_arrive_whole_and_in_order(
    host: GameHost, pool: SftpConnectionPool, root: Path, short_reads: int | None
) -> None:
    """Blocks are read in parallel and joined, even if the host returns less than requested."""
    content = os.urandom(3_000_001)
    (root / "a.csv").write_bytes(content)
    host.faults.short_reads = short_reads
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        data = await session.read("a.csv", offset=1, length=3_000_000)
    assert data == content[1:]


async def test_host_that_answers_byte_by_byte_is_soon_given_up(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A short file is read; a long one is an error of the host, after few requests."""
    (root / "short.csv").write_bytes(b"abcdef")
    (root / "long.csv").write_bytes(bytes(300_000))
    host.faults.short_reads = 1
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        assert await session.read("short.csv", offset=0, length=6) == b"abcdef"
        host.requests.clear()
        with pytest.raises(RemoteFailureError, match=r"sends “long\.csv” in pieces too small"):
            await session.read("long.csv", offset=0, length=300_000)
        assert host.requests["read"] < 700
        assert (await session.stat("long.csv")).size == 300_000


async def test_bytes_behind_a_gap_are_left_out_when_a_file_shrinks(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A file that is shorter than its size returns the bytes up to its end."""
    content = os.urandom(700_000)
    (root / "a.csv").write_bytes(content)
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        assert await session.read("a.csv", offset=0, length=3_000_000) == content


async def test_missing_and_forbidden_files_are_told_apart_and_keep_the_connection(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """An error of the host does not close the connection."""
    (root / "closed").mkdir()
    host.faults.denied_paths = {"closed"}
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        with pytest.raises(RemoteFileMissingError, match=r"has no “gone\.csv”"):
            await session.stat("gone.csv")
        with pytest.raises(RemoteFileMissingError):
            await session.read("gone.csv", offset=0, length=1)
        with pytest.raises(RemotePermissionError, match="allowed to read “closed/a”"):
            await session.stat("closed/a")
    assert pool.count(GUILD) == ConnectionCount(1, 0)


@pytest.mark.fault
async def test_stalling_host_ends_in_a_timeout_and_loses_its_connection(host: GameHost, root: Path) -> None:
    """A host that stops answering costs one operation timeout."""
    (root / "a.csv").write_bytes(b"abc")
    pool = SftpConnectionPool(PoolLimits(operation_timeout_seconds=0.2))
    host.faults.stall_reads()
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        with pytest.raises(RemoteTimeoutError, match="didn't answer in time"):
            await session.read("a.csv", offset=0, length=3)
        with pytest.raises(ConnectionLostError):
            await session.stat("a.csv")
    await host.wait_for_connections(0)
    host.faults.clear()
    await pool.aclose()


@pytest.mark.fault
async def test_reader_of_a_stalling_host_ends_as_cancelled_when_he_is(host: GameHost, root: Path) -> None:
    """The failed close of the file is not reported, because the caller relies on the cancellation."""
    (root / "a.csv").write_bytes(b"abc")
    pool = SftpConnectionPool(PoolLimits(operation_timeout_seconds=2))
    host.faults.stall("read", "close")

    async def read() -> None:
        async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
            await session.read("a.csv", offset=0, length=3)

    reading = asyncio.create_task(read())
    async with asyncio.timeout(60):
        while not host.requests["read"]:  # noqa: ASYNC110 - the host has no event
            await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await host.wait_for_connections(0)
    host.faults.clear()
    await pool.aclose()


class SilentFolders:
    """Never answers until its connection is cut; the library waits for it without end."""

    def __init__(self) -> None:
        self.is_cut = asyncio.Event()
        self.is_asked = asyncio.Event()

    async def scandir(self, path: bytes) -> AsyncIterator[object]:
        """Answer nothing."""
        del path
        self.is_asked.set()
        try:
            await asyncio.Event().wait()
            yield
        finally:
            await self.is_cut.wait()

    def abort(self) -> None:
        """Cut the connection."""
        self.is_cut.set()

    def is_closed(self) -> bool:
        """Tell whether the connection was cut."""
        return self.is_cut.is_set()


@pytest.mark.fault
@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_listing_of_a_silent_host_ends(is_cancelled: bool) -> None:  # noqa: FBT001 - a row of the table
    """It ends with a timeout or a cancellation, and so does the library's clean-up."""
    host = SilentFolders()
    connection = HostConnection(
        "host:22", "", cast("SFTPClient", host), cast("SSHClientConnection", host), HostKeyPin(None)
    )
    session = SftpSession(connection, operation_timeout_seconds=0.5 if is_cancelled else 0.01)
    listing = asyncio.ensure_future(session.scan("logs", print, budget=ListingBudget(10)))
    await host.is_asked.wait()
    if is_cancelled:
        listing.cancel()
    with pytest.raises(asyncio.CancelledError if is_cancelled else RemoteTimeoutError):
        await listing
    assert not connection.is_usable


@pytest.mark.fault
async def test_connection_cut_in_the_middle_of_a_read_is_lost_and_replaced(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A partial read is an error; the next loan gets a new connection."""
    (root / "a.csv").write_bytes(os.urandom(2_000_000))
    host.faults.cut_after_bytes = 900_000
    with pytest.raises(ConnectionLostError, match="closed the connection"):
        async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
            await session.read("a.csv", offset=0, length=2_000_000)
    host.faults.clear()
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        assert (await session.stat("a.csv")).size == 2_000_000
    assert host.connections_opened == 2
