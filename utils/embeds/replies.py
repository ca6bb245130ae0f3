"""Plain answers: done, refused, failed, an alert for admins, a sample post."""

from datetime import datetime

import discord

from utils.embeds.style import Style
from utils.errors import RemoteError, UserFacingError
from utils.models.guilds import CHANNEL_KIND_NAMES, ChannelKind
from utils.models.texts import Code, Text, join, text


def build_success_embed(style: Style, title: Text, said: Text | None = None) -> discord.Embed:
    """Return the answer of a command that succeeded."""
    return style.build(title, said, mark=style.theme.good, colour=style.theme.success)


def build_notice_embed(style: Style, title: Text, said: Text) -> discord.Embed:
    """Return an answer that is neither success nor failure."""
    return style.build(title, said)


def build_refusal_embed(style: Style, refusal: UserFacingError | RemoteError) -> discord.Embed:
    """Return an expected refusal, titled by its kind; its text may quote typed text."""
    return style.build(refusal.title, refusal.said, colour=style.theme.warning)


def build_error_embed(style: Style, *, what: Text, next_step: Text, reference: str) -> discord.Embed:
    """Return the answer to an unexpected failure: what happened, what to do next, the reference code."""
    code = text("Reference: {code}", code=Code(reference))
    said = join([next_step, code], "\n")
    return style.build(what, said, mark=style.theme.bad, colour=style.theme.error)


def build_alert_embed(style: Style, said: Text, *, at: datetime) -> discord.Embed:
    """Return a note to the admins of a guild."""
    embed = style.build(text("⚠️ The killfeed needs an admin"), said, colour=style.theme.warning)
    embed.timestamp = at
    return embed


def build_sample_embed(
    style: Style, kind: ChannelKind, server_name: str | None, *, at: datetime
) -> discord.Embed:
    """Return the sample post for a channel whose posts cannot be shown yet."""
    name = CHANNEL_KIND_NAMES[kind]
    said = text("**{kind}** posts will appear in this channel.", kind=name)
    if server_name:
        said = text(
            "**{kind}** posts of **{server}** will appear in this channel.",
            kind=name,
            server=server_name,
        )
    embed = style.build(text("🧪 Sample post"), said)
    embed.timestamp = at
    return embed
