"""Caching: values that were read are kept for a while, and dropped when they change.

Every object that keeps data of a guild between two uses is a ``GuildMemory``. When the bot is no longer in a
guild, all of them forget the guild (``build_memories``).
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar

from utils.clock import Clock
from utils.models.scope import GuildId

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class GuildMemory(Protocol):  # implemented by SettingsService
    """Keeps something by guild, for example values that were read, alerts that were sent, or failures."""

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget a guild; its values are read again when they are next needed."""


class Remembered(Generic[K, V]):
    """Values by key, which are read again when they are older than ``seconds``.

    A change drops the key after it is stored. A read that began before the drop may return the value from
    before the change, so that value is returned but not kept.

    Args:
        read: returns the value of a key. Its errors reach the caller, and nothing is kept then.
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
        if self.has(key):
            return self._kept[key][1]
        began, drops = self._clock.monotonic(), self._drops
        value = await self._read(key)
        if drops == self._drops:
            self._kept[key] = began, value
        return value

    def has(self, key: K) -> bool:
        """Tell whether ``get`` returns the value of a key without reading it."""
        return key in self._kept and self._clock.monotonic() - self._kept[key][0] < self._seconds

    def drop(self, key: K) -> None:
        """Forget a key: the value that was read, and the one that is being read."""
        self._drops += 1
        self._kept.pop(key, None)

    def drop_where(self, fits: Callable[[K], bool]) -> None:
        """Forget the keys that fit, also those that are being read."""
        self._drops += 1
        self._kept = {key: kept for key, kept in self._kept.items() if not fits(key)}
