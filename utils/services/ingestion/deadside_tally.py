"""Counts the lines of Deadside.log by rule and shape, and measures its pauses; no I/O.

Theory of operation
-------------------
The counts belong to one run and are stored with the cursor, so lines that are read again after a crash are
counted again from where the stored counts stand. A file that is read from its beginning is counted from zero.
All of it depends on the lines and their order alone, and not on where a read ends.

A pause shorter than a third of ``QUIET_TIME`` can never decide whether a log is quiet, so it is not kept.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from utils.models.deadside_log import LogLine, RunClosed
from utils.models.game_log import GAP_TIME, SHAPES_MAXIMUM, LineCount, LineTally, LogGap
from utils.services.presence.log_conditions import QUIET_GAPS, QUIET_TIME

SHORTEST_GAP = QUIET_TIME / QUIET_GAPS


def count_lines(tally: LineTally, lines: Sequence[LogLine]) -> LineTally:
    """Return the counts after some more lines of the run."""
    rules = Counter({one.name: one.count for one in tally.rules})
    rules.update(line.rule for line in lines if line.rule is not None)
    unmatched = [line.shape for line in lines if line.shape is not None]
    shapes = {one.name: one.count for one in tally.shapes}
    for shape in unmatched:
        if shape in shapes or len(shapes) < SHAPES_MAXIMUM:
            shapes[shape] = shapes.get(shape, 0) + 1
    return LineTally(
        rules=tuple(LineCount(name, count) for name, count in rules.items()),
        unmatched=tally.unmatched + len(unmatched),
        shapes=tuple(LineCount(name, count) for name, count in shapes.items()),
    )


def measure_gaps(
    gaps: Iterable[LogGap], lines: Iterable[LogLine], *, newest_at: datetime | None
) -> tuple[LogGap, ...]:
    """Return the longest pause of each of the last days.

    Args:
        gaps: those that are known.
        lines: further lines.
        newest_at: the newest stamp before these lines in their run; None at its beginning.
    """
    longest, before = {one.day: one.seconds for one in gaps}, newest_at
    for line in lines:
        if line.at is None or (before is not None and line.at <= before):
            continue
        if before is not None and line.at - before >= SHORTEST_GAP:
            day = line.at.date().isoformat()
            longest[day] = max(longest.get(day, 0.0), (line.at - before).total_seconds())
        before = line.at
    since = "" if before is None else _find_first_day(before)
    return tuple(LogGap(day, longest[day]) for day in sorted(longest) if day >= since)


def is_closed_by(lines: Sequence[LogLine], *, is_closed: bool) -> bool:
    """Tell whether a run is over behind some lines; a line with a stamp behind its last one denies it."""
    for line in reversed(lines):
        if isinstance(line.fact, RunClosed):
            return True
        if line.at is not None:
            return False
    return is_closed


def _find_first_day(newest_at: datetime) -> str:
    return (newest_at - GAP_TIME).date().isoformat()
