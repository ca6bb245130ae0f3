"""An upgrade as a process that is killed at each of its moments: one backup, and all of it done once."""

from pathlib import Path

import pytest

from tests.fakes.killed_runs import run_kills
from tests.fakes.upgrade_kills import MOMENTS
from utils.database.migrations.migrations import MIGRATIONS, DataVersion


@pytest.mark.fault
def test_upgrade_that_is_killed_goes_on_with_its_one_backup(tmp_path: Path, mongod_uri: str) -> None:
    """A kill between backup, raise and steps costs no second backup; touching more than named is refused."""
    found = run_kills("tests.fakes.upgrade_kills", mongod_uri, "test_upgrade_killed", str(tmp_path))
    *kills, version, end, refusal = found
    assert kills == [f"{moment}: 1 backups, {int(moment != 'trial')} proven" for moment in MOMENTS]
    assert version == f"{DataVersion(MIGRATIONS.newest)}, 2 guilds changed"
    assert end == "done: 1 backups, 1 proven"
    assert refusal.startswith("The upgrade changed wallets, which it may not touch: it has ")
    assert "The upgrade of the data is not finished. To go back: stop every bot," in refusal
