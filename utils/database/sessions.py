"""Sessions: the few that transactions run in, known by id from the start.

mongod keeps the transaction of a client that was killed, and its locks, for about a minute. Whoever takes
over must be able to end it, so the ids of all sessions that ever hold a transaction are fixed when the pool
opens and stored with the lease (``repositories.leases``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar, cast

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.client_session import ClientSession

T = TypeVar("T")

Client = AsyncIOMotorClient[dict[str, Any]]
LentSession = AsyncIOMotorClientSession
Session = LentSession | ClientSession
"""Of a transaction: the latter of one that runs within a thread."""

SESSION_COUNT = 8  # transactions in flight; two cores of mongod are busy with four


async def settle(operation: Awaitable[T]) -> T:
    """Wait for an operation of motor; when cancelled, still until it has ended.

    Motor runs it in a thread that no cancellation reaches. A session serves one operation at a time, so
    whoever was cancelled, once or several times, must not touch it (to abort) while that thread does.
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


def get_blocking(session: Session) -> ClientSession:
    """Return the session as pymongo knows it."""
    return session if isinstance(session, ClientSession) else cast("ClientSession", session.delegate)


def _read_id(session: LentSession) -> bytes:
    # Motor's stubs take this property for a method.
    return bytes(cast("Mapping[str, bytes]", session.session_id)["id"])


class SessionPool:
    """At most ``SESSION_COUNT`` sessions, lent to one transaction at a time."""

    def __init__(self, sessions: tuple[LentSession, ...]) -> None:
        self._sessions = sessions
        self._free: asyncio.Queue[LentSession] = asyncio.Queue()
        for session in sessions:
            self._free.put_nowait(session)
        self.ids = tuple(_read_id(session) for session in sessions)

    @classmethod
    async def open(cls, client: Client, *, size: int = SESSION_COUNT) -> Self:
        """Start all sessions; nothing is sent before their first use."""
        return cls(tuple([await client.start_session() for _ in range(size)]))

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[LentSession]:
        """Lend a session, waiting for one when all are busy."""
        session = await self._free.get()
        try:
            yield session
        finally:
            self._free.put_nowait(session)

    async def close(self) -> None:
        """End all sessions."""
        for session in self._sessions:
            await session.end_session()
