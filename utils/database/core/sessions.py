"""Sessions: transactions run in a few sessions, with ids that are known from the start.

mongod keeps the transaction of a client that was killed, and its locks, for about a minute. The next process
must be able to end it, so the ids of all sessions for transactions are fixed when the pool opens and stored
with the lease (``repositories.leases``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.client_session import ClientSession

from utils.database.core.threads import call_in_thread
from utils.models.scope import GuildId
from utils.turns import FairTurns

Client = AsyncIOMotorClient[dict[str, Any]]

SESSION_COUNT = 8  # transactions at once; four keep two cores of mongod busy


class SessionPool:
    """At most ``SESSION_COUNT`` sessions, lent to one transaction at a time; guilds share them fairly."""

    def __init__(self, sessions: tuple[ClientSession, ...]) -> None:
        self._sessions = sessions
        self._free = list(sessions)
        self._turns = FairTurns(len(sessions))
        self.ids = tuple(bytes(session.session_id["id"]) for session in sessions)

    @classmethod
    def open(cls, client: Client, *, size: int = SESSION_COUNT) -> Self:
        """Start all sessions; nothing is sent before their first use."""
        return cls(tuple(client.delegate.start_session() for _ in range(size)))

    @asynccontextmanager
    async def borrow(self, guild_id: GuildId | None = None) -> AsyncIterator[ClientSession]:
        """Lend a session to a guild in its turn; None is the bot itself, or several guilds together."""
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
