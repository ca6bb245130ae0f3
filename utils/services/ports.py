"""Ports: what several features need of other rooms, each shape once."""

from typing import Protocol

from utils.models.guilds import ChannelKind
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.texts import Text


class AdminNotifier(Protocol):
    """Tells the admins of a guild something once, until it is cleared."""

    async def notify(self, guild_id: GuildId, sentence: Text | str, key: str) -> None:
        """Tell, unless this key was told and not cleared."""

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """The fault is over: the next one is told again."""


class ChannelFinder(Protocol):
    """Which channel of a kind a server posts to."""

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the server's own, else the guild's, else none."""
