"""The outbox: stored notices, and the messages made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from utils.models.guilds import ChannelKind
from utils.models.notices.notice import Notice
from utils.models.post_styles import NEW_SHAPE, PostShape
from utils.models.scope import ChannelId, GuildId, ServerScope

Delays = Mapping[ChannelKind, timedelta]
"""How long the notices of a kind of channel wait before they are due; those of others do not wait."""

NO_DELAYS: Delays = {}

WAITING_MAXIMUM = 1_000
"""So many notices of a feed may wait; a further one would be posted too late, so it is left out."""


@dataclass(frozen=True, slots=True)
class AppendedNotices:
    """The result of appending notices to a server's outbox.

    Attributes:
        batches: how many batches have changed the server's counters so far, this one included if it does; 0
            if there was nothing to count.
        left_out: how many notices were left out, because too many wait.
    """

    batches: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Feed:
    """The notices of a game server for one kind of channel; each feed has its own numbers."""

    scope: ServerScope
    channel_kind: ChannelKind

    def __str__(self) -> str:
        """Return the form used in keys and logs, for example ``42/k3v9x0aa/killfeed``."""
        return f"{self.scope}/{self.channel_kind}"


@dataclass(frozen=True, slots=True)
class EntryKey:
    """Names a notice: its feed, and its number in it."""

    feed: Feed
    sequence: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A notice in the outbox: its facts and its place.

    The notices of a feed are delivered by rising ``sequence``.

    Attributes:
        due_at: when it may be posted: when it was made, or later in a channel with a delay.
    """

    scope: ServerScope
    sequence: int
    channel_kind: ChannelKind
    notice: Notice
    due_at: datetime

    @property
    def feed(self) -> Feed:
        """Its feed."""
        return Feed(self.scope, self.channel_kind)

    @property
    def key(self) -> EntryKey:
        """Its key."""
        return EntryKey(self.feed, self.sequence)


class MessageState(StrEnum):
    """The state of a message: stored before its first try, marked as sent when Discord has it."""

    PREPARED = "prepared"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A group of outbox entries that becomes one Discord message.

    Attributes:
        entries: in order, of one or several servers of the guild; fixed when the message is prepared.
        nonce: at most 25 characters (Discord's limit); sent with ``enforce_nonce`` at every try.
        prepared_at: right before the first try, UTC.
        language: the language of its texts at every try, even if the guild changes its own.
        shape: the shape of its posts at every try, even if the channel gets another one.
        event_ids: the ids of its notices whose posts are edited; they are all of its notices, or there are
            none.
    """

    guild_id: GuildId
    channel_id: ChannelId
    entries: tuple[EntryKey, ...]
    nonce: str
    prepared_at: datetime
    state: MessageState = MessageState.PREPARED
    language: str = "en"
    shape: PostShape = NEW_SHAPE
    event_ids: tuple[bytes, ...] = ()

    @property
    def feeds(self) -> frozenset[Feed]:
        """The feeds that wait for it: later entries must not overtake its own."""
        return frozenset(key.feed for key in self.entries)


@dataclass(frozen=True, slots=True)
class StandingPost:
    """A message that was sent and is edited.

    Attributes:
        message: as it was sent.
        message_id: its id at Discord.
    """

    message: OutgoingMessage
    message_id: int
