"""Plain answers: done, refused, failed, an alert for admins, the help, a sample post."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from utils.embeds.limits import cut_lines
from utils.embeds.style import Style
from utils.embeds.values import frame
from utils.errors import RemoteError, UserFacingError
from utils.models.guilds import CHANNEL_KIND_NAMES, ChannelKind
from utils.models.premium import TIERS, Tier
from utils.models.texts import Code, Command, Number, Text, join, text

_HELP_FIELD_LENGTH = 800  # of the 1,024 that Discord accepts
_TIER_MARKS = "①②③④"


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """A command in ``/help``.

    Attributes:
        name: the full name without the slash, for example ``admin server add``.
        feature: its heading.
        options: name and description of each option, required ones first.
        tier: the premium tier that unlocks it.
        is_open: True: the guild has that tier.
        is_menu: it is in the menu on a member, and its name is not typed.
    """

    name: str
    description: Text
    feature: Text
    options: tuple[tuple[str, Text], ...] = ()
    tier: Tier = TIERS[0]
    is_open: bool = True
    is_menu: bool = False


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


def build_help_embed(style: Style, commands: Sequence[HelpCommand]) -> discord.Embed:
    """Return the commands that a member can use here, by feature."""
    marks = text(
        "①②③④ the premium tier that opens a command · 🔒 not open here yet: {tiers}",
        tiers=Command("premium tiers"),
    )
    has_tiers = any(command.tier.level for command in commands)
    embed = style.build(text("📖 Commands"), marks if has_tiers else None)
    for feature in dict.fromkeys(command.feature for command in commands):
        lines = [_write_command(style, command) for command in commands if command.feature == feature]
        for number, part in enumerate(_split_lines(lines), start=1):
            name = feature
            if number > 1:
                name = text("{feature} ({number})", feature=feature, number=Number(number))
            embed.add_field(name=style.write(name), value="\n".join(part), inline=False)
    more = text("{help} tells more about one of them", help=Command("help", "command:…"))
    return style.add_footer(embed, more)


def build_command_help_embed(style: Style, command: HelpCommand) -> discord.Embed:
    """Return one command in detail."""
    lines = [style.write(command.description)]
    if command.tier.level:
        lines.append(style.write(_describe_tier(command)))
    embed = discord.Embed(
        title=f"📖 {style.write_plain(Command(command.name))}",
        description="\n".join(lines),
        colour=style.theme.neutral,
    )
    if command.options:
        options = "\n".join(
            f"{style.write(Code(name))} — {style.write(said)}" for name, said in command.options
        )
        embed.add_field(name=style.write(text("Options")), value=cut_lines(options, 1024), inline=False)
    return embed


def _describe_tier(command: HelpCommand) -> Text:
    level, name = Number(command.tier.level), command.tier.name
    if command.is_open:
        return text("Opened by tier {level} ({name}).", level=level, name=name)
    tiers = Command("premium tiers")
    return text("🔒 Opens with tier {level} ({name}): {tiers}.", level=level, name=name, tiers=tiers)


def build_sample_embed(
    style: Style, kind: ChannelKind, server_name: str | None, *, at: datetime
) -> discord.Embed:
    """Return the sample post for a channel whose posts cannot be shown yet."""
    name = CHANNEL_KIND_NAMES[kind]
    said = text("Posts of the kind **{kind}** will appear here.", kind=name)
    if server_name:
        said = text(
            "Posts of the kind **{kind}** of **{server}** will appear here.",
            kind=name,
            server=server_name,
        )
    embed = style.build(text("🧪 Sample post"), said)
    embed.timestamp = at
    return embed


def _write_command(style: Style, command: HelpCommand) -> str:
    mark = f" {_TIER_MARKS[command.tier.level - 1]}" if command.tier.level else ""
    lock = "" if command.is_open else " 🔒"
    name = frame("**{name}**", name=command.name) if command.is_menu else Command(command.name)
    return f"{style.write(name)}{mark}{lock} — {style.write(command.description)}"


def _split_lines(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield lines in parts that surely fit a field."""
    part: list[str] = []
    for line in lines:
        if part and sum(len(one) + 1 for one in part) + len(line) > _HELP_FIELD_LENGTH:
            yield part
            part = []
        part.append(line)
    yield part
