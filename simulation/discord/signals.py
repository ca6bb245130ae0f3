"""Waiting for something in the simulated world to become true."""

import asyncio
from collections.abc import Callable

# longest wait of a test for something that normally takes moments; a busy machine is slow
PATIENCE_SECONDS = 60.0


class ChangeSignal:
    """Wakes every waiter after each change of the world; a waiter then checks its condition.

    One signal serves all waiters, because the world is small and a condition is cheap to check.
    """

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake all waiters after a change."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, condition: Callable[[], bool], *, within_seconds: float, what: str) -> None:
        """Wait until the condition holds.

        Raises:
            TimeoutError: the condition did not become true in time; the text names it.
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
