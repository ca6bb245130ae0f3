"""A hoster with 200 servers goes away and comes back: few logins at a time, and no server waits for long."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from simulation.game_host.host import GameHost
from tests.fakes.clock import FakeClock
from utils.errors import HostUnreachableError, RemoteError
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.models.texts import text
from utils.sftp.connection import Connector, HostConnection
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.pool import SftpConnectionPool

SERVERS = 200
SERVERS_PER_GUILD = 5
HANDSHAKE_SECONDS = 0.5  # the host is distant and busy
POLL_SECONDS = 5.0
RETURN_SECONDS = 30.0
LIMITS = PoolLimits()
LOGINS_PER_SECOND = 1 / LIMITS.handshake_spacing_seconds


@dataclass(eq=False, slots=True)
class FakeConnection:
    """A connection that breaks when its host goes away."""

    host: "FakeHost"
    outage: int
    host_key: str = "ssh-ed25519 A"
    fault: None = None

    @property
    def is_usable(self) -> bool:
        """Tell whether the host has stayed up since."""
        return self.outage == self.host.outages and self.host.is_up

    async def close(self, timeout_seconds: float) -> None:
        """Close."""


@dataclass
class FakeHost:
    """A host whose handshakes take time on the test's clock.

    Attributes:
        begun: the start of each attempt, in seconds.
        busiest: the largest number of attempts at once.
    """

    clock: FakeClock
    is_up: bool = True
    outages: int = 0
    begun: list[float] = field(default_factory=list)
    busiest: int = 0
    under_way: int = 0

    async def open(self, guild_id: GuildId, login: HostLogin) -> HostConnection:
        """Connect, or fail if the host is down."""
        del guild_id
        self.begun.append(self.clock.monotonic())
        self.under_way += 1
        self.busiest = max(self.busiest, self.under_way)
        try:
            if self.is_up:
                await self.clock.sleep(HANDSHAKE_SECONDS)
            if not self.is_up:
                raise HostUnreachableError(text("{host} cannot be reached.", host=login.address))
            return cast("HostConnection", FakeConnection(self, self.outages))
        finally:
            self.under_way -= 1


async def keep_reading(
    pool: SftpConnectionPool, number: int, login: HostLogin, tell: Callable[[int], Awaitable[None]]
) -> None:
    """Read one server without end, like a loop."""
    guild_id = GuildId(number // SERVERS_PER_GUILD)
    while True:
        try:
            async with pool.lend(guild_id, login, guild_limit=SERVERS_PER_GUILD):
                await tell(number)
        except RemoteError:
            await pool.breakers.wait(guild_id, login, guild_limit=SERVERS_PER_GUILD)


def count_in_a_second(moments: list[float], *, since: float) -> int:
    """Return the largest number of these moments within one second."""
    late = [at for at in moments if at >= since]
    return max(sum(at <= other < at + 1 for other in late) for at in late)


async def test_everything_is_read_again_within_thirty_seconds_of_a_ten_minute_outage() -> None:
    """One try at a time during the outage, then at most 20 logins a second, and all are read within 30 s."""
    clock = FakeClock()
    host = FakeHost(clock)
    pool = SftpConnectionPool(LIMITS, clock=clock, opener=host.open)
    read: set[int] = set()

    async def tell(number: int) -> None:
        read.add(number)
        await clock.sleep(POLL_SECONDS)

    async def pass_time(seconds: float, *, step: float) -> None:
        for _ in range(round(seconds / step)):
            await clock.advance(step)

    loops = [
        asyncio.create_task(
            keep_reading(pool, number, HostLogin("h", 22, f"u{number}", Credentials("p")), tell)
        )
        for number in range(SERVERS)
    ]
    await pass_time(20, step=0.05)
    assert (len(read), len(host.begun), host.busiest) == (SERVERS, SERVERS, LIMITS.handshakes_per_host - 1)

    host.is_up, host.outages = False, 1
    await pass_time(10, step=0.25)
    before = len(host.begun)
    await pass_time(590, step=0.5)
    assert len(host.begun) - before < 300  # one loop for the host, not one for each server
    assert f"failing: 1 ({SERVERS} waiting)" in repr(pool)

    read.clear()
    host.is_up, returned_at, before, host.busiest = True, clock.monotonic(), len(host.begun), 0
    while len(read) < SERVERS:
        await clock.advance(0.05)
        assert clock.monotonic() - returned_at <= RETURN_SECONDS
    assert len(host.begun) - before == SERVERS  # each server logs in once
    assert host.busiest <= LIMITS.handshakes_per_host
    assert count_in_a_second(host.begun, since=returned_at) <= LOGINS_PER_SECOND + 1

    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await pool.aclose()


@pytest.mark.fault
async def test_real_host_with_many_logins_is_not_stormed_when_it_is_back(root: Path) -> None:
    """With real sockets and handshakes each login connects once, few at a time and spaced."""
    users = [f"user{number:03}" for number in range(60)]
    loop = asyncio.get_running_loop()
    begun: list[float] = []
    under_way: set[HostLogin] = set()
    busiest = 0
    read: set[int] = set()
    all_read = asyncio.Event()

    async def open_counting(guild_id: GuildId, login: HostLogin) -> HostConnection:
        nonlocal busiest
        begun.append(loop.time())
        under_way.add(login)
        busiest = max(busiest, len(under_way))
        try:
            return await Connector(LIMITS).open(guild_id, login)
        finally:
            under_way.discard(login)

    async def tell(number: int) -> None:
        read.add(number)
        if len(read) == len(users):
            all_read.set()
        await asyncio.sleep(0.2)

    async with GameHost(root, {name: f"secret-{name}" for name in users}) as host:
        pool = SftpConnectionPool(LIMITS, opener=open_counting)
        loops = [
            asyncio.create_task(keep_reading(pool, number, host.login(name), tell))
            for number, name in enumerate(users)
        ]
        await all_read.wait()
        await host.stop()
        while f"({len(users)} waiting)" not in repr(pool):  # noqa: ASYNC110 - the pool announces no change
            await asyncio.sleep(0.01)
        read.clear()
        all_read.clear()
        returned_at, before = loop.time(), host.connections_opened
        await host.start()
        async with asyncio.timeout(RETURN_SECONDS * 4):  # the promise is for an idle machine
            await all_read.wait()
        assert host.connections_opened - before == len(users)
        assert busiest <= LIMITS.handshakes_per_host
        late = LIMITS.handshakes_per_host  # a busy machine may begin earlier due attempts in this second
        assert count_in_a_second(begun, since=returned_at) <= LOGINS_PER_SECOND + 1 + late
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await pool.aclose()
