"""Discord's ids: 64-bit numbers that begin with the time."""

from simulation.discord.clock import WorldClock

DISCORD_EPOCH_MS = 1_420_070_400_000  # first second of 2015, as Discord documents it
_TIME_SHIFT = 22  # the low 22 bits are worker, process and increment


class SnowflakeFactory:
    """Makes ids that only grow, so that the order of ids is the order of time."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._last = 0

    def make(self) -> int:
        """Return a new id."""
        by_time = (int(self._clock.now() * 1000) - DISCORD_EPOCH_MS) << _TIME_SHIFT
        self._last = max(by_time, self._last + 1)
        return self._last

    def make_on_shard(self, index: int, count: int) -> int:
        """Return a new id of shard ``index`` of ``count``; it may lie a few milliseconds ahead."""
        ahead = (index - (self.make() >> _TIME_SHIFT)) % count
        self._last += ahead << _TIME_SHIFT
        return self._last


def created_at(snowflake: int) -> float:
    """Return the creation time of an id in seconds since the Unix epoch."""
    return ((snowflake >> _TIME_SHIFT) + DISCORD_EPOCH_MS) / 1000
