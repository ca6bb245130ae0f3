"""The whole way with OpenSSH, the server of real hosters."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulation.game_host.battle import Battle
from simulation.game_host.log_files import GameServerFiles
from simulation.game_host.openssh import OpenSshHost
from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostKeyChangedError,
    InvalidInputError,
    RemoteFileMissingError,
)
from utils.models.scope import GuildId
from utils.models.servers import ConnectionCount
from utils.sftp.discovery import find_death_logs
from utils.sftp.listing import list_death_logs
from utils.sftp.pool import SftpConnectionPool

GUILD = GuildId(42)

pytestmark = pytest.mark.skipif(
    OpenSshHost.find_program() is None, reason="OpenSSH's server (sshd) is not installed"
)

OLD_ALGORITHMS = """\
KexAlgorithms diffie-hellman-group14-sha1
HostKeyAlgorithms ssh-rsa
Ciphers aes128-cbc
MACs hmac-sha1
"""


@pytest.fixture(name="openssh")
async def _openssh(root: Path, tmp_path: Path) -> AsyncIterator[OpenSshHost]:
    async with OpenSshHost(root, tmp_path / "sshd") as host:
        yield host


async def test_logs_are_found_listed_and_read(
    openssh: OpenSshHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Login by key, pinned key, discovery, listing, and every byte of a day, also by ranges."""
    files = GameServerFiles(root)
    files.append(*itertools.islice(Battle().rows(), 300))
    content = {path.name: path.read_bytes() for path in files.deathlogs.glob("*/*.csv")}
    login = openssh.login(host_key=openssh.host_key)
    async with pool.lend(GUILD, login, guild_limit=1) as session:
        assert session.host_key == openssh.host_key
        folder = await find_death_logs(session, base_path=None, host="127.0.0.1", number=1)
        listing = await list_death_logs(session, folder)
        read = {
            entry.file.name: await session.read(entry.path, offset=0, length=entry.size)
            for entry in listing.files
        }
        newest = listing.files[-1]
        end = await session.read(newest.path, offset=newest.size - 10, length=100)
        with pytest.raises(RemoteFileMissingError):
            await session.stat("gone")
    assert read == content
    assert end == content[newest.file.name][-10:]


async def test_game_outside_the_logins_folder_is_read_by_its_whole_path(
    openssh: OpenSshHost, pool: SftpConnectionPool, root: Path, tmp_path: Path
) -> None:
    """The host decides what a login may read; below such a path links may lead anywhere."""
    files = GameServerFiles(tmp_path / "srv", number=7020)
    files.append(*itertools.islice(Battle().rows(), 3))
    (tmp_path / "store.csv").write_bytes(b"elsewhere\n")
    (files.deathlogs / "world_0/2020.01.01-00.00.00.csv").symlink_to(tmp_path / "store.csv")
    (root / "games").symlink_to(tmp_path / "srv")
    async with pool.lend(GUILD, openssh.login(), guild_limit=1) as session:
        with pytest.raises(InvalidInputError, match=f"leads out of .* enter “{tmp_path}/srv”"):
            await find_death_logs(session, base_path="games", host="127.0.0.1", number=7020)
        for typed in (f"{tmp_path}/srv/127.0.0.1_7020", f"{tmp_path}\\srv\\"):
            folder = await find_death_logs(session, base_path=typed, host="127.0.0.1", number=7020)
            assert folder == f"{tmp_path}/srv/127.0.0.1_7020/actual1/deathlogs"
        listing = await list_death_logs(session, folder)
        first, second = listing.files
        assert await session.read(first.path, offset=0, length=first.size) == b"elsewhere\n"
        assert second.file.world == "world_0"


async def test_link_out_of_the_logins_folder_is_told_and_not_followed(
    openssh: OpenSshHost, pool: SftpConnectionPool, root: Path, tmp_path: Path
) -> None:
    """An admin learns why its rows are missing."""
    files = GameServerFiles(root)
    files.append(*itertools.islice(Battle().rows(), 3))
    (tmp_path / "store.csv").write_bytes(b"elsewhere\n")
    (files.deathlogs / "world_0/2020.01.01-00.00.00.csv").symlink_to(tmp_path / "store.csv")
    async with pool.lend(GUILD, openssh.login(), guild_limit=1) as session:
        folder = await find_death_logs(session, base_path=None, host="127.0.0.1", number=None)
        listing = await list_death_logs(session, folder)
    assert len(listing.files) == 1
    assert tuple(map(str, listing.refused)) == (
        f"“{folder}/world_0/2020.01.01-00.00.00.csv” leads out of the login's folder, so I don't read it.",
    )


async def test_name_that_is_no_text_costs_nothing_else(
    openssh: OpenSshHost, pool: SftpConnectionPool, root: Path
) -> None:
    """An old archive next to the servers and a file next to the logs have such names."""
    files = GameServerFiles(root)
    files.append(*itertools.islice(Battle().rows(), 3))
    for place in (root, files.deathlogs / "world_0"):
        (place / os.fsdecode(b"Sauvegarde_f\xe9vrier.csv")).touch()
    async with pool.lend(GUILD, openssh.login(), guild_limit=1) as session:
        folder = await find_death_logs(session, base_path=None, host="127.0.0.1", number=None)
        listing = await list_death_logs(session, folder)
    assert len(listing.files) == 1
    assert tuple(map(str, listing.refused)) == (
        f"“{folder}/world_0” has 1 name I can't read. Rename it if it's a log.",
    )
    assert pool.count(GUILD) == ConnectionCount(1, 0)


async def test_megabytes_arrive_whole(openssh: OpenSshHost, pool: SftpConnectionPool, root: Path) -> None:
    """Requests stay within OpenSSH's limit for one message."""
    content = os.urandom(8_000_003)
    (root / "big.csv").write_bytes(content)
    async with pool.lend(GUILD, openssh.login(), guild_limit=1) as session:
        assert await session.read("big.csv", offset=0, length=len(content)) == content
        assert await session.read("big.csv", offset=0, length=len(content) + 1_000_000) == content


async def test_another_host_key_is_seen(
    openssh: OpenSshHost, pool: SftpConnectionPool, root: Path, tmp_path: Path
) -> None:
    """The pin works with a real server too."""
    other = OpenSshHost(root, tmp_path / "other")
    with pytest.raises(HostKeyChangedError):
        async with pool.lend(GUILD, openssh.login(host_key=other.host_key), guild_limit=1):
            pass


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_old_algorithms_need_legacy(pool: SftpConnectionPool, root: Path, tmp_path: Path) -> None:
    """A real old server is refused with a reason, and works with the option."""
    async with OpenSshHost(root, tmp_path / "old", more_configuration=OLD_ALGORITHMS) as host:
        # the server also closes by itself, and on a busy machine that may be all that arrives
        with pytest.raises((HandshakeRefusedError, ConnectionLostError), match="legacy"):
            async with pool.lend(GUILD, host.login(), guild_limit=1):
                pass
        async with pool.lend(GUILD, host.login(legacy=True), guild_limit=1) as session:
            assert (await session.stat(".")).is_directory
            assert session.host_key == host.host_key


async def test_host_that_allows_one_session_a_connection_is_read_by_many_at_once(
    pool: SftpConnectionPool, root: Path, tmp_path: Path
) -> None:
    """Any number of servers with one login share one channel of one connection."""
    async with OpenSshHost(root, tmp_path / "strict", more_configuration="MaxSessions 1\n") as host:

        async def read() -> bool:
            async with pool.lend(GUILD, host.login(), guild_limit=1) as session:
                return (await session.stat(".")).is_directory

        assert await asyncio.gather(*(read() for _ in range(12))) == [True] * 12
        assert pool.count(GUILD) == ConnectionCount(1, 0)
