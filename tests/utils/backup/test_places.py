"""Places: copies that are whole or not there, deletions in two steps, and damage that is found in time."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.fakes.backups import MOMENT, finish, write_archive
from utils.backup.archive import PROOF_NAME, list_archives, read_archive, write_note
from utils.backup.checking import check_files
from utils.backup.places import (
    clear_leftovers,
    copy_archive,
    delete_old,
    find_archive,
    hash_part,
    list_missing,
    verify_space,
)
from utils.errors import ArchiveRefusedError, BackupError


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    """Return the place on this machine."""
    return tmp_path / "home"


@pytest.fixture(name="away")
def _away(tmp_path: Path) -> Path:
    """Return another place."""
    place = tmp_path / "away"
    place.mkdir()
    return place


def list_names(place: Path) -> list[str]:
    """Return the names in a place."""
    return sorted(path.name for path in place.iterdir())


def test_copy_is_the_backup_with_its_notes(home: Path, away: Path) -> None:
    """A copy holds the same bytes, and what is known about the backup."""
    archive = write_archive(home)
    write_note(archive, PROOF_NAME, MOMENT, {"where": "a scratch mongod"})
    copy = finish(copy_archive(read_archive(archive.path), away))
    assert (copy.manifest, copy.proven_at) == (archive.manifest, MOMENT)
    assert finish(check_files(copy)) == copy
    assert {name: (copy.path / name).read_bytes() for name in list_names(archive.path)} == {
        name: (archive.path / name).read_bytes() for name in list_names(archive.path)
    }


def test_copy_is_not_listed_before_it_is_whole(home: Path, away: Path) -> None:
    """At no step of a copy is there a backup that is not whole, and a caller that gives up leaves nothing."""
    archive = write_archive(home)
    steps = copy_archive(archive, away)
    for _ in range(3):
        next(steps)
        assert list_archives(away) == []
    assert list_names(away) == [f".partial-{archive.id}"]
    steps.close()
    assert list_names(away) == []


@pytest.mark.fault
@pytest.mark.parametrize("step", range(6))
def test_place_that_goes_away_during_a_copy_gets_nothing_and_hinders_nothing(
    home: Path, away: Path, step: int
) -> None:
    """A copy fails with a sentence at any step at which its disk goes; no half copy is listed later."""
    archive = write_archive(home)
    elsewhere = away.with_name("unmounted")
    steps = copy_archive(archive, away)
    for _ in range(step):
        next(steps)
    away.rename(elsewhere)
    with pytest.raises(BackupError, match=r"The backup can't be written to .*: No such file or directory"):
        finish(steps)
    assert not away.exists()
    elsewhere.rename(away)
    assert list_archives(away) == []
    clear_leftovers(away)
    assert list_names(away) == []
    assert finish(copy_archive(archive, away)).manifest == archive.manifest


def test_damaged_backup_is_not_copied(home: Path, away: Path) -> None:
    """A copy is hashed on its way, so damage does not spread."""
    archive = write_archive(home)
    path = archive.path / "kills.bson.zst"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ArchiveRefusedError, match=r"kills.bson.zst is not as it was written"):
        finish(copy_archive(archive, away))
    assert list_names(away) == []


def test_place_that_is_gone_is_an_error_of_the_system(home: Path, away: Path) -> None:
    """A place that is not mounted is never made, because it would be on the wrong disk."""
    archive = write_archive(home)
    away.rmdir()
    with pytest.raises(FileNotFoundError):
        list_missing([archive], away, now=MOMENT, keep_days=7)


def test_place_catches_up_on_what_it_would_keep(home: Path, away: Path) -> None:
    """A place that was away for days gets the backups that its retention keeps, oldest first."""
    archives = [write_archive(home, MOMENT - timedelta(days=days)) for days in (0, 1, 2, 20)]
    finish(copy_archive(archives[2], away))
    missing = list_missing(list_archives(home), away, now=MOMENT, keep_days=7)
    assert [one.id for one in missing] == [archives[1].id, archives[0].id]


def test_old_backups_are_deleted_and_cut_off_work_is_cleared_away(home: Path) -> None:
    """Deleting renames first; a folder that was left half removed or half written goes at the next run."""
    archives = [write_archive(home, MOMENT - timedelta(days=days)) for days in (0, 1, 20)]
    assert delete_old(home, now=MOMENT, keep_days=7) == [archives[2].id]
    assert list_archives(home) == archives[:2]
    for name in (".partial-a", ".deleting-b"):
        shutil.copytree(archives[0].path, home / name)
    (home / "my notes").mkdir()
    clear_leftovers(home)
    assert list_names(home) == sorted([archives[0].id, archives[1].id, "my notes"])


def test_each_stored_byte_is_read_once_a_week_and_damage_is_set_aside(home: Path) -> None:
    """Within seven days the damage is found; the backup is not listed any more, and its files stay."""
    good, bad = write_archive(home), write_archive(home, MOMENT - timedelta(days=1))
    path = bad.path / "kills.bson.zst"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    days = [date(2026, 11, 29) + timedelta(days=number) for number in range(7)]
    found = [str(error) for day in days for error in finish(hash_part(home, day))]
    assert found == [f"The backup {bad.id} is damaged: kills.bson.zst is not as it was written."]
    assert list_archives(home) == [good]
    assert list_names(home) == sorted([good.id, f".damaged-{bad.id}"])


@pytest.mark.parametrize(
    ("last_bytes", "data_bytes", "needed"),
    [(None, 400_000_000, 300_000_000), (100_000_000, 0, 330_000_000)],
)
def test_backup_needs_room_for_itself_and_more(
    tmp_path: Path, last_bytes: int | None, data_bytes: int, needed: int
) -> None:
    """A backup needs 1.3 times the last one, or at first a quarter of the data, and 200 MB."""
    verify_space(tmp_path, last_bytes=last_bytes, data_bytes=data_bytes, free_bytes=needed)
    with pytest.raises(BackupError, match=rf"has \d+ MB free and a backup needs {needed // 10**6} MB"):
        verify_space(tmp_path, last_bytes=last_bytes, data_bytes=data_bytes, free_bytes=needed - 1)


def test_backup_is_found_in_the_first_place_that_has_it(home: Path, away: Path) -> None:
    """A place without the backup, and a place that is away, are passed over."""
    archive = write_archive(away)
    assert find_archive([home, away], archive.id) == archive
    with pytest.raises(ArchiveRefusedError, match="No place has a backup killfeed-x"):
        find_archive([home, away], "killfeed-x")
