"""Leases: one process per shard, and no later work of a predecessor."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.gate import Gate
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.repositories.leases import (
    BACKUP_LEASE,
    RESTORE_LEASE,
    UPGRADE_LEASE,
    LeaseRepository,
)
from utils.errors import LeaseLostError, ShardCountError
from utils.models.scope import GuildId

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)


@pytest.fixture(name="leases")
def _leases(database: SafeDatabase) -> LeaseRepository:
    """Return the leases."""
    return LeaseRepository(database, shard_count=1)


GUILD_ID = GuildId(7)


def build_things(database: SafeDatabase) -> ScopedCollection:
    """Return the collection for transactions of a guild."""
    return ScopedCollection.of_guild(database, "things", GUILD_ID)


async def test_lease_is_one_instance_s_until_it_expires(leases: LeaseRepository) -> None:
    """A standby gets the lease after the holder stopped renewing it; the token grows."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(seconds=19)) is None
    assert await leases.acquire(1, instance_id="b", now=NOW) == 1
    await leases.renew(0, token=1, now=NOW + timedelta(seconds=19))
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(seconds=38)) is None
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(seconds=39)) == 2
    with pytest.raises(LeaseLostError):
        await leases.renew(0, token=1, now=NOW)


async def test_backup_has_a_lease_of_its_own_beside_the_shards(
    leases: LeaseRepository, database: SafeDatabase
) -> None:
    """One process makes a backup at a time; its lease names no session, so its end disturbs no bot."""
    assert await leases.acquire(0, instance_id="bot", now=NOW) == 1
    assert await leases.acquire_backup(instance_id="call", now=NOW) == 1
    assert await leases.acquire_backup(instance_id="bot", now=NOW) is None
    assert await leases.list_sessions(BACKUP_LEASE) == ()
    elsewhere = LeaseRepository(database, shard_count=2)
    await leases.release(0, token=1)
    await elsewhere.end_other_shard_counts(instance_id="other", now=NOW)
    assert await elsewhere.end_idle(instance_id="other", now=NOW)
    assert await leases.acquire_backup(instance_id="bot", now=NOW + timedelta(seconds=20)) == 2


@pytest.mark.parametrize("shard", [UPGRADE_LEASE, RESTORE_LEASE])
async def test_no_backup_is_made_while_another_process_upgrades_or_restores(
    leases: LeaseRepository, shard: int
) -> None:
    """The process that upgrades the data may back it up itself; another one may not."""
    assert await leases.acquire(shard, instance_id="a", now=NOW) == 1
    assert await leases.acquire_backup(instance_id="b", now=NOW) is None
    assert await leases.acquire_backup(instance_id="a", now=NOW) is not None


async def test_own_lease_is_taken_back_at_once_with_a_new_token(leases: LeaseRepository) -> None:
    """A killed bot does not wait for its own lease."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    assert await leases.acquire(0, instance_id="a", now=NOW) == 2


async def test_released_lease_is_free_at_once_and_its_token_goes_on(leases: LeaseRepository) -> None:
    """After a clean stop the next process does not wait."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    await leases.release(0, token=1)
    assert await leases.list_sessions(0) == ()
    assert await leases.acquire(0, instance_id="b", now=NOW) == 2


async def test_one_of_many_wins_when_all_ask_together(leases: LeaseRepository) -> None:
    """A race for a new or an expired lease has one winner."""
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
    """A new lease holder frees the old one's locks. The fence refuses the old one's open transactions."""
    token = await LeaseRepository(other, shard_count=1).acquire(0, instance_id="a", now=NOW)
    assert token == 1
    assert await leases.list_sessions(0) == other.session_ids
    await build_things(database).insert_one({"_id": 1, "by": "nobody"})
    gate = Gate()

    def hold(transaction: Transaction) -> None:
        update = {"$set": {"by": "predecessor"}}
        transaction.of_guild("things", GUILD_ID).update_one({"_id": 1}, update)
        gate.wait()

    holding = asyncio.create_task(other.in_transaction(hold, fence=Fence(0, 1)))
    await gate.reached()
    assert await leases.acquire(0, instance_id="b", now=NOW + timedelta(minutes=1)) == 2
    assert await leases.list_sessions(0) == database.session_ids

    def take(transaction: Transaction) -> None:
        update = {"$set": {"by": "successor"}}
        transaction.of_guild("things", GUILD_ID).update_one({"_id": 1}, update)

    async with asyncio.timeout(40):  # without this, mongod would keep the lock for a minute
        await database.in_transaction(take, fence=Fence(0, 2))
    gate.open()
    with pytest.raises(LeaseLostError):
        await holding
    [found] = await build_things(database).find({})
    assert found["by"] == "successor"


async def test_other_shard_count_is_refused_while_its_process_is_at_work(
    leases: LeaseRepository, other: SafeDatabase
) -> None:
    """A process with another shard count is refused for every shard."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    second = LeaseRepository(other, shard_count=2)
    assert await second.acquire(1, instance_id="b", now=NOW) == 1
    for store, name, count in ((leases, "a", 2), (second, "b", 1)):
        with pytest.raises(ShardCountError, match=f"discord.shard_count {count} is at work"):
            await store.end_other_shard_counts(instance_id=name, now=NOW + timedelta(seconds=19))
    await second.release(1, token=1)
    await leases.end_other_shard_counts(instance_id="a", now=NOW)
    await leases.renew(0, token=1, now=NOW)


@pytest.mark.fault
async def test_sleeper_of_another_shard_count_is_ended_and_can_never_commit(
    leases: LeaseRepository, database: SafeDatabase, other: SafeDatabase
) -> None:
    """The lease expired while its process slept; later its token is invalid and its transactions are gone."""
    assert await leases.acquire(0, instance_id="a", now=NOW) == 1
    gate = Gate()

    def sleep(transaction: Transaction) -> None:
        transaction.of_guild("things", GUILD_ID).insert_one({"_id": 1})
        gate.wait()

    sleeping = asyncio.create_task(database.in_transaction(sleep, fence=Fence(0, 1)))
    await gate.reached()
    later = NOW + timedelta(seconds=20)
    second = LeaseRepository(other, shard_count=2)
    await second.end_other_shard_counts(instance_id="b", now=later)
    assert await second.acquire(1, instance_id="b", now=later) == 1
    gate.open()
    with pytest.raises(LeaseLostError):
        await sleeping
    with pytest.raises(LeaseLostError):
        await leases.renew(0, token=1, now=later)
    assert await build_things(database).find({}) == []
    with pytest.raises(ShardCountError):
        await leases.end_other_shard_counts(instance_id="a", now=later)


async def test_own_lease_of_another_shard_count_is_ended_at_once(
    leases: LeaseRepository, database: SafeDatabase
) -> None:
    """A killed process that starts with a new configuration does not wait for its old leases."""
    before = LeaseRepository(database, shard_count=2)
    assert [await before.acquire(shard, instance_id="a", now=NOW) for shard in (0, 1)] == [1, 1]
    await leases.end_other_shard_counts(instance_id="a", now=NOW)
    assert await leases.acquire(0, instance_id="a", now=NOW) == 3
    assert await leases.list_sessions(1) == ()
