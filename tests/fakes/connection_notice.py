"""Players who come and go."""

from dataclasses import dataclass
from enum import StrEnum

from utils.models.notices.notice import Notice
from utils.models.scope import MemberId, PlayerId


class ConnectionEvent(StrEnum):
    """The kinds of events."""

    JOINED = "joined"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionNotice(Notice):
    """A player who came or went; the member they are linked with, if any."""

    event: ConnectionEvent
    player_id: PlayerId
    player_name: str
    member_id: MemberId | None = None

    @property
    def variant(self) -> ConnectionEvent:
        """The event."""
        return self.event
