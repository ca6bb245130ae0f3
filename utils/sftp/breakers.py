"""Breakers: the circuits of failing hosts and logins, and the one try that notices when they are back.

*Theory of operation.* A failed attempt to connect opens a circuit (``utils.models.circuits``): the host's, if
the host failed before the login began, else that of this login in this guild. While it is open nothing else
connects there: ``verify`` raises the last error without any traffic. Loops that want to go on wait in
``wait``. While there are waiters, one loop for each circuit tries with the login of one of them, in turns.
The first success wakes all of them. A login that was refused is not tried again before ``forgive``.

All guilds share the circuit of a host, because it holds no data of theirs: it only says that the host does
not answer. Hosts that are asked for old algorithms (``legacy``) have a circuit of their own. An attempt that
ended for a reason of ours (``tells_of_host`` is off: no name server answered, or the guild's allowance at the
gate was used up) neither opens nor closes it.
"""

import asyncio
import hashlib
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.errors import (
    HandshakeRefusedError,
    HostKeyChangedError,
    NoSshServerError,
    RemoteError,
)
from utils.models.circuits import Circuit, CircuitState
from utils.models.scope import GuildId
from utils.models.servers import Obstacle
from utils.sftp.login import HostLogin

HOST_BACKOFF = Backoff(first_seconds=1, longest_seconds=10, jitter=1)
"""A host's return is noticed within 10 s, at the cost of one failed connection every 5 s on average."""

LOGIN_BACKOFF = Backoff(first_seconds=2, longest_seconds=20, jitter=1)
"""The host answers and a later step fails: tries are a little slower, because each is a whole login."""

FORGOTTEN_AFTER_SECONDS = 60.0  # longer than a loop needs from a failure to waiting for its end
LOGGED_TRIES = 100  # at the longest wait about once in ten minutes

log = get_logger(__name__)

Key = tuple[str, int, bool] | tuple[GuildId, HostLogin]
Try = Callable[["Waiter"], Coroutine[None, None, None]]


@dataclass(eq=False, slots=True)
class Waiter:
    """A waiter, which goes on when the circuit is closed, and lends its login to the tries until then."""

    guild_id: GuildId
    login: HostLogin
    guild_limit: int


@dataclass(eq=False, slots=True)
class Breaker:
    """An open circuit, its reason, and its waiters.

    Attributes:
        turns: for each guild, the number of the last try that used one of its logins.
    """

    key: Key
    backoff: Backoff
    error: RemoteError
    circuit: Circuit = field(default_factory=Circuit)
    changed_at: float = 0.0
    waiting: list[Waiter] = field(default_factory=list)
    turns: dict[GuildId, int] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    trying: asyncio.Task[None] | None = None

    @property
    def is_unwatched(self) -> bool:
        """Tell whether it has no waiters."""
        return not self.waiting and (self.trying is None or self.trying.done())

    def take_turn(self) -> Waiter:
        """Return the waiter that lends its login to the next try, and put it last.

        Guilds take turns, no matter how many of their logins wait, because the logins of one guild may fail
        for a reason of their own.
        """
        waiter = min(self.waiting, key=lambda one: self.turns.get(one.guild_id, 0))
        self.turns[waiter.guild_id] = max(self.turns.values(), default=0) + 1
        self.waiting.remove(waiter)
        self.waiting.append(waiter)
        return waiter

    def wake_all(self) -> None:
        """Wake all waiters, to look again."""
        self.changed.set()
        self.changed = asyncio.Event()


class CircuitBreakers:
    """The open circuits of all hosts and logins; closed ones are not kept.

    Args:
        attempt: connects with the login of a waiter, past an open circuit; may raise RemoteError.
        draw: a number from 0 to 1, the jitter.
    """

    def __init__(
        self,
        attempt: Try,
        *,
        clock: Clock,
        draw: Callable[[], float] = random.random,
        errors: ErrorSink | None = None,
    ) -> None:
        self._attempt = attempt
        self._errors = errors or LoggedErrors()
        self._clock = clock
        self._draw = draw
        self._breakers: dict[Key, Breaker] = {}
        self._tries: dict[asyncio.Task[None], Breaker] = {}

    @property
    def summary(self) -> str:
        """Return the number of open circuits, and of their waiters."""
        waiting = sum(len(breaker.waiting) for breaker in self._breakers.values())
        return f"failing: {len(self._breakers)} ({waiting} waiting)"

    def __repr__(self) -> str:
        """Show the summary."""
        return f"<CircuitBreakers {self.summary}>"

    def verify(self, guild_id: GuildId, login: HostLogin) -> None:
        """Refuse a login that is known to fail.

        Raises:
            RemoteError: the error of the last try.
        """
        if (breaker := self._find(guild_id, login)) is not None:
            raise breaker.error.with_traceback(None)  # shared: its tracebacks would pile up

    def find_obstacle(self, guild_id: GuildId, login: HostLogin) -> Obstacle | None:
        """Return the obstacle of a login, if there is one."""
        breaker = self._find(guild_id, login)
        if breaker is None:
            return None
        return Obstacle(_name_matter(login, breaker.error), breaker.circuit.next_try_at)

    def list_away(self) -> Mapping[str, frozenset[GuildId]]:
        """Return the hosts with an open circuit that may close by itself, and the guilds that it concerns.

        A digest stands for the host, because a text about several guilds names none of their hosts.
        """
        found: dict[str, set[GuildId]] = {}
        for breaker in self._breakers.values():
            if not breaker.circuit.waits_for_person:
                logins = [(one.guild_id, one.login) for one in breaker.waiting]
                if isinstance(breaker.key[1], HostLogin):
                    logins.append(breaker.key)
                for guild_id, login in logins:
                    found.setdefault(_compute_digest(login.address), set()).add(guild_id)
        return {host: frozenset(guilds) for host, guilds in found.items()}

    def note_success(self, guild_id: GuildId, login: HostLogin) -> None:
        """Note that a login has a working connection."""
        self._close(login.door)
        self._close((guild_id, login))

    def note_failure(self, guild_id: GuildId, login: HostLogin, error: RemoteError) -> None:
        """Note that a login could not connect."""
        if error.is_of_host:
            self._open(login.door, HOST_BACKOFF, error)
            return
        if error.tells_of_host:
            self._close(login.door)
        self._open((guild_id, login), LOGIN_BACKOFF, error)

    async def wait(self, guild_id: GuildId, login: HostLogin, *, guild_limit: int) -> None:
        """Wait until the obstacle of a login changes; return at once if there is none."""
        breaker = self._find(guild_id, login)
        if breaker is None:
            return
        waiter = Waiter(guild_id, login, guild_limit)
        breaker.waiting.append(waiter)
        self._start_trying(breaker)
        try:
            await breaker.changed.wait()
        finally:
            breaker.waiting.remove(waiter)

    def forgive(self, guild_id: GuildId, login: HostLogin) -> None:
        """Allow the login to be tried again, because somebody changed something."""
        self._close((guild_id, login))

    def forget(self, guild_id: GuildId) -> None:
        """Drop the circuits of a guild's logins."""
        for key in [key for key in self._breakers if key[0] == guild_id and isinstance(key[1], HostLogin)]:
            self._close(key)
        for breaker in self._breakers.values():
            breaker.turns.pop(guild_id, None)

    def expire(self) -> None:
        """Drop circuits that were not asked for in a while."""
        now = self._clock.monotonic()
        for breaker in list(self._breakers.values()):
            if breaker.is_unwatched and now - breaker.changed_at >= FORGOTTEN_AFTER_SECONDS:
                self._close(breaker.key)

    async def aclose(self) -> None:
        """End every try, and let all waiters go on."""
        for key in list(self._breakers):
            self._close(key)
        for task in list(self._tries):
            task.cancel()
        if self._tries:
            await asyncio.wait(list(self._tries))

    def _find(self, guild_id: GuildId, login: HostLogin) -> Breaker | None:
        """Return the open circuit of a login, the host's first: while the host is away no login is tried."""
        return self._breakers.get(login.door) or self._breakers.get((guild_id, login))

    def _open(self, key: Key, backoff: Backoff, error: RemoteError) -> None:
        breaker = self._breakers.get(key)
        if breaker is None:
            breaker = self._breakers[key] = Breaker(key, backoff, error)
            log.info("connecting stops", where=_describe(key), problem=str(error))
        failures = breaker.circuit.failures + 1
        wait_seconds = None if error.is_lasting else backoff.compute_seconds(failures, self._draw)
        if isinstance(error, NoSshServerError) and not isinstance(breaker.error, NoSshServerError):
            breaker.wake_all()  # the admins are to be told of it
        breaker.error = error
        breaker.changed_at = self._clock.monotonic()
        breaker.circuit = breaker.circuit.fail(now=self._clock.now(), wait_seconds=wait_seconds)
        if breaker.circuit.failures % LOGGED_TRIES == 0:
            log.info("still no connection", where=_describe(key), tries=failures, problem=str(error))
        if breaker.waiting:
            self._start_trying(breaker)

    def _close(self, key: Key) -> None:
        breaker = self._breakers.pop(key, None)
        if breaker is not None:
            log.info("connecting may go on", where=_describe(key), tries=breaker.circuit.failures)
            breaker.closed.set()
            breaker.wake_all()
            if breaker.trying is not None and breaker.circuit.state is CircuitState.OPEN:
                breaker.trying.cancel()  # it sleeps; a try under way ends by itself

    def _start_trying(self, breaker: Breaker) -> None:
        if breaker.circuit.waits_for_person or not (breaker.trying is None or breaker.trying.done()):
            return
        breaker.trying = asyncio.create_task(self._keep_trying(breaker))
        self._tries[breaker.trying] = breaker
        breaker.trying.add_done_callback(self._end_trying)

    def _end_trying(self, task: "asyncio.Task[None]") -> None:
        """Note the end of a loop; after an unexpected error all waiters try by themselves and get it too."""
        breaker = self._tries.pop(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("trying to connect failed", where=_describe(breaker.key))
            self._errors.report(fault, where=_find_where(breaker.key))
            if self._breakers.get(breaker.key) is breaker:
                self._close(breaker.key)

    async def _keep_trying(self, breaker: Breaker) -> None:
        """Try at each due time, until it is closed, waits for a person, or has no more waiters."""
        while not breaker.closed.is_set() and not breaker.circuit.waits_for_person:
            await self._clock.sleep(self._compute_wait(breaker))
            if breaker.closed.is_set() or not breaker.waiting:
                return
            breaker.circuit = breaker.circuit.begin_try()
            with suppress(RemoteError):  # ``note`` has counted it already
                await self._attempt(breaker.take_turn())
            if breaker.circuit.state is CircuitState.HALF_OPEN and not breaker.closed.is_set():
                # no connection was tried: the guild whose turn it was has reached its limit
                self._open(breaker.key, breaker.backoff, breaker.error)

    def _compute_wait(self, breaker: Breaker) -> float:
        """Return seconds until the next try; if the wall clock was set, it stays within the usual bounds."""
        due = breaker.circuit.next_try_at or self._clock.now()
        seconds = (due - self._clock.now()).total_seconds()
        return min(max(seconds, 0.0), breaker.backoff.longest_seconds)


def _describe(key: Key) -> str:
    """Name a circuit for the log, without user or secret."""
    if isinstance(key[1], HostLogin):
        return f"guild {key[0]} at {key[1].address}"
    return f"host {key[0]}:{key[1]}"


def _find_where(key: Key) -> Where:
    if isinstance(key[1], HostLogin):
        return Where(source=ErrorSource.CONNECTING, guild_id=GuildId(int(key[0])), host=key[1].address)
    return Where(source=ErrorSource.CONNECTING, host=f"{key[0]}:{key[1]}")


def _name_matter(login: HostLogin, error: RemoteError) -> str:
    """Name the problem: a changed key concerns all logins at that host, a refused login only itself."""
    if error.is_of_host or isinstance(error, HostKeyChangedError | HandshakeRefusedError):
        return f"{type(error).__name__}:{_compute_digest(login.address)}"
    return f"login:{_compute_digest(login.address, login.username)}"


def _compute_digest(*parts: str) -> str:
    """Return a name for a login that shows neither host nor user; a later process computes the same."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()
