"""Gathering: what several game servers of a guild have to store at the same moment goes into one transaction.

A transaction costs as much for one kill as for five: the fence, the commit and a write of each collection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from utils.clock import Clock
from utils.database.core.sessions import settle
from utils.models.scope import GuildId

M = TypeVar("M")
Outcomes = Sequence[object | BaseException]

GATHER_SECONDS = 0.1  # a guild's servers are polled at the same moment, and their hosts answer soon


class Gathering(Generic[M]):
    """Lets members of a guild that come within a short time share one piece of work.

    When it fails, it is done for each member alone: nobody suffers from another's fault. A member that is
    cancelled still waits for the end, since what was asked for may happen.

    Args:
        carry_out: does it for members of a guild, and returns a result for each of them, in their order.
        seconds: how long the first one waits for others.
    """

    def __init__(
        self,
        carry_out: Callable[[GuildId, Sequence[M]], Awaitable[Sequence[object]]],
        *,
        clock: Clock,
        seconds: float,
    ) -> None:
        self._carry_out = carry_out
        self._clock = clock
        self._seconds = seconds
        self._open: dict[GuildId, tuple[list[M], asyncio.Task[Outcomes]]] = {}

    async def join(self, guild_id: GuildId, member: M) -> object:
        """Return a member's result, or raise what it failed with."""
        if guild_id not in self._open:
            group: list[M] = []
            self._open[guild_id] = group, asyncio.create_task(self._lead(guild_id, group))
        members, leading = self._open[guild_id]
        place = len(members)
        members.append(member)
        outcome = (await settle(leading))[place]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def _lead(self, guild_id: GuildId, members: Sequence[M]) -> Outcomes:
        await self._clock.sleep(self._seconds)
        del self._open[guild_id]
        (together,) = await asyncio.gather(self._carry_out(guild_id, members), return_exceptions=True)
        if not isinstance(together, BaseException):
            return together
        if len(members) == 1:
            return [together]
        alone = [self._carry_out(guild_id, [member]) for member in members]
        outcomes = await asyncio.gather(*alone, return_exceptions=True)
        return [one if isinstance(one, BaseException) else one[0] for one in outcomes]
