"""Sessions: the few that transactions run in, known by id from the start.

mongod keeps the transaction of a client that was killed, and its locks, for about a minute. Whoever takes
over must be able to end it, so the ids of all sessions that ever hold a transaction are fixed when the pool
opens and stored with the lease (``repositories.leases``).
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.client_session import ClientSession

from utils.database.threads import call_in_thread
from utils.models.scope import GuildId

T = TypeVar("T")

Client = AsyncIOMotorClient[dict[str, Any]]
Session = ClientSession
"""Of a transaction. It is pymongo's own: a transaction runs within a thread."""

_Places = deque["asyncio.Future[Session]"]

SESSION_COUNT = 8  # transactions in flight; two cores of mongod are busy with four


async def settle(operation: Awaitable[T]) -> T:
    """Wait for an operation within a thread; when cancelled, still until it has ended.

    No cancellation reaches the thread. What it works with (a session, above all) must not be lent to the next
    one before, however often whoever waits was cancelled.
    """
    running = asyncio.ensure_future(operation)
    try:
        await asyncio.wait([running])  # unlike a shield it leaves nothing unlooked at when both end at once
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # looked at, so that the loop does not report it as forgotten
        raise
    return running.result()


class SessionPool:
    """At most ``SESSION_COUNT`` sessions, lent to one transaction at a time.

    No guild holds more than half of them, however much it has to store: what one transaction costs is
    bounded, and so is how long others wait. Guilds that wait take turns, each in the order in which it came.
    """

    def __init__(self, sessions: tuple[Session, ...]) -> None:
        self._sessions = sessions
        self._free = list(sessions)
        self._share = max(1, len(sessions) // 2)
        self._held: Counter[GuildId | None] = Counter()
        self._waiting: dict[
            GuildId | None, deque[asyncio.Future[Session]]
        ] = {}  # whose turn it is comes first
        self.ids = tuple(bytes(session.session_id["id"]) for session in sessions)

    @classmethod
    def open(cls, client: Client, *, size: int = SESSION_COUNT) -> Self:
        """Start all sessions; nothing is sent before their first use."""
        return cls(tuple(client.delegate.start_session() for _ in range(size)))

    @asynccontextmanager
    async def borrow(self, guild_id: GuildId | None = None) -> AsyncIterator[Session]:
        """Lend a session to a guild, or to the bot itself, waiting while it has its share or all are busy."""
        place: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(guild_id, deque()).append(place)
        self._lend()
        try:
            yield await place
        finally:
            if place.done() and not place.cancelled():
                self._held -= Counter([guild_id])  # forgets who holds none
                self._free.append(place.result())
            self._lend()

    def _lend(self) -> None:
        """Give free sessions to those whose turn it is."""
        while self._free and (turn := self._find_turn()) is not None:
            guild_id, places = turn
            del self._waiting[guild_id]
            place = places.popleft()
            if not place.cancelled():
                self._held[guild_id] += 1
                place.set_result(self._free.pop())
            if places:
                self._waiting[guild_id] = places  # behind all others

    def _find_turn(self) -> tuple[GuildId | None, _Places] | None:
        turns = ((one, places) for one, places in self._waiting.items() if self._held[one] < self._share)
        return next(turns, None)

    async def close(self) -> None:
        """End all sessions."""
        for session in self._sessions:
            await call_in_thread(session.end_session)
