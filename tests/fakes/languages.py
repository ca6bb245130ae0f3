"""Guilds that read the language a test gives them."""

from tests.fakes.pseudo_language import LANGUAGES
from utils.embeds.factory import EmbedFactory
from utils.models.scope import GuildId


class FakeGuildLanguages:
    """Every guild reads one language.

    Attributes:
        language: which.
        spoken: the languages that embeds were wanted in.
    """

    def __init__(self, factory: EmbedFactory | None = None) -> None:
        self.language = "en"
        self.spoken: list[str] = []
        self._factory = factory or EmbedFactory(languages=LANGUAGES)

    async def find_language(self, guild_id: GuildId) -> str:
        """Return the language of all of them."""
        del guild_id
        return self.language

    async def speak_in(self, language: str) -> EmbedFactory:
        """Return the factory in a language."""
        self.spoken.append(language)
        return await self._factory.speak(language)

    async def speak(self, guild_id: GuildId) -> EmbedFactory:
        """Return the factory in the language of all of them."""
        return await self.speak_in(await self.find_language(guild_id))
