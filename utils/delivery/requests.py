"""Requests to Discord that are never cancelled, no matter how long they take.

The library sleeps inside a request while Discord limits it. During a global limit it holds back all other
requests until the limited one goes on. If that request were cancelled during its sleep, nothing would ever be
sent again. So after the timeout the caller continues. The request goes on; if it still posts, the nonce
prevents a duplicate.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

REQUEST_TIMEOUT_SECONDS = 60.0
"""After this time the caller stops waiting, while Discord still remembers the nonce."""


class Requests:
    """Runs requests to their end, each in a task of its own."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def wait_for(
        self, request: Coroutine[Any, Any, T], *, seconds: float = REQUEST_TIMEOUT_SECONDS
    ) -> T:
        """Return a request's answer.

        Raises:
            TimeoutError: it took too long; it still goes on, but its result is unknown.
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
