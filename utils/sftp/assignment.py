"""Assignment: which request gets which connection. It only decides, without I/O; ``pool`` acts.

*Theory of operation.* The state holds connections (slots) and a queue of requests. After every change the
pool calls ``decide``. It returns which connections to close, which requests get which connection, and which
connections to open first. For each request, in fair order:

1. Its login has a connection in its guild: it joins, up to the limit of loans of one connection.
2. The handshakes with its host have reached the limit, or those of its own guild half of it: it waits for one
of them to end. It delays no other host, and it comes first when one ends. One more handshake is reserved for
the try of a circuit, with a login of any guild, so that hanging handshakes cannot hide a host that is back.
3. The guild's limit and the limit over all are not reached: a new connection is opened.
4. A limit is reached, but a connection is idle: at the guild's limit one of the guild; else one of a guild
with more than its fair share, or of any guild if no such guild has an idle one. The connection that was idle
longest is closed, and its place is promised to the request.
5. Otherwise it waits. Until it is served, no later request may join or open a connection that could make room
for it: in its guild at the guild's limit, in all guilds at the limit over all. So busy connections become
idle, and no request waits for ever.

Fair order: one request per guild in turns, the guild that was served longest ago first; within a guild, first
come, first served. A connection counts until its socket is closed, because the host counts it as well.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from utils.models.scope import GuildId
from utils.sftp.login import HostLogin, PoolLimits

HandshakeKey = tuple[str, int] | tuple[GuildId, tuple[str, int]]
"""A host, or a guild with a host."""


@dataclass(eq=False, slots=True)
class Slot:
    """A connection as the decisions see it: being opened, open, or closing.

    Attributes:
        loans: the number of requests that use it now, or wait for it to be open.
        idle_since: when the last loan ended, by the monotonic clock.
        is_opening: its handshake is under way.
    """

    guild_id: GuildId
    login: HostLogin
    loans: int = 0
    idle_since: float = 0.0
    is_closing: bool = False
    is_opening: bool = True

    @property
    def is_idle(self) -> bool:
        """Tell whether it is unused, so that it may be closed."""
        return self.loans == 0 and not self.is_closing


@dataclass(eq=False, slots=True)
class Request:
    """A request for a connection.

    Attributes:
        is_forced: connect although that is known to fail.
        is_try: this is the try of a circuit.
    """

    guild_id: GuildId
    login: HostLogin
    guild_limit: int
    is_forced: bool = False
    is_try: bool = False


@dataclass(slots=True)
class Decisions:
    """The decisions to carry out now.

    Attributes:
        served: requests with the connection each gets, in order.
        opened: connections among them that must be opened first.
        closed: connections to be closed; call ``PoolState.remove`` when they are.
    """

    served: list[tuple[Request, Slot]] = field(default_factory=list)
    opened: list[Slot] = field(default_factory=list)
    closed: list[Slot] = field(default_factory=list)


class PoolState:
    """Connections and requests, and the decisions about them."""

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._slots: dict[GuildId, list[Slot]] = {}
        self._shared: dict[tuple[GuildId, HostLogin], Slot] = {}
        self._waiting: dict[Request, None] = {}
        self._served_at: dict[GuildId, int] = {}
        self._handshakes: Counter[HandshakeKey] = Counter()
        self._count = 0
        self._turn = 0

    @property
    def slots(self) -> list[Slot]:
        """Return every connection, closing ones too."""
        return [slot for slots in self._slots.values() for slot in slots]

    @property
    def waiting(self) -> list[Request]:
        """Return the queue in order of arrival."""
        return list(self._waiting)

    def count_waiting(self, guild_id: GuildId) -> int:
        """Return how many requests of a guild are in the queue."""
        return sum(request.guild_id == guild_id for request in self._waiting)

    def is_host_busy(self, request: Request) -> bool:
        """Tell whether the handshakes with a host have reached its limit, or that of one guild."""
        most = self._limits.handshakes_per_host
        host = request.login.host_and_port
        if request.is_try:
            return self._handshakes[host] >= most
        others, own = max(most - 1, 1), max(most // 2, 1)
        return self._handshakes[host] >= others or self._handshakes[request.guild_id, host] >= own

    def has_connection(self, guild_id: GuildId, login: HostLogin) -> bool:
        """Tell whether a login has a connection of its guild to share, open or being opened."""
        return self._find_shared(guild_id, login) is not None

    def find_slots(self, guild_id: GuildId, login: HostLogin | None = None) -> list[Slot]:
        """Return a guild's connections, or those of one of its logins, with any pinned key."""
        slots = self._slots.get(guild_id, ())
        return [slot for slot in slots if login is None or slot.login.is_same_account(login)]

    def add(self, request: Request) -> None:
        """Put a request at the end of the queue."""
        self._waiting[request] = None

    def withdraw(self, request: Request) -> None:
        """Take a request out of the queue; do nothing if it was served already."""
        self._waiting.pop(request, None)

    def release(self, slot: Slot, *, now: float) -> None:
        """End one loan of a connection."""
        slot.loans -= 1
        slot.idle_since = now

    def end_handshake(self, slot: Slot) -> None:
        """Note that a connection is open, or that it will not be."""
        if slot.is_opening:
            slot.is_opening = False
            self._count_handshake(slot, -1)

    def pin(self, slot: Slot, host_key: str) -> None:
        """Share a connection opened without a pinned key with the logins that pinned the key it showed."""
        known = (slot.guild_id, slot.login)
        pinned = (slot.guild_id, replace(slot.login, host_key=host_key))
        if slot.login.host_key is None and self._shared.get(known) is slot and pinned not in self._shared:
            self._shared[pinned] = self._shared.pop(known)
            slot.login = pinned[1]

    def close(self, slot: Slot) -> None:
        """Mark a connection as closing: it is lent no more and counts until it is removed."""
        slot.is_closing = True
        if self._shared.get((slot.guild_id, slot.login)) is slot:
            del self._shared[slot.guild_id, slot.login]

    def remove(self, slot: Slot) -> None:
        """Forget a connection whose socket is closed."""
        self.close(slot)
        self.end_handshake(slot)
        slots = self._slots.get(slot.guild_id, [])
        if slot in slots:
            slots.remove(slot)
            self._count -= 1
        if not slots:
            self._slots.pop(slot.guild_id, None)

    def forget(self, guild_id: GuildId) -> None:
        """Forget when a guild was served; the bot has left it."""
        self._served_at.pop(guild_id, None)

    def expire(self, *, now: float) -> list[Slot]:
        """Mark and return the connections that were idle for too long."""
        limit = self._limits.idle_expiry_seconds
        expired = [slot for slot in self.slots if slot.is_idle and now - slot.idle_since >= limit]
        for slot in expired:
            self.close(slot)
        return expired

    def decide(self) -> Decisions:
        """Make all decisions that are possible now, and store them in the state."""
        decisions = Decisions()
        promised: set[Slot] = set()
        blocked: set[GuildId] = set()
        for request in iterate_fairly(self._waiting, self._served_at):
            if request.guild_id in blocked:
                continue
            if self._try_to_share(request, decisions) or self.is_host_busy(request):
                continue
            slots = self._slots.get(request.guild_id, [])
            if len(slots) >= request.guild_limit:
                if not self._promise_place(slots, slots, promised, decisions):
                    blocked.add(request.guild_id)
            elif self._count < self._limits.max_connections:
                self._open(request, decisions)
            elif not self._promise_place(self.slots, self._list_over_share(), promised, decisions):
                break
        return decisions

    def _try_to_share(self, request: Request, decisions: Decisions) -> bool:
        """Join the login's connection; while it is full, wait for this one only."""
        slot = self._find_shared(request.guild_id, request.login)
        if slot is None:
            return False
        if slot.loans < self._limits.max_loans_per_connection:
            self._serve(request, slot, decisions)
        return True

    def _count_handshake(self, slot: Slot, change: int) -> None:
        """Count a handshake that begins or ends, for its host and for its guild there."""
        host = slot.login.host_and_port
        keys: tuple[HandshakeKey, ...] = (host, (slot.guild_id, host))
        for key in keys:
            self._handshakes[key] += change
            if not self._handshakes[key]:
                del self._handshakes[key]

    def _find_shared(self, guild_id: GuildId, login: HostLogin) -> Slot | None:
        """Return the connection a login shares; a login without a pinned key shares one with any key."""
        slot = self._shared.get((guild_id, login))
        if slot is None and login.host_key is None:
            others = (other for other in self._slots.get(guild_id, ()) if not other.is_closing)
            return next((other for other in others if replace(other.login, host_key=None) == login), None)
        return slot

    def _list_over_share(self) -> list[Slot]:
        """Return the connections of guilds that hold more than their fair share of all."""
        held = {guild_id: len(slots) for guild_id, slots in self._slots.items()}
        wanting = {request.guild_id for request in self._waiting} - held.keys()
        share = self._limits.max_connections / (len(held) + len(wanting))
        return [slot for slot in self.slots if held[slot.guild_id] > share]

    def _promise_place(
        self, slots: Sequence[Slot], preferred: Sequence[Slot], promised: set[Slot], decisions: Decisions
    ) -> bool:
        """Promise the place of a connection that is closing already, or of one that is idle."""
        place = next((slot for slot in slots if slot.is_closing and slot not in promised), None)
        if place is None:
            place = choose_idle(preferred) or choose_idle(slots)
            if place is None:
                return False
            self.close(place)
            decisions.closed.append(place)
        promised.add(place)
        return True

    def _open(self, request: Request, decisions: Decisions) -> None:
        slot = Slot(guild_id=request.guild_id, login=request.login)
        self._slots.setdefault(request.guild_id, []).append(slot)
        self._shared[request.guild_id, request.login] = slot
        self._count += 1
        self._count_handshake(slot, 1)
        decisions.opened.append(slot)
        self._serve(request, slot, decisions)

    def _serve(self, request: Request, slot: Slot, decisions: Decisions) -> None:
        self._turn += 1
        self._served_at[request.guild_id] = self._turn
        del self._waiting[request]
        slot.loans += 1
        decisions.served.append((request, slot))


def choose_idle(slots: Iterable[Slot]) -> Slot | None:
    """Return the connection that was idle longest, if there is one."""
    idle = (slot for slot in slots if slot.is_idle)
    return min(idle, key=lambda slot: slot.idle_since, default=None)


def iterate_fairly(waiting: Iterable[Request], served_at: dict[GuildId, int]) -> Iterator[Request]:
    """Yield requests in turns of one per guild; guilds served longest ago (or never) first."""
    queues: dict[GuildId, list[Request]] = {}
    for request in waiting:
        queues.setdefault(request.guild_id, []).append(request)
    turns = sorted(queues, key=lambda guild_id: served_at.get(guild_id, 0))
    for turn in range(max(map(len, queues.values()), default=0)):
        yield from (queues[guild_id][turn] for guild_id in turns if turn < len(queues[guild_id]))
