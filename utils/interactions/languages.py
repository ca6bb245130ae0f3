"""Languages of answers: the guild's for what everybody reads, the caller's for what they alone read."""

import discord

from utils.embeds.factory import EmbedFactory


class AnswerLanguages:
    """Chooses the language of each answer, among those the bot has."""

    def __init__(self, embeds: EmbedFactory) -> None:
        self._embeds = embeds

    async def speak(self, interaction: discord.Interaction, *, is_private: bool) -> EmbedFactory:
        """Return the factory for an answer; the guild's language is the one set in Discord, else English."""
        own = interaction.locale if is_private else None
        return await self._embeds.speak(self._embeds.languages.choose(own, interaction.guild_locale))
