"""The database: every operation timed and its errors mapped; transactions that commit or leave nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from bson.binary import UUID_SUBTYPE, Binary
from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern
from structlog import get_logger

from utils.clock import Clock
from utils.database.backoff import generate_pauses
from utils.database.faults import is_commit_unknown, is_transient, map_storage_errors
from utils.database.sessions import Session, SessionPool, settle
from utils.errors import LeaseLostError, StorageError

T = TypeVar("T")
Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]

SLOW_SECONDS = 0.5  # a batch of 5,000 deaths takes about 0.25 s
TRANSACTION_SECONDS = 30.0  # how long a transaction is run again; mongod ends one after 60 s by itself

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of holding a shard's lease, checked inside every transaction that ingests or delivers."""

    shard: int
    token: int


class SafeDatabase:
    """One MongoDB database; repositories reach it through ``ScopedCollection``."""

    def __init__(
        self, database: "AsyncIOMotorDatabase[Document]", *, sessions: SessionPool, clock: Clock
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock

    @property
    def name(self) -> str:
        """The database's name."""
        return self._database.name

    @property
    def session_ids(self) -> tuple[bytes, ...]:
        """Ids of all sessions that may hold a transaction of this process."""
        return self._sessions.ids

    def unscoped(self, name: str) -> Collection:
        """Return a bare collection: for the directory, leases, indexes and migrations, and nobody else."""
        return self._database[name]

    async def run(self, operation: str, awaitable: Awaitable[T]) -> T:
        """Wait for one operation, logging how long it took.

        Raises:
            StorageError: whatever went wrong, by meaning.
        """
        started = self._clock.monotonic()
        try:
            with map_storage_errors():
                return await settle(awaitable)
        finally:
            self._log_time(operation, self._clock.monotonic() - started)

    async def command(self, command: str | Document) -> Document:
        """Run a command on this database."""
        name = command if isinstance(command, str) else next(iter(command))
        return await self.run(name, self._database.command(command))

    async def in_transaction(
        self, work: Callable[[Session], Awaitable[T]], *, fence: Fence | None = None
    ) -> T:
        """Run ``work`` in one transaction; it runs again after a transient error, so it must hold no state.

        Raises:
            LeaseLostError: somebody else holds the shard; nothing was written.
            StorageError: nothing was written, unless the answer to the commit itself was lost
                (``StorageUnavailableError``): then look.
        """
        deadline = self._clock.monotonic() + TRANSACTION_SECONDS
        pauses = generate_pauses(first_seconds=0.01, longest_seconds=1.0)
        async with self._sessions.borrow() as session:
            while True:
                try:
                    return await self._attempt(session, work, fence, deadline)
                except StorageError as error:
                    if not is_transient(error) or self._clock.monotonic() >= deadline:
                        raise
                    _log.debug("transaction runs again", reason=str(error))
                await self._clock.sleep(next(pauses))

    async def kill_sessions(self, ids: Sequence[bytes]) -> None:
        """End sessions of a process that is gone, and with them its transactions and locks."""
        doomed = [{"id": Binary(one, UUID_SUBTYPE)} for one in ids if one not in self.session_ids]
        if doomed:
            await self.command({"killSessions": doomed})

    async def drop(self) -> None:
        """Delete the whole database."""
        await self.run("dropDatabase", self._database.client.drop_database(self.name))

    async def _attempt(
        self, session: Session, work: Callable[[Session], Awaitable[T]], fence: Fence | None, deadline: float
    ) -> T:
        session.start_transaction(
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
            read_preference=ReadPreference.PRIMARY,
        )
        try:
            if fence is not None:
                await self._check_fence(session, fence)
            result = await work(session)
            await self._commit(session, deadline)
        finally:
            if cast("bool", session.in_transaction):  # motor's stubs take this property for a method
                await self.run("abort", session.abort_transaction())
        return result

    async def _check_fence(self, session: Session, fence: Fence) -> None:
        # A read is enough: whoever takes the lease over ends our sessions before it begins.
        held = {"_id": fence.shard, "token": fence.token}
        if await self.run("fence", self.unscoped("leases").find_one(held, session=session)) is None:
            raise LeaseLostError(f"Another process holds shard {fence.shard} now.")

    async def _commit(self, session: Session, deadline: float) -> None:
        pauses = generate_pauses(first_seconds=0.01, longest_seconds=1.0)
        while True:
            try:
                return await self.run("commit", session.commit_transaction())
            except StorageError as error:
                if not is_commit_unknown(error) or self._clock.monotonic() >= deadline:
                    raise
            await self._clock.sleep(next(pauses))

    def _log_time(self, operation: str, seconds: float) -> None:
        level = _log.warning if seconds >= SLOW_SECONDS else _log.debug
        level("database operation", operation=operation, milliseconds=round(seconds * 1000, 1))
