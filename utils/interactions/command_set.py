"""The command set: what the bot offers, known before and without any registration."""

import discord


def list_commands(bot: discord.Bot) -> list[discord.SlashCommand]:
    """Return every command that can be run, groups resolved, in order of its full name."""
    found: list[discord.SlashCommand] = []
    for each in bot.pending_application_commands:
        if isinstance(each, discord.SlashCommandGroup):
            found += [command for command in each.walk_commands() if type(command) is discord.SlashCommand]
        elif isinstance(each, discord.SlashCommand):
            found.append(each)
    return sorted(found, key=lambda command: command.qualified_name)
