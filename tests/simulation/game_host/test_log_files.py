"""Death logs and their faults."""

from datetime import datetime
from pathlib import Path

import pytest

from simulation.game_host.log_files import GameServerFiles, render_row
from utils.models.deaths import DeathKind, DeathRow
from utils.models.scope import PlayerId

KILLER, VICTIM = PlayerId("0002" + "a" * 28), PlayerId("0002" + "b" * 28)


def row(day: int = 1, hour: int = 12) -> DeathRow:
    """Return a kill at a time of day."""
    return DeathRow(
        written_at=datetime(2025, 5, day, hour, 7, 23),  # noqa: DTZ001 - logs carry no zone
        kind=DeathKind.KILL,
        killer_id=KILLER,
        killer_name="Killer One",
        victim_id=VICTIM,
        victim_name="Victim",
        weapon="M99",
        distance=152,
        killer_platform="PS5",
        victim_platform="XSX",
    )


NEW = f"2025.05.01-12.07.23;Killer One;{KILLER};Victim;{VICTIM};M99;152;PS5;XSX;"
OLD = f"2025.05.01-12.07.23;Killer One;{KILLER};Victim;{VICTIM};M99;152;"


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> GameServerFiles:
    return GameServerFiles(tmp_path, host="10.0.0.1", number=7)


def test_rows_are_written_in_both_generations() -> None:
    """The newer generation has the platforms, the older has not."""
    assert (render_row(row()), render_row(row(), with_platforms=False)) == (NEW, OLD)


def test_death_without_killer_leaves_its_columns_empty() -> None:
    """A death without a killer has no name, id, weapon or platform, and a distance of one metre."""
    unknown = row()._replace(
        kind=DeathKind.UNKNOWN,
        killer_id=None,
        killer_name="",
        weapon="",
        distance=1,
        killer_platform="",
    )
    assert render_row(unknown) == f"2025.05.01-12.07.23;;;Victim;{VICTIM};;1;;XSX;"


def test_files_lie_where_the_hoster_puts_them(tmp_path: Path) -> None:
    """The files can have every layout of a hoster."""
    folders = [
        GameServerFiles(tmp_path, host="h", number=number, is_saved=is_saved).deathlogs.relative_to(tmp_path)
        for number, is_saved in ((7, False), (7, True), (None, False))
    ]
    assert [str(folder) for folder in folders] == [
        "h_7/actual1/deathlogs",
        "h_7/Deadside/Saved/actual1/deathlogs",
        "actual1/deathlogs",
    ]


def test_new_file_begins_at_midnight(files: GameServerFiles) -> None:
    """Each day has one file, named by its midnight; each world has its own."""
    files.append(row(1), row(1, 23), row(2, 0))
    files.append(row(1), world="world_1")
    assert {
        str(path.relative_to(files.deathlogs)): path.read_text().count("\n")
        for path in files.deathlogs.glob("*/*")
    } == {
        "world_0/2025.05.01-00.00.00.csv": 2,
        "world_0/2025.05.02-00.00.00.csv": 1,
        "world_1/2025.05.01-00.00.00.csv": 1,
    }
    assert files.current().name == "2025.05.02-00.00.00.csv"


def test_line_can_be_cut_and_finished(files: GameServerFiles) -> None:
    """A poll in the middle of a write sees half a line, the next one the whole."""
    files.append(row())
    files.append_cut(row(hour=13), kept_bytes=20)
    assert files.current().read_text() == NEW + "\n" + "2025.05.01-13.07.23;"
    files.finish_cut()
    assert files.current().read_text().splitlines() == [NEW, NEW.replace("12.07", "13.07")]


def test_files_can_be_damaged_in_every_way(files: GameServerFiles) -> None:
    """Files can be truncated, rewritten in place, replaced, filled with garbage or a BOM, and restored."""
    files.append(row(), row(hour=13))
    path = files.current()
    files.truncate(10)
    assert path.read_text() == NEW[:10]
    identity = path.stat().st_ino
    files.rewrite(row())
    assert (path.read_text(), path.stat().st_ino) == (NEW + "\n", identity)
    files.replace(row(), row())
    assert (path.read_text().count("\n"), path.stat().st_ino == identity) == (2, False)
    files.append_bytes(b"\xff\xfe garbage\n")
    files.write_byte_order_mark()
    assert path.read_bytes().startswith(b"\xef\xbb\xbf2025.05.01")
    assert path.read_bytes().endswith(b"\xff\xfe garbage\n")
    old = files.restore(datetime(2025, 4, 1), row())  # noqa: DTZ001
    assert (old.name, files.current()) == ("2025.04.01-00.00.00.csv", path)
    started = files.start_file(datetime(2025, 5, 1, 18, 30))  # noqa: DTZ001
    assert (started.name, started.read_bytes()) == ("2025.05.01-18.30.00.csv", b"")
    files.append(row(hour=19))
    assert started.read_text().count("\n") == 1
