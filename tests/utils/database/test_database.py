"""Tests of transactions: all or nothing, whatever happens."""

import asyncio

import pytest
from structlog.testing import capture_logs

from utils.database.database import Fence, SafeDatabase
from utils.database.sessions import SESSION_COUNT, Session, settle
from utils.errors import LeaseLostError, StorageConflictError, StorageError


class UnfinishedError(Exception):
    """Raised by a test in the middle of its work."""


async def _list_ids(database: SafeDatabase) -> list[object]:
    return [document["_id"] async for document in database.unscoped("things").find(sort=[("_id", 1)])]


async def test_work_is_stored_and_its_value_returned_when_it_ends_well(database: SafeDatabase) -> None:
    """A transaction gives what its work gives."""

    async def work(session: Session) -> str:
        await database.unscoped("things").insert_one({"_id": 1}, session=session)
        return "done"

    assert (await database.in_transaction(work), await _list_ids(database)) == ("done", [1])


async def test_nothing_is_stored_when_work_raises(database: SafeDatabase) -> None:
    """An error of the caller's own rolls back and comes out as it is."""

    async def work(session: Session) -> None:
        await database.unscoped("things").insert_one({"_id": 1}, session=session)
        raise UnfinishedError

    with pytest.raises(UnfinishedError):
        await database.in_transaction(work)
    assert await _list_ids(database) == []


async def test_nothing_is_stored_when_a_key_is_there_twice(database: SafeDatabase) -> None:
    """One duplicate key ends the whole transaction, and is no reason to run it again."""
    await database.unscoped("things").insert_one({"_id": 2})
    runs = 0

    async def work(session: Session) -> None:
        nonlocal runs
        runs += 1
        for number in (1, 2):
            insert = database.unscoped("things").insert_one({"_id": number}, session=session)
            await database.run("insert", insert)

    with pytest.raises(StorageConflictError):
        await database.in_transaction(work)
    assert (runs, await _list_ids(database)) == (1, [2])


async def test_snapshot_shows_the_moment_of_its_first_read(database: SafeDatabase) -> None:
    """What is stored after that is not seen in it, in whatever collection, and is seen outside at once."""
    things, others = database.unscoped("things"), database.unscoped("others")
    await things.insert_one({"_id": 1})
    await others.insert_one({"_id": 1})
    async with database.open_snapshot() as session:
        assert await things.count_documents({}, session=session) == 1
        await things.insert_one({"_id": 2})
        await others.insert_one({"_id": 2})
        for collection in (things, others):
            assert [one["_id"] async for one in collection.find(session=session)] == [1]
    assert await _list_ids(database) == [1, 2]
    async with database.open_snapshot() as session:
        assert await others.count_documents({}, session=session) == 2


async def test_work_runs_again_when_another_transaction_holds_its_document(
    database: SafeDatabase, second: SafeDatabase
) -> None:
    """A write conflict is waited out with pauses."""
    await database.unscoped("things").insert_one({"_id": 1, "count": 0})
    is_held, is_refused = asyncio.Event(), asyncio.Event()

    async def increase(where: SafeDatabase, session: Session) -> None:
        update = where.unscoped("things").update_one({"_id": 1}, {"$inc": {"count": 1}}, session=session)
        await where.run("update", update)

    async def hold(session: Session) -> None:
        await increase(second, session)
        is_held.set()
        await is_refused.wait()

    async def wait(session: Session) -> None:
        try:
            await increase(database, session)
        except StorageConflictError:
            is_refused.set()
            raise

    holding = asyncio.create_task(second.in_transaction(hold))
    await is_held.wait()
    await database.in_transaction(wait)
    await holding
    assert await database.unscoped("things").find_one() == {"_id": 1, "count": 2}


async def test_nothing_is_stored_when_the_lease_is_gone(database: SafeDatabase) -> None:
    """The fence is checked inside the transaction."""
    await database.unscoped("leases").insert_one({"_id": 3, "token": 8})

    async def work(session: Session) -> None:
        await database.unscoped("things").insert_one({"_id": 1}, session=session)

    with pytest.raises(LeaseLostError, match="shard 3"):
        await database.in_transaction(work, fence=Fence(shard=3, token=7))
    await database.in_transaction(work, fence=Fence(shard=3, token=8))
    assert await _list_ids(database) == [1]


async def test_nothing_is_stored_and_the_session_is_free_when_work_is_cancelled(
    database: SafeDatabase,
) -> None:
    """A cancelled transaction leaves neither data nor a lock, even when cancelled in an operation."""
    is_inside = asyncio.Event()

    async def work(session: Session) -> None:
        await database.run("insert", database.unscoped("things").insert_one({"_id": 1}, session=session))
        is_inside.set()
        for number in range(2, 100_000):
            insert = database.unscoped("things").insert_one({"_id": number}, session=session)
            await database.run("insert", insert)

    for _ in range(SESSION_COUNT + 1):
        is_inside.clear()
        task = asyncio.create_task(database.in_transaction(work))
        await is_inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await database.unscoped("things").insert_one({"_id": 1})
    assert await _list_ids(database) == [1]


async def test_more_transactions_than_sessions_take_turns(database: SafeDatabase) -> None:
    """Sessions are few; who finds none free waits."""

    async def store(number: int) -> None:
        async def work(session: Session) -> None:
            await database.unscoped("things").insert_one({"_id": number}, session=session)

        await database.in_transaction(work)

    numbers = range(SESSION_COUNT * 3)
    await asyncio.gather(*(store(number) for number in numbers))
    assert await _list_ids(database) == list(numbers)
    assert len(database.session_ids) == SESSION_COUNT


async def test_cancelled_operation_is_waited_for_however_often_it_is_cancelled() -> None:
    """Nobody touches the session while a thread still has it, and no failure is left unlooked at."""
    may_end = asyncio.Event()
    ended: list[str] = []

    async def operate() -> None:
        await may_end.wait()
        ended.append("yes")
        raise StorageError("nobody asks for it any more")

    waiting = asyncio.create_task(settle(operate()))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["yes"]


async def test_killed_session_ends_its_transaction(database: SafeDatabase, second: SafeDatabase) -> None:
    """A successor frees what its predecessor held; the predecessor starts anew."""
    is_held, is_killed = asyncio.Event(), asyncio.Event()
    runs = 0

    async def hold(session: Session) -> None:
        nonlocal runs
        runs += 1
        insert = second.unscoped("things").insert_one({"_id": runs}, session=session)
        await second.run("insert", insert)
        is_held.set()
        await is_killed.wait()

    holding = asyncio.create_task(second.in_transaction(hold))
    await is_held.wait()
    await database.kill_sessions(second.session_ids)
    is_killed.set()
    await holding
    assert (runs, await _list_ids(database)) == (2, [2])


async def test_own_sessions_are_never_killed(database: SafeDatabase) -> None:
    """Taking one's own lease again must not end one's own work."""

    async def work(session: Session) -> None:
        await database.unscoped("things").insert_one({"_id": 1}, session=session)
        await database.kill_sessions(database.session_ids)

    await database.in_transaction(work)
    assert await _list_ids(database) == [1]


async def test_error_of_the_library_is_mapped_and_the_operation_logged(database: SafeDatabase) -> None:
    """Every operation leaves its time in the log, failed ones too."""
    with capture_logs() as logs, pytest.raises(StorageError):
        await database.command("noSuchCommand")
    [entry] = logs
    assert (entry["event"], entry["operation"], entry["log_level"]) == (
        "database operation",
        "noSuchCommand",
        "debug",
    )


async def test_slow_operation_is_a_warning(database: SafeDatabase) -> None:
    """What takes longer than a big batch is worth a look."""
    with capture_logs() as logs:
        await database.unscoped("things").insert_one({"_id": 1})
        await database.run("slow", database.unscoped("things").find_one({"$where": "sleep(600) || true"}))
    assert [(entry["operation"], entry["log_level"]) for entry in logs] == [("slow", "warning")]
