"""Standing messages in memory: a store of boards, and a Discord with their messages."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import discord

from tests.fakes.storage import FakeAuditStore
from utils.delivery.pace import MessagePace
from utils.delivery.ports import PostedMessage
from utils.embeds.buttons import LastingView
from utils.embeds.pictures import Picture
from utils.errors import DeliveryError, DeliveryUncertainError
from utils.models.audit import AuditEntry
from utils.models.message_places import MessagePlace
from utils.models.posted_boards import BoardKey, PostedBoard
from utils.models.scope import ChannelId, GuildId


class FakeBoardStore:
    """Posted boards in memory."""

    def __init__(self) -> None:
        self.boards: dict[BoardKey, PostedBoard] = {}
        self.audit = FakeAuditStore()

    async def list_boards(self, guild_id: GuildId) -> Sequence[PostedBoard]:
        """Return a guild's boards."""
        return [board for key, board in self.boards.items() if key.guild_id == guild_id]

    async def find_board(self, key: BoardKey) -> PostedBoard | None:
        """Return one board."""
        return self.boards.get(key)

    async def insert_board(self, key: BoardKey, *, entry: AuditEntry | None = None) -> None:
        """Store a board."""
        self.audit.add(key.guild_id, entry)
        self.boards[key] = PostedBoard(key)

    async def save_place(self, key: BoardKey, place: MessagePlace) -> bool:
        """Store the message of a board."""
        if key in self.boards:
            self.boards[key] = replace(self.boards[key], place=place)
        return key in self.boards

    async def set_paused(self, key: BoardKey, *, is_paused: bool) -> None:
        """Record that a board pauses or goes on."""
        self.boards[key] = replace(self.boards[key], is_paused=is_paused)

    async def delete_board(self, key: BoardKey, *, entry: AuditEntry | None = None) -> None:
        """Forget a board."""
        self.audit.add(key.guild_id, entry)
        self.boards.pop(key, None)

    async def list_guilds_with_boards(self) -> Sequence[GuildId]:
        """Return the guilds."""
        return sorted({key.guild_id for key in self.boards})


@dataclass
class FakeStandingSender:
    """Discord: messages by id, and what was done.

    Attributes:
        buttons: the lasting buttons of messages by id.
        edited: all embeds of messages that were edited, by id.
        failures: the errors of the next requests, one each.
        held: channels in which every request waits for an event.
        loses: the number of posts whose answer is lost.
    """

    messages: dict[int, tuple[ChannelId, discord.Embed, str]] = field(default_factory=dict)
    buttons: dict[int, LastingView | None] = field(default_factory=dict)
    edited: dict[int, tuple[discord.Embed, ...]] = field(default_factory=dict)
    deeds: list[str] = field(default_factory=list)
    failures: list[DeliveryError] = field(default_factory=list)
    held: dict[ChannelId, asyncio.Event] = field(default_factory=dict)
    loses: int = 0
    remembers_nonces: bool = True
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    async def _begin(self, deed: str, channel_id: ChannelId) -> None:
        self.deeds.append(deed)
        if channel_id in self.held:
            await self.held[channel_id].wait()
        if self.failures:
            raise self.failures.pop(0)

    async def send(
        self,
        channel_id: ChannelId,
        *,
        embeds: Sequence[discord.Embed],
        pictures: Sequence[Picture],
        nonce: str,
        buttons: LastingView | None = None,
        role_ids: Sequence[int] = (),
    ) -> int:
        """Post a message; a remembered nonce posts nothing again."""
        assert not pictures
        assert not role_ids
        await self._begin("send", channel_id)
        known = [key for key, message in self.messages.items() if message[2] == nonce]
        message_id = known[0] if known and self.remembers_nonces else next(self._ids)
        self.messages[message_id] = (channel_id, embeds[0], nonce)
        self.buttons[message_id] = buttons
        if self.loses:
            self.loses -= 1
            raise DeliveryUncertainError("the answer is lost")
        return message_id

    async def edit(
        self,
        channel_id: ChannelId,
        message_id: int,
        *,
        embeds: Sequence[discord.Embed],
        buttons: LastingView | None = None,
    ) -> bool:
        """Change a message."""
        self.buttons[message_id] = buttons
        await self._begin("edit", channel_id)
        if message_id not in self.messages:
            return False
        self.messages[message_id] = (channel_id, embeds[0], self.messages[message_id][2])
        self.edited[message_id] = tuple(embeds)
        return True

    async def has_message(self, channel_id: ChannelId, message_id: int) -> bool:
        """Tell whether a message exists."""
        await self._begin("look", channel_id)
        return message_id in self.messages

    async def delete(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete a message."""
        await self._begin("delete", channel_id)
        self.messages.pop(message_id, None)

    async def recent_messages(self, channel_id: ChannelId, limit: int) -> Sequence[PostedMessage]:
        """Return messages without their nonces, because Discord has forgotten these."""
        del limit
        return [
            PostedMessage(key, None, ((embed.title or "", embed.description or ""),))
            for key, (where, embed, _) in self.messages.items()
            if where == channel_id
        ]


class NoPace(MessagePace):
    """A pace without waits."""

    async def wait_for_turn(self) -> None:
        """Do not wait."""
