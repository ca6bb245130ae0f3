"""Turns: a few places for work, shared fairly between many guilds.

No guild has more than half of the places, no matter how much work it has. Waiting guilds take turns; within a
guild, first come, first served.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from utils.models.scope import GuildId

_Queue = deque["asyncio.Future[None]"]


class FairTurns:
    """A fixed number of places.

    Args:
        places: the number for all guilds; one guild has at most half of them, and at least one.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._share = max(1, places // 2)
        self._held: Counter[GuildId | None] = Counter()
        self._waiting: dict[GuildId | None, _Queue] = {}  # the guild whose turn it is comes first

    @asynccontextmanager
    async def lend(self, guild_id: GuildId | None) -> AsyncIterator[None]:
        """Hold a place for the length of a block; None is the bot itself."""
        await self.take(guild_id)
        try:
            yield
        finally:
            self.give_back(guild_id)

    async def take(self, guild_id: GuildId | None) -> None:
        """Wait for a place; the caller has to give it back."""
        if self._free and not self._waiting and self._held[guild_id] < self._share:
            self._hold(guild_id)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(guild_id, deque()).append(turn)
        self._call()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(guild_id)
            raise

    def give_back(self, guild_id: GuildId | None) -> None:
        """Give a place to the next one."""
        self._held[guild_id] -= 1
        if not self._held[guild_id]:
            del self._held[guild_id]
        self._free += 1
        self._call()

    def _hold(self, guild_id: GuildId | None) -> None:
        self._held[guild_id] += 1
        self._free -= 1

    def _call(self) -> None:
        """Give free places to the guilds whose turn it is."""
        while self._free and (found := self._find_turn()) is not None:
            guild_id, queue = found
            del self._waiting[guild_id]
            turn = queue.popleft()
            if not turn.cancelled():
                self._hold(guild_id)
                turn.set_result(None)
            if queue:
                self._waiting[guild_id] = queue  # behind all others

    def _find_turn(self) -> tuple[GuildId | None, _Queue] | None:
        turns = ((one, queue) for one, queue in self._waiting.items() if self._held[one] < self._share)
        return next(turns, None)
