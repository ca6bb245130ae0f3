"""Pace: limits the messages of the feeds per second, below Discord's limit for all requests of a bot.

Discord accepts 50 requests a second from a bot (https://discord.com/developers/docs/topics/rate-limits,
"Global Rate Limit"); above that, Discord blocks all requests of the bot. So lanes take turns instead: while a
lane waits, its next message collects more notices.
"""

from utils.clock import Clock

MESSAGES_A_SECOND = 40.0  # messages of the feeds; answers to commands are not counted
STANDING_A_SECOND = 8.0  # edits of standing messages; the rest is for alerts


class MessagePace:
    """Limits messages per second. Unused capacity is not saved.

    Args:
        a_second: messages of the whole bot in a second.
        share: the part of the bot's shards that this process serves, from above 0 to 1.
    """

    def __init__(self, clock: Clock, *, a_second: float = MESSAGES_A_SECOND, share: float = 1.0) -> None:
        self._clock = clock
        self._spacing_seconds = 1 / (a_second * share)
        self._free_at = 0.0

    async def wait_for_turn(self) -> None:
        """Wait until the next message may begin."""
        now = self._clock.monotonic()
        turn = max(now, self._free_at)
        self._free_at = turn + self._spacing_seconds
        if turn > now:
            await self._clock.sleep(turn - now)
