"""Proof: a backup is restored on trial, and anything that differs is found."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bson
import pytest

from tests.fakes.backups import DOCUMENTS, FakeSnapshot, begin_archive, build_order, finish, write_archive
from tests.fakes.verified import DEATHS, SERVER, Community
from utils.backup.archive import Archive
from utils.backup.manifest import CollectionFacts
from utils.backup.proof import prove
from utils.backup.taking import take_backup
from utils.clock import SystemClock
from utils.composition.verification import check_trial, find_measured
from utils.database.archives.snapshot import SnapshotSource
from utils.database.archives.trial import OWN_PREFIX, TrialDatabase, TrialPlace, open_trial
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import list_kept
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.mongod_binary import find_mongod
from utils.database.process.mongod_process import ProcessFile, is_alive
from utils.database.process.scratch import clear_scratch, open_scratch
from utils.errors import ArchiveRefusedError


@pytest.fixture(name="trial")
async def _trial(database: SafeDatabase) -> TrialDatabase:
    """Return a trial database within the tests' database."""
    trial = TrialDatabase(database.operations, prefix=OWN_PREFIX)
    await database.call(trial.drop)
    return trial


async def test_backup_is_the_same_after_a_restore_on_trial(
    tmp_path: Path, database: SafeDatabase, trial: TrialDatabase
) -> None:
    """Every document is restored and compared; the bot's own collections stay untouched."""
    archive = write_archive(tmp_path)
    proof = await database.call(lambda: finish(prove(archive, trial)))
    assert proof.documents == archive.manifest.documents
    found = await database.call(lambda: b"".join(trial.read("kills")))
    assert bson.decode_all(found) == DOCUMENTS["kills"]
    await database.call(trial.drop)
    listed = await database.command("listCollections")
    assert not [one for one in listed["cursor"]["firstBatch"] if one["name"].startswith(OWN_PREFIX)]
    assert await database.run("kills", database.unscoped("kills").count_documents({})) == 0


def change_digest(archive: Archive) -> Archive:
    """Let the manifest expect other documents of the same number."""
    return change(archive, lambda facts: replace(facts, content_sha256="0" * 64))


def change_count(archive: Archive) -> Archive:
    """Let the manifest expect one more."""
    return change(archive, lambda facts: replace(facts, documents=facts.documents + 1))


def change(archive: Archive, change_facts: Callable[[CollectionFacts], CollectionFacts]) -> Archive:
    """Change what the manifest says of the deaths."""
    collections = dict(archive.manifest.collections)
    collections["kills"] = change_facts(collections["kills"])
    return replace(archive, manifest=replace(archive.manifest, collections=collections))


def change_guilds(archive: Archive) -> Archive:
    """Let the manifest expect a death of another guild."""
    guilds = {guild: dict(counts) for guild, counts in archive.manifest.guilds.items()}
    guilds["7"]["kills"], guilds["8"]["kills"] = 151, 149
    return replace(archive, manifest=replace(archive.manifest, guilds=guilds))


@pytest.mark.parametrize("spoil", [change_digest, change_count, change_guilds])
async def test_anything_that_differs_is_found(
    tmp_path: Path, database: SafeDatabase, trial: TrialDatabase, spoil: Callable[[Archive], Archive]
) -> None:
    """The number of documents, their content and the number of each guild are compared."""
    archive = spoil(write_archive(tmp_path))
    with pytest.raises(ArchiveRefusedError, match=r"kills of the backup .* is not the same"):
        await database.call(lambda: finish(prove(archive, trial)))


async def test_documents_that_exclude_each_other_are_found(
    tmp_path: Path, database: SafeDatabase, trial: TrialDatabase
) -> None:
    """The unique indexes are built, so a backup that could not be restored fails its proof."""
    twice = [{"_id": number, "guild_id": 7} for number in (1, 2)]
    archive = finish(begin_archive(tmp_path, snapshot=FakeSnapshot({**DOCUMENTS, "guilds": twice})))
    with pytest.raises(ArchiveRefusedError, match="has the same entry twice in guilds"):
        await database.call(lambda: finish(prove(archive, trial)))


async def test_data_that_is_wrong_is_told_of_a_backup_that_is_true(
    tmp_path: Path, database: SafeDatabase, trial: TrialDatabase
) -> None:
    """The proof of a backup of wrong data succeeds and names what is wrong; an older shape is not read."""
    await MIGRATIONS.ensure_version(database)
    await Community(database).store()

    def take_and_prove() -> Archive:
        order = build_order(collections=list_kept())
        with SnapshotSource(database, is_embedded=False).open() as snapshot:
            archive = finish(take_backup(order, snapshot, tmp_path, now=SystemClock().now))
        finish(prove(archive, trial))
        return archive

    archive = await database.call(take_and_prove)
    measure = find_measured(tmp_path, "killfeed")
    assert measure is not None
    assert measure.manifest.deaths_by_server == {SERVER: DEATHS}
    assert find_measured(tmp_path, "other") is None
    manifest = archive.manifest
    assert await database.call(lambda: check_trial(trial, manifest)) == []
    await database.unscoped(f"{OWN_PREFIX}players").update_many({}, {"$inc": {"counters.deaths": 1}})
    assert [str(one) for one in await database.call(lambda: check_trial(trial, manifest))] == [
        "20 figures aren't what the deaths say: the game server aaaaaaaa of the community 42."
    ]
    older = replace(manifest, data_version=MIGRATIONS.newest - 1)
    assert check_trial(trial, older) == ()
    await database.call(trial.drop)


def test_scratch_mongod_is_ended_and_deleted(tmp_path: Path) -> None:
    """The trial has a mongod of its own, of which nothing is left."""
    archive = write_archive(tmp_path / "place")
    place = TrialPlace(tmp_path / "scratch", None, "", "killfeed")
    with open_trial(place, clock=SystemClock()) as (trial, where):
        assert finish(prove(archive, trial)).documents == archive.manifest.documents
        [folder] = (tmp_path / "scratch").iterdir()
        kept = ProcessFile.read(folder / "process.json")
    assert kept is not None
    assert (where, list((tmp_path / "scratch").iterdir())) == ("a scratch mongod", [])
    assert not is_alive(kept.pid)


OWNER = """
import os, sys
from pathlib import Path
from utils.clock import SystemClock
from utils.database.process.scratch import open_scratch
with open_scratch(Path(sys.argv[1]), Path(sys.argv[2]), clock=SystemClock()):
    print("open", flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.fault
def test_scratch_mongod_of_a_killed_process_is_cleared_away(tmp_path: Path) -> None:
    """A killed child leaves its mongod; the next run ends it, and touches no trial that goes on."""
    command = (sys.executable, "-c", OWNER, str(tmp_path), str(find_mongod()))
    killed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "open\n")
    [left] = tmp_path.iterdir()
    kept = ProcessFile.read(left / "process.json")
    assert kept is not None
    assert is_alive(kept.pid)
    with open_scratch(tmp_path, find_mongod(), clock=SystemClock()) as operations:
        clear_scratch(tmp_path)
        assert [folder.name for folder in tmp_path.iterdir()] == [str(os.getpid())]
        assert operations.get_collection("a").database.command("ping")["ok"] == 1
    while is_alive(kept.pid):
        pass
    assert list(tmp_path.iterdir()) == []
