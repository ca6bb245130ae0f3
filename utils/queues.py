"""Queues of work that events ask for.

Who tells a fact must not wait for those who listen (``utils/events.py``), so a listener that has to do more
than note something puts it here.
"""

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from utils.models.scope import GuildId
from utils.tasks import TaskManager

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Work by key: it begins at once, in a task of its key.

    What is asked for again while it is under way is done once more after that, however often it was asked.

    Args:
        name: of the tasks, in front of the key.
        work: done for a key; what it raises is logged, and ends the work for this key.
    """

    def __init__(self, name: str, work: Callable[[K], Awaitable[None]], *, tasks: TaskManager) -> None:
        self._name = name
        self._work = work
        self._tasks = tasks
        self._waiting: set[K] = set()

    def put(self, key: K, *, guild_id: GuildId | None = None) -> None:
        """Ask for work and return; the guild is the one whose leaving ends it."""
        self._waiting.add(key)
        name = f"{self._name}:{key}"
        if not self._tasks.is_running(name):
            self._tasks.start(name, partial(self._work_off, key), guild_id=guild_id)

    async def _work_off(self, key: K) -> None:
        while key in self._waiting:
            self._waiting.discard(key)
            await self._work(key)
