"""Opening: ready for use or a plain sentence, and nothing left running behind either."""

from pathlib import Path
from uuid import uuid4

import pytest

from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES
from utils.database.migrations.migrations import MIGRATIONS, DataVersion, find_data_version
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.opening import MongoDBPlace, open_database
from utils.errors import ConfigurationError, StorageError
from utils.tasks import TaskManager


@pytest.fixture(name="tasks")
def _tasks() -> TaskManager:
    return TaskManager(SystemClock())


async def recover_nothing(database: SafeDatabase) -> None:
    """Find no restore that was cut off."""


def is_empty(folder: Path) -> bool:
    """Tell whether a folder is empty."""
    return not list(folder.iterdir())


async def test_configured_mongodb_is_opened_with_version_and_every_index(
    mongod_uri: str, tasks: TaskManager, tmp_path: Path
) -> None:
    """The first start creates everything; a second one finds it and starts no mongod."""
    place = MongoDBPlace(mongod_uri, f"test_{uuid4().hex[:16]}", tmp_path)
    for _ in range(2):
        async with open_database(place, tasks, clock=SystemClock(), recover=recover_nothing) as database:
            assert database.name == place.database
            assert await find_data_version(database) == DataVersion(MIGRATIONS.newest)
            for collection in INDEXES:
                found = await database.unscoped(collection).index_information()
                assert found.keys() - {"_id_"} == {index.name for index in INDEXES[collection]}
            assert tasks.list_reports() == ()
            assert is_empty(tmp_path)
    async with open_database(place, tasks, clock=SystemClock(), recover=recover_nothing) as database:
        await database.drop()


async def test_own_mongod_runs_for_the_time_of_the_block(
    tasks: TaskManager, tmp_path: Path, mongod_uri: str
) -> None:
    """With an empty address the bot's own server runs for the time of the block, under watch."""
    assert mongod_uri  # skips the test without mongod, like every test that needs one
    place = MongoDBPlace("", "killfeed", tmp_path)
    async with open_database(place, tasks, clock=SystemClock(), recover=recover_nothing) as database:
        assert [report.name for report in tasks.list_reports()] == ["mongod"]
        assert (await database.command("ping"))["ok"] == 1
    assert tasks.list_reports() == ()
    with pytest.raises(StorageError):
        await database.command("ping")


async def test_newer_data_is_left_alone(mongod_uri: str, tasks: TaskManager, tmp_path: Path) -> None:
    """A bot that does not understand the data reports that and changes neither the data nor its indexes."""
    name = f"test_{uuid4().hex[:16]}"
    connection = SafeMongoDBConnection(mongod_uri, database=name, clock=SystemClock())
    database = await connection.open()
    await database.unscoped("schema").insert_one({"_id": "data", "version": MIGRATIONS.newest + 1})
    place = MongoDBPlace(mongod_uri, name, tmp_path)
    opening = open_database(place, tasks, clock=SystemClock(), recover=recover_nothing)
    with pytest.raises(ConfigurationError, match=rf"data of version {MIGRATIONS.newest + 1}"):
        await opening.__aenter__()
    assert await database.unscoped("schema").database.list_collection_names() == ["schema"]
    await database.drop()
    await connection.close()


async def test_missing_program_is_told_before_anything_is_made(tasks: TaskManager, tmp_path: Path) -> None:
    """A wrong path is an error of the configuration, with the way out."""
    place = MongoDBPlace("", "killfeed", tmp_path / "data", tmp_path / "no-mongod")
    opening = open_database(place, tasks, clock=SystemClock(), recover=recover_nothing)
    with pytest.raises(ConfigurationError, match="no-mongod"):
        await opening.__aenter__()
    assert tasks.list_reports() == ()
