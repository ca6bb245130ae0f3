"""Places: folders that hold backups, each complete by itself.

The first place is on this machine; the others get copies. A copy is written like a backup itself: into a
partial folder, hashed, read back from the disk, renamed. A place that is away gets what it missed when it is
back, and holds up no other.
"""

import shutil
import zlib
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from structlog import get_logger

from utils.backup.archive import (
    CHECK_NAME,
    DAMAGED,
    DELETING,
    MANIFEST_NAME,
    PARTIAL,
    PROOF_NAME,
    Archive,
    list_archives,
    read_archive,
)
from utils.backup.checking import hash_file, refuse_damaged
from utils.backup.files import (
    PIECE_BYTES,
    PRIVATE_FOLDER,
    HashedFile,
    create_file,
    make_folder,
    replace_file,
    sync_folder,
)
from utils.backup.manifest import CollectionFacts
from utils.backup.retention import choose_deleted
from utils.backup.steps import Steps
from utils.backup.taking import complete_folder, explain_disk, removed_on_failure
from utils.errors import ArchiveRefusedError, BackupError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.texts import text

SPARE_BYTES = 200 * 1000 * 1000
GROWTH = 1.3  # the next backup may be this much larger than the last one
FIRST_SHARE = 4  # compressed documents are smaller than this part of their size
DAYS = 7  # in which each stored byte is read once

_log = get_logger(__name__)


def prepare_home(place: Path) -> None:
    """Make the place on this machine if it is not there."""
    place.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def clear_leftovers(place: Path) -> None:
    """Delete partial folders and halves of deletions; only the holder of the lease may do so."""
    for path in place.iterdir():
        if path.name.startswith((PARTIAL, DELETING)):
            _log.info("a backup that was cut off is cleared away", folder=path.name)
            shutil.rmtree(path, ignore_errors=True)


def verify_space(place: Path, *, last_bytes: int | None, data_bytes: int, free_bytes: int) -> None:
    """Refuse to begin a backup for which the disk has no room.

    The size of the last backup decides, and at the first time that of the documents in the database.

    Raises:
        BackupError: the disk is too full. Old backups are never deleted to make room.
    """
    expected = data_bytes / FIRST_SHARE if last_bytes is None else last_bytes * GROWTH
    if free_bytes < expected + SPARE_BYTES:
        raise BackupError(
            text(
                "{place} has {free} MB free and a backup needs {needed} MB. Free some space.",
                place=str(place),
                free=str(free_bytes // 1000**2),
                needed=str(int(expected + SPARE_BYTES) // 1000**2),
            )
        )


def copy_archive(archive: Archive, place: Path) -> Steps[Archive]:
    """Copy a backup into another place and return the copy.

    Raises:
        ArchiveRefusedError: the backup itself is damaged.
        BackupError: the place cannot be written; nothing of the copy is left.
    """
    partial = place / f"{PARTIAL}{archive.id}"
    collections = archive.manifest.collections
    progress = BackupProgress(BackupStep.COPYING, collections=len(collections))
    with explain_disk(place), removed_on_failure(partial):
        if partial.exists():
            shutil.rmtree(partial)
        make_folder(partial)
        for number, (name, facts) in enumerate(collections.items()):
            progress = replace(progress, collection=name, collections_done=number)
            yield from _copy_file(archive, facts, partial, progress)
            progress = replace(progress, stored_bytes=progress.stored_bytes + facts.file_bytes)
        own = {facts.file for facts in collections.values()}
        for name in (name for name in archive.file_names if name not in own):
            replace_file(partial / name, (archive.path / name).read_bytes())
        copy_notes(archive, partial)
        yield replace(progress, collections_done=len(collections))
        return complete_folder(partial, place / archive.id)


def _copy_file(
    archive: Archive, facts: CollectionFacts, folder: Path, progress: BackupProgress
) -> Generator[BackupProgress, None, None]:
    with (archive.path / facts.file).open("rb") as file, create_file(folder / facts.file) as target:
        source = HashedFile(file)
        while piece := source.read(PIECE_BYTES):
            target.write(piece)
            yield replace(progress, stored_bytes=progress.stored_bytes + source.size)
    if source.sha256 != facts.sha256:
        raise refuse_damaged(archive, facts)
    reading = hash_file(folder / facts.file)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            if end.value != facts.sha256:
                raise OSError(None, f"{facts.file} is read back differently") from None
            return
        yield replace(progress, stored_bytes=progress.stored_bytes + facts.file_bytes)


def copy_notes(archive: Archive, folder: Path) -> None:
    """Copy the notes about checks and proofs of a backup into the folder of its copy."""
    for name in (CHECK_NAME, PROOF_NAME):
        if (archive.path / name).exists():
            content = (archive.path / name).read_bytes()
            if not (folder / name).exists() or (folder / name).read_bytes() != content:
                replace_file(folder / name, content)


def list_missing(home: Sequence[Archive], place: Path, *, now: datetime, keep_days: int) -> list[Archive]:
    """Return the backups that a place lacks and would keep, oldest first.

    Raises:
        OSError: the place is away.
    """
    return choose_missing(home, list_archives(place), now=now, keep_days=keep_days)


def choose_missing(
    home: Sequence[Archive], there: Sequence[Archive], *, now: datetime, keep_days: int
) -> list[Archive]:
    """Return the backups that a place with these backups lacks and would keep, oldest first."""
    known = {archive.id for archive in there}
    lacking = [archive for archive in home if archive.id not in known]
    deleted = {archive.id for archive in choose_deleted([*there, *lacking], now=now, keep_days=keep_days)}
    return [archive for archive in reversed(lacking) if archive.id not in deleted]


def delete_old(place: Path, *, now: datetime, keep_days: int) -> list[str]:
    """Delete the backups that retention gives up, and return their ids.

    Raises:
        OSError: the place is away.
    """
    deleted = choose_deleted(list_archives(place), now=now, keep_days=keep_days)
    for archive in deleted:
        doomed = archive.path.rename(place / f"{DELETING}{archive.id}")
        sync_folder(place)  # a backup that is half removed never looks like one
        shutil.rmtree(doomed)
    return [archive.id for archive in deleted]


def set_aside(archive: Archive) -> Path:
    """Rename a damaged backup, so that nothing lists or restores it; a person decides about it."""
    aside = archive.path.with_name(f"{DAMAGED}{archive.id}")
    if aside.exists():
        shutil.rmtree(aside)
    archive.path.rename(aside)
    sync_folder(aside.parent)
    return aside


def hash_part(place: Path, day: date) -> Steps[list[ArchiveRefusedError]]:
    """Read a seventh of the stored files of a place; set aside each backup that is damaged.

    Each file has its day of the week, so each is read once in seven days.

    Raises:
        OSError: the place is away.
    """
    damaged = []
    progress = BackupProgress(BackupStep.CHECKING)
    for archive in list_archives(place):
        for facts in archive.manifest.collections.values():
            if zlib.crc32(f"{archive.id}/{facts.file}".encode()) % DAYS != day.toordinal() % DAYS:
                continue
            progress = replace(
                progress, collection=facts.file, stored_bytes=progress.stored_bytes + facts.file_bytes
            )
            digest = yield from _hash(archive, facts, progress)
            if digest != facts.sha256:
                set_aside(archive)
                damaged.append(refuse_damaged(archive, facts))
                break
    return damaged


def _hash(
    archive: Archive, facts: CollectionFacts, progress: BackupProgress
) -> Generator[BackupProgress, None, str]:
    reading = hash_file(archive.path / facts.file)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return str(end.value)
        yield progress


def find_archive(places: Sequence[Path], backup_id: str) -> Archive:
    """Return a backup by its id, from the first place that has it.

    Raises:
        ArchiveRefusedError: no place has it, or it is not complete there.
    """
    for place in places:
        if (place / backup_id / MANIFEST_NAME).exists():
            return read_archive(place / backup_id)
    raise ArchiveRefusedError(text("No place has a backup {id}.", id=backup_id))
