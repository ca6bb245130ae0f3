"""Guilds with the language of a test."""

from tests.fakes.pseudo_language import LANGUAGES
from utils.embeds.factory import EmbedFactory
from utils.models.scope import GuildId


class FakeGuildLanguages:
    """All guilds have one language.

    Attributes:
        language: the language of all guilds.
        spoken: the languages of the requested embeds.
    """

    def __init__(self, factory: EmbedFactory | None = None) -> None:
        self.language = "en"
        self.spoken: list[str] = []
        self._factory = factory or EmbedFactory(languages=LANGUAGES)

    async def find_language(self, guild_id: GuildId) -> str:
        """Return that language."""
        del guild_id
        return self.language

    async def speak_in(self, language: str) -> EmbedFactory:
        """Return the factory for a language."""
        self.spoken.append(language)
        return await self._factory.speak(language)

    async def speak_to_member(self, locale: str) -> EmbedFactory:
        """Return the factory for a locale."""
        return await self.speak_in(locale or self.language)

    async def speak(self, guild_id: GuildId) -> EmbedFactory:
        """Return the factory for the language of all guilds."""
        return await self.speak_in(await self.find_language(guild_id))
