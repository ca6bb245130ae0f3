"""Notices about restarts that are due."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.notices.notice import Notice


class RestartEvent(StrEnum):
    """The events."""

    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartNotice(Notice):
    """A restart of a game server whose time an admin set; ``at`` is when it was announced."""

    event: RestartEvent = RestartEvent.WARNING
    restart_at: datetime

    @property
    def variant(self) -> RestartEvent:
        """The event."""
        return self.event
