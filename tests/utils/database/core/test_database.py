"""Transactions: all or nothing, after any failure."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import AutoReconnect
from structlog.testing import capture_logs

from tests.fakes.gate import Gate
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document, Operations
from utils.database.core.scoped import ScopedCollection
from utils.database.core.sessions import SESSION_COUNT
from utils.database.core.transaction import Transaction
from utils.database.process.connection import SafeMongoDBConnection
from utils.errors import (
    CommitUnknownError,
    LeaseLostError,
    StorageConflictError,
    StorageError,
    StorageUnavailableError,
)
from utils.models.scope import GuildId
from utils.waiting import wait_until_done

P = ParamSpec("P")
T = TypeVar("T")

GUILD_ID = GuildId(7)


class UnfinishedError(Exception):
    """The error that a unit of work raises."""


def _build_things(database: SafeDatabase) -> ScopedCollection:
    return ScopedCollection.of_guild(database, "things", GUILD_ID)


@pytest.fixture(name="things")
def _things(database: SafeDatabase) -> ScopedCollection:
    return _build_things(database)


async def _list_ids(things: ScopedCollection) -> list[Any]:
    return [one["_id"] for one in await things.find({}, sort=[("_id", 1)])]


def _insert(transaction: Transaction, number: int) -> None:
    transaction.of_guild("things", GUILD_ID).insert_one({"_id": number})


def _increase(transaction: Transaction) -> int:
    things = transaction.of_guild("things", GUILD_ID)
    changed = things.find_one_and_update({"_id": 1}, {"$inc": {"count": 1}})
    return int(changed["count"])


async def test_transaction_takes_one_thread_and_gives_what_its_work_gives(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """A transaction sees its own writes; before its end other readers do not."""
    threads: set[int] = set()

    def work(transaction: Transaction) -> list[Document]:
        for number in range(5):
            _insert(transaction, number)
            threads.add(threading.get_ident())
        return transaction.of_guild("things", GUILD_ID).find({"_id": {"$gt": 2}})

    own = {"guild_id": GUILD_ID}
    assert await database.in_transaction(work) == [{"_id": 3, **own}, {"_id": 4, **own}]
    assert await _list_ids(things) == [0, 1, 2, 3, 4]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def _give_up(_transaction: Transaction) -> None:
    raise UnfinishedError


def _insert_again(transaction: Transaction) -> None:
    _insert(transaction, 0)


@pytest.mark.parametrize(
    ("fail", "error"), [(_give_up, UnfinishedError), (_insert_again, StorageConflictError)]
)
async def test_nothing_is_stored_and_every_session_is_free_when_the_work_fails(
    database: SafeDatabase,
    things: ScopedCollection,
    fail: Callable[[Transaction], None],
    error: type[Exception],
) -> None:
    """After a failing work neither data nor a lock remains, and the work does not run again."""
    await things.insert_one({"_id": 0})
    runs = 0

    def work(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        _insert(transaction, 1)
        fail(transaction)

    for _ in range(SESSION_COUNT + 1):
        with pytest.raises(error):
            await database.in_transaction(work)
    await things.insert_one({"_id": 1})
    assert (runs, await _list_ids(things)) == (SESSION_COUNT + 1, [0, 1])


async def test_snapshot_shows_the_moment_of_its_first_read(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """A snapshot does not show later writes in any collection; reads outside it show them at once."""
    names = ("things", "others")
    for name in names:
        await ScopedCollection.of_guild(database, name, GUILD_ID).insert_one({"_id": 0})
    with database.open_snapshot() as session:
        then = [ScopedCollection.of_guild(database, name, GUILD_ID, session=session) for name in names]
        assert await then[0].count({}) == 1
        for name in names:
            await ScopedCollection.of_guild(database, name, GUILD_ID).insert_one({"_id": 1})
        for collection in then:
            assert [one["_id"] for one in await collection.find({})] == [0]
    assert await _list_ids(things) == [0, 1]
    with database.open_snapshot() as session:
        assert await ScopedCollection.of_guild(database, "others", GUILD_ID, session=session).count({}) == 2


def _hold(gate: Gate, transaction: Transaction) -> int:
    """Increase a counter, and hold its document until the gate is open."""
    drawn = _increase(transaction)
    gate.wait()
    return drawn


async def test_work_runs_again_when_another_transaction_holds_its_document(
    database: SafeDatabase, other: SafeDatabase, things: ScopedCollection
) -> None:
    """A transaction waits out a write conflict with pauses, so a counter counts the draws of both."""
    gate = Gate()

    def wait(transaction: Transaction) -> int:
        try:
            return _increase(transaction)
        except StorageConflictError:
            gate.open()
            raise

    await things.insert_one({"_id": 1, "count": 0})
    holding = asyncio.create_task(other.in_transaction(partial(_hold, gate)))
    await gate.reached()
    assert await database.in_transaction(wait) == 2
    assert await holding == 1


async def test_transaction_that_must_not_repeat_tells_of_a_conflict_at_once(
    database: SafeDatabase, other: SafeDatabase, things: ScopedCollection
) -> None:
    """The other transaction, which holds the document, goes on."""
    gate = Gate()

    await things.insert_one({"_id": 1, "count": 0})
    holding = asyncio.create_task(other.in_transaction(partial(_hold, gate)))
    await gate.reached()
    with pytest.raises(StorageConflictError):
        await database.in_transaction(_increase, repeats=False)
    gate.open()
    assert await holding == 1


async def test_nothing_is_stored_when_the_lease_is_gone(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """The fence is checked inside the transaction."""
    await database.unscoped("leases").insert_one({"_id": 3, "token": 8})

    def work(transaction: Transaction) -> None:
        _insert(transaction, 1)

    with pytest.raises(LeaseLostError, match="shard 3"):
        await database.in_transaction(work, fence=Fence(shard=3, token=7))
    await database.in_transaction(work, fence=Fence(shard=3, token=8))
    assert await _list_ids(things) == [1]


class ForgetfulDatabase(SafeDatabase):
    """A database that commits and loses the first answer."""

    commits = 0

    def _commit(self, session: ClientSession, deadline: float) -> bool:
        self.commits += 1
        return super()._commit(session, deadline) and self.commits > 1


async def test_commit_without_an_answer_is_made_again_and_its_work_is_not(
    connection: SafeMongoDBConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit is repeated after a lost answer, but the work is not, because that would store twice."""
    monkeypatch.setattr("utils.database.process.connection.SafeDatabase", ForgetfulDatabase)
    database = await connection.open()
    assert isinstance(database, ForgetfulDatabase)
    things = _build_things(database)
    runs = 0

    def work(transaction: Transaction) -> str:
        nonlocal runs
        runs += 1
        _insert(transaction, runs)
        return "done"

    assert await database.in_transaction(work) == "done"
    assert (runs, database.commits, await _list_ids(things)) == (1, 2, [1])
    await database.drop()


class MuteOperations(Operations):
    """A database whose commits, made or not, get no answer."""

    is_committing = True

    def run(self, operation: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation, unless it is to be lost."""
        if operation != "commit":
            return super().run(operation, method, *args, **kwargs)
        if self.is_committing:
            super().run(operation, method, *args, **kwargs)
        lost = AutoReconnect("gone")
        lost._add_error_label("UnknownTransactionCommitResult")
        raise StorageUnavailableError("MongoDB is not reachable.") from lost


@pytest.mark.parametrize("is_committing", [True, False])
async def test_commit_that_never_gets_an_answer_is_told_as_unknown(
    connection: SafeMongoDBConnection, monkeypatch: pytest.MonkeyPatch, *, is_committing: bool
) -> None:
    """After an unknown commit the caller must check the data; after every other error nothing was written."""
    monkeypatch.setattr("utils.database.core.database.Operations", MuteOperations)
    monkeypatch.setattr("utils.database.core.database.TRANSACTION_SECONDS", 0.0)
    monkeypatch.setattr(MuteOperations, "is_committing", is_committing)
    database = await connection.open()
    things = _build_things(database)

    def work(transaction: Transaction) -> None:
        _insert(transaction, 1)

    with pytest.raises(CommitUnknownError):
        await database.in_transaction(work)
    assert await _list_ids(things) == [1] * is_committing
    await database.drop()


async def test_cancelled_transaction_is_waited_for_and_leaves_its_session_free(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """The session stays borrowed while its thread works, and the work ends as without the cancellation."""
    gate = Gate()

    def work(transaction: Transaction) -> None:
        _insert(transaction, 0)
        gate.wait()

    waiting = asyncio.create_task(database.in_transaction(work))
    await gate.reached()
    for _ in range(2):
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await _list_ids(things) == [0]
    await _store_more_than_sessions(database, things)


async def test_more_transactions_than_sessions_take_turns(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """There are few sessions; a transaction without a free one waits."""
    await things.insert_one({"_id": 0})
    await _store_more_than_sessions(database, things)
    assert len(database.session_ids) == SESSION_COUNT


async def _store_more_than_sessions(database: SafeDatabase, things: ScopedCollection) -> None:
    async def store(number: int) -> None:
        def work(transaction: Transaction) -> None:
            _insert(transaction, number)

        await database.in_transaction(work)

    numbers = range(1, SESSION_COUNT * 3)
    await asyncio.gather(*(store(number) for number in numbers))
    assert await _list_ids(things) == [0, *numbers]


async def test_cancelled_operation_is_waited_for_however_often_it_is_cancelled() -> None:
    """The session stays borrowed while a thread uses it, and every failure is read."""
    may_end = asyncio.Event()
    ended: list[str] = []

    async def operate() -> None:
        await may_end.wait()
        ended.append("yes")
        raise StorageError("nobody asks for it any more")

    waiting = asyncio.create_task(wait_until_done(operate()))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["yes"]


async def test_killed_session_ends_its_transaction(database: SafeDatabase, other: SafeDatabase) -> None:
    """A successor ends the open transaction of its predecessor, which then runs again."""
    gate = Gate()
    runs = 0

    def hold(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        _insert(transaction, runs)
        gate.wait()

    holding = asyncio.create_task(other.in_transaction(hold))
    await gate.reached()
    await database.kill_sessions(other.session_ids)
    gate.open()
    await holding
    assert (runs, await _list_ids(_build_things(database))) == (2, [2])


async def test_own_sessions_are_never_killed(database: SafeDatabase, things: ScopedCollection) -> None:
    """Taking an own lease again must not end own transactions."""
    gate = Gate()
    runs = 0

    def work(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        _insert(transaction, runs)
        gate.wait()

    working = asyncio.create_task(database.in_transaction(work))
    await gate.reached()
    await database.kill_sessions(database.session_ids)
    gate.open()
    await working
    assert (runs, await _list_ids(things)) == (1, [1])


async def test_error_of_the_library_is_mapped_and_the_operation_logged(database: SafeDatabase) -> None:
    """Every operation logs its duration, failed ones too."""
    with capture_logs() as logs, pytest.raises(StorageError):
        await database.command("noSuchCommand")
    [entry] = logs
    assert (entry["event"], entry["operation"], entry["log_level"]) == (
        "database operation",
        "noSuchCommand",
        "debug",
    )


async def test_slow_operation_is_a_warning(database: SafeDatabase) -> None:
    """An operation that takes longer than a big batch is a warning."""
    with capture_logs() as logs:
        await database.unscoped("things").insert_one({"_id": 1})
        await database.run("slow", database.unscoped("things").find_one({"$where": "sleep(600) || true"}))
    assert [(entry["operation"], entry["log_level"]) for entry in logs] == [("slow", "warning")]
