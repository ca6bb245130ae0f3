"""The cost of a host: its bytes take a limited share of the loop."""

import asyncio
from dataclasses import replace
from typing import cast

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.game_host.host import GameHost
from tests.fakes.noisy_host import NOISES, run_noisy_host
from tests.fakes.ssh_doors import OpenDoor, serve_ssh
from utils.errors import ConnectionLostError
from utils.models.problems import Problem
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.sftp.connection import Connector, HostConnection
from utils.sftp.gate import LONG_SECONDS, SLICE_BYTES, Allowances, Gate
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.pool import SftpConnectionPool
from utils.sftp.session import SftpSession

GUILD, OTHER_GUILD = GuildId(42), GuildId(43)
LIMITS = PoolLimits(share_of_loop=0.05, burst_seconds=1, patience_seconds=30)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 0.1)), max_size=200))
def test_guild_uses_no_more_than_its_share_in_the_long_run(steps: list[tuple[float, float]]) -> None:
    """The use is at most the initial allowance, the share of the time, and one slice, for any steps."""
    allowances, now, used = Allowances(LIMITS), 0.0, 0.0
    for passes, costs in steps:
        now += passes
        if not allowances.find_wait(GUILD, now=now):
            allowances.spend(GUILD, costs, now=now)
            used += costs
        assert used <= LIMITS.burst_seconds + now * LIMITS.share_of_loop + 0.1 + 1e-9
        assert allowances.find_seconds(OTHER_GUILD, now=now) == LIMITS.burst_seconds


def test_guild_that_waited_as_long_as_it_was_told_may_go_on() -> None:
    """A guild that did nothing has its full allowance again, and is forgotten."""
    allowances = Allowances(LIMITS)
    allowances.spend(GUILD, 1.5, now=0)
    assert allowances.find_wait(GUILD, now=0) == pytest.approx(10)
    assert allowances.find_wait(GUILD, now=9) == pytest.approx(1)
    assert allowances.find_wait(GUILD, now=10) == pytest.approx(0)
    allowances.spend(OTHER_GUILD, 0.1, now=1000)
    assert list(allowances._accounts) == [OTHER_GUILD]


@pytest.mark.fault
async def test_what_answers_mean_is_worked_out_at_the_guilds_share_and_others_go_on() -> None:
    """Several connections that pay at once share the allowance of their guild; other guilds do not wait."""
    allowances = Allowances(PoolLimits(share_of_loop=0.5, burst_seconds=0.02))
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(allowances.pay(GUILD, 0.004) for _ in range(30)))
    passed = asyncio.get_running_loop().time() - begun
    assert 0.02 + passed * 0.5 + 1e-6 >= 30 * 0.004
    async with asyncio.timeout(60):
        await allowances.pay(OTHER_GUILD, 0.004)
    assert allowances.find_wait(OTHER_GUILD, now=asyncio.get_running_loop().time()) == 0


@pytest.mark.fault
async def test_long_works_come_one_at_a_time_and_leave_the_loop_to_others() -> None:
    """This holds for several guilds too, and within their allowance too."""
    allowances = Allowances(LIMITS)
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(allowances.pay(GuildId(number), LONG_SECONDS) for number in range(10)))
    assert asyncio.get_running_loop().time() - begun >= 10 * 2 * LONG_SECONDS * 0.9


class HandTransport:
    """A socket for tests."""

    def __init__(self) -> None:
        self.is_reading = True
        self.is_aborted = False

    def set_write_buffer_limits(self, high: int) -> None:
        """Do nothing."""
        del high

    def pause_reading(self) -> None:
        """Stop reading."""
        self.is_reading = False

    def resume_reading(self) -> None:
        """Go on reading."""
        self.is_reading = True

    def is_closing(self) -> bool:
        """Tell whether it was cut off."""
        return self.is_aborted

    def abort(self) -> None:
        """Cut it off."""
        self.is_aborted = True


class Listener:
    """The library's end, which works a number of seconds for each byte."""

    def __init__(self, seconds_a_byte: float) -> None:
        self.slices: list[bytes] = []
        self.worked = 0.0
        self.ended = False
        self._seconds_a_byte = seconds_a_byte

    def connection_made(self, transport: object) -> None:
        """Do nothing."""

    def data_received(self, data: bytes) -> None:
        """Work on a slice."""
        self.slices.append(data)
        self.worked += len(data) * self._seconds_a_byte

    def connection_lost(self, exc: Exception | None) -> None:
        """Record the end."""
        del exc
        self.ended = True


def build_gate(listener: Listener, limits: PoolLimits = LIMITS) -> tuple[Gate, HandTransport, list[str]]:
    """Return an open gate of a guild, its socket, and its reports."""
    told: list[str] = []
    transport = HandTransport()
    gate = Gate(
        lambda: cast("asyncssh.SSHClientConnection", listener),
        GUILD,
        Allowances(limits),
        told.append,
        measure=lambda: listener.worked,
    )
    gate.connection_made(cast("asyncio.Transport", transport))
    return gate, transport, told


@given(st.lists(st.binary(max_size=300_000), max_size=5))
async def test_everything_arrives_in_order_and_in_slices(chunks: list[bytes]) -> None:
    """Every byte arrives, in order, and the loop runs between two slices."""
    listener = Listener(seconds_a_byte=0)
    gate, transport, told = build_gate(listener)
    for chunk in chunks:
        gate.data_received(chunk)
        while not transport.is_reading:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
    assert b"".join(listener.slices) == b"".join(chunks)
    assert all(len(piece) <= SLICE_BYTES for piece in listener.slices)
    assert told == []


async def test_socket_is_not_read_while_the_allowance_is_used_up() -> None:
    """The host is slowed down; waiting bytes are dropped with the connection."""
    listener = Listener(seconds_a_byte=1e-3)
    gate, transport, told = build_gate(listener)
    gate.data_received(b"x" * 2000)
    assert (len(listener.slices), transport.is_reading) == (1, True)
    gate.data_received(b"y" * 2000)
    assert (len(listener.slices), transport.is_reading, told) == (1, False, [])
    gate.connection_lost(None)
    await asyncio.sleep(0)
    assert (len(listener.slices), listener.ended) == (1, True)


async def test_costly_bytes_come_in_small_slices() -> None:
    """A large slice of tiny packets would block the loop for long."""
    listener = Listener(seconds_a_byte=1e-6)
    gate, transport, _ = build_gate(listener)
    gate.data_received(b"x" * 200_000)
    while not transport.is_reading:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)
    assert [len(piece) for piece in listener.slices[:3]] == [64 * 1024, 4 * 1024, 64 * 1024]


async def test_host_that_reads_nothing_is_cut_off() -> None:
    """A host that asks and never reads would fill the memory with answers."""
    gate, transport, told = build_gate(Listener(seconds_a_byte=0))
    gate.pause_writing()
    assert (transport.is_aborted, told) == (True, [Problem.TAKES_NOTHING])


async def test_connection_that_stays_at_the_limit_is_ended() -> None:
    """A connection with pauses is not ended."""
    listener = Listener(seconds_a_byte=1e-3)
    gate, transport, told = build_gate(
        listener, PoolLimits(share_of_loop=0.5, burst_seconds=0.1, patience_seconds=0.2)
    )
    while not told:
        gate.data_received(b"x" * 20)
        await asyncio.sleep(0.01)
    assert (transport.is_aborted, told) == (True, [Problem.TOO_MUCH])


@pytest.mark.fault
@pytest.mark.parametrize("kind", NOISES)
async def test_host_that_sends_without_end_is_ended_and_others_have_their_turn(
    host: GameHost, kind: str
) -> None:
    """The guild of such a host gets the reason, and another guild goes on reading."""
    pool = SftpConnectionPool(PoolLimits(share_of_loop=0.05, burst_seconds=0.02, patience_seconds=0.5))
    served = 0
    async with run_noisy_host(kind) as port:
        noisy = HostLogin("127.0.0.1", port, "anybody", Credentials("secret"))
        async with pool.lend(GUILD, noisy, guild_limit=5) as session:
            noisy = replace(noisy, host_key=session.host_key)
        while pool.breakers.find_obstacle(GUILD, noisy) is None:
            async with pool.lend(OTHER_GUILD, host.login("renter"), guild_limit=5) as session:
                await session.stat(".")
            served += 1
            pool.expire_idle()
            await asyncio.sleep(0.02)
        with pytest.raises(ConnectionLostError, match="kept sending more than I asked for"):
            pool.breakers.verify(GUILD, noisy)
        await pool.aclose()
    assert (served > 0, host.connections_opened) == (True, 1)


async def ask_for_ever(connection: HostConnection) -> None:
    """Send one request after another, until an error."""
    session = SftpSession(connection, operation_timeout_seconds=30)
    while True:
        await session.stat(".")


@pytest.mark.fault
async def test_host_that_exchanges_keys_again_and_again_is_ended() -> None:
    """Each exchange is milliseconds of work that the count of bytes does not show."""
    async with serve_ssh(OpenDoor(), rekey_bytes=1) as port:
        login = HostLogin("127.0.0.1", port, "anybody", Credentials("secret"))
        with pytest.raises(ConnectionLostError, match="kept changing the encryption"):
            await ask_for_ever(await Connector(PoolLimits()).open(GUILD, login))
