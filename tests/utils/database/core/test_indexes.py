"""Tests of indexes as data."""

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES, ensure_indexes, list_index_problems


@pytest.fixture(name="database")
def _database(new_database: SafeDatabase) -> SafeDatabase:
    """A new database, because these tests change indexes."""
    return new_database


@pytest.mark.parametrize("name", sorted(INDEXES))
def test_every_index_of_scoped_data_begins_with_its_guild(name: str) -> None:
    """Every index begins with the guild, so a query of one guild never reads another's keys."""
    assert {index.fields[0] for index in INDEXES[name]} == {"guild_id"}


async def test_indexes_are_as_the_table_says_after_ensuring_them_twice(database: SafeDatabase) -> None:
    """Creating the indexes again changes nothing."""
    await ensure_indexes(database)
    assert await list_index_problems(database) == ()


async def test_missing_different_and_unexpected_indexes_are_told(database: SafeDatabase) -> None:
    """The check names each missing, different or unexpected index."""
    kills, outbox, links = (database.unscoped(name) for name in ("kills", "outbox", "links"))
    await kills.drop_index("killer")
    await kills.create_index([("weapon", 1)], name="weapon")
    await outbox.drop_index("sequence")
    await outbox.create_index([("guild_id", 1), ("server_id", 1), ("sequence", 1)], name="sequence")
    await links.drop_index("proven")
    await links.create_index([("guild_id", 1), ("player_id", 1)], name="proven", unique=True)
    assert await list_index_problems(database) == (
        "kills: the index killer is missing",
        "kills: there is an unexpected index weapon",
        "outbox: the index sequence is not as it should be",
        "links: the index proven is not as it should be",
    )


async def test_index_that_became_another_is_made_anew(database: SafeDatabase) -> None:
    """Data of an older bot may have an index of the same name with other fields; the start replaces it."""
    kills = database.unscoped("kills")
    await kills.drop_index("killer")
    await kills.create_index([("guild_id", 1), ("killer_id", 1)], name="killer")
    await ensure_indexes(database)
    assert await list_index_problems(database) == ()
