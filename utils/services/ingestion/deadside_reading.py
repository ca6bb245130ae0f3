"""Deadside.log: which bytes to read, and whether they go on where the cursor stands; no I/O.

Theory of operation
-------------------
The game writes a new file at each start, under the same name. The first line of a file holds its start, so
the digest of that line names the *run*. A poll asks for the size of the file. If the file changed, it reads
from one byte before the cursor: that byte is a line feed, because a cursor always stands behind one. If it
is another byte, the file was exchanged, even if the new one is longer already. In one of 140 cases the new
file has a line feed there as well; so the first line is compared again every minute, and whenever the file
is shorter than before or the connection was new.

A *cold* start reads what is there in silence, up to the size of the file at that moment (``border``): a file
that was never read, another run, or a gap between two reads that is longer than the age of news.
"""

from datetime import datetime, timedelta
from enum import Enum, auto

from utils.models.game_log import LogCursor, LogSize, digest_run

SLICE_BYTES = 256 * 1024
LINE_BYTES = 8 * 1024  # a longer line is cut
HEAD_SECONDS = 60.0
MAX_NEWS_AGE = timedelta(minutes=10)
"""Older joins and leaves are not news, even if older kills are: they would tell who is not there any more."""


class Continuation(Enum):
    """How the bytes that were read follow those before."""

    GOES_ON = auto()
    BEGINS_AGAIN = auto()  # the same run, from its first byte
    OTHER_RUN = auto()
    WAITS = auto()  # its first line is not complete


def is_head_needed(cursor: LogCursor | None, seen: LogSize, *, head_age_seconds: float) -> bool:
    """Tell whether the first line is compared at this poll."""
    return cursor is None or seen.size < cursor.offset or head_age_seconds >= HEAD_SECONDS


def judge_continuation(
    cursor: LogCursor | None, seen: LogSize, *, head: bytes | None, before: bytes
) -> Continuation | None:
    """Return how a file follows the cursor; None if its head has to be read first.

    Args:
        cursor: where reading stands; None if the file was never read.
        seen: its size now.
        head: its first bytes, if they were read.
        before: the byte before the cursor; empty at the beginning of the file.
    """
    is_at_line = before in (b"", b"\n")
    is_shorter = cursor is not None and seen.size < cursor.offset
    if head is None:
        return Continuation.GOES_ON if is_at_line and cursor is not None and not is_shorter else None
    run = digest_run(head)
    if run is None:
        return Continuation.WAITS
    if cursor is None or run != cursor.run:
        return Continuation.OTHER_RUN
    return Continuation.GOES_ON if is_at_line and not is_shorter else Continuation.BEGINS_AGAIN


def is_cold(last_read_at: datetime | None, *, now: datetime, max_age: timedelta) -> bool:
    """Tell whether the gap since the last read is too long for news."""
    return last_read_at is None or now - last_read_at > min(max_age, MAX_NEWS_AGE)


def cut_lines(data: bytes) -> tuple[list[bytes], int]:
    """Return the whole lines of some bytes, long ones cut, and how many bytes they are with their ends."""
    length = data.rfind(b"\n") + 1
    if not length:
        return [], 0
    lines = data[: length - 1].split(b"\n")
    return [line.removesuffix(b"\r")[:LINE_BYTES] for line in lines], length
