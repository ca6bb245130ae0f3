"""Time in the simulated world."""

import time
from datetime import UTC, datetime


class WorldClock:
    """Wall time that a test can move forward, for token expiry, nonce memory and rate limits."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    def now(self) -> float:
        """Return the seconds since the Unix epoch."""
        return time.time() + self._ahead_seconds

    def now_iso(self) -> str:
        """Return the time as Discord writes it (ISO 8601 with offset)."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat()

    def advance(self, seconds: float) -> None:
        """Move the world's time forward at once."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._ahead_seconds += seconds
