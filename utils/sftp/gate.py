"""The gate: limits the event loop's time that the bytes of a host may take.

*Theory of operation.* All work of SSH runs in the event loop: decrypting, and handling each packet. A host
may send useless data without end: packets to be ignored, banners, requests that are refused, changes of
windows. So the bytes of a connection pass a gate between socket and library. It hands them on in slices, lets
the loop run in between, and measures how long the library works on each slice. Every guild has an allowance
of seconds that fills up slowly; when the allowance is used up, the gate stops reading, and TCP slows the host
down. A poll takes some 40 µs, and a megabyte of a log 2 ms, so normal log reading never reaches the limit. A
connection that stays at the limit all the time is ended.

A task parses the answer later: a list of names takes far longer than its bytes. So the gate charges it to the
same allowance first (``pay``). Long work runs one at a time.

The write buffer is limited too, because a host may ask for answers and never read them.
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
SLICE_SECONDS = 0.005  # if a slice took longer, the next ones are small
LONG_SECONDS = 0.005  # work of this length would be noticed if several ran at once
UNREAD_BYTES_MAXIMUM = 1024 * 1024  # bytes of ours that wait; a request has some hundred bytes

Factory = Callable[[], asyncssh.SSHClientConnection]


@dataclass(slots=True)
class _Account:
    """The seconds that a guild may still use at a moment; if they are negative, it has to wait."""

    as_of: float
    seconds: float


class Allowances:
    """The loop's time that each guild may still use."""

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self._accounts: dict[GuildId, _Account] = {}
        self._long_work = asyncio.Lock()

    def find_seconds(self, guild_id: GuildId, *, now: float) -> float:
        """Return the seconds that a guild may use now; if they are negative, it has to wait."""
        account = self._accounts.get(guild_id)
        if account is None:
            return self.limits.burst_seconds
        gained = (now - account.as_of) * self.limits.share_of_loop
        return min(account.seconds + gained, self.limits.burst_seconds)

    def find_wait(self, guild_id: GuildId, *, now: float) -> float:
        """Return the seconds until a guild may use time again."""
        return max(-self.find_seconds(guild_id, now=now) / self.limits.share_of_loop, 0.0)

    def spend(self, guild_id: GuildId, seconds: float, *, now: float) -> None:
        """Subtract the time that a guild used; a guild that used none for long is forgotten."""
        left = self.find_seconds(guild_id, now=now) - seconds
        if guild_id not in self._accounts:
            for other in list(self._accounts):
                if self.find_seconds(other, now=now) >= self.limits.burst_seconds:
                    del self._accounts[other]
        self._accounts[guild_id] = _Account(now, left)

    async def pay(self, guild_id: GuildId, seconds: float) -> None:
        """Count the cost of work for a guild's hosts, and return when it may be done.

        After long work, the loop is free for the same time before the next long work.
        """
        now = asyncio.get_running_loop().time
        self.spend(guild_id, seconds, now=now())
        if wait := self.find_wait(guild_id, now=now()):
            await asyncio.sleep(wait)
        if seconds >= LONG_SECONDS:
            async with self._long_work:
                await asyncio.sleep(2 * seconds)


class Gate(asyncio.Protocol):
    """Sits between the socket of a connection and the library.

    Args:
        factory: makes the library's side when the socket is open.
        tell: called with the reason when the gate ends the connection.
        measure: returns the seconds that the thread of the loop has worked so far.

    Attributes:
        ssh: the library's side.
        has_held_up: True if bytes had to wait for the guild's allowance.
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
        """Tell the library that the connection is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=UNREAD_BYTES_MAXIMUM)
        self.ssh = self._factory()
        self.ssh.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take received bytes."""
        self._waiting += data
        if self._turn is None:
            self._hand_on()

    def eof_received(self) -> None:
        """Tell the library that no more bytes come; it has all earlier ones already."""
        if self.ssh is not None:
            self.ssh.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the library that the connection is lost, and drop the bytes that waited."""
        self._waiting = b""
        if self._turn is not None:
            self._turn.cancel()
        if self.ssh is not None:
            self.ssh.connection_lost(exc)

    def pause_writing(self) -> None:
        """End the connection: the host does not read, and the buffer is too large."""
        self._end(Problem.TAKES_NOTHING)

    def _hand_on(self) -> None:
        """Hand on the next slice, if its guild may use the time, and plan the one after it."""
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
        """Hand a slice to the library, and count the time that it takes."""
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
