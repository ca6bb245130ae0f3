"""Waiting for something in the simulated world to become true."""

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 60.0  # of a test for what comes in moments: a busy machine takes its time


class ChangeSignal:
    """Wakes every waiter after each change of the world; a waiter looks again and decides.

    One signal serves all waiters: the world is small, and a condition is cheaper to ask than to subscribe to.
    """

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Tell the waiters that something changed."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, condition: Callable[[], bool], *, within_seconds: float, what: str) -> None:
        """Wait until the condition holds.

        Raises:
            TimeoutError: it did not become true in time; the text says what was waited for.
        """
        try:
            async with asyncio.timeout(within_seconds):
                while not condition():
                    await self._next_change()
        except TimeoutError as error:
            raise TimeoutError(f"waited {within_seconds:g} s in vain for {what}") from error

    async def _next_change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)
