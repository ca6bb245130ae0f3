"""Schedule: when a server is polled next.

The servers of a guild are polled at the same moments, so that what they have for one channel comes together
in one message; the guilds are spread over the interval, so that the work is even.
"""

import math
import zlib

from utils.models.scope import GuildId

SPREAD = 1000  # guilds begin at one of so many points of the interval
NEAR = 0.01  # of an interval: a moment so near counts as reached, a sleep may end a little early


def compute_pause_seconds(guild_id: GuildId, *, now_seconds: float, interval_seconds: float) -> float:
    """Return the seconds until the guild's next moment: above 1 % and at most 101 % of the interval.

    Args:
        guild_id: whose moments; they follow from it, and are the same after a restart of the task.
        now_seconds: the monotonic time.
        interval_seconds: between two moments.
    """
    # a guild's id is a time: those made together must not meet
    offset = zlib.crc32(str(guild_id).encode()) % SPREAD / SPREAD
    turns = now_seconds / interval_seconds - offset
    return round((math.floor(turns + NEAR) + 1 - turns) * interval_seconds, 3)
