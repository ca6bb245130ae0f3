"""The pool: connections to game hosts, shared and limited by guild. What to do is decided in ``assignment``.

A connection belongs to one guild and one login. Leases of the same login share it, and those that come while
it is being opened wait for that one attempt. It is closed when it idled too long, when its place is needed,
when it broke, and when its guild, its login or the pool goes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from structlog import get_logger

from utils.clock import Clock, SystemClock
from utils.errors import ConnectionLostError, RemoteError, TooManyConnectionsError
from utils.models.scope import GuildId
from utils.sftp.assignment import PoolState, Request, Slot
from utils.sftp.connection import HostConnection, open_connection, quieten_library_logs
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.session import SftpSession

log = get_logger(__name__)

Opener = Callable[[HostLogin, PoolLimits], Coroutine[None, None, HostConnection]]

CLOSED_BY_US = "The connection was closed because the server's settings changed or the bot is shutting down."


@dataclass(eq=False, slots=True)
class _Link:
    """A slot with the connection behind it.

    Attributes:
        opening: the one attempt to connect, which all who wait for it share.
        proven_at: when the host was last known to answer, by the monotonic clock.
        closing: the task that closes it, once that was decided.
    """

    slot: Slot
    opening: asyncio.Task[HostConnection]
    proven_at: float
    closing: asyncio.Task[None] | None = None

    @property
    def connection(self) -> HostConnection | None:
        """Return the connection once it is open."""
        has_failed = self.opening.cancelled() or (self.opening.done() and self.opening.exception())
        return self.opening.result() if self.opening.done() and not has_failed else None

    @property
    def is_usable(self) -> bool:
        """Tell whether it is open and, as far as is known, alive."""
        return self.connection is not None and self.connection.is_usable


class SftpConnectionPool:
    """Lends sessions on game hosts.

    Something must call ``expire_idle`` now and then (every 30 s), and ``aclose`` at the end.
    """

    def __init__(
        self,
        limits: PoolLimits | None = None,
        *,
        clock: Clock | None = None,
        opener: Opener = open_connection,
    ) -> None:
        quieten_library_logs()
        self._limits = limits or PoolLimits()
        self._clock = clock or SystemClock()
        self._opener = opener
        self._state = PoolState(self._limits)
        self._links: dict[Slot, _Link] = {}
        self._assigned: dict[Request, asyncio.Future[_Link]] = {}
        self._is_closed = False

    def __repr__(self) -> str:
        """Show how many connections there are and how many requests wait."""
        slots = self._state.slots
        idle = sum(slot.is_idle for slot in slots)
        return (
            f"<SftpConnectionPool connections: {len(slots)} ({len(slots) - idle} active, {idle} idle),"
            f" waiting: {len(self._state.waiting)}>"
        )

    @asynccontextmanager
    async def lease(
        self, guild_id: GuildId, login: HostLogin, *, guild_limit: int
    ) -> AsyncIterator[SftpSession]:
        """Lend a session on a host; ``guild_limit`` is how many connections the guild's tier allows.

        Raises:
            TooManyConnectionsError: no connection became free in time.
            RemoteError: connecting failed, for all who waited for the same attempt.
        """
        link, connection = await self._acquire_healthy(Request(guild_id, login, guild_limit))
        try:
            yield SftpSession(connection, operation_timeout_seconds=self._limits.operation_timeout_seconds)
        finally:
            self._release(link)

    def expire_idle(self) -> None:
        """Start closing the connections that idled too long or whose host hung up meanwhile."""
        self._close(self._state.expire(now=self._clock.monotonic()))
        self._close(slot for slot in self._state.slots if slot.is_idle and not self._links[slot].is_usable)

    async def close_guild(self, guild_id: GuildId) -> None:
        """End everything a guild holds: its connections, whoever uses them, and whoever waits for one."""
        self._refuse(request for request in self._state.waiting if request.guild_id == guild_id)
        await self._close_and_wait(self._state.find_slots(guild_id))
        self._state.forget(guild_id)

    async def close_login(self, guild_id: GuildId, login: HostLogin) -> None:
        """End a guild's connections of one account, because its server was edited or removed."""
        self._refuse(
            request
            for request in self._state.waiting
            if request.guild_id == guild_id and request.login.is_same_account(login)
        )
        await self._close_and_wait(self._state.find_slots(guild_id, login))

    async def aclose(self) -> None:
        """End everything, within little more than the close timeout. Nothing is lent afterwards."""
        self._is_closed = True
        self._refuse(self._state.waiting)
        await self._close_and_wait(self._state.slots)

    async def _acquire_healthy(self, request: Request) -> tuple[_Link, HostConnection]:
        """Return an open connection that answers; one that died while it was idle is replaced, once."""
        for _ in range(2):
            link = await self._acquire(request)
            try:
                connection = await self._wait_until_open(link)
                if await self._is_healthy(link, connection):
                    return link, connection
            except BaseException:
                self._release(link)
                raise
            self._release(link)
        raise ConnectionLostError(f"{request.login.address} closed the connection right after the login.")

    async def _acquire(self, request: Request) -> _Link:
        """Queue up until a connection is assigned."""
        if self._is_closed:
            raise ConnectionLostError("The bot is shutting down.")
        assigned: asyncio.Future[_Link] = asyncio.get_running_loop().create_future()
        self._assigned[request] = assigned
        self._state.add(request)
        self._advance()
        try:
            async with asyncio.timeout(self._limits.wait_timeout_seconds):
                return await assigned
        except BaseException as error:
            self._give_up(request, assigned)
            if isinstance(error, TimeoutError):
                raise TooManyConnectionsError(
                    f"All connections of this Discord server are busy; {request.login.address} had to wait"
                    " too long. It will be tried again."
                ) from error
            raise

    def _give_up(self, request: Request, assigned: asyncio.Future[_Link]) -> None:
        """Leave the queue; a connection that was assigned in this very moment goes back."""
        if assigned.cancelled() or assigned.exception():
            self._assigned.pop(request, None)
            self._state.withdraw(request)
            self._advance()
        else:
            self._release(assigned.result())

    async def _wait_until_open(self, link: _Link) -> HostConnection:
        """Wait for the shared attempt, without cancelling it for the others."""
        await asyncio.wait([link.opening])
        if link.opening.cancelled():
            raise ConnectionLostError(CLOSED_BY_US)
        return link.opening.result()

    async def _is_healthy(self, link: _Link, connection: HostConnection) -> bool:
        """Tell whether a connection can be lent; after a long rest it is asked first."""
        if self._clock.monotonic() - link.proven_at >= self._limits.check_after_idle_seconds:
            session = SftpSession(connection, operation_timeout_seconds=self._limits.check_timeout_seconds)
            try:
                await session.real_path(".")
            except RemoteError:
                connection.is_broken = True
        return connection.is_usable

    def _release(self, link: _Link) -> None:
        """End a lease; what is broken, or being opened for nobody, goes at once."""
        now = self._clock.monotonic()
        self._state.release(link.slot, now=now)
        if link.is_usable:
            link.proven_at = now
        elif link.slot in self._links and (link.opening.done() or link.slot.leases == 0):
            self._close([link.slot])
        self._advance()

    def _advance(self) -> None:
        """Carry out what can be decided now."""
        decisions = self._state.decide()
        self._close(decisions.closed)
        for slot in decisions.opened:
            self._links[slot] = self._open(slot)
        for request, slot in decisions.served:
            self._assigned.pop(request).set_result(self._links[slot])

    def _open(self, slot: Slot) -> _Link:
        opening = asyncio.create_task(self._opener(slot.login, self._limits))
        log.debug("sftp connection opening", guild_id=slot.guild_id, host=slot.login.address)
        return _Link(slot=slot, opening=opening, proven_at=self._clock.monotonic())

    def _refuse(self, requests: Iterable[Request]) -> None:
        """Send waiting requests away."""
        for request in list(requests):
            self._state.withdraw(request)
            assigned = self._assigned.pop(request)
            if not assigned.done():
                assigned.set_exception(ConnectionLostError(CLOSED_BY_US))

    def _close(self, slots: Iterable[Slot]) -> None:
        """Start closing connections; they count until their sockets are closed."""
        for slot in slots:
            self._state.close(slot)
            link = self._links[slot]
            if link.closing is None:
                link.opening.cancel()
                link.closing = asyncio.create_task(self._shut(link))

    async def _close_and_wait(self, slots: list[Slot]) -> None:
        self._close(slots)
        closings = [closing for slot in slots if (closing := self._links[slot].closing) is not None]
        if closings:
            await asyncio.wait(closings)

    async def _shut(self, link: _Link) -> None:
        """Close one connection, however far it got, and give its place to the next."""
        await asyncio.wait([link.opening])
        if link.connection is not None:
            await link.connection.close(self._limits.close_timeout_seconds)
        log.debug("sftp connection closed", guild_id=link.slot.guild_id, host=link.slot.login.address)
        self._state.remove(link.slot)
        del self._links[link.slot]
        self._advance()
