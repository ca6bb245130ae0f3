"""The net below an upgrade: a backup before the first change, and a comparison after the last one."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.backups import build_order, finish
from tests.fakes.verified import Community
from tests.utils.database.migrations.sample import NEWEST, OLDEST, SAMPLE
from tests.utils.database.migrations.test_upgrade import read_data
from utils.backup.archive import Archive
from utils.backup.taking import take_backup
from utils.backup.untouched import compare_untouched
from utils.clock import SystemClock
from utils.database.archives.snapshot import SnapshotSource
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import list_kept
from utils.database.migrations.migrations import DataVersion, find_data_version
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.repositories.leases import LeaseRepository
from utils.errors import ArchiveRefusedError, ConfigurationError


@dataclass
class FakeGuard:
    """Notes what it is asked for, and refuses what the test says."""

    refuses: str = ""
    asked: list[object] = field(default_factory=list)

    async def keep(self, version: DataVersion) -> None:
        """Make no backup."""
        self._do("keep", version)

    async def verify(self, touched: frozenset[str]) -> None:
        """Compare nothing."""
        self._do("verify", touched)

    def _do(self, step: str, what: object) -> None:
        self.asked.append(what)
        if self.refuses == step:
            raise ConfigurationError(f"refused to {step}")


@pytest.fixture(name="old_data", autouse=True)
async def _old_data(database: SafeDatabase) -> None:
    """Store the data of version 1 of the sample."""
    await database.unscoped("schema").insert_one({"_id": "data", "version": 1})
    await database.unscoped("guilds").insert_one(dict(OLDEST))


def upgrade(database: SafeDatabase, guard: FakeGuard) -> DataUpgrade:
    """Return an upgrade with a guard."""
    store = LeaseRepository(database, shard_count=1)
    return DataUpgrade(
        database, store, instance_id="new", clock=SystemClock(), migrations=SAMPLE, guard=guard
    )


async def test_upgrade_does_not_begin_without_its_backup(database: SafeDatabase) -> None:
    """Neither the version nor the data is changed, so the older bot can go on."""
    with pytest.raises(ConfigurationError, match="refused to keep"):
        await upgrade(database, FakeGuard("keep")).wait_until_current()
    assert (await find_data_version(database), await read_data(database)) == (DataVersion(1), OLDEST)


async def test_upgrade_that_differs_stays_unfinished(database: SafeDatabase) -> None:
    """No bot runs on data that was changed in a wrong way; the next start begins again and compares again."""
    with pytest.raises(ConfigurationError, match="refused to verify"):
        await upgrade(database, FakeGuard("verify")).wait_until_current()
    assert await find_data_version(database) == DataVersion(SAMPLE.newest, upgraded_from=1)
    guard = FakeGuard()
    await upgrade(database, guard).upgrade_now()
    assert guard.asked == [DataVersion(SAMPLE.newest, upgraded_from=1), frozenset({"guilds"})]
    assert (await find_data_version(database), await read_data(database)) == (
        DataVersion(SAMPLE.newest),
        NEWEST,
    )


async def test_upgrade_by_hand_is_refused_while_a_bot_is_at_work(database: SafeDatabase) -> None:
    """The upgrade by hand ends at once with a sentence, and changes nothing."""
    other = LeaseRepository(database, shard_count=1)
    await other.acquire(0, instance_id="bot", now=SystemClock().now())
    with pytest.raises(ConfigurationError, match="another bot works with it: stop that one first"):
        await upgrade(database, FakeGuard()).upgrade_now()
    assert await read_data(database) == OLDEST


async def test_change_beyond_the_named_collections_is_found(database: SafeDatabase, tmp_path: Path) -> None:
    """Every collection that no migration names has the same documents as before."""
    await Community(database).store(deaths=10)
    source = SnapshotSource(database, is_embedded=False)

    def take() -> Archive:
        with source.open() as snapshot:
            order = build_order(collections=list_kept())
            return finish(take_backup(order, snapshot, tmp_path, now=SystemClock().now))

    archive = await database.call(take)

    async def compare(*touched: str) -> None:
        await database.call(lambda: finish(compare_untouched(archive, source, frozenset(touched))))

    await compare()
    await database.unscoped("wallets").update_one({}, {"$inc": {"balance": 1}})
    await compare("wallets")
    with pytest.raises(ArchiveRefusedError, match="The upgrade changed wallets, which it may not touch"):
        await compare("guilds")
    await database.unscoped("audit").delete_one({})
    with pytest.raises(ArchiveRefusedError, match="it has 5 documents, and it had 6"):
        await compare("wallets")
