"""Difficult hosts, with the pool and real sockets; nothing is left behind."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from simulation.game_host.host import GameHost
from tests.fakes.clock import FakeClock
from tests.fakes.web_page import LONG_PAGE, serve_page
from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostKeyChangedError,
    HostUnreachableError,
    InvalidSecretError,
    LoginRefusedError,
    NoSshServerError,
    RemoteError,
    RemoteTimeoutError,
    TooMuchAtOnceError,
)
from utils.models.scope import GuildId
from utils.models.servers import ConnectionCount, Credentials
from utils.sftp.connection import Connector, HostConnection
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.pool import SftpConnectionPool

GUILD, OTHER_GUILD = GuildId(42), GuildId(43)
STOP_SECONDS = 10.0  # longest time for a whole shutdown


@dataclass
class Opener:
    """Connects with a timeout that a test changes: short only for a host that never answers."""

    connect_seconds: float

    async def __call__(self, guild_id: GuildId, login: HostLogin) -> HostConnection:
        """Connect."""
        limits = PoolLimits(connect_timeout_seconds=self.connect_seconds)
        return await Connector(limits).open(guild_id, login)


async def use(
    pool: SftpConnectionPool, login: HostLogin, guild_id: GuildId = GUILD, *, is_forced: bool = False
) -> None:
    """Take a loan and send one request."""
    async with pool.lend(guild_id, login, guild_limit=5, is_forced=is_forced) as session:
        await session.stat(".")


async def fail(pool: SftpConnectionPool, login: HostLogin, guild_id: GuildId = GUILD) -> RemoteError:
    """Try, and return the error."""
    with pytest.raises(RemoteError) as caught:
        await use(pool, login, guild_id)
    return caught.value


async def wait_and_use(pool: SftpConnectionPool, login: HostLogin, guild_id: GuildId = GUILD) -> None:
    """Wait like a loop, and then use the connection."""
    await pool.breakers.wait(guild_id, login, guild_limit=5)
    await use(pool, login, guild_id)


async def wait_for_count(pool: SftpConnectionPool, opened: int, waiting: int) -> None:
    """Wait until the guild has this number of connections and waiting requests."""
    while pool.count(GUILD) != ConnectionCount(opened, waiting):  # noqa: ASYNC110 - the pool has no event
        await asyncio.sleep(0)


@pytest.fixture(name="silent_host")
async def _silent_host() -> AsyncIterator[HostLogin]:
    """A port that accepts connections but never sends a banner."""
    door = socket.create_server(("127.0.0.1", 0))
    yield HostLogin("127.0.0.1", door.getsockname()[1], "renter", Credentials("secret"))
    door.close()


@pytest.mark.fault
async def test_dead_host_costs_no_connection_for_each_server_behind_it(
    host: GameHost, limits: PoolLimits
) -> None:
    """While it is away requests fail at once, in other guilds too; one success wakes all."""
    attempts = 0

    async def open_counting(guild_id: GuildId, login: HostLogin) -> HostConnection:
        nonlocal attempts
        attempts += 1
        return await Connector(limits).open(guild_id, login)

    pool = SftpConnectionPool(limits, opener=open_counting)
    login = host.login("renter")
    await host.stop()
    errors = [await fail(pool, login, GuildId(number)) for number in range(20)]
    assert ({type(error) for error in errors}, attempts) == ({HostUnreachableError}, 1)
    waiters = [asyncio.create_task(wait_and_use(pool, login, GuildId(number))) for number in range(20)]
    await host.start()
    await asyncio.gather(*waiters)
    assert host.connections_opened == 20
    await pool.aclose()


@pytest.mark.fault
async def test_host_that_never_speaks_is_known_to_all_and_found_when_it_does(
    root: Path, limits: PoolLimits
) -> None:
    """It costs one connect timeout for all servers; when it answers again, all go on."""
    opener = Opener(connect_seconds=0.5)
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    login = HostLogin("127.0.0.1", port, "renter", Credentials("s3cret-pass"))
    pool = SftpConnectionPool(limits, opener=opener)
    error = await fail(pool, login)
    assert (type(error), error.is_of_host) == (RemoteTimeoutError, True)
    assert await fail(pool, replace(login, username="other"), OTHER_GUILD) is error
    waiter = asyncio.create_task(wait_and_use(pool, login))
    opener.connect_seconds = limits.connect_timeout_seconds
    door.close()
    async with GameHost(root, {"renter": "s3cret-pass"}, port=port):
        await waiter
    await pool.aclose()


@pytest.mark.fault
async def test_host_with_a_page_in_its_place_is_one_matter_and_found_when_the_page_has_gone(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """All its logins wait, none counts as refused, and one try finds the SSH server again."""
    first, second = host.login("renter"), replace(host.login("renter"), credentials=Credentials("wrong"))
    await host.stop()
    async with serve_page(LONG_PAGE, port=host.port):
        error = await fail(pool, first)
        assert isinstance(error, NoSshServerError)
        assert await fail(pool, second) is error
        found = [pool.breakers.find_obstacle(GUILD, login) for login in (first, second)]
        assert found[0] is not None
        assert (found[0], found[0].next_try_at is None) == (found[1], False)
        waiter = asyncio.create_task(wait_and_use(pool, first))
        await asyncio.sleep(0)
    await host.start()
    await waiter


@pytest.mark.fault
async def test_host_is_found_again_when_its_name_resolves_again(host: GameHost, limits: PoolLimits) -> None:
    """A failing name server is an outage like any other."""
    is_resolved = False

    async def open_by_name(guild_id: GuildId, login: HostLogin) -> HostConnection:
        known = replace(login, host=host.address if is_resolved else "no-such-host.invalid")
        return await Connector(limits).open(guild_id, known)

    pool = SftpConnectionPool(limits, opener=open_by_name)
    login = replace(host.login("renter"), host="game.example")
    assert "no host named" in str(await fail(pool, login))
    waiter = asyncio.create_task(wait_and_use(pool, login))
    is_resolved = True
    await waiter
    await pool.aclose()


@pytest.mark.fault
async def test_login_refused_is_known_to_its_guild_alone_until_the_secret_is_another(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """After a changed password there is one refusal; an edited login is tried at once."""
    wrong = replace(host.login("renter"), credentials=Credentials("yesterdays"))
    errors = [await fail(pool, wrong) for _ in range(25)]
    assert ({type(error) for error in errors}, host.connections_opened) == ({LoginRefusedError}, 1)
    assert isinstance(await fail(pool, wrong, OTHER_GUILD), LoginRefusedError)
    assert host.connections_opened == 2
    await use(pool, host.login("renter"))
    pool.breakers.forgive(GUILD, wrong)
    await fail(pool, wrong)
    assert host.connections_opened == 4


@pytest.mark.fault
async def test_host_that_returns_with_another_key_stops_those_who_pinned_the_old_one(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """After the outage it may be another machine, so it is tried once and no more."""
    pinned = host.login("renter", host_key=host.host_key)
    await use(pool, pinned)
    await host.stop()
    await pool.close_guild(GUILD)
    assert isinstance(await fail(pool, pinned), HostUnreachableError)
    waiter = asyncio.create_task(wait_and_use(pool, pinned))
    await host.change_host_key()
    with pytest.raises(HostKeyChangedError):
        await waiter
    seen = host.connections_opened
    assert isinstance(await fail(pool, pinned), HostKeyChangedError)
    assert host.connections_opened == seen
    await use(pool, host.login("renter", host_key=host.host_key))


@pytest.mark.fault
async def test_host_that_closes_each_channel_is_told_and_one_login_stops_no_other(
    host: GameHost, limits: PoolLimits
) -> None:
    """The login succeeds, but channels fail. Only this login is affected, and is tried again."""
    pool = SftpConnectionPool(limits)
    host.faults.close_channels = True
    error = await fail(pool, host.login("renter"))
    assert (error.is_lasting, error.is_of_host) == (False, False)
    assert pool.breakers.find_obstacle(OTHER_GUILD, host.login("renter")) is None
    waiter = asyncio.create_task(wait_and_use(pool, host.login("renter")))
    host.faults.clear()
    await waiter
    await pool.aclose()


@pytest.mark.fault
async def test_slow_handshake_is_waited_for_and_one_too_slow_is_the_matter_of_its_login(
    host: GameHost, limits: PoolLimits
) -> None:
    """Half a second does not count as an outage; above the limit only the login fails, not the host."""
    opener = Opener(connect_seconds=limits.connect_timeout_seconds)
    pool = SftpConnectionPool(limits, opener=opener)
    host.faults.slow_login_seconds = 0.5
    await use(pool, host.login("renter"))
    await pool.close_guild(GUILD)
    host.faults.slow_login_seconds, opener.connect_seconds = 60, 2
    error = await fail(pool, host.login("renter"))
    assert (type(error), error.is_of_host) == (RemoteTimeoutError, False)
    host.faults.clear()
    opener.connect_seconds = limits.connect_timeout_seconds
    await use(pool, host.login("renter"), OTHER_GUILD)
    await pool.aclose()


@pytest.mark.fault
async def test_forced_lease_tries_although_nobody_else_may(host: GameHost, limits: PoolLimits) -> None:
    """A test by a person asks the host again, and its result counts for all."""
    pool = SftpConnectionPool(limits)
    login = host.login("renter")
    host.faults.refuse_logins = True
    await fail(pool, login)
    waiter = asyncio.create_task(wait_and_use(pool, login))
    with pytest.raises(LoginRefusedError):
        await use(pool, login, is_forced=True)
    assert (host.connections_opened, waiter.done()) == (2, False)
    host.faults.clear()
    await use(pool, login, is_forced=True)
    await waiter
    assert host.connections_opened == 3
    await pool.aclose()


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_old_server_stops_only_those_who_did_not_allow_old_algorithms(
    root: Path, pool: SftpConnectionPool
) -> None:
    """A guild with the option reads; the other guild learns about it, and its server waits."""
    async with GameHost(root, {"renter": "s3cret-pass"}, is_legacy=True) as old:
        error = await fail(pool, old.login("renter"), OTHER_GUILD)
        assert isinstance(error, HandshakeRefusedError)
        assert "only has old SSH encryption" in str(error)
        await use(pool, old.login("renter", legacy=True))
        obstacle = pool.breakers.find_obstacle(OTHER_GUILD, old.login("renter"))
        assert obstacle is not None
        assert obstacle.next_try_at is None


@pytest.mark.fault
async def test_pool_ends_in_time_while_handshakes_are_under_way(silent_host: HostLogin) -> None:
    """A stop does not wait for hosts: attempts, waiters, tries and sockets end."""
    pool = SftpConnectionPool(PoolLimits())
    users = [replace(silent_host, username=f"user{number}") for number in range(12)]
    loans = [asyncio.create_task(use(pool, login)) for login in users]
    await wait_for_count(pool, 4, 8)
    async with asyncio.timeout(STOP_SECONDS):
        await pool.aclose()
    results = await asyncio.gather(*loans, return_exceptions=True)
    assert {type(result) for result in results} == {ConnectionLostError}
    assert pool.count(GUILD) == ConnectionCount(0, 0)


@pytest.mark.fault
async def test_guild_that_leaves_while_its_connections_are_opened_holds_nothing(
    host: GameHost, silent_host: HostLogin, limits: PoolLimits
) -> None:
    """Opening, waiting and idle connections and all memory of the guild end; those of others stay."""
    pool = SftpConnectionPool(limits)
    await use(pool, host.login("renter"))
    await use(pool, host.login("renter"), OTHER_GUILD)
    wrong = replace(host.login("renter"), credentials=Credentials("wrong"))
    await fail(pool, wrong)
    users = [replace(silent_host, username=f"user{number}") for number in range(8)]
    loans = [asyncio.create_task(use(pool, login)) for login in users]
    await wait_for_count(pool, 5, 4)
    async with asyncio.timeout(STOP_SECONDS):
        await pool.close_guild(GUILD)
    results = await asyncio.gather(*loans, return_exceptions=True)
    assert {type(result) for result in results} == {ConnectionLostError}
    await host.wait_for_connections(1)
    assert (pool.count(GUILD), pool.count(OTHER_GUILD)) == (ConnectionCount(0, 0), ConnectionCount(1, 0))
    assert pool.breakers.find_obstacle(GUILD, wrong) is None
    await pool.aclose()


@pytest.mark.fault
async def test_server_removed_while_its_connection_waits_costs_nobody_their_turn(
    silent_host: HostLogin, host: GameHost
) -> None:
    """A waiting request leaves the queue, and so does a running handshake."""
    pool = SftpConnectionPool(PoolLimits(handshakes_per_host=1))
    opening = asyncio.create_task(use(pool, silent_host))
    waiting = asyncio.create_task(use(pool, replace(silent_host, username="other")))
    await wait_for_count(pool, 1, 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert pool.count(GUILD) == ConnectionCount(1, 0)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await use(pool, host.login("renter"))
    await pool.aclose()


@pytest.mark.fault
async def test_key_that_cannot_be_used_is_refused_before_it_takes_a_place(silent_host: HostLogin) -> None:
    """It takes no handshake and no wait, and affects neither the host nor other guilds."""
    pool = SftpConnectionPool(PoolLimits(handshakes_per_host=1))
    opening = asyncio.create_task(use(pool, silent_host))
    await wait_for_count(pool, 1, 0)
    wrong = replace(
        silent_host, username="other", credentials=Credentials(private_key="PuTTY-User-Key-File-3")
    )
    for is_forced in (False, True):
        with pytest.raises(InvalidSecretError, match="PuTTY"):
            await use(pool, wrong, is_forced=is_forced)
    assert pool.count(GUILD) == ConnectionCount(1, 0)
    assert pool.breakers.find_obstacle(OTHER_GUILD, silent_host) is None
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await pool.aclose()


@pytest.mark.fault
async def test_tests_by_hand_are_few_at_once_and_a_minute(silent_host: HostLogin, host: GameHost) -> None:
    """The guild's people have to wait; other guilds and the polls do not."""
    clock = FakeClock()
    pool = SftpConnectionPool(PoolLimits(handshake_spacing_seconds=0), clock=clock)
    hanging = [
        asyncio.create_task(use(pool, replace(silent_host, username=f"user{number}"), is_forced=True))
        for number in range(2)
    ]
    await wait_for_count(pool, 2, 0)
    with pytest.raises(TooMuchAtOnceError, match="2 tests of this Discord server are still running"):
        await use(pool, host.login("renter"), is_forced=True)
    await use(pool, host.login("renter"))
    await use(pool, host.login("renter"), OTHER_GUILD, is_forced=True)
    for test in hanging:
        test.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await clock.advance(20)
    for _ in range(8):
        await use(pool, host.login("renter"), is_forced=True)
    with pytest.raises(
        TooMuchAtOnceError, match=r"tested game hosts 10 times within a minute\. Try again in 40 seconds\."
    ):
        await use(pool, host.login("renter"), is_forced=True)
    assert host.connections_opened == 2
    await clock.advance(40)
    await use(pool, host.login("renter"), is_forced=True)
    await pool.aclose()


@pytest.mark.fault
async def test_people_of_a_guild_have_few_wrong_logins_tried(host: GameHost) -> None:
    """The limit counts all names of a host; other guilds, right logins and polls are not affected."""
    clock = FakeClock()
    pool = SftpConnectionPool(PoolLimits(handshake_spacing_seconds=0), clock=clock)
    right = host.login("renter")
    for number in range(4):
        wrong = replace(right, username=f"user{number}", host=("127.0.0.1", "localhost")[number % 2])
        await clock.advance(5)
        with pytest.raises(LoginRefusedError):
            await use(pool, wrong, is_forced=True)
    for login in (wrong, right):
        with pytest.raises(TooMuchAtOnceError, match=r"refused 4 logins .* try again in 10 minutes\."):
            await use(pool, login, is_forced=True)
    assert host.connections_opened == 4
    await use(pool, right)
    await use(pool, right, OTHER_GUILD, is_forced=True)
    await clock.advance(585)
    await use(pool, right, is_forced=True)
    await pool.aclose()
