"""Notices of the news channel about experience: new levels, and times of more XP."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.notices.notice import Notice
from utils.models.scope import MemberId


class LevelEvent(StrEnum):
    """The events of a member's level."""

    REACHED = "reached"


class XpEventNews(StrEnum):
    """The events of a time of more XP."""

    BEGUN = "begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelNotice(Notice):
    """A member with a proven link who has reached a level.

    Attributes:
        player_name: the name of the member's main player.
        member_id: the member; None if they were erased.
    """

    event: LevelEvent = LevelEvent.REACHED
    player_name: str
    member_id: MemberId | None
    level: int

    @property
    def variant(self) -> LevelEvent:
        """The event."""
        return self.event


@dataclass(frozen=True, slots=True, kw_only=True)
class XpEventNotice(Notice):
    """A time of more XP that has begun; ``at`` is its start.

    Attributes:
        factor: by how much the XP of a kill is multiplied.
    """

    event: XpEventNews = XpEventNews.BEGUN
    factor: int
    ends_at: datetime

    @property
    def variant(self) -> XpEventNews:
        """The event."""
        return self.event
