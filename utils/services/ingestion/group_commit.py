"""Group commit: what several servers of a guild have to store at one moment goes into one transaction.

A transaction costs as much for one kill as for five: going over to a thread and back, the fence, the commit
and a write of each collection. A guild's servers are polled at the same moments (``schedule``), and what they
have is mostly a row or two. So the first of a guild that has something waits a moment for others, and what
has come by then is stored at once. Each member gets its own result.

A group that fails is undone as a whole, and nobody knows by whose fault. So each member is tried again alone,
and only the one whose fault it is hears of it. A member that is cancelled still waits for the end, since what
it asked for may happen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from utils.clock import Clock
from utils.models.scope import GuildId
from utils.waiting import wait_until_done

M = TypeVar("M")
R = TypeVar("R")

GROUP_SECONDS = 0.1  # a guild's servers are polled at the same moment, and their hosts answer soon


class GroupCommit(Generic[M, R]):
    """Lets members of a guild that come within a short time share one piece of work.

    Args:
        store: does it for members of a guild, and returns a result for each of them, in their order.
        seconds: how long the first one waits for others; 0 is not at all.
    """

    def __init__(
        self,
        store: Callable[[GuildId, Sequence[M]], Awaitable[Sequence[R]]],
        *,
        clock: Clock,
        seconds: float = GROUP_SECONDS,
    ) -> None:
        self._store_group = store
        self._clock = clock
        self._seconds = seconds
        self._open: dict[GuildId, tuple[list[M], asyncio.Task[Sequence[R | BaseException]]]] = {}

    async def join(self, guild_id: GuildId, member: M) -> R:
        """Return a member's result, or raise what it failed with."""
        if guild_id not in self._open:
            group: list[M] = []
            self._open[guild_id] = group, asyncio.create_task(self._lead(guild_id, group))
        members, leading = self._open[guild_id]
        place = len(members)
        members.append(member)
        outcome = (await wait_until_done(leading))[place]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def _lead(self, guild_id: GuildId, members: Sequence[M]) -> Sequence[R | BaseException]:
        """Wait for others, then store for all of them; if that fails, for each alone."""
        if self._seconds:
            await self._clock.sleep(self._seconds)
        del self._open[guild_id]
        (together,) = await asyncio.gather(self._store_group(guild_id, members), return_exceptions=True)
        if not isinstance(together, BaseException):
            return together
        if len(members) == 1:
            return [together]
        alone = [self._store_group(guild_id, [member]) for member in members]
        outcomes = await asyncio.gather(*alone, return_exceptions=True)
        return [one if isinstance(one, BaseException) else one[0] for one in outcomes]
