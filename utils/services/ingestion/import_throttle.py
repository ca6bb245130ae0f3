"""The import throttle: commands go first, and an import waits for a moment."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from utils.clock import Clock
from utils.waiting import wait_for_any

LONGEST_WAIT_SECONDS = 0.3  # longest pause before a batch, so that the import always continues


class ImportThrottle:
    """Knows whether a command is running.

    An import takes all that MongoDB and a core have; a command that runs beside an import takes three times
    as long.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Let imports wait during this block."""
        self._answers += 1
        self._is_quiet.clear()
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._is_quiet.set()

    async def wait(self) -> None:
        """Wait until no command is running, or for the longest pause."""
        if not self._is_quiet.is_set():
            await wait_for_any(self._is_quiet, seconds=LONGEST_WAIT_SECONDS, clock=self._clock)
