"""Caching: what was read is remembered for a while, and dropped when it changes.

Everything that keeps something of a guild between two uses is a ``GuildMemory``. When the bot is no longer in
a guild, all of them forget it (``build_memories``).
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar

from utils.clock import Clock
from utils.models.scope import GuildId

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class GuildMemory(Protocol):
    """What keeps something by guild: values that were read, what was told, what failed."""

    def forget_guild(self, guild_id: GuildId) -> None:
        """Keep nothing of a guild; what is asked for again is read again."""


class Remembered(Generic[K, V]):
    """Values by key, read anew when they are older than so many seconds.

    A change drops the key after it is stored. A read that began before the drop may return what was stored
    before the change, so its value goes to those who asked and is not kept.

    Args:
        read: returns the value of a key; what it raises is raised to who asked, and nothing is kept.
        seconds: how old a value may be, counted from the beginning of its read.
        clock: source of time.
    """

    def __init__(self, read: Callable[[K], Awaitable[V]], *, seconds: float, clock: Clock) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[K, tuple[float, V]] = {}
        self._drops = 0

    def __len__(self) -> int:
        """Return how many values are kept, stale ones included."""
        return len(self._kept)

    async def get(self, key: K) -> V:
        """Return the value of a key, kept or read."""
        now = self._clock.monotonic()
        if key in self._kept:
            read_at, value = self._kept[key]
            if now - read_at < self._seconds:
                return value
        drops = self._drops
        value = await self._read(key)
        if drops == self._drops:
            self._kept[key] = now, value
        return value

    def drop(self, key: K) -> None:
        """Keep nothing of a key, neither what was read nor what is being read."""
        self._drops += 1
        self._kept.pop(key, None)

    def drop_where(self, fits: Callable[[K], bool]) -> None:
        """Keep nothing of the keys that fit, nor of any that is being read."""
        self._drops += 1
        self._kept = {key: kept for key, kept in self._kept.items() if not fits(key)}
