"""Courtesy: people who ask go first, and an import waits for a moment."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LONGEST_WAIT_SECONDS = 0.3  # before each batch of an import: it goes on, however much is asked


class Courtesy:
    """Knows whether somebody is being answered.

    An import takes all that MongoDB and a core have; an answer that shares them takes three times as long.
    """

    def __init__(self, *, longest_wait_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        self._longest = longest_wait_seconds
        self._answers = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Let imports wait inside this block."""
        self._answers += 1
        self._is_quiet.clear()
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._is_quiet.set()

    async def wait(self) -> None:
        """Return when nobody is being answered, or after the longest wait."""
        if self._is_quiet.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._longest):
                await self._is_quiet.wait()
