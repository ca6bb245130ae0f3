"""Group commit: one transaction stores what many members want to store at the same moment.

A transaction costs as much for one member as for five: the change to a thread and back, the fence, the commit
and a write of each collection. So the first member waits a moment for others of the same key, and then all of
them are stored at once. Each member gets its own result. (A member is a piece of work, not a Discord user.)

Members of several guilds may share a group, but no guild may slow or stop another:

* A group that fails in any way is undone as a whole and is not tried again. Each member then tries again
  alone, so only the member that caused the failure gets an error.
* A guild that failed alone stays apart: its members are stored alone until they have succeeded some times in
  a row.
* A group has a limit of members, and of members of one guild. A further member begins the next group at once.

A cancelled member still waits for the end, because its work may be stored.
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
"""A guild that failed is stored alone until it has succeeded this often in a row."""


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
        """Add a member and return its index."""
        self._of_guilds[guild_id] += 1
        self.members.append(member)
        return len(self.members) - 1


class GroupCommit(Generic[K, M, R]):
    """Collects members of one key for a short time and stores them together.

    Args:
        store: stores the members of a key, and returns a result for each, in their order. For several members
            it must fail at once, even if it could try again.
        seconds: how long the first member waits for others; 0 means not at all.
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
        self._apart: dict[GuildId, int] = {}  # how often each still has to succeed

    async def join(self, key: K, guild_id: GuildId, member: M) -> R:
        """Return the result of a guild's member, or raise its error."""
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
        """Store a member alone; return its result or raise its error."""
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
        """Let a guild that failed share groups again when it has succeeded often enough."""
        left = self._apart.pop(guild_id, 0) - 1
        if left > 0:
            self._apart[guild_id] = left

    def _find_group(self, key: K, guild_id: GuildId) -> _Group[M, R]:
        """Return the first waiting group with a free place, else a new one."""
        waiting = self._open.setdefault(key, [])
        for group in waiting:
            if group.takes(guild_id):
                return group
        group = _Group[M, R]()
        group.storing = asyncio.create_task(self._lead(key, group), context=Context())  # records of no guild
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
