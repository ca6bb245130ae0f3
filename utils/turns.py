"""Turns: a few places for work that many guilds want done at once, shared fairly between them.

No guild has more than half of the places, however much it brings. Guilds that wait take turns, each in the
order in which it came.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from utils.models.scope import GuildId

_Queue = deque["asyncio.Future[None]"]


class FairTurns:
    """So many places at work at once.

    Args:
        places: of all guilds; one has half of them at most, and at least one.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._share = max(1, places // 2)
        self._held: Counter[GuildId | None] = Counter()
        self._waiting: dict[GuildId | None, _Queue] = {}  # whose turn it is comes first

    @asynccontextmanager
    async def lend(self, guild_id: GuildId | None) -> AsyncIterator[None]:
        """Hold a place for the length of a block; None is the bot itself."""
        await self.take(guild_id)
        try:
            yield
        finally:
            self.give_back(guild_id)

    async def take(self, guild_id: GuildId | None) -> None:
        """Wait for a place; who took it gives it back."""
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
        """Let the next one have a place."""
        self._held[guild_id] -= 1
        if not self._held[guild_id]:
            del self._held[guild_id]
        self._free += 1
        self._call()

    def _hold(self, guild_id: GuildId | None) -> None:
        self._held[guild_id] += 1
        self._free -= 1

    def _call(self) -> None:
        """Give free places to those whose turn it is."""
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
