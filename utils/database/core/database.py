"""The database: times every operation, maps its errors, runs transactions."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bson.binary import UUID_SUBTYPE, Binary
from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.database.core.faults import is_commit_unknown, is_transient
from utils.database.core.operations import Document, Operations
from utils.database.core.sessions import SessionPool
from utils.database.core.threads import call_in_thread
from utils.database.core.transaction import Transaction
from utils.errors import CommitUnknownError, StorageError
from utils.models.scope import GuildId
from utils.waiting import wait_until_done

T = TypeVar("T")
Work = Callable[[Transaction], T]
"""A unit of work: what one transaction does, in a thread."""

Collection = AsyncIOMotorCollection[Document]

TRANSACTION_SECONDS = 30.0  # how long to repeat a failing transaction
CONFLICT_BACKOFF = Backoff(first_seconds=0.01, longest_seconds=1, jitter=0.5)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of holding a shard's lease, checked inside the transactions of its guilds.

    Attributes:
        guild_id: whose transactions these are; None for the bot's own, and those that several guilds share.
    """

    shard: int
    token: int
    guild_id: GuildId | None = None


FenceSource = Callable[[GuildId], Fence | None]
"""Returns a guild's fence; None while the bot stops."""


class SafeDatabase:
    """One MongoDB database; repositories reach it through ``ScopedCollection``.

    Attributes:
        operations: the same database for a thread.
    """

    def __init__(
        self, database: "AsyncIOMotorDatabase[Document]", *, sessions: SessionPool, clock: Clock
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._collections: dict[str, Collection] = {}
        self.operations = Operations(database.delegate, clock=clock)

    @property
    def name(self) -> str:
        """The database's name."""
        return self._database.name

    @property
    def clock(self) -> Clock:
        """The clock for pauses."""
        return self._clock

    @property
    def session_ids(self) -> tuple[bytes, ...]:
        """Ids of all sessions that may hold a transaction of this process."""
        return self._sessions.ids

    def unscoped(self, name: str) -> Collection:
        """Return a bare collection; only for the scope index, leases, indexes and migrations."""
        if name not in self._collections:
            self._collections[name] = self._database[name]  # costs as much as a read's way to a thread
        return self._collections[name]

    async def run(self, operation: str, awaitable: Awaitable[T]) -> T:
        """Wait for one operation of motor, logging how long it took.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        with self.operations.watch(operation):
            return await wait_until_done(awaitable)

    async def call(self, operation: Callable[[], T]) -> T:
        """Carry out a blocking operation in a thread.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        return await wait_until_done(call_in_thread(operation))

    async def command(self, command: str | Document) -> Document:
        """Run a command on this database."""
        name = command if isinstance(command, str) else next(iter(command))
        return await self.run(name, self._database.command(command))

    async def admin_command(self, command: str | Document) -> Document:
        """Run a command about the whole MongoDB, not about this database."""
        name = command if isinstance(command, str) else next(iter(command))
        return await self.run(name, self._database.client.admin.command(command))

    async def in_transaction(
        self,
        work: Work[T],
        *,
        fence: Fence | None = None,
        joins_fence: bool = False,
        repeats: bool = True,
    ) -> T:
        """Run ``work`` in one transaction; it runs again after a transient error, so it must hold no state.

        If cancelled, it finishes first and then raises CancelledError. With ``joins_fence``, the first read
        of the work also checks the lease. Without ``repeats`` the first error of any kind is raised; only the
        commit is asked for again.

        Raises:
            LeaseLostError: another process holds the shard; nothing was written.
            CommitUnknownError: the commit may have happened; the caller must check.
            StorageError: nothing was written.
        """
        deadline = self._clock.monotonic() + TRANSACTION_SECONDS
        pauses = CONFLICT_BACKOFF.generate_seconds()
        async with self._sessions.borrow(None if fence is None else fence.guild_id) as session:
            attempt = partial(self._attempt, session, work, fence, deadline, joins_fence=joins_fence)
            while True:
                try:
                    result, is_committed = await wait_until_done(call_in_thread(attempt))
                    if not is_committed:
                        await self._commit_again(session, deadline)
                except StorageError as error:
                    if not repeats or not is_transient(error) or self._clock.monotonic() >= deadline:
                        raise
                    _log.debug("transaction runs again", reason=str(error))
                else:
                    return result
                await self._clock.sleep(next(pauses))

    @contextmanager
    def open_snapshot(self) -> Iterator[ClientSession]:
        """Open a session whose reads all see one snapshot, taken at the first read.

        It holds no transaction and no lock, so it is not one of the sessions for transactions.
        """
        with self._database.client.delegate.start_session(snapshot=True) as session:
            yield session

    async def kill_sessions(self, ids: Sequence[bytes]) -> None:
        """End sessions of a process that has ended, with their transactions and locks."""
        doomed = [{"id": Binary(one, UUID_SUBTYPE)} for one in ids if one not in self.session_ids]
        if doomed:
            await self.command({"killSessions": doomed})

    async def drop(self) -> None:
        """Delete the whole database."""
        await self.run("dropDatabase", self._database.client.drop_database(self.name))

    def _attempt(
        self,
        session: ClientSession,
        work: Work[T],
        fence: Fence | None,
        deadline: float,
        *,
        joins_fence: bool,
    ) -> tuple[T, bool]:
        """Run the work once; return its result and whether the commit succeeded for sure."""
        session.start_transaction(
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
            read_preference=ReadPreference.PRIMARY,
        )
        try:
            # A read is enough, because a new lease holder first kills our sessions.
            lease = None if fence is None else {"_id": fence.shard, "token": fence.token}
            transaction = Transaction(self.operations, session, lease=lease)
            if not joins_fence:
                transaction.verify_lease()
            result = work(transaction)
            transaction.verify_lease()
            return result, self._commit(session, deadline)
        finally:
            if session.in_transaction:
                self.operations.run("abort", session.abort_transaction)

    def _commit(self, session: ClientSession, deadline: float) -> bool:
        """Commit; return False if the result is unknown and a retry is possible."""
        try:
            self.operations.run("commit", session.commit_transaction)
        except StorageError as error:
            if not is_commit_unknown(error):
                raise
            if self._clock.monotonic() >= deadline:
                raise CommitUnknownError(str(error)) from error
            return False
        return True

    async def _commit_again(self, session: ClientSession, deadline: float) -> None:
        for pause in CONFLICT_BACKOFF.generate_seconds():
            await self._clock.sleep(pause)
            if await wait_until_done(call_in_thread(partial(self._commit, session, deadline))):
                return
