"""The outbox: how notices wait for their channel, and the messages made of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.guilds import ChannelKind
from utils.models.notices.notice import Notice
from utils.models.scope import ChannelId, GuildId, ServerScope

WAITING_MAXIMUM = 1_000
"""Notices of a feed that wait; what would wait behind so many others is no news, and is left out."""


@dataclass(frozen=True, slots=True)
class AppendedNotices:
    """What became of notices that were put behind a server's others.

    Attributes:
        batches: how many batches have changed the server's counters so far, this one with them if it does;
            0 when nothing was to be counted.
        left_out: how many notices were left out, because too many wait.
    """

    batches: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Feed:
    """What a game server has for one kind of channel; its notices are numbered by themselves."""

    scope: ServerScope
    channel_kind: ChannelKind

    def __str__(self) -> str:
        """Return the form used in keys and logs, for example ``42/k3v9x0aa/killfeed``."""
        return f"{self.scope}/{self.channel_kind}"


@dataclass(frozen=True, slots=True)
class EntryKey:
    """Which notice of a feed; ``sequence`` counts up within it."""

    feed: Feed
    sequence: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A notice to be delivered: its facts, where it belongs, and until when it is news.

    The notices of a feed are delivered by rising ``sequence``.
    """

    scope: ServerScope
    sequence: int
    channel_kind: ChannelKind
    notice: Notice
    created_at: datetime

    @property
    def feed(self) -> Feed:
        """The feed it belongs to."""
        return Feed(self.scope, self.channel_kind)

    @property
    def key(self) -> EntryKey:
        """What names it."""
        return EntryKey(self.feed, self.sequence)


class MessageState(StrEnum):
    """Where a message stands: stored before its first try, marked when Discord has it."""

    PREPARED = "prepared"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A group of outbox entries that becomes one Discord message.

    Attributes:
        entries: in order, of one or several servers of the guild; fixed when the message is prepared.
        nonce: at most 25 characters (Discord's limit); sent with ``enforce_nonce`` at every try.
        prepared_at: right before the first try, UTC.
        language: of its texts at every try; a guild may change its own meanwhile.
    """

    guild_id: GuildId
    channel_id: ChannelId
    entries: tuple[EntryKey, ...]
    nonce: str
    prepared_at: datetime
    state: MessageState = MessageState.PREPARED
    language: str = "en"

    @property
    def feeds(self) -> frozenset[Feed]:
        """The feeds that wait for it: what comes after its entries must not overtake them."""
        return frozenset(key.feed for key in self.entries)
