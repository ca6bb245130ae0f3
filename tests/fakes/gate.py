"""Lets a test pause code in a thread."""

import asyncio
import threading

PATIENCE_SECONDS = 40.0  # mongod ends a transaction after a minute


class Gate:
    """A gate that is closed until the test opens it; made within the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reached = asyncio.Event()
        self._opened = threading.Event()

    def wait(self) -> None:
        """Report to the test that the thread is here, and wait until the gate opens."""
        self._loop.call_soon_threadsafe(self._reached.set)
        assert self._opened.wait(PATIENCE_SECONDS)

    async def reached(self) -> None:
        """Return once the thread is here."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reached.wait()

    def open(self) -> None:
        """Let the thread go on, even if it arrives later; may be called from any thread."""
        self._opened.set()
