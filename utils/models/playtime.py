"""Time on game servers: the figures of a player, or of several players of one person."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Playtime:
    """The time of players in a period, with the sessions that are still open.

    Attributes:
        sessions: how many began.
        longest: the length of the longest one, in seconds.
        last_at: when one of the players was seen last; None if never.
        online_since: since when one of them is online; None if none is.
        counted_since: since when the time is counted; None before anything was read.
        is_estimated: the end of a session was not told by the log.
    """

    seconds: int = 0
    sessions: int = 0
    longest: int = 0
    last_at: datetime | None = None
    online_since: datetime | None = None
    counted_since: datetime | None = None
    is_estimated: bool = False

    @property
    def average(self) -> float:
        """Return the mean length of a session, in seconds."""
        return self.seconds / self.sessions if self.sessions else 0.0
