"""Notices: facts that wait in the outbox to become messages in a channel."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.scope import ChannelId, GuildId, MemberId, ServerScope


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

    channel_kind: ClassVar[ChannelKind] = ChannelKind.KILLFEED

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


WAITING_MAXIMUM = 1_000
"""Notices of a feed that wait; what would wait behind so many others is no news, and is left out."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of notices that were put behind a server's others.

    Attributes:
        batches: how many batches have changed the server's counters so far, this one with them if it does;
            0 when nothing was to be counted.
        left_out: how many notices were left out, because too many wait.
    """

    batches: int = 0
    left_out: int = 0


class BountyEvent(StrEnum):
    """What can be told of a bounty; ``auto`` is one that the house put up."""

    PLACED = "placed"
    AUTO = "auto"
    CLAIMED = "claimed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class BountyNotice:
    """The facts of something that happened to the bounties on a player, for the bounties channel.

    Attributes:
        event_id: texts from pools are chosen by it, so a retry shows the same.
        amount: emeralds; a claim's is the sum of all bounties it took.
        count: how many bounties it is about.
        at: when it happened, UTC.
        placer_id: who placed it; None for the house, and for a claim.
        ends_at: when a placed bounty ends.
        claimer_id: the member who is paid, and ``claimer_name`` the player who made the kill.
        kills: how many victims made the house put it up.
    """

    channel_kind: ClassVar[ChannelKind] = ChannelKind.BOUNTIES

    event_id: bytes
    event: BountyEvent
    server_name: str
    target_name: str
    amount: int
    at: datetime
    count: int = 1
    placer_id: MemberId | None = None
    ends_at: datetime | None = None
    claimer_id: MemberId | None = None
    claimer_name: str = ""
    kills: int = 0


Notice = DeathNotice | BountyNotice


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
    """

    guild_id: GuildId
    channel_id: ChannelId
    entries: tuple[EntryKey, ...]
    nonce: str
    prepared_at: datetime
    state: MessageState = MessageState.PREPARED

    @property
    def feeds(self) -> frozenset[Feed]:
        """The feeds that wait for it: what comes after its entries must not overtake them."""
        return frozenset(key.feed for key in self.entries)
