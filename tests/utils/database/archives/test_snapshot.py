"""Snapshots: one moment of all collections, read without decoding, over a real MongoDB."""

from functools import partial

import bson
import pytest

from utils.database.archives.snapshot import Snapshot, SnapshotSource
from utils.database.core.database import SafeDatabase
from utils.errors import SnapshotGoneError


async def insert(database: SafeDatabase, name: str, *documents: dict[str, object]) -> None:
    """Store documents."""
    await database.run(name, database.unscoped(name).insert_many(documents))


def read(snapshot: Snapshot, name: str) -> list[dict[str, object]]:
    """Return the documents of a collection in a snapshot."""
    return [document for piece in snapshot.read(name) for document in bson.decode_all(piece)]


async def test_all_collections_are_read_as_of_one_moment(database: SafeDatabase) -> None:
    """Later writes are in no collection of the snapshot, and documents come by ``_id``."""
    await insert(database, "schema", {"_id": "data", "version": 3})
    await insert(database, "leases", {"_id": 0, "token": 12, "sessions": []})
    await insert(database, "guilds", {"_id": 2, "guild_id": 8}, {"_id": 1, "guild_id": 7})
    with SnapshotSource(database, is_embedded=False).open() as snapshot:
        facts = await database.call(snapshot.read_facts)
        await insert(database, "guilds", {"_id": 3, "guild_id": 9})
        await insert(database, "audit", {"_id": 1, "guild_id": 7})
        found = await database.call(partial(read, snapshot, "guilds"))
        counts = await database.call(partial(snapshot.count_by_guild, "guilds"))
        later = await database.call(partial(read, snapshot, "audit"))
    assert (found, later) == ([{"_id": 1, "guild_id": 7}, {"_id": 2, "guild_id": 8}], [])
    assert counts == {7: 1, 8: 1}
    assert (facts.data_version, facts.upgraded_from, facts.lease_tokens) == (3, None, {"0": 12})
    assert facts.cluster_time > (0, 0)


async def read_for_long(database: SafeDatabase, snapshot: Snapshot) -> None:
    """Write and read in turns, until the past is gone."""
    for number in range(10_000):
        await insert(database, "guilds", {"_id": number, "guild_id": number})
        await database.call(partial(read, snapshot, "guilds"))


async def test_moment_that_mongodb_has_forgotten_is_told_apart(database: SafeDatabase) -> None:
    """A read of a moment too long ago fails with an error of its own, so that a backup begins again."""
    admin = database.unscoped("schema").database.client.admin
    window = (await admin.command("getParameter", 1, minSnapshotHistoryWindowInSeconds=1))[
        "minSnapshotHistoryWindowInSeconds"
    ]
    await insert(database, "schema", {"_id": "data", "version": 3})
    try:
        await admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=0)
        with SnapshotSource(database, is_embedded=False).open() as snapshot:
            await database.call(snapshot.read_facts)
            with pytest.raises(SnapshotGoneError):
                await read_for_long(database, snapshot)
    finally:
        await admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=window)


async def test_own_mongod_keeps_its_past_for_longer_while_it_is_backed_up(database: SafeDatabase) -> None:
    """The window is widened for a backup and narrowed afterwards."""
    admin = database.unscoped("schema").database.client.admin

    async def find_window() -> int:
        found = await admin.command("getParameter", 1, minSnapshotHistoryWindowInSeconds=1)
        return int(found["minSnapshotHistoryWindowInSeconds"])

    before = await find_window()
    try:
        with SnapshotSource(database, is_embedded=True).open():
            assert await find_window() == 3600
        assert await find_window() == 300
    finally:
        await admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=before)
