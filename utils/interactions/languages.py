"""Languages of answers: the guild's for public answers, the caller's for private ones."""

from collections.abc import Mapping

import discord

from utils.embeds.factory import EmbedFactory


class AnswerLanguages:
    """Chooses the language of each answer, among those of the bot."""

    def __init__(self, embeds: EmbedFactory) -> None:
        self._embeds = embeds

    def know_commands(self, ids: Mapping[str, int]) -> None:
        """Write commands as mentions from now on: Discord's id of each by its full name."""
        self._embeds.languages.command_ids.update(ids)

    async def speak(self, interaction: discord.Interaction, *, is_private: bool) -> EmbedFactory:
        """Return the factory for an answer; the guild's language is the one set in Discord, else English."""
        own = interaction.locale if is_private else None
        return await self._embeds.speak(self._embeds.languages.choose(own, interaction.guild_locale))
