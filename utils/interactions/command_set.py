"""The command set: the commands of the bot, and their registration with Discord."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import discord
from structlog import get_logger

from utils.interactions.command_texts import localised
from utils.localization.languages import Languages

EVERYWHERE = "everywhere"
SLASH = discord.SlashCommand.type

Registrable = discord.ApplicationCommand[Any, Any, Any]

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


def is_registered_in(guild_id: int, command: discord.SlashCommand) -> bool:
    """Tell whether Discord knows a command in a guild: those of the owners may be in the home guild alone."""
    root: discord.SlashCommand | discord.SlashCommandGroup = command
    while root.parent is not None:
        root = root.parent
    return root.guild_ids is None or guild_id in root.guild_ids


class CommandRegister:
    """Registers the commands with Discord if they changed, without clearing them first.

    The commands of everybody and those of the home guild are two sets. If the bot is not in the home guild,
    only the second one waits.

    Args:
        bot: the bot with all commands loaded.
        file: keeps a digest of each registered set.
    """

    def __init__(self, bot: discord.Bot, file: Path) -> None:
        self._bot = bot
        self._file = file
        self._lock = asyncio.Lock()  # several shards may connect at once

    async def update(self, languages: Languages) -> None:
        """Register the command set in all languages, unless it is registered already.

        The catalogues count by their bytes, because reading all of them takes a second.

        Raises:
            discord.HTTPException: Discord refuses, or does not answer.
        """
        async with self._lock:
            await self._update(languages)

    async def read_ids(self) -> Mapping[str, int]:
        """Return Discord's id of each registered command by its full name; those of a group share one.

        Raises:
            discord.HTTPException: Discord refuses, or does not answer.
        """
        if self._bot.application_id is None:  # before the first connect
            return {}
        registered = [await self._list_registered(where) for where in self._sort_commands()]
        ids = {
            str(command["name"]): int(command["id"])
            for command in chain.from_iterable(registered)
            if command["type"] == SLASH
        }
        names = [command.qualified_name for command in list_commands(self._bot)]
        return {name: ids[first] for name in names if (first := name.partition(" ")[0]) in ids}

    async def _list_registered(self, where: str) -> Sequence[Mapping[str, Any]]:
        application_id = self._bot.application_id or 0
        if where == EVERYWHERE:
            return await self._bot.http.get_global_commands(application_id)
        try:
            return await self._bot.http.get_guild_commands(application_id, int(where))
        except discord.Forbidden:  # the bot is not in the home guild
            return ()

    async def _update(self, languages: Languages) -> None:
        texts = await languages.compute_digest()
        registered = self._read_registered()
        sets = dict.fromkeys(registered, ()) | self._sort_commands()
        for where, commands in sets.items():
            digest = self._compute_digest([command.to_dict() for command in commands], texts)
            if registered.get(where) == digest:
                continue
            with localised(commands, await languages.open_all()):
                await self._register(where, commands)
            registered[where] = digest
            self._file.write_text(json.dumps(registered), "ascii")

    async def _register(self, where: str, commands: Sequence[Registrable]) -> None:
        guild_id = None if where == EVERYWHERE else int(where)
        try:
            await self._bot.register_commands(list(commands), guild_id=guild_id, force=True)
        except discord.Forbidden:
            if commands:
                raise
            logger.info("the bot is not in its former home guild any more", guild_id=guild_id)
        else:
            logger.info("commands registered", count=len(commands), guild_id=guild_id)

    def _sort_commands(self) -> dict[str, Sequence[Registrable]]:
        """Return the commands of each set, by name: for all guilds, and for each guild with its own."""
        sets: dict[str, list[Registrable]] = {EVERYWHERE: []}
        for command in sorted(self._bot.pending_application_commands, key=lambda one: str(one.name)):
            for guild_id in command.guild_ids or (EVERYWHERE,):
                sets.setdefault(str(guild_id), []).append(command)
        return dict(sets)

    def _read_registered(self) -> dict[str, str]:
        """Return the digest of each set that is registered; none if the file is of an older version."""
        try:
            found = json.loads(self._file.read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _compute_digest(self, payload: object, texts: str) -> str:
        told = {
            "application": self._bot.application_id,
            "api": discord.http.Route.API_BASE_URL,
            "set": payload,
            "texts": texts,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
