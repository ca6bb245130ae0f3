"""The place of an error in Discord: who did what, where."""

from typing import Any

import discord

from utils.error_sink import ErrorSource, Where
from utils.models.scope import GuildId, MemberId

GROUPS = (
    discord.SlashCommandOptionType.sub_command.value,
    discord.SlashCommandOptionType.sub_command_group.value,
)
SOURCES = {
    discord.InteractionType.application_command: ErrorSource.COMMAND,
    discord.InteractionType.auto_complete: ErrorSource.AUTOCOMPLETE,
    discord.InteractionType.component: ErrorSource.VIEW,
    discord.InteractionType.modal_submit: ErrorSource.MODAL,
}


def find_where(interaction: discord.Interaction) -> Where:
    """Return the place of an error; options and their values do not belong to it.

    The command is that of the log context around it, because the library changes the data of an interaction
    while it looks for the command. Only letters typed into an option have no context.
    """
    is_typed = interaction.type is discord.InteractionType.auto_complete
    return Where(
        source=SOURCES.get(interaction.type, ErrorSource.GATEWAY),
        guild_id=None if interaction.guild_id is None else GuildId(interaction.guild_id),
        member_id=None if interaction.user is None else MemberId(interaction.user.id),
        command=name_command(interaction) if is_typed else None,
    )


def name_command(interaction: discord.Interaction) -> str | None:
    """Return the full name of the command that was used; at first the library knows only its group."""
    level: Any = interaction.data
    names: list[str] = []
    while level:
        names.append(level["name"])
        level = next((option for option in level.get("options", ()) if option["type"] in GROUPS), None)
    return " ".join(names) or None
