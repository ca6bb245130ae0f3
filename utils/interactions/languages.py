"""Languages of answers: the guild's for public answers, the caller's for private ones."""

from collections.abc import Mapping

import discord

from utils.embeds.factory import EmbedFactory
from utils.localization.guild_languages import find_guild_language
from utils.localization.languages import Languages
from utils.models.scope import GuildId
from utils.services.guilds.guild_settings import SettingsService


class AnswerLanguages:
    """Chooses the language of each answer, among those of the bot."""

    def __init__(self, embeds: EmbedFactory, settings: SettingsService) -> None:
        self._embeds = embeds
        self._settings = settings

    @property
    def all(self) -> Languages:
        """The languages of the bot."""
        return self._embeds.languages

    def know_commands(self, ids: Mapping[str, int]) -> None:
        """Write commands as mentions from now on: Discord's id of each by its full name."""
        self.all.command_ids.update(ids)

    async def speak(self, interaction: discord.Interaction, *, is_private: bool) -> EmbedFactory:
        """Return the factory for an answer; a private one is in the guild's language if need be."""
        own = interaction.locale if is_private else None
        if own is None or not self.all.has(own):
            own = await self.find_language(interaction.guild_id, interaction.guild_locale)
        return await self._embeds.speak(self.all.choose(own))

    async def find_language(self, guild_id: int | None, locale: str | None) -> str:
        """Return the language of a guild with this ``locale`` in Discord."""
        known = None if guild_id is None else GuildId(guild_id)
        return await find_guild_language(known, locale, self.all, find_chosen=self._settings.find_language)
