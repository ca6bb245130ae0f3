"""Session starts: how many shards a bot should have, and how often they may identify.

Discord's rules (https://discord.com/developers/docs/events/gateway#sharding): the shards are divided into
`max_concurrency` buckets by the remainder of their ids; each bucket takes one IDENTIFY in five seconds, and
answers a second one with Invalid Session. A day has a limited number of them. A shard of more than 2,500
servers is refused.
"""

from collections.abc import Mapping

from simulation.discord.clock import WorldClock

IDENTIFY_SECONDS = 5.0
STARTS_A_DAY = 1000
DAY_SECONDS = 86_400.0
RECOMMENDED_GUILDS = 1000  # of one shard
MOST_GUILDS = 2500  # of one shard; more, and Discord closes with 4011


def recommend_shards(guilds: int) -> int:
    """Return how many shards a bot in so many servers should have."""
    return max(1, -(-guilds // RECOMMENDED_GUILDS))


class SessionStarts:
    """Counts identifies.

    Args:
        max_concurrency: the number of buckets.
        is_limited: False lets all of them at any time, for tests that start a bot again and again.
    """

    def __init__(self, clock: WorldClock, *, max_concurrency: int, is_limited: bool) -> None:
        self._clock = clock
        self._max_concurrency = max_concurrency
        self._is_limited = is_limited
        self._last: dict[int, float] = {}
        self._day_ends_at = 0.0
        self._used = 0

    def take(self, shard_id: int) -> bool:
        """Count one; tell whether its bucket takes it now."""
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
