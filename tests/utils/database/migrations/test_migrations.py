"""Tests of the version of the data."""

import asyncio

import pytest

from tests.utils.database.migrations.sample import SAMPLE
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS, DataVersion, Migrations, find_data_version
from utils.errors import ConfigurationError


@pytest.mark.parametrize(("migrations", "newest"), [(MIGRATIONS, 4), (SAMPLE, 3)])
async def test_version_is_written_once_when_two_processes_start_together(
    database: SafeDatabase, migrations: Migrations, newest: int
) -> None:
    """The first of several starts writes the version."""
    assert await find_data_version(database) is None
    versions = await asyncio.gather(*(migrations.ensure_version(database) for _ in range(4)))
    assert set(versions) == {await find_data_version(database)} == {DataVersion(newest)}


async def test_newer_data_is_refused_plainly(database: SafeDatabase) -> None:
    """An old bot must not change data that it does not understand."""
    await database.unscoped("schema").insert_one({"_id": "data", "version": SAMPLE.newest + 1})
    with pytest.raises(ConfigurationError, match="Update the bot"):
        await SAMPLE.ensure_version(database)


async def test_data_of_an_older_version_or_half_way_from_one_is_not_current(database: SafeDatabase) -> None:
    """The data is current only when its number is new and every migration has ended."""
    schema = database.unscoped("schema")
    await schema.insert_one({"_id": "data", "version": SAMPLE.newest - 1})
    assert not SAMPLE.is_current(await SAMPLE.ensure_version(database))
    await schema.update_one({"_id": "data"}, {"$set": {"version": SAMPLE.newest, "upgraded_from": 1}})
    assert not SAMPLE.is_current(await SAMPLE.ensure_version(database))
