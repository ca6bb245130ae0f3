"""An archive: the folder of one backup, and what counts as one.

Only a folder counts that has a manifest, whose ``SHA256SUMS`` fit the manifest and name every file, and whose
files all have their size. Everything else in a place is not listed: folders that are being written
(``.partial-…``), deleted (``.deleting-…``) or that were set aside as damaged (``.damaged-…``).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from utils.backup.files import replace_file, write_file
from utils.backup.manifest import ID_PATTERN, Manifest, dump_json, parse_manifest, write_time
from utils.errors import ArchiveRefusedError
from utils.models.backups import BackupSummary
from utils.models.texts import Number, text

MANIFEST_NAME = "manifest.json"
SUMS_NAME = "SHA256SUMS"
CHECK_NAME = "check.json"
PROOF_NAME = "proof.json"
PARTIAL = ".partial-"
DELETING = ".deleting-"
DAMAGED = ".damaged-"


@dataclass(frozen=True, slots=True)
class Archive:
    """A complete backup in one place.

    Attributes:
        path: its folder.
        checked_at: when its files were read and compared last; None if never.
        proven_at: when it was restored on trial last; None if never.
    """

    path: Path
    manifest: Manifest
    checked_at: datetime | None = None
    proven_at: datetime | None = None

    @property
    def id(self) -> str:
        """The id of the backup."""
        return self.manifest.id

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of all files that are written with it, the manifest last."""
        own = (facts.file for facts in self.manifest.collections.values())
        return (*own, SUMS_NAME, MANIFEST_NAME)

    def summarize(self, places: tuple[str, ...]) -> BackupSummary:
        """Return it for people."""
        return BackupSummary(
            id=self.id,
            taken_at=self.manifest.started_at,
            reason=self.manifest.reason,
            stored_bytes=self.manifest.file_bytes,
            deaths=self.manifest.deaths,
            data_version=self.manifest.data_version,
            checked_at=self.checked_at,
            proven_at=self.proven_at,
            places=places,
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Complete a folder whose files are on the disk: first the sums, then the manifest."""
    content = manifest.dump()
    sums = {facts.file: facts.sha256 for facts in manifest.collections.values()}
    sums[MANIFEST_NAME] = hashlib.sha256(content).hexdigest()
    lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    write_file(folder / SUMS_NAME, lines.encode())
    write_file(folder / MANIFEST_NAME, content)


def read_archive(path: Path) -> Archive:
    """Return the backup in a folder; the content of its large files is not read.

    Raises:
        ArchiveRefusedError: it is no complete backup; the text says what is wrong.
    """
    content, sums = _read_file(path, MANIFEST_NAME), _read_sums(path)
    manifest = parse_manifest(content, name=path.name)
    expected = {facts.file: facts.sha256 for facts in manifest.collections.values()}
    if sums != expected | {MANIFEST_NAME: hashlib.sha256(content).hexdigest()}:
        raise ArchiveRefusedError(
            text("The manifest of the backup {id} was changed: it doesn't fit SHA256SUMS.", id=path.name)
        )
    for facts in manifest.collections.values():
        _check_size(path, facts.file, facts.file_bytes)
    digest = sums[MANIFEST_NAME]
    return Archive(
        path, manifest, _read_note(path / CHECK_NAME, digest), _read_note(path / PROOF_NAME, digest)
    )


def list_archives(place: Path) -> list[Archive]:
    """Return the complete backups of a place, newest first.

    Raises:
        OSError: the place cannot be read.
    """
    return find_archives(place)[0]


def find_archives(place: Path) -> tuple[list[Archive], dict[str, str]]:
    """Return the complete backups of a place, newest first, and why the others do not count, by their names.

    Raises:
        OSError: the place cannot be read.
    """
    found, refused = [], {}
    for path in place.iterdir():
        if ID_PATTERN.fullmatch(path.name):
            try:
                found.append(read_archive(path))
            except ArchiveRefusedError as error:
                refused[path.name] = str(error)
    return sorted(found, key=lambda archive: (archive.manifest.started_at, archive.id), reverse=True), refused


def list_if_there(place: Path) -> list[Archive]:
    """Return the complete backups of a place, newest first; none if the place is not there.

    Raises:
        OSError: the place cannot be read.
    """
    return list_archives(place) if place.is_dir() else []


def write_note(archive: Archive, name: str, at: datetime, facts: Mapping[str, object]) -> None:
    """Write down that a backup was checked or proven; the note holds for this very manifest."""
    digest = hashlib.sha256(_read_file(archive.path, MANIFEST_NAME)).hexdigest()
    fields = {"at": write_time(at), "manifest_sha256": digest, **facts}
    replace_file(archive.path / name, dump_json(fields))


def _read_note(path: Path, manifest_digest: str) -> datetime | None:
    try:
        fields = json.loads(path.read_bytes())
        moment = datetime.fromisoformat(fields["at"])
        return moment if fields["manifest_sha256"] == manifest_digest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is checked or proven again


def _read_file(path: Path, name: str) -> bytes:
    try:
        return (path / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise refuse_missing(path.name, name) from error
    except OSError as error:
        raise ArchiveRefusedError(
            text("{file} of the backup {id} can't be read: {why}.", file=name, id=path.name, why=str(error))
        ) from error


def _read_sums(path: Path) -> dict[str, str]:
    lines = _read_file(path, SUMS_NAME).decode(errors="replace").splitlines()
    pairs = (line.partition("  ") for line in lines)
    return {name: digest for digest, _, name in pairs}


def _check_size(path: Path, name: str, expected: int) -> None:
    try:
        size = (path / name).stat().st_size
    except OSError as error:
        raise refuse_missing(path.name, name) from error
    if size != expected:
        raise ArchiveRefusedError(
            text(
                "{file} of the backup {id} has {size} bytes instead of {expected}.",
                file=name,
                id=path.name,
                size=Number(size),
                expected=Number(expected),
            )
        )


def refuse_missing(backup_id: str, name: str) -> ArchiveRefusedError:
    """Return the error about a file that is not there."""
    return ArchiveRefusedError(text("The backup {id} has no {file}.", id=backup_id, file=name))
