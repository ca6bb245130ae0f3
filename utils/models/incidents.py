"""Incidents: troubles of the bot or of a guild, from their beginning to their end."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Self

from utils.models.incident_kinds import IncidentKind
from utils.models.scope import ChannelId, GuildId, ServerId
from utils.models.texts import Text

WHOLE_BOT = GuildId(0)
"""The guild of incidents that concern the whole bot; Discord never assigns this id."""

REMINDED_AFTER = timedelta(hours=24)
"""A critical incident that lasts is told again after this time."""


class CheckState(IntEnum):
    """The states of a check; the worse one is the greater one."""

    OK = 0
    WARN = 1
    CRITICAL = 2

    @property
    def code(self) -> str:
        """Its name in the status file and in documents."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class IncidentKey:
    """The identity of an open incident: there is one at most with this key.

    Attributes:
        guild_id: the guild that is told; ``WHOLE_BOT`` for the owners of the bot.
        subject: what it is about: a game server's id, a shard, the name of a task, a folder; may be empty.
    """

    guild_id: GuildId
    kind: IncidentKind
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a probe about one subject.

    Attributes:
        said: one sentence with the measured value.
    """

    key: IncidentKey
    state: CheckState
    said: Text


class Stage(StrEnum):
    """The reasons for a message about an incident."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class IncidentMessage:
    """The message that told of an incident, where it is edited at its end."""

    channel_id: ChannelId
    message_id: int


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident.

    Attributes:
        state: the worst state so far.
        told_state: the state that people were told last; ``OK``: nobody was told yet.
        told_at: when people were told last.
        escalated_at: when it became critical.
        resolved_at: when it ended; None while it is open.
        servers: the game servers that reported it.
        message: the message that is edited at its end; None if its end gets a message of its own.
    """

    key: IncidentKey
    state: CheckState
    opened_at: datetime
    told_state: CheckState = CheckState.OK
    told_at: datetime | None = None
    escalated_at: datetime | None = None
    resolved_at: datetime | None = None
    servers: frozenset[ServerId] = frozenset()
    message: IncidentMessage | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether it lasts."""
        return self.resolved_at is None

    def escalate(self, now: datetime) -> Self:
        """Return the incident after it became critical."""
        return replace(self, state=CheckState.CRITICAL, escalated_at=now)

    def end(self, now: datetime) -> Self:
        """Return the incident after its end."""
        return replace(self, resolved_at=now)

    def find_due_stage(self, now: datetime) -> Stage | None:
        """Return what people must be told now; None if they know all.

        People are told of the end only if they were told of the beginning.
        """
        if not self.is_open:
            return Stage.ENDED if self.told_state else None
        if not self.told_state:
            return Stage.OPENED
        if self.state > self.told_state:
            return Stage.ESCALATED
        is_old = self.told_at is None or now - self.told_at >= REMINDED_AFTER
        return Stage.REMINDED if self.state is CheckState.CRITICAL and is_old else None

    def note_told(self, now: datetime) -> Self:
        """Return the incident after people were told of its present state."""
        return replace(self, told_state=self.state, told_at=now)
