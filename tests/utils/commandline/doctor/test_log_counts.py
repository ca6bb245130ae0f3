"""The log of the last 24 hours is counted by level and system."""

import os
from datetime import timedelta
from pathlib import Path

from tests.fakes.clock import START
from utils.commandline.doctor.diagnoses import Rank
from utils.commandline.doctor.log_counts import HELP, LogCounts, count_records, diagnose_log
from utils.telemetry.log_entries import build_line, format_time


def write(path: Path, *records: tuple[float, str]) -> None:
    """Write records, each with its level and its age in hours."""
    lines = [
        build_line({"timestamp": format_time(START - timedelta(hours=hours)), "level": level, "event": "é"})
        for hours, level in records
    ]
    path.write_bytes(b"".join(lines))
    os.utime(path, (START.timestamp(), START.timestamp()))


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
