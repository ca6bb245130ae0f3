"""The watch tells how old backups are and what other places lack, and reads again only what changed."""

from datetime import timedelta
from pathlib import Path

from tests.fakes.backups import MOMENT, write_archive
from utils.backup.archive import PROOF_NAME, write_note
from utils.backup.places import copy_archive
from utils.backup.steps import carry_out
from utils.backup.watch import BackupWatch
from utils.models.backups import BackupState, PlaceState

DAY = timedelta(days=1)


async def test_state_follows_every_change_of_the_place(tmp_path: Path) -> None:
    """A new backup, a proof and a file that is gone are noticed; a missing place has no backup."""
    home = tmp_path / "home"
    watch = BackupWatch(home, [])
    assert watch.state is None
    assert await watch.read_home() == BackupState()
    first = write_archive(home)
    size = first.manifest.file_bytes
    assert await watch.read_home() == BackupState(1, MOMENT, None, MOMENT, size)
    write_note(first, PROOF_NAME, MOMENT, {})
    proven = BackupState(1, MOMENT, MOMENT, MOMENT, size)
    assert await watch.read_home() == watch.state == proven
    assert proven.is_newest_proven
    second = write_archive(home, MOMENT + DAY)
    state = await watch.read_home()
    assert state == BackupState(2, MOMENT + DAY, MOMENT, MOMENT, second.manifest.file_bytes)
    assert not state.is_newest_proven
    next(second.path.glob("*.zst")).unlink()
    assert await watch.read_home() == proven


async def test_place_lacks_what_is_newer_than_its_newest(tmp_path: Path) -> None:
    """The oldest missing backup counts; a place that is away keeps what was known of it."""
    home, other = tmp_path / "home", tmp_path / "other"
    other.mkdir()
    watch = BackupWatch(home, [("backup.directories[0]", other)])

    async def look() -> PlaceState:
        (state,) = await watch.read_others()
        return state

    assert await look() == PlaceState("backup.directories[0]")
    first = write_archive(home)
    assert (await look()).lacks_since == MOMENT
    await carry_out(copy_archive(first, other), show=lambda _: None)
    assert (await look()).lacks_since is None
    write_archive(home, MOMENT + DAY)
    write_archive(home, MOMENT + 2 * DAY)
    assert await look() == PlaceState("backup.directories[0]", lacks_since=MOMENT + DAY)
    other.rename(tmp_path / "unplugged")
    assert await look() == PlaceState("backup.directories[0]", is_away=True, lacks_since=MOMENT + DAY)
    fresh = BackupWatch(home, [("backup.directories[0]", other)])
    assert await fresh.read_others() == [PlaceState("backup.directories[0]", is_away=True)]
