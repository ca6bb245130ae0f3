"""The pool: connections to game hosts, shared and limited by guild. ``assignment`` makes the decisions.

A connection belongs to one guild and one login. Loans of the same login share it, and loans that come while
it is being opened wait for that attempt. It is closed when it was idle too long, when its place is needed,
when it broke, and when its guild, its login or the pool ends. ``breakers`` is told how attempts end, and
refuses hosts and logins that are known to fail.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

from structlog import get_logger

from utils.clock import Clock, SystemClock
from utils.error_sink import ErrorSink
from utils.errors import ConnectionLostError, InvalidSecretError, RemoteError, TooManyConnectionsError
from utils.models.problems import Problem
from utils.models.scope import GuildId
from utils.models.servers import ConnectionCount
from utils.models.texts import Text
from utils.sftp.assignment import PoolState, Request, Slot
from utils.sftp.breakers import CircuitBreakers, Waiter
from utils.sftp.connection import Connector, HostConnection, quieten_library_logs
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.pace import HandshakePace, HandTries
from utils.sftp.private_keys import read_private_key
from utils.sftp.session import SftpSession

log = get_logger(__name__)

Opener = Callable[[GuildId, HostLogin], Coroutine[None, None, HostConnection]]


@dataclass(eq=False, slots=True)
class _Link:
    """A slot with the connection behind it.

    Attributes:
        opening: the attempt to connect, shared by all who wait for it.
        proven_at: when the host was last known to answer, by the monotonic clock.
        closing: the task that closes it, if that was decided.
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

    ``expire_idle`` must be called regularly (every 30 s), and ``aclose`` at the end.

    Attributes:
        breakers: the circuits of hosts and logins; the pool tells it about each attempt.
    """

    def __init__(
        self,
        limits: PoolLimits | None = None,
        *,
        clock: Clock | None = None,
        opener: Opener | None = None,
        errors: ErrorSink | None = None,
    ) -> None:
        quieten_library_logs()
        self._limits = limits or PoolLimits()
        self._clock = clock or SystemClock()
        self._opener = opener or Connector(self._limits).open
        self._state = PoolState(self._limits)
        self._links: dict[Slot, _Link] = {}
        self._assigned: dict[Request, asyncio.Future[_Link]] = {}
        self._pace = HandshakePace(self._limits.handshake_spacing_seconds)
        self._hand_tries = HandTries()
        self._is_closed = False
        self.breakers = CircuitBreakers(self._try, clock=self._clock, errors=errors)

    def __repr__(self) -> str:
        """Show the number of connections, of waiting requests, and of open circuits."""
        slots = self._state.slots
        idle = sum(slot.is_idle for slot in slots)
        return (
            f"<SftpConnectionPool connections: {len(slots)}/{self._limits.max_connections}"
            f" ({len(slots) - idle} active, {idle} idle), waiting: {len(self._state.waiting)},"
            f" {self.breakers.summary}>"
        )

    def count(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has and how many requests of it wait for one."""
        return ConnectionCount(len(self._state.find_slots(guild_id)), self._state.count_waiting(guild_id))

    @asynccontextmanager
    async def lend(
        self, guild_id: GuildId, login: HostLogin, *, guild_limit: int, is_forced: bool = False
    ) -> AsyncIterator[SftpSession]:
        """Lend a session on a host; ``guild_limit`` is how many connections the guild's tier allows.

        ``is_forced`` connects although the host or login is known to fail: a person wants to know.

        Raises:
            TooMuchAtOnceError: the guild asks for too many tests at a time.
            TooManyConnectionsError: no connection became free in time.
            RemoteError: connecting failed (for all who waited for the same attempt), or is known to fail.
        """
        request = Request(guild_id, login, guild_limit, is_forced)
        with self._hand_tries.admit(guild_id, now=self._clock.monotonic()) if is_forced else nullcontext():
            link, connection = await self._acquire_healthy(request, self._limits.wait_timeout_seconds)
            try:
                yield SftpSession(
                    connection, operation_timeout_seconds=self._limits.operation_timeout_seconds
                )
            finally:
                self._release(link)

    def expire_idle(self) -> None:
        """Start closing the connections that were idle too long or whose host hung up."""
        self._close(self._state.expire(now=self._clock.monotonic()))
        for slot in self._state.slots:
            link = self._links[slot]
            if slot.is_idle and not link.is_usable:
                if link.connection is not None and link.connection.fault is not None:
                    self.breakers.note_failure(slot.guild_id, slot.login, link.connection.fault)
                self._close([slot])
        self._pace.forget_past(now=self._clock.monotonic())
        self._hand_tries.forget_past(now=self._clock.monotonic())
        self.breakers.expire()

    async def close_guild(self, guild_id: GuildId) -> None:
        """End the connections of a guild with their loans, and its waiting requests."""
        self._refuse(request for request in self._state.waiting if request.guild_id == guild_id)
        self.breakers.forget(guild_id)
        await self._close_and_wait(self._state.find_slots(guild_id))
        self._state.forget(guild_id)

    def retire(self, guild_id: GuildId, login: HostLogin) -> None:
        """Start closing a guild's idle connections of one account, because no server needs it any more."""
        self._close(slot for slot in self._state.find_slots(guild_id, login) if slot.is_idle)

    async def aclose(self) -> None:
        """End everything, within little more than the close timeout. Nothing is lent afterwards."""
        self._is_closed = True
        self._refuse(self._state.waiting)
        await self.breakers.aclose()
        await self._close_and_wait(self._state.slots)

    async def _try(self, waiter: Waiter) -> None:
        """Connect with the login of a waiter, although it is known to fail."""
        request = Request(waiter.guild_id, waiter.login, waiter.guild_limit, is_forced=True, is_try=True)
        link, _ = await self._acquire_healthy(request, self._limits.try_wait_seconds)
        self._release(link)

    async def _acquire_healthy(self, request: Request, wait_seconds: float) -> tuple[_Link, HostConnection]:
        """Return an open connection that answers; if it died while it was idle, replace it once."""
        for _ in range(2):
            link = await self._acquire(request, wait_seconds)
            try:
                connection = await self._wait_until_open(link)
                if await self._is_healthy(link, connection):
                    self.breakers.note_success(request.guild_id, request.login)
                    return link, connection
            except BaseException:
                self._release(link)
                raise
            self._release(link)
            if connection.fault is not None:
                break
        error = connection.fault or ConnectionLostError(
            Problem.CLOSED_AFTER_LOGIN.say(host=request.login.address)
        )
        self.breakers.note_failure(request.guild_id, request.login, error)
        raise error

    async def _acquire(self, request: Request, wait_seconds: float) -> _Link:
        """Queue up until a connection is assigned."""
        if self._is_closed:
            raise ConnectionLostError(Problem.SHUTTING_DOWN.say())
        if not (request.is_forced or self._state.has_connection(request.guild_id, request.login)):
            self.breakers.verify(request.guild_id, request.login)
        self._verify_secret(request)
        assigned: asyncio.Future[_Link] = asyncio.get_running_loop().create_future()
        self._assigned[request] = assigned
        self._state.add(request)
        self._advance()
        if assigned.done():
            return assigned.result()
        try:
            async with asyncio.timeout(wait_seconds):
                return await assigned
        except BaseException as error:
            self._give_up(request, assigned)
            if isinstance(error, TimeoutError):
                raise TooManyConnectionsError(self._describe_busy(request)) from error
            raise

    def _verify_secret(self, request: Request) -> None:
        """Refuse an unusable key before it takes a place in the queue or a handshake."""
        if self._state.has_connection(request.guild_id, request.login):
            return
        try:
            read_private_key(request.login.credentials)
        except InvalidSecretError as error:
            self.breakers.note_failure(request.guild_id, request.login, error)
            raise

    def _describe_busy(self, request: Request) -> Text:
        """Return the error of a wait that was too long."""
        is_host_busy = self._state.is_host_busy(request)
        problem = Problem.TOO_MANY_CONNECT if is_host_busy else Problem.CONNECTIONS_BUSY
        return problem.say(host=request.login.address)

    def _give_up(self, request: Request, assigned: asyncio.Future[_Link]) -> None:
        """Leave the queue; a connection that was assigned at this moment is given back."""
        if assigned.cancelled() or assigned.exception():
            self._assigned.pop(request, None)
            self._state.withdraw(request)
            self._advance()
        else:
            self._release(assigned.result())

    async def _wait_until_open(self, link: _Link) -> HostConnection:
        """Wait for the shared attempt, without cancelling it for the others."""
        if not link.opening.done():
            await asyncio.wait([link.opening])
        if link.opening.cancelled():
            raise ConnectionLostError(Problem.CLOSED_BY_US.say())
        return link.opening.result()

    async def _is_healthy(self, link: _Link, connection: HostConnection) -> bool:
        """Tell whether a connection can be lent; after a long idle time it is tested first."""
        if self._clock.monotonic() - link.proven_at >= self._limits.check_after_idle_seconds:
            session = SftpSession(connection, operation_timeout_seconds=self._limits.check_timeout_seconds)
            try:
                await session.real_path(".")
            except RemoteError:
                connection.is_broken = True
        return connection.is_usable

    def _release(self, link: _Link) -> None:
        """End a loan; close the connection at once if it is broken, or being opened without need."""
        now = self._clock.monotonic()
        self._state.release(link.slot, now=now)
        if link.is_usable:
            link.proven_at = now
        elif link.slot in self._links and (link.opening.done() or link.slot.loans == 0):
            self._close([link.slot])
        self._advance()

    def _advance(self) -> None:
        """Carry out the decisions that are possible now, for the requests that still wait."""
        # a cancelled request leaves the queue a turn later; a slot given to it until then would be lost
        for request in [request for request, assigned in self._assigned.items() if assigned.done()]:
            self._state.withdraw(request)
            del self._assigned[request]
        decisions = self._state.decide()
        self._close(decisions.closed)
        for slot in decisions.opened:
            self._links[slot] = self._open(slot)
        for request, slot in decisions.served:
            self._assigned.pop(request).set_result(self._links[slot])

    def _open(self, slot: Slot) -> _Link:
        now = self._clock.monotonic()
        opening = asyncio.create_task(self._connect(slot, self._pace.reserve(slot.login, now=now)))
        opening.add_done_callback(lambda _: self._end_handshake(slot, opening))
        log.debug("sftp connection opening", guild_id=slot.guild_id, host=slot.login.address)
        return _Link(slot=slot, opening=opening, proven_at=now)

    async def _connect(self, slot: Slot, delay_seconds: float) -> HostConnection:
        """Connect when the host's next handshake may begin."""
        if delay_seconds > 0:
            await self._clock.sleep(delay_seconds)
        return await self._opener(slot.guild_id, slot.login)

    def _end_handshake(self, slot: Slot, opening: "asyncio.Task[HostConnection]") -> None:
        """Note how an attempt ended; requests for the same host or login get the same result."""
        self._state.end_handshake(slot)
        if not opening.cancelled() and opening.exception() is None:
            self._state.pin(slot, opening.result().host_key)
            log.info("logged in at a game host", guild_id=slot.guild_id, host=slot.login.address)
        error = None if opening.cancelled() else opening.exception()
        if isinstance(error, RemoteError):
            self.breakers.note_failure(slot.guild_id, slot.login, error)
            sharing = [request for request in self._state.waiting if _shares_fate(request, slot, error)]
            self._refuse(sharing, error)
        self._advance()

    def _refuse(self, requests: Iterable[Request], error: RemoteError | None = None) -> None:
        """End waiting requests with an error."""
        for request in list(requests):
            self._state.withdraw(request)
            assigned = self._assigned.pop(request)
            if not assigned.done():
                assigned.set_exception(error or ConnectionLostError(Problem.CLOSED_BY_US.say()))

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
        """Close one connection at any stage, and give its place to the next."""
        await asyncio.wait([link.opening])
        if link.connection is not None:
            await link.connection.close(self._limits.close_timeout_seconds)
        log.debug("sftp connection closed", guild_id=link.slot.guild_id, host=link.slot.login.address)
        self._state.remove(link.slot)
        del self._links[link.slot]
        self._advance()


def _shares_fate(request: Request, slot: Slot, error: RemoteError) -> bool:
    """Tell whether a waiting request would fail like an attempt that just did."""
    if request.is_forced:
        return False
    if error.is_of_host:
        return request.login.door == slot.login.door
    return (request.guild_id, request.login) == (slot.guild_id, slot.login)
