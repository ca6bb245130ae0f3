"""Discord's ids: 64-bit numbers that begin with the time."""

from simulation.discord.clock import WorldClock

DISCORD_EPOCH_MS = 1_420_070_400_000  # first second of 2015, as Discord documents it
_TIME_SHIFT = 22  # the low 22 bits are worker, process and increment


class SnowflakeFactory:
    """Makes ids that only ever grow, so that order by id is order by time."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._last = 0

    def make(self) -> int:
        """Return a new id."""
        by_time = (int(self._clock.now() * 1000) - DISCORD_EPOCH_MS) << _TIME_SHIFT
        self._last = max(by_time, self._last + 1)
        return self._last

    def make_on_shard(self, index: int, count: int) -> int:
        """Return a new id that belongs to one of so many shards, a few milliseconds ahead at most."""
        ahead = (index - (self.make() >> _TIME_SHIFT)) % count
        self._last += ahead << _TIME_SHIFT
        return self._last


def created_at(snowflake: int) -> float:
    """Return the seconds since the Unix epoch at which an id was made."""
    return ((snowflake >> _TIME_SHIFT) + DISCORD_EPOCH_MS) / 1000
