"""Notices of the events channel."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from utils.models.notices.notice import Notice
from utils.models.world_events import EventEnd, WorldEventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldEventNotice(Notice):
    """The facts of an event of a game server's world; ``at`` is when it started.

    Attributes:
        name: of a mission; empty for other kinds.
        level: of a mission's hardest variant; None if it is not known, and for other kinds.
        state: as the log names it, in capitals; ``since`` when.
        end: why it is over; None while it is open.
        respawn_at: when a mission comes back, if the log told it.
        down_seconds: how long the game server was down, of a restart that is over.
        role_id: the role that the post mentions when it is new.
    """

    kind: WorldEventKind
    name: str = ""
    level: int | None = None
    state: str
    since: datetime
    end: EventEnd | None = None
    respawn_at: datetime | None = None
    down_seconds: int | None = None
    role_id: int | None = None
    is_standing: ClassVar[bool] = True

    @property
    def variant(self) -> WorldEventKind:
        """The kind of the event."""
        return self.kind

    @property
    def mentioned_role(self) -> int | None:
        """The role."""
        return self.role_id
