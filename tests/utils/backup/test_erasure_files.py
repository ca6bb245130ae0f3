"""The files of erasures: every place has them, and a damaged line costs only itself."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from utils.backup.erasure_files import FILE_NAME, ErasureFolders, read_records
from utils.models.personal import ErasureRecord
from utils.models.scope import GuildId

NOW = datetime(2025, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)


def build_record(number: int, *, at: datetime = NOW) -> ErasureRecord:
    """Return a record."""
    return ErasureRecord(GuildId(7), bytes([number]) * 16, at, "0a1b2c3d")


async def test_each_place_has_the_records_on_its_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home is made; a place that is away holds up no other, and gets its lines when it is back."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    home, there, away = tmp_path / "home", tmp_path / "there", tmp_path / "away"
    there.mkdir()
    folders = ErasureFolders(home, [away, there])
    await folders.append([build_record(1)])
    await folders.append([build_record(2)])
    assert len(synced) == 6  # each file twice, and the two folders of new files
    records = [build_record(1), build_record(2)]
    assert read_records([home]) == read_records([there]) == records
    assert not away.exists()
    away.mkdir()
    await folders.tidy(records, before=NOW - timedelta(days=400))
    assert read_records([away]) == records
    assert (home / FILE_NAME).stat().st_mode & 0o777 == 0o600


async def test_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    """A crash may leave half a line; the next record begins on its own line."""
    folders = ErasureFolders(tmp_path)
    await folders.append([build_record(1)])
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"at": "2025-05-01T12:0')
    await folders.append([build_record(2)])
    assert await folders.read() == [build_record(1), build_record(2)]


async def test_old_and_repeated_records_go_and_the_latest_time_stays(tmp_path: Path) -> None:
    """Tidying keeps what another process has added; a file that is right already is not written again."""
    folders, later = ErasureFolders(tmp_path), NOW + timedelta(minutes=1)
    old = build_record(3, at=NOW - timedelta(days=401))
    await folders.append([old, build_record(1), build_record(1, at=later)])
    await folders.tidy([build_record(2)], before=NOW - timedelta(days=400))
    content = (tmp_path / FILE_NAME).read_bytes()
    assert await folders.read() == [build_record(2), build_record(1, at=later)]
    assert content.count(b"\n") == 2
    inode = (tmp_path / FILE_NAME).stat().st_ino
    await folders.tidy([build_record(2)], before=NOW - timedelta(days=400))
    assert (tmp_path / FILE_NAME).stat().st_ino == inode
