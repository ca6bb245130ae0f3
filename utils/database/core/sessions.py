"""Sessions: the few that transactions run in, known by id from the start.

mongod keeps the transaction of a client that was killed, and its locks, for about a minute. The next
process must be able to end it, so the ids of all sessions that ever hold a transaction are fixed when the
pool opens and stored with the lease (``repositories.leases``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.client_session import ClientSession

from utils.database.core.threads import call_in_thread
from utils.models.scope import GuildId
from utils.turns import FairTurns

T = TypeVar("T")

Client = AsyncIOMotorClient[dict[str, Any]]
Session = ClientSession
"""Of a transaction. It is pymongo's own: a transaction runs within a thread."""

SESSION_COUNT = 8  # transactions in flight; two cores of mongod are busy with four


async def settle(operation: Awaitable[T]) -> T:
    """Wait for an operation within a thread; when cancelled, still until it has ended.

    No cancellation reaches the thread. What it works with (a session, above all) must not be lent to the next
    one before, however often the waiting task was cancelled.
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
    """At most ``SESSION_COUNT`` sessions, lent to one transaction at a time; guilds share them fairly."""

    def __init__(self, sessions: tuple[Session, ...]) -> None:
        self._sessions = sessions
        self._free = list(sessions)
        self._turns = FairTurns(len(sessions))
        self.ids = tuple(bytes(session.session_id["id"]) for session in sessions)

    @classmethod
    def open(cls, client: Client, *, size: int = SESSION_COUNT) -> Self:
        """Start all sessions; nothing is sent before their first use."""
        return cls(tuple(client.delegate.start_session() for _ in range(size)))

    @asynccontextmanager
    async def borrow(self, guild_id: GuildId | None = None) -> AsyncIterator[Session]:
        """Lend a session to a guild, or to the bot itself, when it is its turn."""
        async with self._turns.lend(guild_id):
            session = self._free.pop()
            try:
                yield session
            finally:
                self._free.append(session)

    async def close(self) -> None:
        """End all sessions."""
        for session in self._sessions:
            await call_in_thread(session.end_session)
