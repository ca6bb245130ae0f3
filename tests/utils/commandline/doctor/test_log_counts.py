"""The log of the last 24 hours is counted by level and system."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START
from utils.commandline.doctor.diagnoses import Rank
from utils.commandline.doctor.log_counts import HELP, LogCounts, count_records, diagnose_log
from utils.telemetry.log_entries import build_line, format_time


def write(path: Path, *records: tuple[float, str]) -> None:
    """Write records, each with its level and its age in hours."""
    path.write_bytes(b"".join(build(timedelta(hours=hours), level) for hours, level in records))
    os.utime(path, (START.timestamp(), START.timestamp()))


def build(age: timedelta, level: str) -> bytes:
    """Return the line of a record."""
    return build_line({"timestamp": format_time(START - age), "level": level, "event": "é"})


def test_each_record_of_a_day_is_counted_once(tmp_path: Path) -> None:
    """``errors.log`` repeats records of others; older records, torn lines and other files do not count."""
    write(tmp_path / "sftp.log", (25, "error"), (23.9, "error"), (1, "critical"), (1, "info"))
    write(tmp_path / "bot.log.2025-04-30", (20, "warning"), (20, "warning"))
    write(tmp_path / "errors.log", (1, "critical"), (23.9, "error"))
    write(tmp_path / "mongod.log", (1, "error"))
    write(tmp_path / "bot.log.2025-04-29", (23, "error"))
    old = (START - timedelta(hours=25)).timestamp()
    os.utime(tmp_path / "bot.log.2025-04-29", (old, old))
    with (tmp_path / "sftp.log").open("ab") as file:
        file.write(b'{"timestamp": "2025-05-0')
    os.utime(tmp_path / "sftp.log", (START.timestamp(), START.timestamp()))
    counts = count_records(tmp_path, now=START)
    assert counts == LogCounts({"error": 1, "critical": 1, "info": 1, "warning": 2}, {"sftp": 2})
    found = diagnose_log(tmp_path, now=START)
    assert (found.rank, found.help) == (Rank.WARNING, HELP)
    assert found.said == "24 hours: 2 errors (2 in sftp.log), 2 warnings, 5 records."


def test_folder_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    """A bot that never ran has no log; an empty folder has no record."""
    assert diagnose_log(tmp_path / "logs", now=START).rank is Rank.UNKNOWN
    assert diagnose_log(tmp_path, now=START).said == "24 hours: 0 errors, 0 warnings, 0 records."


DAY = 24 * 60

LINES = st.one_of(
    st.tuples(st.integers(0, 2 * DAY), st.sampled_from(["debug", "info", "warning", "error", "critical"])),
    st.binary(max_size=60).map(lambda junk: junk.replace(b"\n", b" ")),
)


@given(st.lists(LINES, max_size=20))
@settings(max_examples=50)
def test_any_bytes_between_the_records_change_nothing(lines: Sequence[tuple[int, str] | bytes]) -> None:
    """A disk may damage a file: whole lines of junk are passed over, and every record of a day counts."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "bot.log")
        written = [
            line + b"\n" if isinstance(line, bytes) else build(timedelta(minutes=line[0]), line[1])
            for line in lines
        ]
        path.write_bytes(b"".join(written))
        os.utime(path, (START.timestamp(), START.timestamp()))
        counts = count_records(path.parent, now=START)
    recent = Counter(line[1] for line in lines if isinstance(line, tuple) and line[0] <= DAY)
    assert counts.levels == recent
    assert sum(counts.errors.values()) == recent["error"] + recent["critical"]
