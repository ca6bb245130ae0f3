"""Tests of indexes as data."""

import ast

import pytest

from tests.architecture.source_tree import list_modules, read_dotted
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import (
    BACKUP_CLASSES,
    INDEXES,
    BackupClass,
    ensure_indexes,
)
from utils.database.verification.stored_data import StoredData


@pytest.fixture(name="database")
def _database(new_database: SafeDatabase) -> SafeDatabase:
    """A new database, because these tests change indexes."""
    return new_database


async def list_index_problems(database: SafeDatabase) -> tuple[str, ...]:
    """Return the problems as a verification sees them."""
    return tuple(await database.call(StoredData(database.operations).list_index_problems))


@pytest.mark.parametrize("name", sorted(INDEXES))
def test_every_index_of_scoped_data_begins_with_its_guild(name: str) -> None:
    """Every index begins with the guild, so a query of one guild never reads another's keys."""
    assert {index.fields[0] for index in INDEXES[name]} == {"guild_id"}


def test_every_collection_has_a_class() -> None:
    """A new collection says whether it is backed up, also one that is reached without a scope."""
    unscoped = {
        node.args[0].value
        for module in list_modules()
        if module.room != "simulation"
        for node in module.walk()
        if isinstance(node, ast.Call) and read_dotted(node.func).endswith(".unscoped")
        if isinstance(node.args[0], ast.Constant)
    }
    assert {"leases", "schema"} <= unscoped
    assert set(BACKUP_CLASSES) == INDEXES.keys() | unscoped


def test_waiting_notices_are_in_no_backup() -> None:
    """An old backup must not post again, so notices and messages under way are not in it."""
    in_flight = [name for name, kind in BACKUP_CLASSES.items() if kind is BackupClass.IN_FLIGHT]
    assert in_flight == ["outbox", "messages", "direct_messages"]


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
