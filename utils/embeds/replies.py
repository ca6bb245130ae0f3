"""Plain answers: done, refused, failed, an alert for admins, the help, a sample post."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from utils.embeds.limits import cut_lines
from utils.embeds.theme import Theme
from utils.localization.escape import escape_name, escape_text, hide_ids
from utils.models.guilds import ChannelKind
from utils.models.premium import TIERS, Tier

_ANSWER_LENGTH = 1500  # long enough for any sentence of the bot, short enough for a phone
_HELP_FIELD_LENGTH = 800  # of the 1,024 that Discord takes
_TIER_MARKS = "①②③④"
_LEGEND = "①②③④ the premium tier that opens a command · 🔒 not open here yet: `/premium tiers`"


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """A command as ``/help`` shows it.

    Attributes:
        name: the full name without the slash, for example ``admin server add``.
        feature: the heading it stands under.
        options: name and description of each option, required ones first.
        tier: the premium tier that opens it.
        is_open: the guild has that tier.
    """

    name: str
    description: str
    feature: str
    options: tuple[tuple[str, str], ...] = ()
    tier: Tier = TIERS[0]
    is_open: bool = True


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
    if any(command.tier.level for command in commands):
        embed.description = _LEGEND
    for feature in dict.fromkeys(command.feature for command in commands):
        lines = [_write_command(command) for command in commands if command.feature == feature]
        for number, part in enumerate(_split_lines(lines), start=1):
            name = feature if number == 1 else f"{feature} ({number})"
            embed.add_field(name=name, value="\n".join(part), inline=False)
    return embed.set_footer(text="/help command:… tells more about one of them")


def build_command_help_embed(theme: Theme, command: HelpCommand) -> discord.Embed:
    """Return one command in detail."""
    lines = [command.description]
    if command.tier.level:
        opens = f"tier {command.tier.level} ({command.tier.name})"
        is_locked = not command.is_open
        lines.append(f"🔒 Opens with {opens}: `/premium tiers`." if is_locked else f"Opened by {opens}.")
    embed = discord.Embed(title=f"📖 /{command.name}", description="\n".join(lines), colour=theme.neutral)
    if command.options:
        options = "\n".join(f"`{name}` — {description}" for name, description in command.options)
        embed.add_field(name="Options", value=cut_lines(options, 1024), inline=False)
    return embed


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
    mark = f" {_TIER_MARKS[command.tier.level - 1]}" if command.tier.level else ""
    lock = "" if command.is_open else " 🔒"
    return f"`/{command.name}`{mark}{lock} — {command.description}"


def _split_lines(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield lines in parts that fit a field with room to spare."""
    part: list[str] = []
    for line in lines:
        if part and sum(len(one) + 1 for one in part) + len(line) > _HELP_FIELD_LENGTH:
            yield part
            part = []
        part.append(line)
    yield part


def _escape_sentence(sentence: str) -> str:
    return escape_text(hide_ids(sentence), _ANSWER_LENGTH)
