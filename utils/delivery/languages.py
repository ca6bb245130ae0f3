"""A guild's language, for automatic posts; and a member's, for direct messages."""

from typing import Protocol

import discord

from utils.embeds.factory import EmbedFactory
from utils.localization.guild_languages import find_guild_language
from utils.models.scope import GuildId
from utils.services.guilds.guild_settings import SettingsService


class GuildSpeaker(Protocol):  # implemented by GuildLanguages
    """Makes embeds in a guild's language."""

    async def find_language(self, guild_id: GuildId) -> str:
        """Return a guild's language, among those the bot has."""

    async def speak_in(self, language: str) -> EmbedFactory:
        """Return the factory for that language."""

    async def speak(self, guild_id: GuildId) -> EmbedFactory:
        """Return the factory in a guild's language."""

    async def speak_to_member(self, locale: str) -> EmbedFactory:
        """Return the factory for the locale of a member's client; English if the bot does not have it."""


class GuildLanguages:
    """Finds the language of a guild, for what the bot posts by itself."""

    def __init__(self, bot: discord.Client, factory: EmbedFactory, settings: SettingsService) -> None:
        self._bot = bot
        self._settings = settings
        self._factory = factory

    async def find_language(self, guild_id: GuildId) -> str:
        """Return a guild's language, among those the bot has."""
        guild = self._bot.get_guild(guild_id)
        locale = guild.preferred_locale if guild else None
        return await find_guild_language(
            guild_id, locale, self._factory.languages, find_chosen=self._settings.find_language
        )

    async def speak_in(self, language: str) -> EmbedFactory:
        """Return the factory for that language."""
        return await self._factory.speak(language)

    async def speak(self, guild_id: GuildId) -> EmbedFactory:
        """Return the factory in a guild's language."""
        return await self.speak_in(await self.find_language(guild_id))

    async def speak_to_member(self, locale: str) -> EmbedFactory:
        """Return the factory for the locale of a member's client; English if the bot does not have it."""
        return await self.speak_in(self._factory.languages.choose(locale))
