"""The doctor looks at the backups of each place."""

from datetime import datetime, timedelta
from pathlib import Path

from tests.fakes.backups import MOMENT, write_archive
from tests.fakes.clock import FakeClock
from utils.backup.archive import PROOF_NAME, write_note
from utils.backup.places import copy_archive
from utils.backup.steps import carry_out
from utils.commandline.doctor.diagnoses import Diagnosis, Rank, find_runbook
from utils.commandline.doctor.machine import diagnose_backups, diagnose_disks
from utils.settings import Settings

HOUR = timedelta(hours=1)


class LaterClock(FakeClock):
    """A clock that shows a moment after the backups."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def now(self) -> datetime:
        """Return that moment."""
        return self._at


async def test_each_place_has_a_line_with_its_newest_and_its_newest_proven_backup(tmp_path: Path) -> None:
    """A place that is away or lacks the newest is bad, and so is an old backup in the first place."""
    settings = Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "backup": {"directories": [tmp_path / "a", tmp_path / "b", tmp_path / "away"]},
        }
    )
    home, first, second = tmp_path / "data" / "backups", tmp_path / "a", tmp_path / "b"
    none = await diagnose_backups(settings, LaterClock(MOMENT))
    assert none[0] == Diagnosis(
        Rank.WARNING,
        "Backups",
        f"{home} has none yet; the bot makes one some minutes after its start.",
        "docs/BACKUP.md",
    )
    proven = write_archive(home)
    write_note(proven, PROOF_NAME, MOMENT, {})
    for place in (first, second):
        place.mkdir()
        await carry_out(copy_archive(proven, place), show=lambda _: None)
    newest = write_archive(home, MOMENT + 50 * HOUR)
    await carry_out(copy_archive(newest, first), show=lambda _: None)
    found = await diagnose_backups(settings, LaterClock(MOMENT + 53 * HOUR))
    ages = "2 backups, the newest 3 h old, the newest proven one 2 d 5 h old"
    old = "2 d 5 h old"
    assert found == [
        Diagnosis(Rank.WARNING, "Backups", f"{home}: {ages}.", find_runbook("backup-unproven")),
        Diagnosis(Rank.WELL, "Backups", f"{first}: {ages}.", find_runbook("backup-copy")),
        Diagnosis(
            Rank.WARNING,
            "Backups",
            f"{second}: 1 backup, the newest {old}, the newest proven one {old}; it lacks the newest.",
            find_runbook("backup-copy"),
        ),
        Diagnosis(
            Rank.WARNING, "Backups", f"{tmp_path / 'away'} can't be read.", find_runbook("backup-copy")
        ),
    ]
    late = await diagnose_backups(settings, LaterClock(MOMENT + 130 * HOUR))
    assert (late[0].rank, late[0].help) == (Rank.CRITICAL, find_runbook("backup-old"))
    assert {one.name for one in await diagnose_disks(settings)} == {"Disk"}
