"""Notices of the connections channel."""

from dataclasses import dataclass
from enum import StrEnum

from utils.models.notices.notice import Notice

MOST_NAMES = 20
"""A post names this number of players at most."""


class VisitEvent(StrEnum):
    """The events of joining and leaving; ``returned``: players who are back after a restart."""

    JOINED = "joined"
    LEFT = "left"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class NamedVisit:
    """A player who joined or left, with the seconds of the session that ended."""

    name: str
    seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitNotice(Notice):
    """The players who joined or left within one read of the log.

    Attributes:
        players: the first ones, at most ``MOST_NAMES``; none for those who are back.
        count: the number of all of them.
    """

    event: VisitEvent
    players: tuple[NamedVisit, ...] = ()
    count: int = 1

    @property
    def variant(self) -> VisitEvent:
        """The event."""
        return self.event
