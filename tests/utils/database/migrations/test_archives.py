"""The archives of every version of the data: each is restored, brought up to date and verified.

``tests/archives/v<version>`` holds a backup of invented players. ``--record`` writes that of the present
version again; a release that raises the version leaves the older ones as they are.
"""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.backups import build_order, finish
from tests.fakes.verified import Community, verify_fully
from utils.backup.archive import Archive, list_archives
from utils.backup.proof import prove
from utils.backup.taking import take_backup
from utils.clock import SystemClock
from utils.database.archives.snapshot import SnapshotSource
from utils.database.archives.trial import TrialDatabase
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import list_kept
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.repositories.leases import LeaseRepository

ARCHIVES = Path(__file__).parents[3] / "archives"
NEWEST = ARCHIVES / f"v{MIGRATIONS.newest}"
MOST_BYTES = 200_000
VERSIONS = sorted(path.name for path in ARCHIVES.glob("v*"))


async def write_archive(database: SafeDatabase) -> None:
    """Write the archive of the present version."""
    await MIGRATIONS.ensure_version(database)
    await Community(database).store()
    shutil.rmtree(NEWEST, ignore_errors=True)
    NEWEST.mkdir(parents=True)

    def take() -> None:
        with SnapshotSource(database, is_embedded=False).open() as snapshot:
            finish(take_backup(build_order(collections=list_kept()), snapshot, NEWEST, now=SystemClock().now))

    await database.call(take)


async def test_present_version_has_an_archive(request: pytest.FixtureRequest, database: SafeDatabase) -> None:
    """A release that raises the version of the data adds its archive, which is small."""
    if request.config.getoption("--record"):
        await write_archive(database)
    [archive] = list_archives(NEWEST)
    assert archive.manifest.data_version == MIGRATIONS.newest
    assert sum(path.stat().st_size for path in archive.path.iterdir()) < MOST_BYTES


@pytest.fixture(name="unused")
async def _unused(connection: SafeMongoDBConnection) -> AsyncIterator[SafeDatabase]:
    """Return a database without any collection."""
    database = await connection.open()
    yield database
    await database.drop()


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_version_is_brought_up_to_date(unused: SafeDatabase, version: str) -> None:
    """Restored, migrated and verified, the data of an older version is right."""
    [archive] = list_archives(ARCHIVES / version)
    await restore(archive, unused)
    store = LeaseRepository(unused, shard_count=1)
    await DataUpgrade(unused, store, instance_id="new", clock=SystemClock()).upgrade_now()
    expected = archive.manifest.deaths_by_server
    assert (await verify_fully(unused, expected)).findings == ()
    assert sum(expected.values()) == archive.manifest.deaths > 0


async def restore(archive: Archive, database: SafeDatabase) -> None:
    """Put the documents of an archive into the empty database, with its version."""
    await database.call(lambda: finish(prove(archive, TrialDatabase(database.operations))))
    version = {"_id": "data", "version": archive.manifest.data_version}
    await database.unscoped("schema").insert_one(version)
