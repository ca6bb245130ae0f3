"""Schedule: when a server is polled next.

The servers of a guild are polled at the same moments, so that what they have for one channel comes together
in one message; the guilds are spread over the interval, so that the work is even.
"""

import zlib

from utils.models.scope import GuildId


def compute_pause_seconds(guild_id: GuildId, *, now_seconds: float, interval_seconds: float) -> float:
    """Return the seconds until the guild's next moment: above 0 and at most the interval.

    Args:
        guild_id: whose moments; they follow from it, and are the same after a restart of the task.
        now_seconds: the monotonic time.
        interval_seconds: between two moments.
    """
    share = zlib.crc32(str(guild_id).encode()) / 2**32  # a guild's id is a time: near ones must not meet
    return interval_seconds - (now_seconds - share * interval_seconds) % interval_seconds
