"""Plain answers: done, refused, failed, an alert for admins, the help, a sample post."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from utils.embeds.escape import escape_name, escape_text, hide_ids
from utils.embeds.limits import cut_lines
from utils.embeds.theme import Theme
from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.money import AUTO_DURATION
from utils.models.notices import BountyEvent, BountyNotice, DeathNotice

_ANSWER_LENGTH = 1500  # long enough for any sentence of the bot, short enough for a phone


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """A command as ``/help`` shows it.

    Attributes:
        name: the full name without the slash, for example ``admin server add``.
        feature: the heading it stands under.
        options: name and description of each option, required ones first.
        tier_name: the premium tier it needs and the guild has not; None when it is open.
    """

    name: str
    description: str
    feature: str
    options: tuple[tuple[str, str], ...] = ()
    tier_name: str | None = None


def build_success_embed(theme: Theme, title: str, text: str = "") -> discord.Embed:
    """Return the answer of a command that did what was asked; foreign text in it is escaped by the caller."""
    return discord.Embed(title=f"{theme.good} {title}", description=text or None, colour=theme.success)


def build_notice_embed(theme: Theme, title: str, text: str) -> discord.Embed:
    """Return an answer that is neither success nor failure; foreign text in it is escaped by the caller."""
    return discord.Embed(title=title, description=text, colour=theme.neutral)


def build_refusal_embed(theme: Theme, sentence: str) -> discord.Embed:
    """Return an expected refusal: the sentence of a ``UserFacingError``, which may quote what was typed."""
    return discord.Embed(
        title="⛔ Not like this", description=_escape_sentence(sentence), colour=theme.warning
    )


def build_error_embed(theme: Theme, *, what: str, next_step: str, reference: str) -> discord.Embed:
    """Return the answer to an unexpected failure: what happened, what to do next, the reference code."""
    return discord.Embed(
        title=f"{theme.bad} {what}",
        description=f"{next_step}\nReference: `{reference}`",
        colour=theme.error,
    )


def build_alert_embed(theme: Theme, sentence: str, *, at: datetime) -> discord.Embed:
    """Return a note to the admins of a guild."""
    return discord.Embed(
        title="⚠️ The killfeed needs an admin",
        description=_escape_sentence(sentence),
        colour=theme.warning,
        timestamp=at,
    )


def build_help_embed(theme: Theme, commands: Sequence[HelpCommand]) -> discord.Embed:
    """Return the commands a member can use here, by feature."""
    embed = discord.Embed(title="📖 Commands", colour=theme.neutral)
    for feature in dict.fromkeys(command.feature for command in commands):
        lines = [_write_command(command) for command in commands if command.feature == feature]
        embed.add_field(name=feature, value="\n".join(lines), inline=False)
    return embed.set_footer(text="/help command:… tells more about one of them")


def build_command_help_embed(theme: Theme, command: HelpCommand) -> discord.Embed:
    """Return one command in detail."""
    lines = [command.description]
    if command.tier_name:
        lines.append(f"🔒 opens with the tier {command.tier_name}")
    embed = discord.Embed(title=f"📖 /{command.name}", description="\n".join(lines), colour=theme.neutral)
    if command.options:
        options = "\n".join(f"`{name}` — {description}" for name, description in command.options)
        embed.add_field(name="Options", value=cut_lines(options, 1024), inline=False)
    return embed


def build_sample_notice(server_name: str, *, at: datetime) -> DeathNotice:
    """Return an invented death for ``/admin channel test``; it enters no statistic."""
    return DeathNotice(
        event_id=b"sample",
        kind=DeathKind.KILL,
        server_name=server_name,
        killer_name="Sample killer",
        victim_name="Sample victim",
        weapon="Mosin",
        distance=123,
        at=at,
        killer_kills=12,
        killer_deaths=5,
        killer_streak=3,
    )


def build_sample_bounty(server_name: str, *, at: datetime) -> BountyNotice:
    """Return an invented bounty for ``/admin channel test``; nobody pays it."""
    return BountyNotice(
        event_id=b"sample",
        event=BountyEvent.AUTO,
        server_name=server_name,
        target_name="Sample target",
        amount=1_500,
        at=at,
        ends_at=at + AUTO_DURATION,
        kills=6,
    )


def build_sample_embed(
    theme: Theme, kind: ChannelKind, server_name: str | None, *, at: datetime
) -> discord.Embed:
    """Return the sample post for a channel whose posts cannot be shown yet."""
    where = f" of **{escape_name(server_name)}**" if server_name else ""
    return discord.Embed(
        title="🧪 Sample post",
        description=f"Posts of the kind **{kind.value}**{where} will appear here.",
        colour=theme.neutral,
        timestamp=at,
    )


def _write_command(command: HelpCommand) -> str:
    lock = f" 🔒 {command.tier_name}" if command.tier_name else ""
    return f"`/{command.name}` — {command.description}{lock}"


def _escape_sentence(sentence: str) -> str:
    return escape_text(hide_ids(sentence), _ANSWER_LENGTH)
