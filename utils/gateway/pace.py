"""The pace of connecting: pure decisions about pauses, and the budget of identifies.

The library tries to connect again by itself, with pauses that grow to 17 minutes. So a connection that is not
open in time is given up and begun again: between two tries no more time passes than ``PAUSES`` say, and a try
that hangs has ``OPEN_SECONDS``. Discord resets the token of a bot that identifies 1,000 times in a day.
"""

from collections import defaultdict, deque
from collections.abc import Iterator

from utils.clock import Clock

PAUSES = (5.0, 10.0, 20.0, 30.0)
"""Seconds after the first, second, third and each further failure in a row."""

OPEN_SECONDS = 30.0
IDENTIFIES_AN_HOUR = 20
HOUR_SECONDS = 3600.0
SPARING_SECONDS = 300.0  # between two identifies, once there were that many


def generate_pauses() -> Iterator[float]:
    """Yield the seconds before each further try, without end."""
    failures = 0
    while True:
        yield choose_pause(failures)
        failures += 1


def choose_pause(failures: int) -> float:
    """Return the seconds to wait after some failures in a row before this one."""
    return PAUSES[min(failures, len(PAUSES) - 1)]


class ConnectionPace:
    """When a connection that is not open is given up; all times are of a monotonic clock."""

    def __init__(self) -> None:
        self._failures = 0
        self._deadline: float | None = None
        self._is_trying = False

    @property
    def is_trying(self) -> bool:
        """Tell whether a try has begun and has neither failed nor opened the connection yet."""
        return self._is_trying

    def begin(self, now: float, *, after_seconds: float = 0.0) -> None:
        """Note that a try begins, after a wait if there has to be one."""
        self._deadline = now + after_seconds + OPEN_SECONDS
        self._is_trying = True

    def note_failure(self, now: float) -> None:
        """Note that the connection was lost, or that a try of the library failed."""
        self._deadline = now + choose_pause(self._failures)
        self._failures += 1
        self._is_trying = False

    def note_open(self) -> None:
        """Note that the connection is open."""
        self._failures = 0
        self._deadline = None
        self._is_trying = False

    def compute_left(self, now: float) -> float | None:
        """Return the seconds until it is given up; None while it is open."""
        return None if self._deadline is None else max(0.0, self._deadline - now)


class IdentifyBudget:
    """Counts the identifies of each shard, and lets them wait when there were too many within an hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._identified: defaultdict[int, deque[float]] = defaultdict(deque)

    def compute_wait(self, shard_id: int) -> float:
        """Return the seconds until a shard may identify."""
        now, times = self._clock.monotonic(), self._identified[shard_id]
        while times and times[0] <= now - HOUR_SECONDS:
            times.popleft()
        if len(times) < IDENTIFIES_AN_HOUR:
            return 0.0
        return max(0.0, times[-1] + SPARING_SECONDS - now)

    async def take(self, shard_id: int) -> None:
        """Wait until a shard may identify, and count it."""
        while (seconds := self.compute_wait(shard_id)) > 0:
            await self._clock.sleep(seconds)
        self._identified[shard_id].append(self._clock.monotonic())
