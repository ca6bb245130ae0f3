"""Style: the theme and the language of an embed."""

from collections.abc import Iterable
from dataclasses import dataclass

import discord

from utils.embeds.theme import Theme
from utils.localization.localizer import Localizer
from utils.models.texts import Text, Value


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

    def build(
        self,
        title: Text,
        said: Value | None = None,
        *,
        lines: Iterable[str] = (),
        mark: str = "",
        colour: int | None = None,
    ) -> discord.Embed:
        """Return an embed.

        Args:
            title: its title, behind the mark if there is one.
            said: what it says where there are no lines.
            lines: what it lists, in the language already.
            mark: an emoji of the theme.
            colour: of its edge; neutral when left out.
        """
        return discord.Embed(
            title=f"{mark} {self.write(title)}".lstrip(),
            description="\n".join(lines) or (None if said is None else self.write(said)),
            colour=self.theme.neutral if colour is None else colour,
        )

    def add_field(
        self, embed: discord.Embed, name: Value, value: Value, *, inline: bool = False
    ) -> discord.Embed:
        """Return an embed with one more field, as wide as the embed unless it stands ``inline``."""
        return embed.add_field(name=self.write(name), value=self.write(value), inline=inline)

    def add_footer(self, embed: discord.Embed, said: Value) -> discord.Embed:
        """Return an embed with a footer."""
        return embed.set_footer(text=self.write_plain(said))
