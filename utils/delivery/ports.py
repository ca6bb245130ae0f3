"""Protocols of delivery: its storage, and the channels.

A feed holds the notices of one server for one kind of channel. A lane is one channel of Discord, for one or
more feeds. Lanes do not wait for each other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from utils.models.guilds import ChannelKind
from utils.models.notices.outbox import EntryKey, Feed, OutboxEntry, OutgoingMessage
from utils.models.post_styles import PostShape
from utils.models.scope import ChannelId, GuildId, ServerScope

Texts = tuple[tuple[str, str], ...]
"""Title and description of each embed of a message."""


class ShapeFinder(Protocol):  # implemented by SettingsService
    """Finds the shape of posts in a channel."""

    async def find_shape(self, guild_id: GuildId, channel_id: ChannelId) -> PostShape:
        """Return the style that was chosen for a channel, and whether its posts name their servers.

        Raises:
            StorageUnavailableError: it cannot be read.
        """


class OutboxStore(Protocol):  # implemented by OutboxRepository
    """Storage of outboxes and prepared messages; every write is durable when it returns.

    Raises:
        StorageUnavailableError: from any method; nothing is lost, and the next round goes on from the stored
            state.
        LeaseLostError: from any method that writes; another process delivers for this guild now.
    """

    async def list_feeds(self, guild_id: GuildId) -> Sequence[Feed]:
        """Return the feeds with entries, in a message or not."""

    async def list_pending(
        self, guild_id: GuildId, feeds: Collection[Feed], *, limit: int
    ) -> Mapping[Feed, Sequence[OutboxEntry]]:
        """Return the first waiting notices of each feed, by sequence."""

    async def list_prepared(self, guild_id: GuildId) -> Sequence[OutgoingMessage]:
        """Return the prepared messages that are not known to be sent, oldest first."""

    async def find_last_sent(self, guild_id: GuildId, channel_id: ChannelId) -> int:
        """Return the id of the newest message that is marked as sent to a channel; 0 if none is known."""

    async def list_entries(self, guild_id: GuildId, keys: Sequence[EntryKey]) -> Sequence[OutboxEntry]:
        """Return these entries in the order of their keys; deleted ones are left out."""

    async def prepare_message(self, guild_id: GuildId, message: OutgoingMessage) -> None:
        """Store a message before its first try, unless it is stored; its entries stay until it is sent."""

    async def mark_sent(
        self, guild_id: GuildId, message: OutgoingMessage, *, message_id: int, at: datetime
    ) -> None:
        """Mark a message and all its entries as sent, together or not at all."""

    async def drop_entries(self, scope: ServerScope, kind: ChannelKind, *, before: datetime) -> int:
        """Drop entries of a feed that were due before that, return how many; none of them is in a message."""

    async def discard_entries(self, guild_id: GuildId, keys: Sequence[EntryKey]) -> None:
        """Drop these entries."""

    async def drop_message(self, guild_id: GuildId, nonce: str) -> None:
        """Delete a prepared message; its entries that still exist are pending again."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The queue of one channel of a guild; it is delivered in order.

    Attributes:
        channel_id: None for feeds without a channel. Their notices are dropped.
    """

    guild_id: GuildId
    channel_id: ChannelId | None

    def __str__(self) -> str:
        """Return the form used in keys and logs: guild and channel."""
        return f"{self.guild_id}/{self.channel_id}"


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message of the bot as found in a channel.

    Attributes:
        nonce: None if Discord no longer returns it.
        texts: title and description of each embed.
        replied_to: the id of the message that it answers, if it is a reply.
    """

    message_id: int
    nonce: str | None
    texts: Texts
    replied_to: int | None = None
