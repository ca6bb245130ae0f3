"""The pool with real connections: sharing, limits, faults, and nothing left behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulation.game_host.host import GameHost
from utils.errors import (
    ConnectionLostError,
    HostUnreachableError,
    LoginRefusedError,
    TooManyConnectionsError,
)
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.sftp.connection import Connector, HostConnection
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.pool import SftpConnectionPool

GUILD, OTHER_GUILD = GuildId(42), GuildId(43)


class HandClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        """Return the wall-clock time."""
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        """Return the hand's position."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Move it."""
        self.seconds += seconds


@pytest.fixture(name="clock")
def _clock() -> HandClock:
    return HandClock()


@pytest.fixture(name="timed_pool")
async def _timed_pool(limits: PoolLimits, clock: HandClock) -> AsyncIterator[SftpConnectionPool]:
    pool = SftpConnectionPool(limits, clock=clock)
    yield pool
    await pool.aclose()


@pytest.fixture(name="wide_host")
async def _wide_host(root: Path) -> AsyncIterator[GameHost]:
    async with GameHost(root, {name: f"secret-{name}" for name in "abcdef"}) as host:
        yield host


async def use(pool: SftpConnectionPool, login: HostLogin, guild_id: GuildId = GUILD, limit: int = 1) -> None:
    """Take a loan and send one request."""
    async with pool.lend(guild_id, login, guild_limit=limit) as session:
        await session.stat(".")


def show(connections: int, uses: str, *, waiting: int) -> str:
    """Return the repr of a pool without known failures."""
    return (
        f"<SftpConnectionPool connections: {connections}/1000 ({uses}), waiting: {waiting},"
        " failing: 0 (0 waiting)>"
    )


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition without an event."""
    while not condition():  # noqa: ASYNC110 - the other side has no event to wait for
        await asyncio.sleep(0.001)


async def wait_until_waiting(pool: SftpConnectionPool, count: int) -> None:
    """Wait until this number of requests is in the pool's queue."""
    await wait_until(lambda: f"waiting: {count}, failing" in repr(pool))


async def hang_up(host: GameHost, pool: SftpConnectionPool) -> None:
    """Cut all connections, and wait until both sides have noticed."""
    host.cut_connections()
    await host.wait_for_connections(0)
    links = list(pool._links.values())
    await wait_until(lambda: not any(link.is_usable for link in links))


async def test_connection_is_used_again_by_the_next_lease(host: GameHost, pool: SftpConnectionPool) -> None:
    """One login uses one connection for all its requests."""
    for _ in range(3):
        await use(pool, host.login("renter"))
    assert host.connections_opened == 1
    assert repr(pool) == show(1, "0 active, 1 idle", waiting=0)


async def test_simultaneous_leases_share_one_attempt_and_one_connection(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """Eight polls at once share one connection."""
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(use(pool, host.login("renter")))
    assert host.connections_opened == 1


async def test_leases_beyond_the_bound_of_one_connection_wait_for_it(
    host: GameHost, limits: PoolLimits
) -> None:
    """The ninth loan waits and then uses the same connection."""
    pool = SftpConnectionPool(limits)
    async with AsyncExitStack() as loans:
        for _ in range(limits.max_loans_per_connection):
            await loans.enter_async_context(pool.lend(GUILD, host.login("renter"), guild_limit=5))
        ninth = asyncio.create_task(use(pool, host.login("renter"), limit=5))
        await wait_until_waiting(pool, 1)
        assert repr(pool) == show(1, "1 active, 0 idle", waiting=1)
    await ninth
    await pool.aclose()
    assert host.connections_opened == 1


async def test_two_guilds_with_the_same_login_do_not_share(host: GameHost, pool: SftpConnectionPool) -> None:
    """Guilds do not share sockets."""
    await use(pool, host.login("renter"), GUILD)
    await use(pool, host.login("renter"), OTHER_GUILD)
    assert host.connections == 2


async def test_guild_never_holds_more_than_its_limit_and_everybody_gets_a_turn(
    wide_host: GameHost, pool: SftpConnectionPool
) -> None:
    """Six logins share two connections: idle ones are closed, and all logins are served."""
    most = 0

    async def work(name: str) -> None:
        nonlocal most
        async with pool.lend(GUILD, wide_host.login(name), guild_limit=2) as session:
            await session.stat(".")
            most = max(most, wide_host.connections)

    async with asyncio.TaskGroup() as group:
        for name in "abcdef" * 3:
            group.create_task(work(name))
    assert most <= 2
    assert wide_host.connections <= 2


async def test_limit_over_all_holds_across_guilds(wide_host: GameHost, limits: PoolLimits) -> None:
    """An idle connection of one guild is closed for another guild."""
    pool = SftpConnectionPool(PoolLimits(max_connections=1, wait_timeout_seconds=limits.wait_timeout_seconds))
    for number, name in enumerate("abc"):
        await use(pool, wide_host.login(name), GuildId(number), limit=5)
        assert wide_host.connections == 1
    await pool.aclose()


async def test_waiting_too_long_is_refused_with_a_reason(wide_host: GameHost) -> None:
    """A request without a free connection does not wait for ever."""
    pool = SftpConnectionPool(PoolLimits(wait_timeout_seconds=0.1))
    async with pool.lend(GUILD, wide_host.login("a"), guild_limit=1):
        with pytest.raises(TooManyConnectionsError, match="busy"):
            await use(pool, wide_host.login("b"))
        assert repr(pool) == show(1, "1 active, 0 idle", waiting=0)
    pool.retire(GUILD, wide_host.login("a"))
    # the closing goes on in the background
    await wait_until(lambda: repr(pool) == show(0, "0 active, 0 idle", waiting=0))
    await use(pool, wide_host.login("b"))
    await pool.aclose()


async def test_cancelled_waiter_leaves_the_queue_and_the_next_is_served(
    wide_host: GameHost, pool: SftpConnectionPool
) -> None:
    """A cancelled request does not delay the others."""
    async with pool.lend(GUILD, wide_host.login("a"), guild_limit=1):
        waiters = [asyncio.create_task(use(pool, wide_host.login(name))) for name in "bc"]
        await wait_until_waiting(pool, 2)
        waiters[0].cancel()
    await waiters[1]
    assert waiters[0].cancelled()
    assert repr(pool) == show(1, "0 active, 1 idle", waiting=0)


@pytest.mark.parametrize("wait_seconds", [10, 0])
async def test_lease_that_ends_as_its_waiter_gives_up_is_lent_to_the_next(
    host: GameHost, wait_seconds: float
) -> None:
    """A request that was cancelled or timed out gets nothing, although it leaves the queue a turn later."""
    pool = SftpConnectionPool(PoolLimits(max_loans_per_connection=1, wait_timeout_seconds=wait_seconds))
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1):
        waiter = asyncio.create_task(use(pool, host.login("renter")))
        for _ in range(2):  # into the queue; then its time is over, if it has none
            await asyncio.sleep(0)
        assert repr(pool) == show(1, "1 active, 0 idle", waiting=1)
        if wait_seconds:
            waiter.cancel()
    assert repr(pool) == show(1, "0 active, 1 idle", waiting=0)
    await use(pool, host.login("renter"))
    await asyncio.wait([waiter])
    assert waiter.cancelled() or isinstance(waiter.exception(), TooManyConnectionsError)
    assert host.connections_opened == 1
    await pool.aclose()


@pytest.mark.fault
async def test_attempt_goes_on_when_one_of_two_waiters_is_cancelled(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """The attempt belongs to all waiters."""
    first = asyncio.create_task(use(pool, host.login("renter")))
    second = asyncio.create_task(use(pool, host.login("renter")))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert host.connections_opened == 1


@pytest.mark.fault
@pytest.mark.parametrize("pauses", [0, 1, 2, 5, 20])
async def test_nothing_is_left_when_the_only_lease_is_cancelled_while_connecting(
    host: GameHost, limits: PoolLimits, pauses: int
) -> None:
    """A connection without waiters is not opened, or stays as an idle one; it is never forgotten."""
    pool = SftpConnectionPool(limits)
    loan = asyncio.create_task(use(pool, host.login("renter")))
    for _ in range(pauses):
        await asyncio.sleep(0.001)
    loan.cancel()
    await asyncio.gather(loan, return_exceptions=True)
    await pool.aclose()
    await host.wait_for_connections(0)
    assert repr(pool) == show(0, "0 active, 0 idle", waiting=0)


@pytest.mark.fault
async def test_refused_login_reaches_all_who_waited_and_leaves_no_connection(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """One refused attempt is the answer for all waiters; its slot is free at once."""
    host.faults.refuse_logins = True
    results = await asyncio.gather(
        *(use(pool, host.login("renter")) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [LoginRefusedError] * 3
    assert host.connections_opened == 1
    await host.wait_for_connections(0)
    host.faults.clear()
    with pytest.raises(LoginRefusedError):
        await use(pool, host.login("renter"))  # without a request to the host, which would count it
    assert host.connections_opened == 1
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1, is_forced=True):
        pass  # a person asked for it and it works, so all may use it
    await use(pool, host.login("renter"))
    assert host.connections_opened == 2


@pytest.mark.fault
async def test_connection_cut_while_idle_is_replaced_unnoticed(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """A poll does not fail because the host closed the connection between two polls."""
    await use(pool, host.login("renter"))
    await hang_up(host, pool)
    await use(pool, host.login("renter"))
    assert host.connections_opened == 2


@pytest.mark.fault
async def test_connection_that_went_silent_while_idle_is_asked_and_replaced(
    host: GameHost, clock: HandClock
) -> None:
    """After a long pause the host is asked first; a silent connection is dropped."""
    pool = SftpConnectionPool(PoolLimits(check_timeout_seconds=1.0), clock=clock)
    await use(pool, host.login("renter"))
    clock.seconds += 100
    host.requests.clear()
    await use(pool, host.login("renter"))
    assert dict(host.requests) == {"realpath": 1, "stat": 1}
    clock.seconds += 100
    host.faults.stall("realpath")
    await use(pool, host.login("renter"))
    assert host.connections_opened == 2
    host.faults.clear()
    await pool.aclose()


@pytest.mark.fault
async def test_host_that_hangs_up_after_the_login_is_not_dialled_for_ever(
    host: GameHost, limits: PoolLimits
) -> None:
    """A host that closes every connection has its own error, and is not tried until it bans the account."""

    async def open_and_lose(guild_id: GuildId, login: HostLogin) -> HostConnection:
        connection = await Connector(limits).open(guild_id, login)
        connection.is_broken = True
        return connection

    pool = SftpConnectionPool(limits, opener=open_and_lose)
    with pytest.raises(ConnectionLostError, match="right after the login"):
        await use(pool, host.login("renter"))
    await pool.aclose()
    assert host.connections_opened == 2


@pytest.mark.fault
async def test_session_of_a_cut_connection_fails_and_the_next_lease_works(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """A broken connection is not lent again."""
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        host.cut_connections()
        with pytest.raises(ConnectionLostError):
            await session.stat(".")
        with pytest.raises(ConnectionLostError, match="is closed"):
            await session.stat(".")
    await use(pool, host.login("renter"))


@pytest.mark.fault
async def test_outage_is_told_and_over_when_the_host_is_back(
    host: GameHost, pool: SftpConnectionPool
) -> None:
    """While the host is down it is unreachable; afterwards the pool works as before."""
    await use(pool, host.login("renter"))
    await hang_up(host, pool)
    await host.stop()
    with pytest.raises(HostUnreachableError):
        await use(pool, host.login("renter"))
    await host.start()
    await pool.breakers.wait(GUILD, host.login("renter"), guild_limit=1)
    await use(pool, host.login("renter"))


async def test_idle_connection_expires_by_the_clock(
    host: GameHost, timed_pool: SftpConnectionPool, clock: HandClock
) -> None:
    """Hosts ban accounts with needless connections."""
    await use(timed_pool, host.login("renter"))
    clock.seconds += 299
    timed_pool.expire_idle()
    assert repr(timed_pool) == show(1, "0 active, 1 idle", waiting=0)
    clock.seconds += 1
    timed_pool.expire_idle()
    await host.wait_for_connections(0)


async def test_leased_connection_does_not_expire(
    host: GameHost, timed_pool: SftpConnectionPool, clock: HandClock
) -> None:
    """An import may take any time."""
    async with timed_pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        clock.seconds += 10_000
        timed_pool.expire_idle()
        await session.stat(".")


async def test_closing_a_guild_ends_its_leases_and_waiters_and_no_one_elses(
    wide_host: GameHost, pool: SftpConnectionPool
) -> None:
    """A guild that removed the bot has no connection from that moment on."""
    async with pool.lend(OTHER_GUILD, wide_host.login("c"), guild_limit=1) as other:
        async with pool.lend(GUILD, wide_host.login("a"), guild_limit=1) as session:
            waiter = asyncio.create_task(use(pool, wide_host.login("b")))
            await wait_until_waiting(pool, 1)
            await pool.close_guild(GUILD)
            with pytest.raises(ConnectionLostError, match="settings changed"):
                await waiter
            with pytest.raises(ConnectionLostError):
                await session.stat(".")
        await wide_host.wait_for_connections(1)
        await other.stat(".")


async def test_closing_a_guild_ends_an_attempt_to_connect(host: GameHost, pool: SftpConnectionPool) -> None:
    """The waiters get an error, and are not cancelled."""
    loan = asyncio.create_task(use(pool, host.login("renter")))
    await asyncio.sleep(0)
    await pool.close_guild(GUILD)
    with pytest.raises(ConnectionLostError):
        await loan
    await host.wait_for_connections(0)


async def test_retired_account_loses_its_idle_connection_whatever_its_secret(
    wide_host: GameHost, pool: SftpConnectionPool
) -> None:
    """No server needs it any more; the guild's other servers keep theirs."""
    await use(pool, wide_host.login("a"), limit=2)
    await use(pool, wide_host.login("b"), limit=2)
    pool.retire(GUILD, HostLogin(wide_host.address, wide_host.port, "a", Credentials("another")))
    await wide_host.wait_for_connections(1)
    await use(pool, wide_host.login("b"), limit=2)
    assert wide_host.connections_opened == 2


@pytest.mark.fault
async def test_closing_the_pool_ends_everything_in_time_although_the_host_stalls(
    wide_host: GameHost,
) -> None:
    """A shutdown does not wait for hosts: loans, waiters and sockets end, and nothing is lent after it."""
    pool = SftpConnectionPool(PoolLimits(close_timeout_seconds=0.2))
    wide_host.faults.stall_reads()
    (wide_host.root_folder / "a.csv").write_bytes(b"abc")

    async def read() -> bytes:
        async with pool.lend(GUILD, wide_host.login("a"), guild_limit=1) as session:
            return await session.read("a.csv", offset=0, length=3)

    reader = asyncio.create_task(read())
    await wait_until(lambda: wide_host.requests["read"] > 0)
    waiter = asyncio.create_task(use(pool, wide_host.login("b")))
    await wait_until_waiting(pool, 1)
    async with asyncio.timeout(60):  # the host would stall for ever
        await pool.aclose()
    results = await asyncio.gather(reader, waiter, return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionLostError] * 2
    with pytest.raises(ConnectionLostError, match="shutting down"):
        await use(pool, wide_host.login("a"))
    wide_host.faults.clear()
    await wide_host.wait_for_connections(0)


async def test_place_counts_until_the_old_connection_is_closed(
    wide_host: GameHost, limits: PoolLimits
) -> None:
    """The host never sees more connections than the guild may have."""
    seen: list[int] = []

    async def open_counting(guild_id: GuildId, login: HostLogin) -> HostConnection:
        seen.append(len([c for c in opened if c.is_usable or not c.ssh.is_closed()]))
        connection = await Connector(limits).open(guild_id, login)
        opened.append(connection)
        return connection

    opened: list[HostConnection] = []
    pool = SftpConnectionPool(limits, opener=open_counting)
    for name in "abc":
        await use(pool, wide_host.login(name), limit=1)
    await pool.aclose()
    assert seen == [0, 0, 0]
