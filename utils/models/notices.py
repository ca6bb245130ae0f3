"""Notices: facts that wait in the outbox to become messages in a channel."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.scope import ChannelId, ServerScope


@dataclass(frozen=True, slots=True)
class DeathNotice:
    """The facts of one death for the killfeed; its look is decided when it is shown.

    Attributes:
        event_id: the death's fingerprint; texts from pools are chosen by it, so a retry shows the same.
        killer_name: empty without a killer.
        killer_kills: the killer's counters on that server after this kill (for K/D), None for other classes.
        killer_streak: the killer's streak after this kill.
        at: the moment of the death, UTC.
    """

    event_id: bytes
    kind: DeathKind
    server_name: str
    killer_name: str
    victim_name: str
    weapon: str
    distance: int
    at: datetime
    killer_kills: int | None = None
    killer_deaths: int | None = None
    killer_streak: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A notice to be delivered: its facts, where it belongs, and until when it is news.

    ``sequence`` counts up within a server; notices of a server are delivered in that order.
    """

    scope: ServerScope
    sequence: int
    channel_kind: ChannelKind
    notice: DeathNotice
    created_at: datetime


class MessageState(StrEnum):
    """Where a message stands: stored before its first try, marked when Discord has it."""

    PREPARED = "prepared"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A group of outbox entries that becomes one Discord message.

    Attributes:
        sequences: the entries, in order; fixed when the message is prepared.
        nonce: at most 25 characters (Discord's limit); sent with ``enforce_nonce`` at every try.
        first_tried_at: when the first try began, UTC; None before it.
    """

    scope: ServerScope
    channel_id: ChannelId
    sequences: tuple[int, ...]
    nonce: str
    prepared_at: datetime
    first_tried_at: datetime | None = None
    state: MessageState = MessageState.PREPARED
