"""The machine as the doctor sees it: its disks, and the backups in each place."""

from datetime import datetime
from functools import partial
from pathlib import Path

from utils.backup.archive import list_archives
from utils.backup.steps import run_in_thread
from utils.backup.watch import BackupWatch, describe_home
from utils.clock import Clock
from utils.commandline.doctor.diagnoses import (
    BACKUPS,
    RANKS,
    Diagnosis,
    Rank,
    diagnose_finding,
    find_runbook,
    say_age,
)
from utils.composition.backups import find_home
from utils.composition.health import list_directories
from utils.models.backups import BackupState
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import Finding
from utils.models.quantities import write_quantity
from utils.settings import Settings
from utils.telemetry.health.probes.backups import probe_backup_copies, rate_newest, rate_proven
from utils.telemetry.health.probes.machine import probe_disks

NAME = "Backups"


async def diagnose_disks(settings: Settings) -> list[Diagnosis]:
    """Return the free space at each place."""
    folders = [("data_dir", settings.data_dir), *list_directories(settings)]
    return [diagnose_finding("Disk", one) for one in await probe_disks(folders).look()]


async def diagnose_backups(settings: Settings, clock: Clock) -> list[Diagnosis]:
    """Return the newest backup and the newest proven one in each place."""
    home, others = find_home(settings), list_directories(settings)
    found = [await run_in_thread(partial(_diagnose_home, home, settings.backup.every_hours, clock.now()))]
    copies = probe_backup_copies(BackupWatch(home, others), find_opened=lambda _: None, clock=clock)
    for (_, place), finding in zip(others, await copies.look(), strict=False):
        found.append(await run_in_thread(partial(_diagnose_copies, place, finding, clock.now())))
    return found


def _diagnose_home(home: Path, every_hours: int, now: datetime) -> Diagnosis:
    state = _read(home)
    if state is None or state.newest_at is None or state.oldest_at is None:
        said = f"{home} has none yet; the bot makes one some minutes after its start."
        return Diagnosis(Rank.WARNING, NAME, said, BACKUPS)
    newest = rate_newest(now - state.newest_at, every_hours=every_hours)
    proven = rate_proven(now - (state.proven_at or state.oldest_at))
    kind = IncidentKind.BACKUP_OLD if newest >= proven else IncidentKind.BACKUP_UNPROVEN
    said = f"{home}: {_describe(state, now)}."
    return Diagnosis(RANKS[max(newest, proven)], NAME, said, find_runbook(kind))


def _diagnose_copies(place: Path, finding: Finding, now: datetime) -> Diagnosis:
    state = _read(place)
    said = f"{place} can't be read" if state is None else f"{place}: {_describe(state, now)}"
    judged = diagnose_finding(NAME, finding)
    lacks = "" if judged.rank is Rank.WELL or state is None else "; it lacks the newest"
    return Diagnosis(judged.rank, NAME, f"{said}{lacks}.", judged.help)


def _read(place: Path) -> BackupState | None:
    try:
        return describe_home(list_archives(place))
    except OSError:
        return None


def _describe(state: BackupState, now: datetime) -> str:
    if state.newest_at is None:
        return "no backup"
    newest = f"{write_quantity(state.number, 'backup')}, the newest {say_age(now - state.newest_at)} old"
    if state.proven_at is None:
        return f"{newest}, none proven"
    return f"{newest}, the newest proven one {say_age(now - state.proven_at)} old"
