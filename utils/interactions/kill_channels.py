"""Kill channels: where the kills of a server appear; the sentences promise only what the bot can do."""

import discord

from utils.interactions.invitation import find_missing_permissions
from utils.models.guilds import ChannelKind
from utils.models.scope import ServerScope
from utils.models.texts import Command, Mention, Names, Text, text
from utils.services.ports import ChannelFinder


class KillChannels:
    """Describes the killfeed channels of servers."""

    def __init__(self, bot: discord.Client, channels: ChannelFinder) -> None:
        self._bot = bot
        self._channels = channels

    async def has_channel(self, scope: ServerScope) -> bool:
        """Tell whether a killfeed channel is set, usable or not."""
        return await self._channels.find_channel(scope, ChannelKind.KILLFEED) is not None

    async def describe(self, scope: ServerScope) -> Text:
        """Return where the kills of a server appear, or what keeps them from appearing."""
        channel_id = await self._channels.find_channel(scope, ChannelKind.KILLFEED)
        if channel_id is None:
            return text(
                "⚠️ No killfeed channel yet: I count kills, but post none. Set one with {set}.",
                set=Command("admin channel set"),
            )
        guild = self._bot.get_guild(scope.guild_id)
        channel = None if guild is None else guild.get_channel(channel_id)
        if channel is None:
            return text(
                "⚠️ The killfeed channel is gone, so I post nothing. Set another with {set}.",
                set=Command("admin channel set"),
            )
        if missing := find_missing_permissions(channel):
            return text(
                "⚠️ I can't post in {channel} yet. Permissions I need there: {permissions}.",
                channel=Mention("#", channel_id),
                permissions=Names(tuple(missing)),
            )
        return text("New kills appear in {channel}.", channel=Mention("#", channel_id))
