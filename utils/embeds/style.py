"""Style: the theme and the language of an embed."""

from dataclasses import dataclass

from utils.embeds.theme import Theme
from utils.localization.localizer import Localizer
from utils.models.texts import Value


@dataclass(frozen=True, slots=True)
class Style:
    """A theme and a language."""

    theme: Theme
    words: Localizer

    def write(self, value: Value) -> str:
        """Return a value for a title, a description or a field."""
        return self.words.write(value)

    def write_plain(self, value: Value) -> str:
        """Return a value for a footer, which shows no markup."""
        return self.words.write_plain(value)
