"""Log admission: how many records of errors are written in full, so that a storm of errors stops nothing.

A record with its traceback costs 2.8 ms of CPU for two handlers. So a group has five full records a minute,
and all groups have 50 a second together. The others are a number in one line a minute.
"""

from collections import Counter
from dataclasses import dataclass

from utils.clock import Clock

FULL_OF_GROUP = 5  # a minute
FULL_A_SECOND = 50
MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The records of a minute that were not written: their number, and the number of their groups."""

    records: int
    groups: int


class LogAdmission:
    """Admits records of errors to the log.

    Args:
        clock: tells when a minute and a second are over.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = self._second = clock.monotonic()
        self._in_second = 0
        self._in_minute: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._told = self._minute

    def admits(self, group: str) -> bool:
        """Count a record of a group, and tell whether it is written."""
        now = self._clock.monotonic()
        if now - self._second >= 1.0:
            self._second, self._in_second = now, 0
        if now - self._minute >= MINUTE_SECONDS:
            self._minute = now
            self._in_minute.clear()
        if self._in_minute[group] < FULL_OF_GROUP and self._in_second < FULL_A_SECOND:
            self._in_minute[group] += 1
            self._in_second += 1
            return True
        self._left_out[group] += 1
        return False

    def take_left_out(self, *, is_last: bool = False) -> LeftOut | None:
        """Return the records that were left out, once a minute and at the end; None if there were none."""
        now = self._clock.monotonic()
        if not self._left_out or not (is_last or now - self._told >= MINUTE_SECONDS):
            return None
        self._told = now
        found = LeftOut(self._left_out.total(), len(self._left_out))
        self._left_out.clear()
        return found
