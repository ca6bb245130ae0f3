"""Embeds of ``/help``: a few commands, and one in detail."""

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from utils.embeds.limits import cut_lines
from utils.embeds.style import Style
from utils.embeds.values import frame
from utils.models.premium import TIERS, Tier
from utils.models.texts import Code, Command, Number, Text, text


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """A command in ``/help``.

    Attributes:
        name: the full name without the slash, for example ``admin server add``.
        options: name and description of each option, required ones first.
        tier: the premium tier that unlocks it.
        is_open: True: the guild has that tier.
        is_menu: it is in the menu on a member, and its name is not typed.
    """

    name: str
    description: Text
    options: tuple[tuple[str, Text], ...] = ()
    tier: Tier = TIERS[0]
    is_open: bool = True
    is_menu: bool = False


def build_help_embed(
    style: Style, commands: Sequence[HelpCommand], *, topic: Text | None = None
) -> discord.Embed:
    """Return a few commands: those of a topic, or those to begin with."""
    lines = [_write_command(style, command) for command in commands]
    embed = style.build(topic or text("Start with these"), lines=lines, mark="📖")
    return style.add_footer(embed, text("More about a command: {help} and its name", help=Command("help")))


def build_command_help_embed(style: Style, command: HelpCommand) -> discord.Embed:
    """Return one command in detail."""
    lines = [style.write(command.description)]
    if not command.is_open:
        lines.append(style.write(_describe_tier(command.tier)))
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


def _describe_tier(tier: Tier) -> Text:
    return text(
        "⭐ Needs tier {level} ({name}). {tiers} shows what each tier opens.",
        level=Number(tier.level),
        name=tier.name,
        tiers=Command("premium tiers"),
    )


def _write_command(style: Style, command: HelpCommand) -> str:
    name = frame("**{name}**", name=command.name) if command.is_menu else Command(command.name)
    line = f"{style.write(name)} — {style.write(command.description)}"
    if command.is_open:
        return line
    return f"{line} · {style.write(text('⭐ tier {level}', level=Number(command.tier.level)))}"
