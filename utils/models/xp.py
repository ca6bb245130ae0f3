"""XP: experience that kills give, and the times in which they give more of it.

XP follows from the stored kills and the stored times alone, so a recount always gives the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from utils.models.scope import PlayerId

LEAST_FACTOR, LARGEST_FACTOR = 2, 3
"""By how much a time of more XP can multiply."""

LONGEST_XP_EVENT_HOURS = 72

MOST_XP_EVENTS = 100
"""A guild keeps so many of its times of more XP. None may be dropped, because a recount needs them."""


class LastKill(NamedTuple):
    """A stored kill, as far as the XP of later ones depends on it; ``written_at`` is wall-clock time."""

    written_at: datetime
    victim_id: PlayerId


@dataclass(frozen=True, slots=True, order=True)
class XpEvent:
    """A time in which each kill of a guild gives more XP.

    Attributes:
        starts_at: a kill from this moment on counts, UTC.
        ends_at: a kill before this moment counts.
        factor: by how much its XP is multiplied.
    """

    starts_at: datetime
    ends_at: datetime
    factor: int

    def holds_at(self, at: datetime) -> bool:
        """Tell whether a kill of this moment counts."""
        return self.starts_at <= at < self.ends_at


XpEvents = Sequence[XpEvent]


def find_factor(events: XpEvents, at: datetime) -> int:
    """Return by how much the XP of a kill is multiplied; of two times at once the larger factor counts."""
    return max((event.factor for event in events if event.holds_at(at)), default=1)
