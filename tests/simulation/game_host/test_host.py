"""The simulated host, used by a plain SFTP client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from simulation.game_host.host import GameHost, HostUser


@pytest.fixture(name="host")
async def _host(tmp_path: Path) -> AsyncIterator[GameHost]:
    (tmp_path / "guest").mkdir()
    users: dict[str, str | HostUser] = {"renter": "secret", "guest": HostUser("guest-secret", folder="guest")}
    async with GameHost(tmp_path, users) as host:
        yield host


@asynccontextmanager
async def enter(host: GameHost, username: str = "renter") -> AsyncIterator[asyncssh.SFTPClient]:
    """Log in like any SFTP client."""
    async with (
        asyncssh.connect(
            host.address,
            host.port,
            username=username,
            password=host.users[username].password,
            known_hosts=None,
            config=None,
            client_keys=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        yield sftp


async def test_user_is_locked_into_a_folder(host: GameHost, tmp_path: Path) -> None:
    """A user sees only their own folder, with any path."""
    (tmp_path / "a.csv").write_text("above")
    (tmp_path / "guest" / "b.csv").write_text("mine")
    async with enter(host, "guest") as sftp:
        assert sorted(await sftp.listdir("/")) == [".", "..", "b.csv"]
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.stat("../a.csv")


async def test_requests_and_connections_are_counted(host: GameHost, tmp_path: Path) -> None:
    """A benchmark can measure the requests of a poll."""
    (tmp_path / "a.csv").write_text("abc")
    async with enter(host) as sftp:
        await sftp.stat("a.csv")
        async with sftp.open("a.csv", "rb") as file:
            await file.read(3)
        await sftp.listdir(".")
        assert (host.connections, host.connections_opened) == (1, 1)
    assert dict(host.requests) == {"stat": 1, "open": 1, "read": 1, "close": 1, "list": 1}
    await host.wait_for_connections(0)
    assert repr(host) == f"<GameHost 127.0.0.1:{host.port} up, connections: 0>"


async def test_outage_ends_on_the_same_port_with_the_same_key(host: GameHost) -> None:
    """A host that goes down and up keeps its port and key; a changed key is another host."""
    port, key = host.port, host.host_key
    await host.stop()
    with pytest.raises(ConnectionRefusedError):
        async with enter(host):
            pass
    await host.start()
    async with enter(host):
        assert (host.port, host.host_key) == (port, key)
    await host.change_host_key()
    assert host.port == port
    assert host.host_key != key


async def test_connection_that_comes_in_as_the_host_goes_down_is_cut_off(host: GameHost) -> None:
    """A connection that arrives during the shutdown is cut too, because no other code would end it."""

    class LateConnection:
        is_cut_off = False

        def abort(self) -> None:
            self.is_cut_off = True

    late = LateConnection()
    await host.stop()
    host.enter(late)
    await asyncio.sleep(0)
    assert (late.is_cut_off, host.connections) == (True, 0)
    await host.start()


async def test_two_hosts_live_side_by_side(host: GameHost, tmp_path: Path) -> None:
    """Hosts in one process share nothing."""
    async with GameHost(tmp_path, {"renter": "secret"}) as other:
        other.faults.refuse_logins = True
        async with enter(host):
            assert (host.connections, other.connections) == (1, 0)
            assert host.host_key != other.host_key


@pytest.mark.fault
async def test_faults_happen_and_are_mended(host: GameHost, tmp_path: Path) -> None:
    """Each fault works as documented, and ``clear`` ends them all."""
    (tmp_path / "a.csv").write_text("abcdef")
    (tmp_path / "closed").mkdir()
    faults = host.faults
    async with enter(host) as sftp:
        faults.short_reads, faults.size_lie, faults.denied_paths = 2, 100, {"closed"}
        async with sftp.open("a.csv", "rb", block_size=0) as file:
            first: object = await file.read(6, 0)
            assert first == b"ab"
        assert (await sftp.stat("a.csv")).size == 106
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.listdir("closed/below")
        faults.stall("stat")
        answer = asyncio.create_task(sftp.stat("a.csv"))
        await asyncio.wait([answer], timeout=0.05)
        assert not answer.done()
        faults.clear()
        assert (await answer).size == 6
        assert await sftp.listdir("closed") == [".", ".."]
        faults.refuse_logins = True
        with pytest.raises(asyncssh.PermissionDenied):
            async with enter(host):
                pass
        faults.clear()
        faults.maximum_connections = 1
        with pytest.raises((asyncssh.ConnectionLost, ConnectionResetError)):
            async with enter(host):
                pass
        faults.cut_after_bytes = 3
        async with sftp.open("a.csv", "rb") as file:
            with pytest.raises((asyncssh.SFTPConnectionLost, asyncssh.ConnectionLost)):
                await file.read(6)
    await host.wait_for_connections(0)
