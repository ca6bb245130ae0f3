"""The log files: a file for each system, rotated by day and by size, deleted by age and by size."""

import json
import os
import resource
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock
from utils.telemetry.log_entries import Entry, build_line, format_time
from utils.telemetry.log_folder import LogFolder, LogLimits

DAY_SECONDS = 86_400.0


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


class Shelf:
    """A folder of log files, and the records that a test writes to it."""

    def __init__(self, directory: Path, clock: FakeClock, *, keep_days: int = 3, megabytes: int = 1) -> None:
        self.directory = directory
        self.clock = clock
        self.folder = LogFolder(directory, LogLimits(keep_days, megabytes), clock=clock)

    def write(self, event: str, *, system: str = "bot", level: str = "info") -> Entry:
        """Write a record of this moment."""
        entry = {
            "timestamp": format_time(self.clock.now()),
            "level": level,
            "logger": "utils.example",
            "system": system,
            "event": event,
        }
        self.folder.write(entry)
        return entry

    def read(self) -> dict[str, list[str]]:
        """Return the events of each file."""
        return {
            path.name: [json.loads(line)["event"] for line in path.read_text("utf-8").splitlines()]
            for path in sorted(self.directory.iterdir())
        }


@pytest.fixture(name="shelf")
def _shelf(tmp_path: Path, clock: FakeClock) -> Shelf:
    return Shelf(tmp_path, clock)


def _date(path: Path, clock: FakeClock) -> None:
    """Give a file the time of the clock."""
    os.utime(path, (clock.now().timestamp(), clock.now().timestamp()))


def test_each_record_stands_in_one_file_and_errors_in_a_second_one(shelf: Shelf) -> None:
    """The system decides the file; ERROR and above stand in errors.log as well; all have mode 600."""
    shelf.write("starts")
    shelf.write("slow", system="database", level="warning")
    shelf.write("broken", system="sftp", level="error")
    shelf.write("worse", level="critical")
    assert shelf.read() == {
        "bot.log": ["starts", "worse"],
        "database.log": ["slow"],
        "errors.log": ["broken", "worse"],
        "sftp.log": ["broken"],
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in shelf.directory.iterdir()} == {0o600}


def test_line_is_on_the_disk_at_once_and_whole(shelf: Shelf) -> None:
    """A record is written before the next one is taken, as it was."""
    entry = shelf.write("told")
    assert (shelf.directory / "bot.log").read_bytes() == build_line(entry)


def test_day_ends_at_midnight_for_every_file(shelf: Shelf, clock: FakeClock) -> None:
    """The first record of a new day moves the files of all systems aside; a late one follows the new file."""
    shelf.write("yesterday")
    shelf.write("quiet", system="xp")
    clock.set_wall(DAY_SECONDS / 2)
    shelf.write("midnight")
    clock.set_wall(-1)
    shelf.write("late")
    assert shelf.read() == {
        "bot.log": ["midnight", "late"],
        "bot.log.2025-05-01": ["yesterday"],
        "xp.log.2025-05-01": ["quiet"],
    }


def test_day_ends_without_any_record(shelf: Shelf, clock: FakeClock) -> None:
    """The folder looks after itself now and then, even if nothing is logged."""
    shelf.write("yesterday")
    clock.set_wall(DAY_SECONDS)
    shelf.folder.tend()
    assert shelf.read() == {"bot.log.2025-05-01": ["yesterday"]}


def test_files_of_an_earlier_run_are_gone_on_with_or_moved_aside(tmp_path: Path, clock: FakeClock) -> None:
    """After a restart the file of today goes on, and one that was last written earlier keeps its day."""
    first = Shelf(tmp_path, clock)
    first.write("today")
    first.write("idle", system="sftp")
    first.folder.close()
    _date(tmp_path / "bot.log", clock)
    clock.set_wall(-2 * DAY_SECONDS)
    _date(tmp_path / "sftp.log", clock)
    clock.set_wall(2 * DAY_SECONDS)
    Shelf(tmp_path, clock).write("today again")
    assert first.read() == {"bot.log": ["today", "today again"], "sftp.log.2025-04-29": ["idle"]}


def test_full_file_is_moved_aside_and_numbered(shelf: Shelf) -> None:
    """A file that would grow beyond its size is moved aside; further ones of the day have a number."""
    event = "x" * 16_000
    for _ in range(10):
        shelf.write(event)
    assert [(name, len(events)) for name, events in shelf.read().items()] == [
        ("bot.log", 1),
        ("bot.log.2025-05-01", 3),
        ("bot.log.2025-05-01.2", 3),
        ("bot.log.2025-05-01.3", 3),
    ]


def test_file_has_100_megabytes_by_default() -> None:
    """The usual limit of all files leaves each file its 100 MB."""
    assert LogLimits(30, 2000).file_bytes == 100_000_000
    assert LogLimits(30, 100_000).file_bytes == 100_000_000


def test_old_files_are_deleted(shelf: Shelf, clock: FakeClock) -> None:
    """Files of days before the kept ones go, also mongod's and those of older versions; nothing else goes."""
    today = clock.now().date()
    names = [f"bot.log.{today - timedelta(days=days)}" for days in (3, 4)]
    old = ["killfeed.log.2025-04-20", "mongod.log.2025-04-20T10-00-00", "xp.log.2025-04-20.12", "notes.txt"]
    for name in (*names, *old, "killfeed.log", "mongod.log.1", "mongod.log"):
        (shelf.directory / name).touch()
    clock.set_wall(-9 * DAY_SECONDS)
    for name in ("killfeed.log", "mongod.log.1", "mongod.log", "notes.txt"):
        _date(shelf.directory / name, clock)
    clock.set_wall(9 * DAY_SECONDS)
    shelf.folder.tend()
    assert sorted(path.name for path in shelf.directory.iterdir()) == [names[0], "mongod.log", "notes.txt"]


def test_oldest_files_go_when_all_together_are_too_large(shelf: Shelf, clock: FakeClock) -> None:
    """Beyond the limit the oldest ones of all systems go, until it is kept; the log says so once."""
    today = clock.now().date()
    for days, name in ((1, "bot"), (2, "sftp"), (3, "database")):
        (shelf.directory / f"{name}.log.{today - timedelta(days=days)}").write_bytes(b"x" * 400_000)
    with capture_logs() as told:
        shelf.folder.tend()
        (shelf.directory / f"xp.log.{today}").write_bytes(b"x" * 400_000)
        shelf.folder.tend()
    assert sorted(path.name for path in shelf.directory.iterdir()) == [
        f"bot.log.{today - timedelta(days=1)}",
        f"xp.log.{today}",
    ]
    assert told == [
        {
            "event": "all log files together are too large, the oldest ones are deleted",
            "log_level": "warning",
            "megabytes": 1,
            "setting": "logging.max_total_megabytes",
        }
    ]


def test_file_that_another_process_moved_is_begun_again(shelf: Shelf) -> None:
    """A file that was moved away or deleted under the bot is made again."""
    shelf.write("before")
    (shelf.directory / "bot.log").rename(shelf.directory / "bot.kept")
    shelf.folder.tend()
    shelf.write("after")
    assert shelf.read() == {"bot.kept": ["before"], "bot.log": ["after"]}


def test_record_after_a_torn_line_is_a_line_of_its_own(shelf: Shelf) -> None:
    """A disk that took half of a record costs that record alone, and says so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    first = build_line(shelf.write("first"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(first) + 10, hard))  # no file may grow beyond that
    try:
        with capture_logs() as told:
            shelf.write("torn")
            shelf.write("lost")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    last = build_line(shelf.write("last"))
    assert (shelf.directory / "bot.log").read_bytes() == first + first[:10] + b"\n" + last
    assert told == [
        {
            "event": "a log file cannot be written, its records are on the console alone",
            "log_level": "error",
            "file": "bot.log",
            "problem": "File too large",
        }
    ]
