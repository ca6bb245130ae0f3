"""The upgrade of old data: one process does it while no other uses the data."""

import asyncio
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from tests.utils.database.migrations.sample import KEY, NEWEST, OLDEST, SAMPLE
from utils.clock import SystemClock
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import INDEXES
from utils.database.core.operations import Document
from utils.database.migrations.migrations import DataVersion, find_data_version
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.repositories.leases import UPGRADE_LEASE, LeaseRepository
from utils.errors import LeaseLostError

SOON = 60.0  # seconds, enough for a busy machine


@pytest.fixture(name="leases")
def _leases(database: SafeDatabase) -> LeaseRepository:
    return LeaseRepository(database, shard_count=2)


@pytest.fixture(name="old_data", autouse=True)
async def _old_data(database: SafeDatabase) -> None:
    """Store the data of version 1 of the sample."""
    await database.unscoped("schema").insert_one({"_id": "data", "version": 1})
    await database.unscoped("guilds").insert_one(dict(OLDEST))


def upgrade(database: SafeDatabase, instance_id: str = "new") -> DataUpgrade:
    """Return the upgrade that a process runs at its start."""
    store = LeaseRepository(database, shard_count=2)
    return DataUpgrade(database, store, instance_id=instance_id, clock=SystemClock(), migrations=SAMPLE)


async def read_data(database: SafeDatabase) -> Document | None:
    """Return the data that the sample's migrations change."""
    return await database.unscoped("guilds").find_one(KEY, {"_id": 0})


async def wait_for_line(logs: list[dict[str, object]], text: str) -> None:
    """Wait for a log line."""
    async with asyncio.timeout(SOON):
        while not any(text in str(line["event"]) for line in logs):  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)


async def test_old_data_is_brought_up_to_date_with_every_index(database: SafeDatabase) -> None:
    """Without other processes every step is done at once, in order, and the lease is free afterwards."""
    await upgrade(database).wait_until_current()
    assert await find_data_version(database) == DataVersion(SAMPLE.newest)
    assert await read_data(database) == NEWEST
    found = await database.unscoped("kills").index_information()
    assert found.keys() - {"_id_"} == {index.name for index in INDEXES["kills"]}
    lease = await database.unscoped("leases").find_one({"_id": UPGRADE_LEASE})
    assert lease is not None
    assert (lease["instance_id"], lease["sessions"]) == ("", [])


async def test_two_that_start_together_migrate_once(database: SafeDatabase, other: SafeDatabase) -> None:
    """One process works, the other waits, and both find the new data."""
    with capture_logs() as logs:
        starts = (upgrade(database, "a"), upgrade(other, "b"))
        await asyncio.gather(*(start.wait_until_current() for start in starts))
    assert [line["event"] for line in logs].count("data of an older version is brought up to date") == 1
    assert await find_data_version(other) == DataVersion(SAMPLE.newest)


@pytest.mark.parametrize("shard", [0, 1])
async def test_nothing_is_changed_while_an_older_bot_holds_any_shard(
    database: SafeDatabase, other: SafeDatabase, shard: int
) -> None:
    """The upgrade says that the older bot must stop, waits, and begins when it has stopped."""
    older = LeaseRepository(other, shard_count=2)
    token = await older.acquire(shard, instance_id="old", now=SystemClock().now())
    assert token is not None
    with capture_logs() as logs:
        waiting = asyncio.create_task(upgrade(database).wait_until_current())
        await wait_for_line(logs, "stop that one first")
        assert (await find_data_version(database), await read_data(database)) == (DataVersion(1), OLDEST)
        await older.release(shard, token=token)
        async with asyncio.timeout(SOON):
            await waiting
    assert await read_data(database) == NEWEST


async def test_older_bot_that_only_slept_can_commit_nothing_afterwards(
    database: SafeDatabase, other: SafeDatabase
) -> None:
    """The lease of the older bot has expired, so the bot is ended before the data is changed."""
    older = LeaseRepository(other, shard_count=2)
    slept = SystemClock().now() - timedelta(minutes=1)
    assert await older.acquire(1, instance_id="old", now=slept) == 1
    await upgrade(database).wait_until_current()

    def write(_transaction: object) -> None:
        raise AssertionError

    with pytest.raises(LeaseLostError):
        await other.in_transaction(write, fence=Fence(1, 1))


async def test_older_bot_that_looked_before_the_version_was_raised_is_waited_for(
    database: SafeDatabase, other: SafeDatabase
) -> None:
    """The older bot takes its lease after the first check of the leases; the second check finds it."""
    older = LeaseRepository(other, shard_count=2)
    tokens: list[int | None] = []

    class LeasesMetLate(LeaseRepository):
        """An older bot begins right after the first check."""

        async def end_idle(self, *, instance_id: str, now: datetime) -> bool:
            """Check, then let the bot begin."""
            are_all_ended = await super().end_idle(instance_id=instance_id, now=now)
            if not tokens:
                tokens.append(await older.acquire(0, instance_id="old", now=now))
            return are_all_ended

    leases = LeasesMetLate(database, shard_count=2)
    start = DataUpgrade(database, leases, instance_id="new", clock=SystemClock(), migrations=SAMPLE)
    with capture_logs() as logs:
        waiting = asyncio.create_task(start.wait_until_current())
        await wait_for_line(logs, "stop that one first")
        assert await find_data_version(other) == DataVersion(SAMPLE.newest, upgraded_from=1)
        assert await read_data(database) == OLDEST
        assert tokens[0] is not None
        await older.release(0, token=tokens[0])
        async with asyncio.timeout(SOON):
            await waiting
    assert await read_data(database) == NEWEST


@pytest.mark.fault
async def test_upgrade_that_was_cut_off_is_begun_again_by_another_process(
    database: SafeDatabase, other: SafeDatabase
) -> None:
    """The number is new already, so the stored state of the upgrade decides."""
    gone = LeaseRepository(other, shard_count=2)
    long_ago = SystemClock().now() - timedelta(minutes=1)
    token = await gone.acquire(UPGRADE_LEASE, instance_id="gone", now=long_ago)
    assert token is not None
    fence = Fence(UPGRADE_LEASE, token)
    await SAMPLE.begin(other, DataVersion(1), fence)
    await upgrade(database).wait_until_current()
    assert await read_data(database) == NEWEST
    with pytest.raises(LeaseLostError):  # the process wakes up
        await SAMPLE.run(other, 1, fence)
    assert await find_data_version(database) == DataVersion(SAMPLE.newest)
