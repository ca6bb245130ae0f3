"""Queues of work that events ask for.

The code that dispatches an event must not wait for its handlers (``utils/events.py``). So a handler puts
longer work into a queue.
"""

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from utils.models.scope import GuildId
from utils.tasks import TaskManager

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Work by key: it begins at once, in a task for its key.

    If work is asked for again while it runs, it is done once more afterwards, no matter how often it was
    asked for.

    Args:
        name: the first part of the tasks' names; the key follows.
        work: does the work for a key; an error is logged and ends the work for this key.
    """

    def __init__(self, name: str, work: Callable[[K], Awaitable[None]], *, tasks: TaskManager) -> None:
        self._name = name
        self._work = work
        self._tasks = tasks
        self._is_wanted: dict[K, bool] = {}  # keys that are worked on: whether they were asked for again

    def put(self, key: K, *, guild_id: GuildId | None = None) -> None:
        """Ask for work and return at once; the work ends when the bot leaves the guild."""
        name = f"{self._name}:{key}"
        if not self._tasks.is_running(name):
            self._tasks.start(name, partial(self._work_off, key), guild_id=guild_id)
        elif key in self._is_wanted:
            self._is_wanted[key] = True

    async def _work_off(self, key: K) -> None:
        self._is_wanted[key] = True
        try:
            while self._is_wanted[key]:
                self._is_wanted[key] = False
                await self._work(key)
        finally:  # an ended work leaves no key behind, even if it was asked for again
            del self._is_wanted[key]
