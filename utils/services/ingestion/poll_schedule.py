"""Schedule: when a server is polled next.

The servers of a guild are polled at the same moments, so that their notices for one channel fit in one
message; the guilds are spread over the interval, so that the work is even.
"""

import math
from itertools import count

from utils.models.scope import GuildId

STEP = (math.sqrt(5) - 1) / 2
"""The step between two guilds, in intervals: multiples of the golden ratio divide an interval evenly."""

NEAR = 0.01  # tolerance, as a fraction of the interval, because a sleep may end early


class PollSchedule:
    """The poll times of each guild; they are the same for all its servers while the process lives."""

    def __init__(self) -> None:
        self._offsets: dict[GuildId, float] = {}
        self._given = count()

    def compute_pause_seconds(
        self, guild_id: GuildId, *, now_seconds: float, interval_seconds: float
    ) -> float:
        """Return the seconds until the guild's next poll: above 1 % and at most 101 % of the interval.

        Args:
            guild_id: the guild.
            now_seconds: the monotonic time.
            interval_seconds: the time between two polls.
        """
        offset = self._find_offset(guild_id)
        turns = now_seconds / interval_seconds - offset
        return round((math.floor(turns + NEAR) + 1 - turns) * interval_seconds, 3)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop a guild's poll times; a guild that comes back gets new ones."""
        self._offsets.pop(guild_id, None)

    def _find_offset(self, guild_id: GuildId) -> float:
        if guild_id not in self._offsets:
            self._offsets[guild_id] = next(self._given) * STEP % 1
        return self._offsets[guild_id]
