"""Restores over a real MongoDB: what is replaced, what stays, and what is refused before anything changes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.backups import MOMENT, FakeSnapshot, begin_archive, finish
from tests.fakes.clock import START
from tests.fakes.restores import NEW, OLD, PRESENT, RestoreSetup, digest, fill, write_backup
from utils.backup.archive import Archive
from utils.backup.restore import RestoreOrder
from utils.database.archives.after_restore import empty_in_flight, note_in_audits
from utils.database.archives.snapshot import SnapshotFacts
from utils.database.archives.switching import TOKEN_STEP
from utils.database.core.database import Fence
from utils.database.core.indexes import INDEXES
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.repositories.leases import BACKUP_LEASE, RESTORE_LEASE, UPGRADE_LEASE
from utils.errors import ArchiveRefusedError, BackupBusyError, BackupError, LeaseLostError, StorageError
from utils.models.restores import RestoreFacts

TAKEN_AT = MOMENT.fromtimestamp(1_796_000_000, MOMENT.tzinfo)


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    """Return a backup of other documents."""
    return write_backup(tmp_path)


async def read(setup: RestoreSetup, name: str) -> list[dict[str, Any]]:
    """Return the documents of a collection."""
    found = setup.database.unscoped(name).find(sort=[("_id", 1)]).to_list(None)
    return await setup.database.run(name, found)


async def test_backup_takes_the_place_of_the_present_data(setup: RestoreSetup, archive: Archive) -> None:
    """Kept collections are those of the backup with all indexes, and what is under way stays as it is."""
    assert await digest(setup.database) == OLD
    await setup.restore(archive, secret_proof=b"proof")
    assert await digest(setup.database) == NEW
    assert await read(setup, "outbox") == PRESENT["outbox"]
    assert await read(setup, "schema") == [
        {"_id": "data", "version": MIGRATIONS.newest, "restored_at": START},
        {"_id": "secret_key", "current": b"proof", "following": None},
    ]
    facts = RestoreFacts(
        backup_id=archive.id,
        taken_at=TAKEN_AT,
        began_at=START,
        guild_id=None,
        is_same_version=True,
        has_replaced=True,
        token=1,
    )
    assert setup.jobs == [facts]
    for name in ("guilds", "kills", "links"):
        found = await setup.database.unscoped(name).index_information()
        assert found.keys() - {"_id_"} == {index.name for index in INDEXES[name]}


async def test_tokens_grow_beyond_those_of_the_backup_and_of_now(
    setup: RestoreSetup, archive: Archive
) -> None:
    """A process with a token of before, of this database or of a lost one, never commits again."""
    assert await setup.leases.acquire(0, instance_id="call", now=START) == 1
    assert await setup.leases.acquire(1, instance_id="call", now=START) == 1
    await setup.restore(archive)  # its manifest has 12 for shard 0 and 2 for the upgrade
    tokens = {one["_id"]: one["token"] for one in await read(setup, "leases")}
    assert tokens == {0: 12 + TOKEN_STEP, 1: 2 + TOKEN_STEP, UPGRADE_LEASE: 2 + TOKEN_STEP, RESTORE_LEASE: 1}
    with pytest.raises(LeaseLostError):
        await setup.database.in_transaction(lambda _: None, fence=Fence(0, 1))


@pytest.mark.parametrize("lease", [0, UPGRADE_LEASE, BACKUP_LEASE, RESTORE_LEASE])
async def test_restore_is_refused_while_another_process_works(
    setup: RestoreSetup, archive: Archive, lease: int
) -> None:
    """The lease of restores is given back at once, so that nothing waits for it."""
    await setup.leases.acquire(lease, instance_id="bot", now=START)
    with pytest.raises(BackupBusyError, match="Stop every bot first"):
        await setup.restore(archive)
    assert await digest(setup.database) == OLD
    await setup.leases.release(lease, token=1)
    async with setup.recovery.lease.hold():
        pass


async def test_nobody_else_begins_while_a_restore_goes_on(setup: RestoreSetup) -> None:
    """Backup and upgrade of another process are refused under the lease of restores."""
    async with setup.recovery.lease.hold():
        assert await setup.leases.acquire_backup(instance_id="bot", now=START) is None
        assert await setup.leases.acquire_upgrade(instance_id="bot", now=START) is None
        assert await setup.leases.is_restored_by_another(instance_id="bot", now=START)
    assert await setup.leases.acquire_upgrade(instance_id="bot", now=START) is not None


async def test_damaged_backup_changes_nothing(setup: RestoreSetup, archive: Archive) -> None:
    """One byte that is not as it was written ends the restore before it begins."""
    path = archive.path / "kills.bson.zst"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArchiveRefusedError, match=r"is damaged: kills\.bson\.zst"):
        await setup.restore(archive)
    assert await digest(setup.database) == OLD
    assert await setup.recovery.marks.find() is None


async def test_backup_that_does_not_load_leaves_the_present_data(setup: RestoreSetup, tmp_path: Path) -> None:
    """An entry that is there twice is found beside the present data, and what was loaded is dropped."""
    twice = {"guilds": [{"_id": 1, "guild_id": 7}, {"_id": 2, "guild_id": 7}], "kills": [], "links": []}
    archive = finish(begin_archive(tmp_path, snapshot=FakeSnapshot(twice)))
    with pytest.raises(ArchiveRefusedError, match="has the same entry twice in guilds"):
        await setup.restore(archive)
    assert await digest(setup.database) == OLD
    assert await setup.recovery.marks.find() is None
    assert setup.jobs == []


async def test_present_data_is_discarded_only_on_demand(setup: RestoreSetup, archive: Archive) -> None:
    """Without a backup of the present data nothing is restored, unless the call says so."""

    async def fail() -> str:
        raise StorageError("MongoDB refused the operation.")

    setup.restorer.keep_present = fail
    with pytest.raises(BackupError) as refused:
        await setup.restore(archive)
    assert str(refused.value) == (
        "The present data can't be backed up (MongoDB refused the operation), and nothing was restored. With "
        "--discard-current the restore goes on without that backup, and the present data is lost. To keep "
        "it, restore into another database: write a new name into mongodb.database."
    )
    assert await digest(setup.database) == OLD
    await setup.restore(archive, discards_current=True)
    assert await digest(setup.database) == NEW
    assert [facts.has_replaced for facts in setup.jobs] == [False]


class OlderSnapshot(FakeSnapshot):
    """A moment of data of version 2, whose upgrade from version 1 was cut off."""

    def read_facts(self) -> SnapshotFacts:
        """Return the facts."""
        return SnapshotFacts((1_796_000_000, 4), 2, 1, {})


async def test_older_data_is_restored_as_it_is_and_empties_what_is_under_way(
    setup: RestoreSetup, tmp_path: Path
) -> None:
    """The next start upgrades it and makes its indexes; posts of another version are not delivered."""
    await setup.restore(finish(begin_archive(tmp_path, snapshot=OlderSnapshot())))
    assert await digest(setup.database) == NEW
    assert await read(setup, "schema") == [
        {"_id": "data", "version": 2, "restored_at": START, "upgraded_from": 1}
    ]
    assert (await setup.database.unscoped("kills").index_information()).keys() == {"_id_"}
    [facts] = setup.jobs
    async with setup.recovery.lease.hold() as token:
        await empty_in_flight(setup.database, facts, Fence(RESTORE_LEASE, token))
    assert await read(setup, "outbox") == []


async def test_each_guild_has_the_restore_in_its_audit_once(setup: RestoreSetup, archive: Archive) -> None:
    """The row is written once, even if the work on restored data is done again."""
    await setup.restore(archive)
    [facts] = setup.jobs
    async with setup.recovery.lease.hold() as token:
        for _ in range(2):
            await note_in_audits(setup.database, facts, Fence(RESTORE_LEASE, token))
    rows = [(one["guild_id"], one["action"], one["at"]) for one in await read(setup, "audit")]
    assert rows == [(guild_id, "backup restore", START) for guild_id in (7, 8)]


async def test_plan_tells_what_changes_and_what_is_lost(setup: RestoreSetup, archive: Archive) -> None:
    """Newer documents are counted and listed as plain JSON; nothing is written."""
    later = TAKEN_AT + timedelta(seconds=1)
    await fill(
        setup.database,
        {
            "ledger": [
                {"guild_id": 7, "member_id": 5, "number": number, "key": str(number), "at": at, "amount": 3}
                for number, at in enumerate([TAKEN_AT, later])
            ],
            "audit": [{"guild_id": 7, "at": later, "action": "role", "facts": {"changes": [{"new": later}]}}],
        },
    )
    await setup.database.unscoped("links").update_one({}, {"$set": {"proven_at": later}})
    plan = await setup.restorer.plan(RestoreOrder(archive))
    assert (plan.backup_id, plan.taken_at, plan.data_version) == (archive.id, TAKEN_AT, MIGRATIONS.newest)
    assert plan.documents == {"guilds": (2, 2), "kills": (200, 300), "links": (1, 0)}
    assert plan.losses.counts == {"changes": 1, "ledger": 1, "links": 1, "grants": 0, "erasures": 0}
    at = later.isoformat()
    assert plan.losses.rows["changes"] == [
        {"guild_id": 7, "at": at, "action": "role", "facts": {"changes": [{"new": at}]}}
    ]
    assert [row["number"] for row in plan.losses.rows["ledger"]] == [1]
    assert await digest(setup.database) != NEW
