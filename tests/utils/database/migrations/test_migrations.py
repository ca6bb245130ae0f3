"""Tests of the version of the data."""

import asyncio

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import (
    DATA_VERSION,
    DataVersion,
    ensure_data_version,
    find_data_version,
)
from utils.errors import ConfigurationError


async def test_version_is_written_once_when_two_processes_start_together(database: SafeDatabase) -> None:
    """The first start writes it, whoever comes first."""
    assert await find_data_version(database) is None
    versions = await asyncio.gather(*(ensure_data_version(database) for _ in range(4)))
    assert set(versions) == {await find_data_version(database)} == {DataVersion(DATA_VERSION)}


async def test_newer_data_is_refused_plainly(database: SafeDatabase) -> None:
    """An old bot must not touch what it does not understand."""
    await database.unscoped("schema").insert_one({"_id": "data", "version": DATA_VERSION + 1})
    with pytest.raises(ConfigurationError, match="Update the bot"):
        await ensure_data_version(database)


async def test_data_of_an_older_version_or_half_way_from_one_is_not_current(database: SafeDatabase) -> None:
    """The new number alone says nothing before every migration is done."""
    schema = database.unscoped("schema")
    await schema.insert_one({"_id": "data", "version": DATA_VERSION - 1})
    assert not (await ensure_data_version(database)).is_current
    await schema.update_one({"_id": "data"}, {"$set": {"version": DATA_VERSION, "upgraded_from": 1}})
    assert not (await ensure_data_version(database)).is_current
