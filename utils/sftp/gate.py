"""The gate: how much of the event loop's time the bytes of a host may take.

*Theory of operation.* Everything of SSH runs in the event loop: decrypting, and dealing with each packet. A
host may send what nobody asked for, without end: packets to be ignored, banners, requests that are answered
with a refusal, changes of windows. So the bytes of a connection pass a gate between socket and library. It
hands them on in slices, with a turn of the loop between two of them, and measures how long the library works
on each. Every guild has an allowance of seconds that fills up slowly; while it is used up the gate reads no
more from the socket, and so TCP slows the host down. A poll takes some 40 µs, and a megabyte of a log 2 ms,
so nobody who reads logs gets there. A connection that stays at the limit all the time is ended.

What an answer means is found out later, in a task: a list of names takes far longer than its bytes. So it is
paid for out of the same allowance before (``pay``), and what holds the loop for long comes one at a time.

What a host does not take of what the bot sends is bounded as well: it asks for answers and never reads them.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import asyncssh

from utils.models.problems import Problem
from utils.models.scope import GuildId
from utils.sftp.login import PoolLimits

SLICE_BYTES, SMALL_SLICE_BYTES = 64 * 1024, 4 * 1024
SLICE_SECONDS = 0.005  # what takes longer comes in small slices next
LONG_SECONDS = 0.005  # work that others would notice, several times at once
UNREAD_BYTES_MAXIMUM = 1024 * 1024  # of ours; a request has some hundred bytes

Factory = Callable[[], asyncssh.SSHClientConnection]


@dataclass(slots=True)
class _Account:
    """What a guild may still use, in seconds (below nothing: it has to wait), as of a moment."""

    as_of: float
    seconds: float


class Allowances:
    """What each guild may still use of the loop's time."""

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self._accounts: dict[GuildId, _Account] = {}
        self._long_work = asyncio.Lock()

    def find_seconds(self, guild_id: GuildId, *, now: float) -> float:
        """Return what a guild may use now; below nothing it has to wait."""
        account = self._accounts.get(guild_id)
        if account is None:
            return self.limits.burst_seconds
        gained = (now - account.as_of) * self.limits.share_of_loop
        return min(account.seconds + gained, self.limits.burst_seconds)

    def find_wait(self, guild_id: GuildId, *, now: float) -> float:
        """Return for how many seconds a guild has to wait until it may use some again."""
        return max(-self.find_seconds(guild_id, now=now) / self.limits.share_of_loop, 0.0)

    def spend(self, guild_id: GuildId, seconds: float, *, now: float) -> None:
        """Take off what a guild used; a guild that used nothing for long is forgotten."""
        left = self.find_seconds(guild_id, now=now) - seconds
        if guild_id not in self._accounts:
            for other in list(self._accounts):
                if self.find_seconds(other, now=now) >= self.limits.burst_seconds:
                    del self._accounts[other]
        self._accounts[guild_id] = _Account(now, left)

    async def pay(self, guild_id: GuildId, seconds: float) -> None:
        """Count work that a guild's hosts bring, and return when it may be done.

        Between two long works, of all guilds, the loop has as much time again for everybody else.
        """
        now = asyncio.get_running_loop().time
        self.spend(guild_id, seconds, now=now())
        if wait := self.find_wait(guild_id, now=now()):
            await asyncio.sleep(wait)
        if seconds >= LONG_SECONDS:
            async with self._long_work:
                await asyncio.sleep(2 * seconds)


class Gate(asyncio.Protocol):
    """Stands between the socket of a connection and the library.

    Args:
        factory: makes the library's end, once the socket is open.
        tell: told why the gate ended the connection.
        measure: seconds that the thread of the loop has worked so far.

    Attributes:
        ssh: the library's end.
        has_held_up: bytes of the host had to wait, because its guild had used up its allowance.
    """

    def __init__(
        self,
        factory: Factory,
        guild_id: GuildId,
        allowances: Allowances,
        tell: Callable[[Problem], None],
        *,
        measure: Callable[[], float] = time.thread_time,
    ) -> None:
        self.ssh: asyncssh.SSHClientConnection | None = None
        self.has_held_up = False
        self._factory = factory
        self._guild_id = guild_id
        self._allowances = allowances
        self._tell = tell
        self._measure = measure
        self._loop = asyncio.get_running_loop()
        self._waiting = b""
        self._turn: asyncio.Handle | None = None
        self._slice_bytes = SLICE_BYTES
        self._limited_since: float | None = None
        self._used = 0.0  # since then

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the library begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=UNREAD_BYTES_MAXIMUM)
        self.ssh = self._factory()
        self.ssh.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._waiting += data
        if self._turn is None:
            self._hand_on()

    def eof_received(self) -> None:
        """Tell the library that nothing more comes; all that came before it has already."""
        if self.ssh is not None:
            self.ssh.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the library, and forget what still waited."""
        self._waiting = b""
        if self._turn is not None:
            self._turn.cancel()
        if self.ssh is not None:
            self.ssh.connection_lost(exc)

    def pause_writing(self) -> None:
        """End it: more than any number of requests waits for a host that does not read."""
        self._end(Problem.TAKES_NOTHING)

    def _hand_on(self) -> None:
        """Hand on the next slice, if its guild may use the time, and see when the one after it is due."""
        self._turn = None
        if self._transport.is_closing():
            return
        left = self._allowances.find_seconds(self._guild_id, now=self._loop.time())
        if left >= self._allowances.limits.burst_seconds / 2:
            self._limited_since = None  # there was a pause
        if left >= 0:
            self._hand_on_a_slice()
        wait = self._allowances.find_wait(self._guild_id, now=self._loop.time())
        if not self._waiting:
            self._transport.resume_reading()
        elif wait and self._is_endless():
            self._end(Problem.TOO_MUCH)
        else:
            self.has_held_up = self.has_held_up or wait > 0
            self._transport.pause_reading()
            self._turn = self._loop.call_later(wait, self._hand_on)

    def _hand_on_a_slice(self) -> None:
        """Let the library deal with a slice, and count how long that takes."""
        piece, self._waiting = self._waiting[: self._slice_bytes], self._waiting[self._slice_bytes :]
        begun = self._measure()
        if self.ssh is not None:
            self.ssh.data_received(piece)
        used = self._measure() - begun
        self._slice_bytes = SLICE_BYTES if used < SLICE_SECONDS else SMALL_SLICE_BYTES
        self._used += used
        self._allowances.spend(self._guild_id, used, now=self._loop.time())

    def _is_endless(self) -> bool:
        """Tell whether this connection has held its guild at the limit for long, without a pause."""
        now, limits = self._loop.time(), self._allowances.limits
        if self._limited_since is None:
            self._limited_since, self._used = now, 0.0
        seconds = now - self._limited_since
        return seconds >= limits.patience_seconds and self._used >= seconds * limits.share_of_loop / 2

    def _end(self, reason: Problem) -> None:
        """Cut the connection off."""
        self._tell(reason)
        self._transport.abort()
