"""Backups that are killed at each step, and disks that are full: whole or not there, never half."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from simulation.starts import PROJECT
from tests.fakes.backups import MOMENT, begin_archive, finish, write_archive
from tests.fakes.examples import choose_examples
from tests.fakes.killed_runs import run_kills
from utils.backup.archive import list_archives
from utils.backup.checking import check_files
from utils.backup.places import clear_leftovers, copy_archive
from utils.errors import BackupError

KILLS = choose_examples(quick=7, deep=40)

KILLER = """
import os, random, sys
from pathlib import Path
from tests.fakes.backups import MOMENT, begin_archive, finish, write_archive
from utils.backup.archive import list_archives
from utils.backup.checking import check_files
from utils.backup.places import clear_leftovers, copy_archive, delete_old
from datetime import timedelta

folder, rounds = Path(sys.argv[1]), random.Random(7)
old, new = write_archive(folder / "home", MOMENT - timedelta(days=40)), None

def take():
    yield from begin_archive(folder / "home", MOMENT - timedelta(days=rounds.randrange(1, 30)))

def copy():
    yield from copy_archive(old, folder / "away")

(folder / "away").mkdir()
for work in (take, copy):  # the old backup is the one that is copied
    for step in range(60):
        rounds.random()
        child = os.fork()
        if not child:  # dies as if by SIGKILL: no clean-up runs
            steps = work()
            for _ in range(step):
                if next(steps, None) is None:
                    os._exit(0)
            os.kill(os.getpid(), 9)
        code = os.waitpid(child, 0)[1]
        for place in (folder / "home", folder / "away"):
            for archive in list_archives(place):
                finish(check_files(archive))
            clear_leftovers(place)
            assert not [path for path in place.iterdir() if path.name.startswith(".")]
        if code == 0:
            print(work.__name__, "ended after", step, "steps")
            break
"""


@pytest.mark.fault
def test_backup_that_is_killed_at_any_step_is_whole_or_not_there(tmp_path: Path) -> None:
    """A listed backup proves, no matter at which step the process that wrote or copied it was killed."""
    command = (sys.executable, "-c", KILLER, str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    steps = [line.split()[::3] for line in done.stdout.splitlines() if line.startswith(("take ", "copy "))]
    assert [work for work, _ in steps] == ["take", "copy"]
    assert len(list_archives(tmp_path / "away")) == 1


@pytest.mark.fault
@pytest.mark.timeout(1_800)
def test_scheduled_backup_that_is_killed_at_any_moment_is_whole_or_not_there(
    tmp_path: Path, mongod_uri: str
) -> None:
    """Every listed backup is readable after each kill, the next day's backup comes, and no part is left."""
    arguments = str(tmp_path), str(KILLS)
    *days, end = run_kills("tests.fakes.backup_kills", mongod_uri, "test_backups_killed", *arguments)
    assert len(days) == KILLS + 1
    assert end == "leftovers: [], the same in both places: True"


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Path:
    """Mount a file system of 64 kB; skip the test where that is not allowed."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place))
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:  # noqa: S603
        pytest.skip("a file system can't be mounted here")
    return place


@pytest.mark.fault
def test_full_disk_ends_a_backup_without_a_trace(tmp_path: Path, small_disk: Path) -> None:
    """A real full disk ends a backup and a copy; the old backup on it stays, and no part of a new one."""
    try:
        old = write_archive(small_disk)
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * 40_000)
        archive = write_archive(tmp_path / "home", MOMENT + timedelta(hours=1))
        with pytest.raises(BackupError, match=r"The disk of .* is full"):
            finish(begin_archive(small_disk, MOMENT + timedelta(hours=2)))
        with pytest.raises(BackupError, match=r"The disk of .* is full"):
            finish(copy_archive(archive, small_disk))
        assert sorted(path.name for path in small_disk.iterdir()) == sorted(["filler", old.id])
        assert finish(check_files(old)) == old
        clear_leftovers(small_disk)
    finally:
        subprocess.run(("umount", str(small_disk)), check=True)  # noqa: S603, S607
