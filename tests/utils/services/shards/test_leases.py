"""Leases: one active process for each shard, the others are its standbys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.storage import FakeLeaseStore
from utils.clock import Clock
from utils.database.core.database import SafeDatabase
from utils.database.repositories.leases import EXPIRY_SECONDS, LeaseRepository
from utils.errors import LeaseLostError, ScopeViolationError, ShardCountError, StorageUnavailableError
from utils.models.scope import GuildId
from utils.models.sharding import Sharding
from utils.services.shards.leases import RENEW_SECONDS, STANDBY_SECONDS, LeaseHolder, LeaseStore

WHOLE = Sharding()
HALF = Sharding(4, (1, 3))
GUILD = GuildId(1 << 22)


@pytest.fixture(name="store")
def _store() -> FakeLeaseStore:
    return FakeLeaseStore()


def build_keeper(
    store: LeaseStore, clock: Clock, instance_id: str = "one", *, sharding: Sharding = WHOLE
) -> LeaseHolder:
    """Return a holder, by default for the whole bot."""
    return LeaseHolder(store, sharding=sharding, instance_id=instance_id, clock=clock)


@asynccontextmanager
async def running(keeper: LeaseHolder) -> AsyncIterator["asyncio.Task[None]"]:
    """Renew in a task of its own."""
    task = asyncio.create_task(keeper.keep())
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError, LeaseLostError):
        await task


async def test_free_lease_is_taken_at_once(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Without another process there is no wait."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_leases()
    assert (keeper.get_token(GUILD), store.holders, clock.slept) == ((0, 1), {0: ("one", 1)}, [])


async def test_own_lease_is_taken_back_at_once(store: FakeLeaseStore, clock: FakeClock) -> None:
    """A killed bot starts again without waiting for the expiry, with a new token."""
    await build_keeper(store, clock).wait_for_leases()
    successor = build_keeper(store, clock)
    await successor.wait_for_leases()
    assert (successor.get_token(GUILD), clock.slept) == ((0, 2), [])


async def test_standby_waits_until_the_other_gives_the_lease_back(
    store: FakeLeaseStore, clock: FakeClock
) -> None:
    """While another process has the lease, this one asks every two seconds, and does nothing else."""
    first, second = build_keeper(store, clock), build_keeper(store, clock, "two")
    await first.wait_for_leases()
    waiting = asyncio.create_task(second.wait_for_leases())
    for _ in range(3):
        await clock.advance(STANDBY_SECONDS)
    assert not waiting.done()
    with pytest.raises(LeaseLostError, match="shard 0 is not held"):
        second.get_token(GUILD)
    await first.give_back()
    await clock.advance(STANDBY_SECONDS)
    await waiting
    assert (second.get_token(GUILD), store.holders) == ((0, 2), {0: ("two", 2)})


async def test_standby_outlives_an_outage_of_the_database(store: FakeLeaseStore, clock: FakeClock) -> None:
    """An outage of the database does not end the wait for the lease."""
    store.failures += [StorageUnavailableError("away")] * 2
    keeper = build_keeper(store, clock)
    waiting = asyncio.create_task(keeper.wait_for_leases())
    await clock.advance(STANDBY_SECONDS)
    await clock.advance(STANDBY_SECONDS)
    await waiting
    assert store.calls == ["acquire"] * 3


async def test_error_of_our_own_ends_the_wait(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Only an outage is waited out; another error would not pass."""
    store.failures.append(ScopeViolationError("no filter"))
    with pytest.raises(ScopeViolationError):
        await build_keeper(store, clock).wait_for_leases()


async def test_lease_is_renewed_every_few_seconds(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Several renewals fit into one expiry, so a missed one does no harm."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_leases()
    async with running(keeper):
        await clock.advance(RENEW_SECONDS)
        await clock.advance(RENEW_SECONDS)
    assert store.renewed_at == [(0, START + timedelta(seconds=RENEW_SECONDS * number)) for number in range(3)]
    assert RENEW_SECONDS * 3 < EXPIRY_SECONDS


async def test_keeping_ends_when_the_lease_is_lost(store: FakeLeaseStore, clock: FakeClock) -> None:
    """A process whose lease was taken must stop, and has no token any more."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_leases()
    async with running(keeper) as keeping:
        await settle()
        store.holders[0] = ("two", 7)
        await clock.advance(RENEW_SECONDS)
        with pytest.raises(LeaseLostError):
            await keeping
    with pytest.raises(LeaseLostError):
        keeper.get_token(GUILD)
    await keeper.give_back()
    assert "release" not in store.calls


async def test_keeping_goes_on_when_the_database_is_away(store: FakeLeaseStore, clock: FakeClock) -> None:
    """During an outage no process can take the lease, and each transaction checks the token."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_leases()
    store.failures.append(StorageUnavailableError("away"))
    async with running(keeper) as keeping:
        await clock.advance(RENEW_SECONDS)
        assert not keeping.done()
    renewed_at = START + timedelta(seconds=RENEW_SECONDS)
    assert (store.renewed_at, keeper.get_token(GUILD)) == ([(0, renewed_at)], (0, 1))


async def test_lease_is_left_to_expire_when_it_cannot_be_given_back(
    store: FakeLeaseStore, clock: FakeClock
) -> None:
    """A stop never fails because of the database; giving back twice asks once."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_leases()
    store.failures.append(StorageUnavailableError("away"))
    await keeper.give_back()
    await keeper.give_back()
    assert store.calls == ["acquire", "release"]


async def test_keeping_without_a_lease_is_refused(store: FakeLeaseStore, clock: FakeClock) -> None:
    """A process without the lease may not act as its holder."""
    with pytest.raises(LeaseLostError):
        await build_keeper(store, clock).keep()


async def test_expired_lease_is_taken_over_in_the_database(database: SafeDatabase, clock: FakeClock) -> None:
    """A standby takes over 20 seconds after the last renewal, and the first process stops."""
    store = LeaseRepository(database, shard_count=1)
    first, second = build_keeper(store, clock), build_keeper(store, clock, "two")
    await first.wait_for_leases()
    clock.move(EXPIRY_SECONDS - 1)
    assert await store.acquire(0, instance_id="two", now=clock.now()) is None
    clock.move(1)
    await second.wait_for_leases()
    with pytest.raises(LeaseLostError, match="Another process holds shard 0"):
        await first.keep()
    await second.give_back()
    await build_keeper(store, clock, "three").wait_for_leases()


async def test_every_shard_has_a_lease_of_its_own(store: FakeLeaseStore, clock: FakeClock) -> None:
    """All leases are taken, renewed and given back; each guild has the token of its own shard."""
    keeper = build_keeper(store, clock, sharding=HALF)
    await keeper.wait_for_leases()
    assert [keeper.get_token(GuildId(time << 22)) for time in (1, 3, 5, 7)] == [
        (1, 1),
        (3, 2),
        (1, 1),
        (3, 2),
    ]
    async with running(keeper):
        await settle()
    assert store.renewed_at == [(1, START), (3, START)]
    with pytest.raises(LeaseLostError, match="shard 2 is not held"):
        keeper.get_token(GuildId(2 << 22))
    await keeper.give_back()
    assert store.holders == {}


async def test_process_holds_all_of_its_shards_or_none(store: FakeLeaseStore, clock: FakeClock) -> None:
    """While another process has one of the shards, it takes none of them."""
    other = build_keeper(store, clock, "two", sharding=Sharding(4, (3,)))
    await other.wait_for_leases()
    waiting = asyncio.create_task(build_keeper(store, clock, sharding=HALF).wait_for_leases())
    await clock.advance(STANDBY_SECONDS)
    assert (store.holders, waiting.done()) == ({3: ("two", 1)}, False)
    await other.give_back()
    await clock.advance(STANDBY_SECONDS)
    await waiting
    assert store.holders == {1: ("one", 4), 3: ("one", 5)}


async def test_keeping_ends_when_one_of_several_leases_is_lost(
    store: FakeLeaseStore, clock: FakeClock
) -> None:
    """The bot ends as a whole, and gives the other leases back at once."""
    keeper = build_keeper(store, clock, sharding=HALF)
    await keeper.wait_for_leases()
    store.holders[3] = ("two", 7)
    with pytest.raises(LeaseLostError, match="shard 3"):
        await keeper.keep()
    assert keeper.get_token(GUILD) == (1, 1)
    await keeper.give_back()
    assert store.holders == {3: ("two", 7)}


@pytest.mark.parametrize("seen_before", [(2,), (None, 2)])
async def test_other_shard_count_ends_the_wait_and_nothing_is_held(
    store: FakeLeaseStore, clock: FakeClock, seen_before: tuple[int | None, ...]
) -> None:
    """The other count is seen before the leases are taken, or by the check after it."""
    store.other_counts += seen_before
    with pytest.raises(ShardCountError, match="shard_count 2 is at work on this database"):
        await build_keeper(store, clock).wait_for_leases()
    assert store.holders == {}


@pytest.mark.fault
async def test_of_two_shard_counts_that_begin_together_at_most_one_is_at_work(
    database: SafeDatabase, clock: FakeClock
) -> None:
    """In any order of their steps, one of them sees the other's leases."""
    for _ in range(20):
        keepers = [
            build_keeper(
                LeaseRepository(database, shard_count=count),
                clock,
                f"of {count}",
                sharding=Sharding(count, (count - 1,)),
            )
            for count in (1, 2)
        ]
        waiting = (keeper.wait_for_leases() for keeper in keepers)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(end) for end in ends} <= {ShardCountError, type(None)}
        assert ShardCountError in {type(end) for end in ends}
        for keeper in keepers:
            await keeper.give_back()
