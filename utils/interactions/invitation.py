"""The invitation: the link that adds the bot to a Discord server, and the permissions that it asks for."""

import discord

from utils.models.guilds import ChannelKind
from utils.models.texts import Text, text_in

NEEDED_PERMISSIONS = {
    "view_channel": text_in("a permission of Discord", "View Channel"),
    "send_messages": text_in("a permission of Discord", "Send Messages"),
    "embed_links": text_in("a permission of Discord", "Embed Links"),
    "attach_files": text_in("a permission of Discord", "Attach Files"),
    "read_message_history": text_in("a permission of Discord", "Read Message History"),
}
"""The permissions that the bot needs in a channel, by the names of the library, with those of Discord."""

COUNTER_PERMISSIONS = {
    "view_channel": NEEDED_PERMISSIONS["view_channel"],
    "manage_channels": text_in("a permission of Discord", "Manage Channels"),
}
"""The permissions that renaming a channel takes."""

VOICE_COUNTER_PERMISSIONS = {**COUNTER_PERMISSIONS, "connect": text_in("a permission of Discord", "Connect")}
"""The same for a voice channel: without Connect, Discord refuses every change of it."""


def build_invitation(application_id: int, *, may_create_channels: bool = False) -> str:
    """Return the link that adds the bot to a Discord server, or gives it Manage Channels in one it is in."""
    permissions = discord.Permissions(**dict.fromkeys(NEEDED_PERMISSIONS, True))
    permissions.manage_channels = may_create_channels
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=permissions, scopes=scopes)


def find_missing_permissions(
    channel: discord.abc.GuildChannel, kind: ChannelKind = ChannelKind.KILLFEED
) -> list[Text]:
    """Return the permissions that the bot lacks in a channel of a kind, by their names in Discord."""
    needed = NEEDED_PERMISSIONS
    if kind is ChannelKind.COUNTER:
        is_voice = isinstance(channel, discord.VoiceChannel)
        needed = VOICE_COUNTER_PERMISSIONS if is_voice else COUNTER_PERMISSIONS
    granted = channel.permissions_for(channel.guild.me)
    return [name for flag, name in needed.items() if not getattr(granted, flag)]
