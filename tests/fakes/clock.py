"""A clock that stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2025, 5, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time that only the test moves; all clocks move together, and ``sleep`` waits for it.

    Attributes:
        slept: the duration of every ``sleep``, in seconds.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the wall-clock time, aware, UTC."""
        return self._start + timedelta(seconds=self._elapsed)

    @property
    def sleeping(self) -> int:
        """Return how many wait for the time to pass."""
        return len(self._sleepers)

    def monotonic(self) -> float:
        """Return seconds since the clock was made, starting at 1000."""
        return 1000.0 + self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock that far."""
        self.slept.append(seconds)
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers[sleeper] = self._elapsed + seconds
        try:
            await sleeper
        finally:
            self._sleepers.pop(sleeper, None)

    def move(self, seconds: float) -> None:
        """Let time pass and wake the sleepers whose time has come, without running them yet."""
        self._elapsed += seconds
        for sleeper, until in list(self._sleepers.items()):
            if until <= self._elapsed and not sleeper.done():
                sleeper.set_result(None)

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, like an administrator of the machine; no time passes."""
        self._start += timedelta(seconds=seconds)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and run everything that becomes ready."""
        await settle()
        self.move(seconds)
        await settle()


async def settle() -> None:
    """Let every task that can run go on."""
    for _ in range(50):
        await asyncio.sleep(0)
