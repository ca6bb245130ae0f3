"""Remembers whom a member asked for, so that no member can ask for all players one by one.

A request keeps others from asking for the player for a while, and owner and admins are told of some. This is
fine for one player, but harmful for the whole list. The requests are kept in memory only.
"""

from datetime import datetime, timedelta

from utils.clock import Clock
from utils.errors import LimitReachedError
from utils.models.quantities import describe_wait
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.texts import Command, Number, text

PLAYERS_A_DAY = 10  # twice as many as a member can link
DAY = timedelta(days=1)

_Asked = dict[PlayerId, datetime]


class AskedPlayers:
    """The players that members asked for within a day, the oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: dict[tuple[GuildId, MemberId], _Asked] = {}  # the member who asked last is the last one

    def __repr__(self) -> str:
        """Return the number of remembered members."""
        return f"<AskedPlayers of {len(self._asked)} members>"

    def note(self, guild_id: GuildId, member_id: MemberId, player_id: PlayerId) -> None:
        """Note that a member asks for a player; asking for the same one again counts once.

        Raises:
            LimitReachedError: the member reached the daily limit.
        """
        now = self._clock.now()
        self._forget_old(now)
        asked = self._asked.pop((guild_id, member_id), {})
        self._asked[guild_id, member_id] = asked
        _forget_before(asked, now - DAY)
        if player_id not in asked and len(asked) >= PLAYERS_A_DAY:
            left = next(iter(asked.values())) + DAY - now
            raise LimitReachedError(
                text(
                    "You asked for {most} players in one day. Try another one in {wait}, or ask an admin to "
                    "link you with {confirm}.",
                    most=Number(PLAYERS_A_DAY),
                    wait=describe_wait(left),
                    confirm=Command("admin link confirm"),
                )
            )
        asked.setdefault(player_id, now)

    def _forget_old(self, now: datetime) -> None:
        while self._asked:
            key, asked = next(iter(self._asked.items()))
            if any(at > now - DAY for at in asked.values()):
                return
            del self._asked[key]


def _forget_before(asked: _Asked, moment: datetime) -> None:
    for player_id in [player_id for player_id, at in asked.items() if at <= moment]:
        del asked[player_id]
