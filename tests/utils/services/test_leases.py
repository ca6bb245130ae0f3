"""Leases: one process at work for each shard, the others its standbys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.storage import FakeLeaseStore
from utils.clock import Clock
from utils.database.database import SafeDatabase
from utils.database.repositories.leases import EXPIRY_SECONDS, LeaseRepository
from utils.errors import LeaseLostError, ScopeViolationError, StorageUnavailableError
from utils.services.leases import RENEW_SECONDS, STANDBY_SECONDS, LeaseKeeper, LeaseStore


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(name="store")
def _store() -> FakeLeaseStore:
    return FakeLeaseStore()


def build_keeper(store: LeaseStore, clock: Clock, instance_id: str = "one") -> LeaseKeeper:
    """Return a keeper for shard 0."""
    return LeaseKeeper(store, shard=0, instance_id=instance_id, clock=clock)


@asynccontextmanager
async def running(keeper: LeaseKeeper) -> AsyncIterator["asyncio.Task[None]"]:
    """Renew in a task of its own."""
    task = asyncio.create_task(keeper.keep())
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError, LeaseLostError):
        await task


async def test_free_lease_is_taken_at_once(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Nobody else is at work: no wait."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_lease()
    assert (keeper.shard, keeper.token, store.holder, clock.slept) == (0, 1, ("one", 1), [])


async def test_own_lease_is_taken_back_at_once(store: FakeLeaseStore, clock: FakeClock) -> None:
    """A bot that was killed starts again without waiting for the expiry, under a new token."""
    await build_keeper(store, clock).wait_for_lease()
    successor = build_keeper(store, clock)
    await successor.wait_for_lease()
    assert (successor.token, clock.slept) == (2, [])


async def test_standby_waits_until_the_other_gives_the_lease_back(
    store: FakeLeaseStore, clock: FakeClock
) -> None:
    """While another holds it this process asks again every two seconds, and does nothing else."""
    first, second = build_keeper(store, clock), build_keeper(store, clock, "two")
    await first.wait_for_lease()
    waiting = asyncio.create_task(second.wait_for_lease())
    for _ in range(3):
        await clock.advance(STANDBY_SECONDS)
    assert not waiting.done()
    with pytest.raises(LeaseLostError, match="shard 0 is not held"):
        _ = second.token
    await first.give_back()
    await clock.advance(STANDBY_SECONDS)
    await waiting
    assert (second.token, store.holder) == (2, ("two", 2))


async def test_standby_outlives_an_outage_of_the_database(store: FakeLeaseStore, clock: FakeClock) -> None:
    """A database that is away for a while does not end the wait for the lease."""
    store.failures += [StorageUnavailableError("away")] * 2
    keeper = build_keeper(store, clock)
    waiting = asyncio.create_task(keeper.wait_for_lease())
    await clock.advance(STANDBY_SECONDS)
    await clock.advance(STANDBY_SECONDS)
    await waiting
    assert store.calls == ["acquire"] * 3


async def test_error_of_our_own_ends_the_wait(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Only an outage is waited out; anything else would be waited for in vain."""
    store.failures.append(ScopeViolationError("no filter"))
    with pytest.raises(ScopeViolationError):
        await build_keeper(store, clock).wait_for_lease()


async def test_lease_is_renewed_every_few_seconds(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Several renewals fit into one expiry, so that a missed one costs nothing."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_lease()
    async with running(keeper):
        await clock.advance(RENEW_SECONDS)
        await clock.advance(RENEW_SECONDS)
    assert store.renewed_at == [START + timedelta(seconds=RENEW_SECONDS * number) for number in range(3)]
    assert RENEW_SECONDS * 3 < EXPIRY_SECONDS


async def test_keeping_ends_when_the_lease_is_lost(store: FakeLeaseStore, clock: FakeClock) -> None:
    """A process whose lease was taken must stop, and has no token any more."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_lease()
    async with running(keeper) as keeping:
        await settle()
        store.holder = ("two", 7)
        await clock.advance(RENEW_SECONDS)
        with pytest.raises(LeaseLostError):
            await keeping
    with pytest.raises(LeaseLostError):
        _ = keeper.token
    await keeper.give_back()
    assert "release" not in store.calls


async def test_keeping_goes_on_when_the_database_is_away(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Away for everybody: nobody else can take the lease, and each transaction checks the token."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_lease()
    store.failures.append(StorageUnavailableError("away"))
    async with running(keeper) as keeping:
        await clock.advance(RENEW_SECONDS)
        assert not keeping.done()
    assert (store.renewed_at, keeper.token) == ([START + timedelta(seconds=RENEW_SECONDS)], 1)


async def test_lease_is_left_to_expire_when_it_cannot_be_given_back(
    store: FakeLeaseStore, clock: FakeClock
) -> None:
    """A stop never fails because of the database; giving back twice asks once."""
    keeper = build_keeper(store, clock)
    await keeper.wait_for_lease()
    store.failures.append(StorageUnavailableError("away"))
    await keeper.give_back()
    await keeper.give_back()
    assert store.calls == ["acquire", "release"]


async def test_keeping_without_a_lease_is_refused(store: FakeLeaseStore, clock: FakeClock) -> None:
    """Who never had the lease may not behave as if."""
    with pytest.raises(LeaseLostError):
        await build_keeper(store, clock).keep()


async def test_expired_lease_is_taken_over_in_the_database(database: SafeDatabase, clock: FakeClock) -> None:
    """A standby takes over 20 seconds after the last renewal, and the first one hears of it."""
    store = LeaseRepository(database)
    first, second = build_keeper(store, clock), build_keeper(store, clock, "two")
    await first.wait_for_lease()
    clock.move(EXPIRY_SECONDS - 1)
    assert await store.acquire(0, instance_id="two", now=clock.now()) is None
    clock.move(1)
    await second.wait_for_lease()
    with pytest.raises(LeaseLostError, match="Another process holds shard 0"):
        await first.keep()
    await second.give_back()
    await build_keeper(store, clock, "three").wait_for_lease()
