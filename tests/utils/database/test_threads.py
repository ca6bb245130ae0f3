"""Threads: a transaction that goes over to one as a whole stores as much, or as little, as any other."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from utils.database.connection import SafeMongoDBConnection
from utils.database.database import Document, Fence, SafeDatabase
from utils.database.scoped import ScopedCollection
from utils.database.sessions import SESSION_COUNT, Session
from utils.database.threads import complete
from utils.errors import LeaseLostError, StorageConflictError
from utils.models.scope import GuildId

GUILD_ID = GuildId(7)


class UnfinishedError(Exception):
    """The work's own reason to end."""


@pytest.fixture(name="things")
def _things(database: SafeDatabase) -> ScopedCollection:
    return ScopedCollection.of_guild(database, "things", GUILD_ID)


async def _list_ids(things: ScopedCollection) -> list[Any]:
    return [one["_id"] for one in await things.find({}, sort=[("_id", 1)])]


def test_coroutine_that_waits_for_the_event_loop_is_refused_and_closed() -> None:
    """There is none in the thread; what the work holds is let go."""
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append("yes")

    with pytest.raises(RuntimeError, match="MongoDB alone"):
        complete(work())
    assert ended == ["yes"]


async def test_whole_transaction_takes_one_thread_and_gives_what_its_work_gives(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """It sees what it wrote; nobody else does before the end."""
    threads: set[int] = set()

    async def work(session: Session) -> list[Document]:
        for number in range(5):
            await things.insert_one({"_id": number}, session=session)
            threads.add(threading.get_ident())
        return await things.find({"_id": {"$gt": 2}}, session=session)

    own = {"guild_id": GUILD_ID}
    assert await database.in_thread(work) == [{"_id": 3, **own}, {"_id": 4, **own}]
    assert await _list_ids(things) == [0, 1, 2, 3, 4]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def _give_up(_things: ScopedCollection, _session: Session) -> None:
    raise UnfinishedError


async def _insert_again(things: ScopedCollection, session: Session) -> None:
    await things.insert_one({"_id": 0}, session=session)


async def _wait_for_the_loop(_things: ScopedCollection, _session: Session) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (_give_up, UnfinishedError),
        (_insert_again, StorageConflictError),
        (_wait_for_the_loop, RuntimeError),
    ],
)
async def test_nothing_is_stored_and_every_session_is_free_when_the_work_fails(
    database: SafeDatabase,
    things: ScopedCollection,
    fail: Callable[[ScopedCollection, Session], Awaitable[None]],
    error: type[Exception],
) -> None:
    """Neither data nor a lock stays, whatever the reason."""
    await things.insert_one({"_id": 0})

    async def work(session: Session) -> None:
        await things.insert_one({"_id": 1}, session=session)
        await fail(things, session)

    for _ in range(SESSION_COUNT + 1):
        with pytest.raises(error):
            await database.in_thread(work)
    await things.insert_one({"_id": 1})
    assert await _list_ids(things) == [0, 1]


async def test_nothing_is_stored_when_the_lease_is_gone(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """The fence is checked inside the transaction."""
    await database.unscoped("leases").insert_one({"_id": 3, "token": 8})

    async def work(session: Session) -> None:
        await things.insert_one({"_id": 1}, session=session)

    with pytest.raises(LeaseLostError, match="shard 3"):
        await database.in_thread(work, fence=Fence(shard=3, token=7))
    await database.in_thread(work, fence=Fence(shard=3, token=8))
    assert await _list_ids(things) == [1]


async def test_work_runs_again_when_another_transaction_holds_its_document(
    database: SafeDatabase, second: SafeDatabase, things: ScopedCollection
) -> None:
    """A write conflict is waited out with pauses; a counter that both draw from counts both."""
    loop = asyncio.get_running_loop()
    is_held, is_refused = asyncio.Event(), asyncio.Event()

    async def increase(where: SafeDatabase, session: Session) -> int:
        counters = ScopedCollection.of_guild(where, "things", GUILD_ID)
        return int(
            (await counters.find_one_and_update({"_id": 1}, {"$inc": {"count": 1}}, session=session))["count"]
        )

    async def hold(session: Session) -> int:
        drawn = await increase(second, session)
        is_held.set()
        await is_refused.wait()
        return drawn

    async def wait(session: Session) -> int:
        try:
            return await increase(database, session)
        except StorageConflictError:
            loop.call_soon_threadsafe(is_refused.set)
            raise

    await things.insert_one({"_id": 1, "count": 0})
    holding = asyncio.create_task(second.in_transaction(hold))
    await is_held.wait()
    assert await database.in_thread(wait) == 2
    assert await holding == 1


class ForgetfulDatabase(SafeDatabase):
    """A database that commits and does not get the first answer."""

    commits = 0

    async def _commit(self, session: Session, deadline: float) -> bool:
        self.commits += 1
        return await super()._commit(session, deadline) and self.commits > 1


@pytest.mark.parametrize("name", ["in_thread", "in_transaction"])
async def test_commit_without_an_answer_is_made_again_and_its_work_is_not(
    connection: SafeMongoDBConnection, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Committing twice is harmless, storing twice is not."""
    monkeypatch.setattr("utils.database.connection.SafeDatabase", ForgetfulDatabase)
    database = await connection.open()
    assert isinstance(database, ForgetfulDatabase)
    things = ScopedCollection.of_guild(database, "things", GUILD_ID)
    runs = 0

    async def work(session: Session) -> str:
        nonlocal runs
        runs += 1
        await things.insert_one({"_id": runs}, session=session)
        return "done"

    assert await getattr(database, name)(work) == "done"
    assert (runs, database.commits, await _list_ids(things)) == (1, 2, [1])
    await database.drop()


async def test_cancelled_transaction_is_waited_for_and_leaves_its_session_free(
    database: SafeDatabase, things: ScopedCollection
) -> None:
    """Nobody touches the session while the thread still has it; what was begun ends as it would have."""
    may_end = threading.Event()
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def work(session: Session) -> None:
        await things.insert_one({"_id": 1}, session=session)
        loop.call_soon_threadsafe(begun.set)
        may_end.wait(timeout=20)

    waiting = asyncio.create_task(database.in_thread(work))
    await begun.wait()
    for _ in range(2):
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await _list_ids(things) == [1]
    more = [database.in_thread(partial(_insert, things, number)) for number in range(2, SESSION_COUNT * 2)]
    await asyncio.gather(*more)
    assert len(await _list_ids(things)) == SESSION_COUNT * 2 - 1


async def _insert(things: ScopedCollection, number: int, session: Session) -> None:
    await things.insert_one({"_id": number}, session=session)
