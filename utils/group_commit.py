"""Group commit: what many have to store at one moment goes into one transaction.

A transaction costs as much for one member as for five: going over to a thread and back, the fence, the commit
and a write of each collection. So the first member waits a moment for others of the same key, and what has
come by then is stored at once. Each member gets its own result.

Members of several guilds may share a group, and no guild may slow or stop another:

* A group that fails in any way is undone as a whole, and is not tried again: each member tries again alone,
  and waits for itself. So only the one whose fault it is hears of it.
* A guild that failed alone stays apart: its members go alone until they have succeeded some times in a row.
* A group takes so many members, and so many of one guild. The next one begins the next group at once.

A member that is cancelled still waits for the end, since what it asked for may happen.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from functools import partial
from typing import Generic, TypeVar

from utils.clock import Clock
from utils.models.scope import GuildId
from utils.tasks import Failure, capture
from utils.waiting import wait_until_done

K = TypeVar("K", bound=Hashable)
M = TypeVar("M")
R = TypeVar("R")

GROUP_SECONDS = 0.1
MOST_MEMBERS = 32
MOST_OF_A_GUILD = 8
PROVEN_AFTER = 5
"""A guild that failed goes alone until it has succeeded so often in a row."""


class _Group(Generic[M, R]):
    """Members that are stored together; ``storing`` ends with their results in the same order."""

    def __init__(self) -> None:
        self.members: list[M] = []
        self.storing: asyncio.Task[Sequence[R] | Failure]
        self._of_guilds: Counter[GuildId] = Counter()

    def takes(self, guild_id: GuildId) -> bool:
        """Tell whether a member of a guild may still join."""
        return len(self.members) < MOST_MEMBERS and self._of_guilds[guild_id] < MOST_OF_A_GUILD

    def add(self, guild_id: GuildId, member: M) -> int:
        """Add a member and return its place."""
        self._of_guilds[guild_id] += 1
        self.members.append(member)
        return len(self.members) - 1


class GroupCommit(Generic[K, M, R]):
    """Lets members of one key that come within a short time share one piece of work.

    Args:
        store: does it for members of a key, and returns a result for each of them, in their order. For
            several it must fail at once, also where it could be done again.
        seconds: how long the first one waits for others; 0 is not at all.
    """

    def __init__(
        self,
        store: Callable[[K, Sequence[M]], Awaitable[Sequence[R]]],
        *,
        clock: Clock,
        seconds: float = GROUP_SECONDS,
    ) -> None:
        self._store_group = store
        self._clock = clock
        self._seconds = seconds
        self._open: dict[K, list[_Group[M, R]]] = {}
        self._apart: dict[GuildId, int] = {}  # how often each has to succeed yet

    async def join(self, key: K, guild_id: GuildId, member: M) -> R:
        """Return the result of a guild's member, or raise what it failed with."""
        if guild_id in self._apart:
            return await self.store_alone(key, guild_id, member)
        group = self._find_group(key, guild_id)
        place = group.add(guild_id, member)
        outcome = await wait_until_done(group.storing)
        if not isinstance(outcome, Failure):
            return outcome[place]
        if len(group.members) > 1:
            return await self.store_alone(key, guild_id, member)
        self._apart[guild_id] = PROVEN_AFTER
        raise outcome.error

    async def store_alone(self, key: K, guild_id: GuildId, member: M) -> R:
        """Return the result of a member that shares its work with nobody, or raise what it failed with."""
        outcome = await capture(partial(self._store_group, key, [member]))
        if isinstance(outcome, Failure):
            self._apart[guild_id] = PROVEN_AFTER
            raise outcome.error
        self._note_success(guild_id)
        return outcome[0]

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget that a guild failed."""
        self._apart.pop(guild_id, None)

    def _note_success(self, guild_id: GuildId) -> None:
        """Let a guild that failed take part again, once it has succeeded often enough."""
        left = self._apart.pop(guild_id, 0) - 1
        if left > 0:
            self._apart[guild_id] = left

    def _find_group(self, key: K, guild_id: GuildId) -> _Group[M, R]:
        """Return the first group that waits and has room, else a new one."""
        waiting = self._open.setdefault(key, [])
        for group in waiting:
            if group.takes(guild_id):
                return group
        group = _Group[M, R]()
        group.storing = asyncio.create_task(self._lead(key, group), context=Context())  # no guild's records
        waiting.append(group)
        return group

    async def _lead(self, key: K, group: _Group[M, R]) -> Sequence[R] | Failure:
        """Wait for others, then store for all of them."""
        if self._seconds:
            await self._clock.sleep(self._seconds)
        self._open[key].remove(group)
        if not self._open[key]:
            del self._open[key]
        return await capture(partial(self._store_group, key, group.members))
