"""The command set: the commands of the bot, and their registration with Discord."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import discord
from structlog import get_logger

SLASH = discord.SlashCommand.type

logger = get_logger(__name__)


def list_commands(bot: discord.Bot) -> list[discord.SlashCommand]:
    """Return every command that can be run, groups resolved, in order of its full name."""
    found: list[discord.SlashCommand] = []
    for each in bot.pending_application_commands:
        if isinstance(each, discord.SlashCommandGroup):
            found += [command for command in each.walk_commands() if type(command) is discord.SlashCommand]
        elif isinstance(each, discord.SlashCommand):
            found.append(each)
    return sorted(found, key=lambda command: command.qualified_name)


class CommandRegister:
    """Registers the commands with Discord if they changed, without clearing them first.

    Args:
        bot: the bot with all commands loaded.
        file: keeps a digest of the last registration, and its application.
    """

    def __init__(self, bot: discord.Bot, file: Path) -> None:
        self._bot = bot
        self._file = file
        self._lock = asyncio.Lock()  # several shards may connect at once

    async def update(self) -> None:
        """Register the command set, unless it is registered already.

        Raises:
            discord.HTTPException: Discord refuses, or does not answer.
        """
        async with self._lock:
            await self._update()

    async def read_ids(self) -> Mapping[str, int]:
        """Return Discord's id of each registered command by its full name; those of a group share one.

        Raises:
            discord.HTTPException: Discord refuses, or does not answer.
        """
        application_id = self._bot.application_id
        if application_id is None:  # before the first connect
            return {}
        registered = await self._bot.http.get_global_commands(application_id)
        ids = {str(command["name"]): int(command["id"]) for command in registered if command["type"] == SLASH}
        names = [command.qualified_name for command in list_commands(self._bot)]
        return {name: ids[first] for name in names if (first := name.partition(" ")[0]) in ids}

    async def _update(self) -> None:
        commands = sorted(self._bot.pending_application_commands, key=lambda command: str(command.name))
        digest = self._compute_digest([command.to_dict() for command in commands])
        if self._file.exists() and self._file.read_text("ascii") == digest:
            return
        await self._bot.sync_commands()
        self._file.write_text(digest, "ascii")
        logger.info("commands registered", count=len(commands))

    def _compute_digest(self, payload: object) -> str:
        told = {
            "application": self._bot.application_id,
            "api": discord.http.Route.API_BASE_URL,
            "set": payload,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
