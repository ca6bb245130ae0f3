"""Time in the simulated world."""

import time
from datetime import UTC, datetime

BEAT_SECONDS = 0.05
LONGEST_GAP_SECONDS = 0.25  # a longer gap between two ticks counts as this much


class WorldClock:
    """Wall time that a test can move forward or hold, and the lived time of the world.

    A machine that stands still for seconds stops both the bot and this Discord, so the bot is not late. So
    deadlines are counted in lived seconds: a task ticks all the time (``beat``), and a long gap between two
    ticks counts only as a short one.
    """

    def __init__(self) -> None:
        self._ahead_seconds = 0.0
        self._held_at: float | None = None
        self._lived_seconds = 0.0
        self._beaten_at = time.monotonic()

    def now(self) -> float:
        """Return the seconds since the Unix epoch."""
        return (time.time() if self._held_at is None else self._held_at) + self._ahead_seconds

    def now_iso(self) -> str:
        """Return the time as Discord writes it (ISO 8601 with offset)."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat()

    def advance(self, seconds: float) -> None:
        """Move the world's time forward at once."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._ahead_seconds += seconds

    def hold(self) -> None:
        """Stop the wall clock; only ``advance`` moves it. So limits strike on any machine."""
        self._held_at = time.time()

    def live(self) -> float:
        """Return the seconds lived so far, plus those of ``advance``."""
        return self._lived_seconds + self._measure_gap() + self._ahead_seconds

    def beat(self) -> None:
        """Tick: the event loop is running."""
        self._lived_seconds += self._measure_gap()
        self._beaten_at = time.monotonic()

    def _measure_gap(self) -> float:
        return min(time.monotonic() - self._beaten_at, LONGEST_GAP_SECONDS)
