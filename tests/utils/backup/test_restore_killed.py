"""Restores that are killed at each step: the old data or the new data at the next start, never a mixture."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from simulation.starts import PROJECT
from tests.bot.process import until
from tests.fakes.examples import choose_examples
from tests.fakes.killed_runs import run_kills
from tests.fakes.restore_kills import Parts
from tests.fakes.restores import NEW, OLD, RestoreSetup, digest, fill, write_backup
from tests.fakes.sleeper import LOST, OPEN
from utils.clock import SystemClock
from utils.database.archives.switching import CollectionSwitch
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod
from utils.errors import StorageError

KILLS = ((0.0, 0.1), (0.2, 0.6), (0.6, 1.0))
"""The parts of a restore in which it is killed: it loads, it is put in place, and the work that follows."""

STOPS = ((0.05, 0.1), (0.25, 1.0))
"""The parts in which it stands still: before them it holds no lease yet, and may begin when it wakes."""

MORE_KILLS, MORE_STOPS = choose_examples(quick=0, deep=30), choose_examples(quick=0, deep=10)


def divide(pieces: int, *, first: float = 0.0) -> Parts:
    """Divide a restore from a part of it on into equal pieces."""
    length = (1 - first) / pieces
    return [(first + piece * length, first + (piece + 1) * length) for piece in range(pieces)]


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["whole", "guild"])
def test_restore_that_is_killed_or_stopped_at_any_moment_is_undone_or_finished(
    tmp_path: Path, mongod_uri: str, kind: str
) -> None:
    """A process that dies at a drawn moment leaves the old or the new data, with all that follows it.

    One that stands still while another process ends the restore changes nothing when it wakes.
    """
    name = f"test_killed_{kind}"
    parts = json.dumps(KILLS), json.dumps(STOPS)
    found = run_kills("tests.fakes.restore_kills", mongod_uri, name, str(tmp_path), kind, *parts)
    assert found == ["old", "new", "new", "old", "unchanged", "new", "unchanged"]


@pytest.mark.fault
@pytest.mark.skipif(not MORE_KILLS, reason="takes minutes; a run with the deep profile has it")
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("kind", ["whole", "guild"])
def test_restore_that_is_killed_or_stopped_at_many_moments_is_undone_or_finished(
    tmp_path: Path, mongod_uri: str, kind: str
) -> None:
    """It may die or stand still at any command: the data is the old or the new one."""
    parts = json.dumps(divide(MORE_KILLS)), json.dumps(divide(MORE_STOPS, first=STOPS[0][0]))
    name = f"test_often_killed_{kind}"
    found = run_kills("tests.fakes.restore_kills", mongod_uri, name, str(tmp_path), kind, *parts)
    assert len(found) == MORE_KILLS + 2 * MORE_STOPS
    assert set(found[:MORE_KILLS] + found[MORE_KILLS::2]) == {"old", "new"}
    assert set(found[MORE_KILLS + 1 :: 2]) == {"unchanged"}


@pytest.mark.fault
async def test_process_that_slept_over_a_restore_commits_nothing(
    tmp_path: Path, database: SafeDatabase, mongod_uri: str
) -> None:
    """A process that is stopped within a transaction, and wakes after the restore, loses its lease."""
    await fill(database)
    command = (sys.executable, "-m", "tests.fakes.sleeper", mongod_uri, database.name)
    sleeper = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    assert sleeper.stdout is not None
    while (await sleeper.stdout.readline()).strip() != OPEN.encode():
        pass  # the lines of its log
    sleeper.send_signal(signal.SIGSTOP)
    long_ago = {"$set": {"expires_at": datetime.fromtimestamp(0, UTC)}}  # as 20 s later
    await database.run("leases", database.unscoped("leases").update_one({"_id": 0}, long_ago))
    await RestoreSetup(database, SystemClock()).restore(write_backup(tmp_path))
    assert await digest(database) == NEW
    sleeper.send_signal(signal.SIGCONT)
    rest = await sleeper.stdout.read()
    assert rest.split()[-1] == LOST.encode()
    assert await sleeper.wait() == 0
    assert await digest(database) == NEW


@pytest.fixture(name="mongod")
async def _mongod(tmp_path: Path, mongod_uri: str) -> AsyncIterator[EmbeddedMongod]:
    """Run a mongod of this test alone."""
    assert mongod_uri  # skips the test without mongod
    mongod = EmbeddedMongod(tmp_path / "data", clock=SystemClock())
    await mongod.start()
    yield mongod
    await mongod.stop()


class DoomedSwitch(CollectionSwitch):
    """A switch whose mongod is killed when it is opened for loading, or before it puts a collection in place.

    Args:
        is_late: do so at the later of both.
    """

    def __init__(self, database: SafeDatabase, token: int, *, mongod: EmbeddedMongod, is_late: bool) -> None:
        super().__init__(database, token)
        self._mongod = mongod
        self._kill_if(wanted=not is_late)
        self._is_late = is_late

    async def put_in_place(self, name: str) -> None:
        """Put one in place."""
        self._kill_if(wanted=self._is_late)
        await super().put_in_place(name)

    def _kill_if(self, *, wanted: bool) -> None:
        if wanted and self._mongod.is_running:
            os.kill(self._mongod.pid or 0, signal.SIGKILL)


@pytest.mark.fault
@pytest.mark.parametrize(("step", "expected"), [("load", OLD), ("switch", NEW)])
async def test_restore_over_a_mongod_that_is_killed_is_undone_or_finished(
    tmp_path: Path, mongod: EmbeddedMongod, step: str, expected: dict[str, str]
) -> None:
    """A mongod that dies while a backup is loaded keeps the old data, and one that dies later has the new."""
    connection = SafeMongoDBConnection(
        mongod.uri, database="killed", clock=SystemClock(), selection_seconds=1
    )
    database = await connection.open()
    await fill(database)
    setup = RestoreSetup(database, SystemClock())
    setup.recovery.open_switch = partial(DoomedSwitch, mongod=mongod, is_late=step == "switch")
    with pytest.raises(StorageError):
        await setup.restore(write_backup(tmp_path))
    await until(lambda: not mongod.is_running)
    await mongod.start()
    again = RestoreSetup(database, SystemClock())
    await again.recovery.recover(waits=False)
    assert await digest(database) == expected
    assert await again.recovery.marks.find() is None
    await connection.close()
