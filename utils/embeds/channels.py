"""The answer of ``/admin channel style``."""

import discord

from utils.embeds.audit_wording import describe_style_value
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.models.post_styles import ChannelStyle
from utils.models.scope import ChannelId
from utils.models.texts import Command, Mention, text


def build_channel_style_embed(
    style: Style, channel_id: ChannelId, chosen: ChannelStyle, *, is_used: bool, is_saved: bool
) -> discord.Embed:
    """Return how kills look in a channel, when and which are posted.

    Args:
        style: of the answer.
        channel_id: the channel.
        chosen: its style.
        is_used: kills are posted there.
        is_saved: the style was saved just now, not only asked for.
    """
    said = text("Kills in {channel}:", channel=Mention("#", channel_id))
    if not is_used:
        said = text(
            "{channel} isn't a killfeed channel yet. Make it one with {set}.",
            channel=Mention("#", channel_id),
            set=Command("admin channel set"),
        )
    embed = (
        build_success_embed(style, text("Style saved"), said)
        if is_saved
        else style.build(text("🎨 Style of a channel"), said)
    )
    style.add_field(embed, text("Style"), describe_style_value("style", chosen.style), inline=True)
    delay = describe_style_value("delay_minutes", chosen.delay_minutes)
    style.add_field(embed, text("Delay"), delay, inline=True)
    nearest = describe_style_value("min_distance", chosen.min_distance)
    return style.add_field(embed, text("Minimum distance"), nearest, inline=True)
