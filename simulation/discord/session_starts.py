"""Session starts: the recommended number of shards, and the limits of identifies.

Discord's rules (https://discord.com/developers/docs/events/gateway#sharding): the shards are divided into
`max_concurrency` buckets by the remainder of their ids; each bucket takes one IDENTIFY in five seconds, and
answers a second one with Invalid Session. The number of identifies in a day is limited. Discord refuses a
shard of more than 2,500 servers.
"""

from collections.abc import Mapping

from simulation.discord.clock import WorldClock

IDENTIFY_SECONDS = 5.0
STARTS_A_DAY = 1000
DAY_SECONDS = 86_400.0
RECOMMENDED_GUILDS = 1000  # per shard
MOST_GUILDS = 2500  # per shard; above it, Discord closes with 4011


def recommend_shards(guilds: int) -> int:
    """Return the recommended number of shards for this number of servers."""
    return max(1, -(-guilds // RECOMMENDED_GUILDS))


class SessionStarts:
    """Counts identifies.

    Args:
        max_concurrency: the number of buckets.
        is_limited: False allows every identify, for tests that start a bot several times.
    """

    def __init__(self, clock: WorldClock, *, max_concurrency: int, is_limited: bool) -> None:
        self._clock = clock
        self._max_concurrency = max_concurrency
        self._is_limited = is_limited
        self._last: dict[int, float] = {}
        self._day_ends_at = 0.0
        self._used = 0

    def take(self, shard_id: int) -> bool:
        """Count an identify; return whether its bucket accepts it now."""
        now, bucket = self._clock.now(), shard_id % self._max_concurrency
        if now >= self._day_ends_at:
            self._day_ends_at, self._used = now + DAY_SECONDS, 0
        self._used += 1
        if self._is_limited and now - self._last.get(bucket, 0.0) < IDENTIFY_SECONDS:
            return False
        self._last[bucket] = now
        return True

    def describe(self) -> Mapping[str, int]:
        """Return the `session_start_limit` of the gateway's address."""
        left_seconds = max(0.0, self._day_ends_at - self._clock.now())
        used = self._used if left_seconds else 0
        return {
            "total": STARTS_A_DAY,
            "remaining": max(0, STARTS_A_DAY - used),
            "reset_after": int(left_seconds * 1000),
            "max_concurrency": self._max_concurrency,
        }
