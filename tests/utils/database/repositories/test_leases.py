"""Tests of leases: one process per shard, and no work of a predecessor afterwards."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from utils.clock import SystemClock
from utils.database.connection import SafeMongoDBConnection
from utils.database.database import Fence, SafeDatabase
from utils.database.repositories.leases import LeaseRepository
from utils.database.sessions import Session
from utils.errors import LeaseLostError

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)


@pytest.fixture(name="leases")
def _leases(database: SafeDatabase) -> LeaseRepository:
    """Return the leases."""
    return LeaseRepository(database)


@pytest.fixture(name="other")
async def _other(mongod_uri: str, database: SafeDatabase) -> AsyncIterator[SafeDatabase]:
    """Return the same database as another process sees it."""
    connection = SafeMongoDBConnection(mongod_uri, database=database.name, clock=SystemClock())
    yield await connection.open()
    await connection.close()


async def test_lease_is_one_instance_s_until_it_expires(leases: LeaseRepository) -> None:
    """A standby wins once the holder stopped renewing; the token counts up."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(seconds=19)) is None
    assert await leases.acquire(1, instance_id="b", now=NOW) == 1
    await leases.renew(0, token=1, now=NOW + timedelta(seconds=19))
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(seconds=38)) is None
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(seconds=39)) == 2
    with pytest.raises(LeaseLostError):
        await leases.renew(0, token=1, now=NOW)


async def test_own_lease_is_taken_back_at_once_with_a_new_token(leases: LeaseRepository) -> None:
    """A bot that was killed does not wait for its own lease."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    assert await leases.acquire(0, instance_id="a", now=NOW) == 2


async def test_released_lease_is_free_at_once_and_its_token_goes_on(leases: LeaseRepository) -> None:
    """A clean stop hands over without waiting."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    await leases.release(0, token=1)
    assert await leases.list_sessions(0) == ()
    assert await leases.acquire(0, instance_id="b", now=NOW) == 2


async def test_one_of_many_wins_when_all_ask_together(leases: LeaseRepository) -> None:
    """A race for a new lease, and for an expired one, has one winner."""
    first = await asyncio.gather(
        *(leases.acquire(0, instance_id=str(number), now=NOW) for number in range(5))
    )
    later = NOW + timedelta(minutes=1)
    second = await asyncio.gather(
        *(leases.acquire(0, instance_id=str(number), now=later) for number in range(5, 10))
    )
    assert sorted(token for token in (*first, *second) if token is not None) == [1, 2]


@pytest.mark.fault
async def test_work_of_a_predecessor_is_ended_and_can_never_commit(
    leases: LeaseRepository, database: SafeDatabase, other: SafeDatabase
) -> None:
    """Its locks are free when the lease is won, and what it had open is refused by the fence."""
    token = await LeaseRepository(other).acquire(0, instance_id="a", now=NOW)
    assert token == 1
    assert await leases.list_sessions(0) == other.session_ids
    await database.unscoped("things").insert_one({"_id": 1, "by": "nobody"})
    is_held, is_taken = asyncio.Event(), asyncio.Event()

    def write(where: SafeDatabase, session: Session, name: str) -> asyncio.Future[object]:
        update = {"$set": {"by": name}}
        return where.unscoped("things").update_one({"_id": 1}, update, session=session)  # type: ignore[return-value] # a motor future

    async def hold(session: Session) -> None:
        await other.run("update", write(other, session, "predecessor"))
        is_held.set()
        await is_taken.wait()

    holding = asyncio.create_task(other.in_transaction(hold, fence=Fence(0, 1)))
    await is_held.wait()
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(minutes=1)) == 2
    assert await leases.list_sessions(0) == database.session_ids

    async def take(session: Session) -> None:
        await database.run("update", write(database, session, "successor"))

    async with asyncio.timeout(20):  # mongod alone would keep the lock for a minute
        await database.in_transaction(take, fence=Fence(0, 2))
    is_taken.set()
    with pytest.raises(LeaseLostError):
        await holding
    assert await database.unscoped("things").find_one() == {"_id": 1, "by": "successor"}
