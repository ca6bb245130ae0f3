"""The log of the bot's own mongod: when it is rotated. Old ones are deleted with all other log files."""

from functools import partial
from pathlib import Path

from utils.clock import Clock
from utils.database.core.threads import call_in_thread

MAX_BYTES = 100_000_000
LOOK_SECONDS = 30.0


class MongodLog:
    """Looks at the file now and then: it is rotated at midnight (UTC) and at 100 MB, as every log file is."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._day = clock.now().date()
        self._looked_at = clock.monotonic()

    async def is_rotation_due(self) -> bool:
        """Tell once that the day is over, or that the file is full."""
        today, now = self._clock.now().date(), self._clock.monotonic()
        if today != self._day:
            self._day = today
            return True
        if now - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = now
        return await call_in_thread(partial(_read_size, self._path)) > MAX_BYTES


def _read_size(path: Path) -> int:
    """Return the size of a file in bytes; 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
