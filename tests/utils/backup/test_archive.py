"""The archive: written whole or not at all, read back, and refused by name when anything is wrong with it."""

import errno
import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.backups import DOCUMENTS, MOMENT, FakeSnapshot, begin_archive, finish, write_archive
from utils.backup.archive import (
    CHECK_NAME,
    MANIFEST_NAME,
    SUMS_NAME,
    list_archives,
    read_archive,
    write_note,
)
from utils.backup.checking import check_files
from utils.backup.manifest import Manifest, parse_manifest
from utils.backup.taking import explain_disk
from utils.database.archives.raw_documents import DocumentSplitter, count_documents
from utils.database.migrations.migrations import MIGRATIONS
from utils.errors import ArchiveRefusedError, BackupError


def edit_manifest(folder: Path, **changes: object) -> None:
    """Change the manifest, and its sum with it."""
    path = folder / MANIFEST_NAME
    path.write_bytes(json.dumps(json.loads(path.read_bytes()) | changes).encode())
    sums = folder / SUMS_NAME
    lines = [line for line in sums.read_text().splitlines() if not line.endswith(MANIFEST_NAME)]
    lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {MANIFEST_NAME}")
    sums.write_text("\n".join(lines) + "\n")


def test_archive_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """The manifest names documents, sums and guilds; only the bot's user may read any of it."""
    archive = write_archive(tmp_path)
    assert list_archives(tmp_path) == [archive]
    assert finish(check_files(archive)) == archive
    manifest = archive.manifest
    kills = b"".join(bson.encode(document) for document in DOCUMENTS["kills"])
    facts = manifest.collections["kills"]
    assert (facts.documents, facts.raw_bytes) == (300, len(kills))
    assert facts.content_sha256 == hashlib.sha256(kills).hexdigest()
    assert manifest.guilds == {"7": {"guilds": 1, "kills": 150}, "8": {"guilds": 1, "kills": 150}}
    assert (manifest.started_at, manifest.deaths, manifest.documents) == (MOMENT, 300, 302)
    assert parse_manifest(manifest.dump(), name=manifest.id) == manifest
    assert archive.id.startswith("killfeed-20261129T040000Z-daily-")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in archive.path.iterdir()}
    assert (stat.S_IMODE(archive.path.stat().st_mode), modes) == (0o700, {0o600})


def run_tool(folder: Path, *arguments: str) -> None:
    """Run a program of the system in a folder; skip the test if there is none."""
    if not shutil.which(arguments[0]):
        pytest.skip(f"no {arguments[0]} on this machine")
    subprocess.run(arguments, cwd=folder, check=True)  # noqa: S603 - the arguments are those below


def test_archive_is_read_without_the_bot(tmp_path: Path) -> None:
    """The tools of every Linux check the sums and unpack what ``mongorestore`` reads: plain BSON."""
    archive = write_archive(tmp_path)
    run_tool(archive.path, "sha256sum", "--check", "--strict", SUMS_NAME)
    run_tool(archive.path, "zstd", "-q", "-d", "kills.bson.zst")
    assert bson.decode_all((archive.path / "kills.bson").read_bytes()) == DOCUMENTS["kills"]


def flip(folder: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray((folder / "kills.bson.zst").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "kills.bson.zst").write_bytes(content)


def cut(folder: Path) -> None:
    """Cut the last byte off."""
    content = (folder / "kills.bson.zst").read_bytes()
    (folder / "kills.bson.zst").write_bytes(content[:-1])


def rename(folder: Path) -> None:
    """Change the id within the manifest."""
    edit_manifest(folder, id="killfeed-20261129T050000Z-daily-0000")


def write_manifest_alone(folder: Path) -> None:
    """Change the manifest without its sum."""
    path = folder / MANIFEST_NAME
    path.write_bytes(path.read_bytes().replace(b'"data_version": 4', b'"data_version": 2'))


@pytest.mark.parametrize(
    ("damage", "sentence", "is_listed"),
    [
        (flip, "The backup {id} is damaged: kills.bson.zst is not as it was written.", True),
        (cut, "kills.bson.zst of the backup {id} has {cut} bytes instead of {whole}.", False),
        (
            lambda folder: (folder / "links.bson.zst").unlink(),
            "The backup {id} has no links.bson.zst.",
            False,
        ),
        (lambda folder: (folder / MANIFEST_NAME).unlink(), "The backup {id} has no manifest.json.", False),
        (lambda folder: (folder / SUMS_NAME).unlink(), "The backup {id} has no SHA256SUMS.", False),
        (
            write_manifest_alone,
            "The manifest of the backup {id} was changed: it doesn't fit SHA256SUMS.",
            False,
        ),
        (
            lambda folder: edit_manifest(folder, format=2),
            "The backup {id} has format 2 and this bot knows format 1. Update the bot.",
            False,
        ),
        (
            lambda folder: edit_manifest(folder, reason="whim"),
            "The manifest of the backup {id} is damaged.",
            False,
        ),
        (
            lambda folder: (folder / MANIFEST_NAME).write_text("{"),
            "The manifest of the backup {id} is damaged.",
            False,
        ),
        (
            rename,
            "The folder {id} holds the backup killfeed-20261129T050000Z-daily-0000. Rename it.",
            False,
        ),
    ],
)
def test_damage_is_refused_by_name(
    tmp_path: Path, damage: Callable[[Path], object], sentence: str, *, is_listed: bool
) -> None:
    """The refusal names the damage, and only a complete folder is listed at all."""
    archive = write_archive(tmp_path)
    whole = archive.manifest.collections["kills"].file_bytes
    damage(archive.path)
    with pytest.raises(ArchiveRefusedError) as refused:
        finish(check_files(archive))
    said = str(refused.value).replace(",", "")
    assert said == sentence.format(id=archive.id, cut=whole - 1, whole=whole).replace(",", "")
    assert bool(list_archives(tmp_path)) is is_listed


def test_manifest_names_no_file_elsewhere(tmp_path: Path) -> None:
    """A manifest that was made by hand cannot lead to a file outside of its folder."""
    archive = write_archive(tmp_path)
    collections = json.loads((archive.path / MANIFEST_NAME).read_bytes())["collections"]
    collections["kills"]["file"] = "../kills.bson.zst"
    edit_manifest(archive.path, collections=collections)
    with pytest.raises(ArchiveRefusedError):
        read_archive(archive.path)


def test_note_holds_for_its_own_manifest_alone(tmp_path: Path) -> None:
    """A check that was noted for other content does not count."""
    archive = write_archive(tmp_path)
    write_note(archive, CHECK_NAME, MOMENT, {"seconds": 1})
    assert read_archive(archive.path).checked_at == MOMENT
    path = archive.path / CHECK_NAME
    path.write_text(path.read_text().replace('"manifest_sha256": "', '"manifest_sha256": "0'))
    assert read_archive(archive.path).checked_at is None


class FailingSnapshot(FakeSnapshot):
    """A snapshot that fails in the middle of a collection."""

    def read(self, name: str) -> Any:
        """Yield a piece and fail."""
        yield next(super().read(name), b"")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_nothing_is_left_of_a_backup_that_failed_or_was_given_up(tmp_path: Path) -> None:
    """An error, and the end of its caller, remove the partial folder."""
    with pytest.raises(BackupError, match="is full"):
        finish(begin_archive(tmp_path, snapshot=FailingSnapshot()))
    steps = begin_archive(tmp_path)
    next(steps)
    assert [path.name[:9] for path in tmp_path.iterdir()] == [".partial-"]
    steps.close()
    assert list(tmp_path.iterdir()) == []


class ShortSnapshot(FakeSnapshot):
    """A snapshot that sends less than it counts."""

    def read(self, name: str) -> Any:
        """Yield at most one piece."""
        yield from list(super().read(name))[:1]


def test_backup_that_misses_documents_is_no_backup(tmp_path: Path) -> None:
    """The documents that were read are compared with MongoDB's own count of the same moment."""
    with pytest.raises(BackupError, match=r"counts 300 documents of kills and sent 100\."):
        finish(begin_archive(tmp_path, snapshot=ShortSnapshot()))
    assert list(tmp_path.iterdir()) == []


def test_error_of_the_disk_is_a_sentence(tmp_path: Path) -> None:
    """Every error of the system names the place and says why."""
    with (
        pytest.raises(BackupError, match=r"can't be written to .*: Permission denied"),
        explain_disk(tmp_path),
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@settings(max_examples=30)
@given(
    values=st.lists(st.dictionaries(st.text("abc", min_size=1), st.binary(max_size=40), max_size=3)),
    lengths=st.lists(st.integers(1, 30), min_size=1),
)
def test_stream_is_cut_into_its_documents_wherever_its_pieces_end(
    values: list[dict[str, bytes]], lengths: list[int]
) -> None:
    """The pieces in which a stream arrives do not matter."""
    raw = [bson.encode(value) for value in values]
    stream, splitter, found, number = b"".join(raw), DocumentSplitter(), [], 0
    assert count_documents(stream) == len(raw)
    while stream:
        length = lengths[number % len(lengths)]
        found += splitter.feed(stream[:length])
        stream, number = stream[length:], number + 1
    assert (found, splitter.is_empty) == (raw, True)


@pytest.mark.parametrize("stream", [b"\x00\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"])
def test_stream_without_documents_is_refused(stream: bytes) -> None:
    """A length that no document has ends the reading."""
    with pytest.raises(ArchiveRefusedError):
        DocumentSplitter().feed(stream)


def test_manifest_carries_what_a_restore_needs(tmp_path: Path) -> None:
    """Version, moment, tokens of the leases and the check of the key are in the manifest."""
    manifest: Manifest = write_archive(tmp_path).manifest
    assert (manifest.data_version, manifest.upgraded_from) == (MIGRATIONS.newest, None)
    assert (manifest.cluster_time, manifest.lease_tokens) == ((1_796_000_000, 4), {"0": 12, "-1": 2})
    assert (manifest.key_check, manifest.database) == ("0123456789abcdef", "killfeed")
