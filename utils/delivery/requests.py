"""Requests to Discord that nobody cancels, however long they take.

The library sleeps inside a request while Discord limits it, and during a limit over everything it holds back
all other requests until the one that met the limit goes on. If that one were cancelled in its sleep, nothing
would ever be sent again. So after the timeout the caller continues. The request goes on; if it still posts,
the nonce prevents a duplicate.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

REQUEST_TIMEOUT_SECONDS = 60.0
"""The library retries inside a request, up to five times over half a minute, and sleeps on a rate limit as
long as Discord says; beyond this the wait is given up while the nonce is still remembered."""


class Requests:
    """Runs requests to their end, each in a task of its own."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def wait_for(
        self, request: Coroutine[Any, Any, T], *, seconds: float = REQUEST_TIMEOUT_SECONDS
    ) -> T:
        """Return a request's answer.

        Raises:
            TimeoutError: it took too long; it still goes on, and nobody will learn how it ended.
        """
        task = asyncio.create_task(request)
        self._running.add(task)
        task.add_done_callback(self._forget)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(task)

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # read the exception, otherwise asyncio logs it as never retrieved
