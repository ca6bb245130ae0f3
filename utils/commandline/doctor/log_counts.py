"""The records of the log in the last 24 hours, counted by level and by system."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from utils.commandline.doctor.diagnoses import TROUBLESHOOTING, Diagnosis, Rank
from utils.models.quantities import write_quantity
from utils.telemetry.log_entries import format_time
from utils.telemetry.log_folder import ERROR_LEVELS
from utils.telemetry.log_systems import SYSTEMS

COUNTED = timedelta(hours=24)
MOST_BYTES = 500_000_000
"""At a gigabyte of log a day, more of it would take a minute."""

HELP = f"{TROUBLESHOOTING}#the-log-files"
_BEGIN = re.compile(rb'\{"timestamp": "([^"]+)", "level": "(\w+)"')


@dataclass(frozen=True, slots=True)
class LogCounts:
    """The records of a time.

    Attributes:
        levels: how many there are of each level.
        errors: those of level error and above, by system.
        is_cut: there is more log than was read.
    """

    levels: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    is_cut: bool = False


def count_records(folder: Path, *, now: datetime) -> LogCounts:
    """Return the records of 24 hours in the files of all systems; each record is in one of them.

    Raises:
        OSError: the folder cannot be read.
    """
    since, left = now - COUNTED, MOST_BYTES
    levels, errors, is_cut = Counter[str](), Counter[str](), False
    for system, path in _list_files(folder, since):
        if path.stat().st_size > left:
            is_cut = True
            continue
        left -= path.stat().st_size
        for level in _read_levels(path, format_time(since).encode()):
            levels[level] += 1
            errors[system] += level in ERROR_LEVELS
    return LogCounts(levels, +errors, is_cut)


def diagnose_log(folder: Path, *, now: datetime) -> Diagnosis:
    """Return how much the log of 24 hours holds."""
    try:
        counts = count_records(folder, now=now)
    except OSError as failure:
        why = failure.strerror or type(failure).__name__
        return Diagnosis(Rank.UNKNOWN, "Log", f"{folder} can't be read: {why}.", HELP)
    number = sum(counts.errors.values())
    warnings = write_quantity(counts.levels.get("warning", 0), "warning")
    records = write_quantity(sum(counts.levels.values()), "record")
    by_system = ", ".join(f"{n:,} in {system}.log" for system, n in counts.errors.items())
    said = f"24 hours: {write_quantity(number, 'error')}{f' ({by_system})' if by_system else ''}, "
    said += f"{warnings}, {records}{'; very large files were not counted' if counts.is_cut else ''}."
    return Diagnosis(Rank.WARNING if number else Rank.WELL, "Log", said, HELP)


def _list_files(folder: Path, since: datetime) -> Iterator[tuple[str, Path]]:
    """Yield the files that were written since then, each with its system."""
    for path in sorted(folder.iterdir()):
        system = path.name.partition(".")[0]
        if system in SYSTEMS and path.stat().st_mtime >= since.timestamp():
            yield system, path


def _read_levels(path: Path, since: bytes) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            found = _BEGIN.match(line)
            if found is not None and found[1] >= since:
                yield found[2].decode("ascii")
