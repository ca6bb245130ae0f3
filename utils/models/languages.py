"""The languages that a community can choose, each by its own name."""

from collections.abc import Mapping
from dataclasses import dataclass

from utils.models.texts import Text, Value, text, text_in

LANGUAGE_NAMES: Mapping[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "pt-BR": "Português (Brasil)",
    "ru": "Русский",
}
"""Each language by its code, as Discord writes it."""

_IN_DISCORD = {"es": "es-ES"}

AUTOMATIC = "auto"

LANGUAGE_CHOICES: Mapping[str, Text | str] = {AUTOMATIC: text_in("a choice", "Automatic"), **LANGUAGE_NAMES}


@dataclass(frozen=True, slots=True)
class LanguageOverview:
    """The answer of ``/admin language``.

    Attributes:
        is_automatic: no language is chosen, so the one of Discord's settings holds.
        language: the language of public answers and posts.
        timezone: the name of the time zone by which recaps come.
    """

    is_automatic: bool
    language: str
    timezone: str

    def describe(self) -> Value:
        """Return the language for people."""
        name = name_language(self.language)
        return text("Automatic: {language}", language=name) if self.is_automatic else name


def name_in_discord(language: str) -> str:
    """Return Discord's name of a language's locale; ``es-419`` falls back to ``es-ES`` by itself."""
    return _IN_DISCORD.get(language, language)


def name_language(locale: str) -> str:
    """Return a language's own name; ``es-419`` has the name of ``es``."""
    return LANGUAGE_NAMES.get(locale) or LANGUAGE_NAMES.get(locale.partition("-")[0], locale)
