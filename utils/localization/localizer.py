"""Localizer: writes texts and values in one language, for Markdown or plain."""

from collections.abc import Mapping
from types import MappingProxyType

from utils.localization.catalogue import ENGLISH_CATALOGUE, Catalogue
from utils.localization.escape import (
    ZERO_WIDTH_SPACE,
    escape_text,
    hide_ids,
    hide_whole_ids,
    isolate,
)
from utils.localization.pools import ENGLISH_POOLS, Pools
from utils.models.players import REST
from utils.models.scope import ERASED
from utils.models.texts import Code, Command, Day, Moment, Text, TextWriter, Value
from utils.models.visible_text import NAMELESS, NO_VISIBLE_NAME, clean_text

FOREIGN_CHARACTERS = 400  # of one value; the longest is a line of a log or a message of a host

STAND_INS = {str(said): said for said in (ERASED, REST, NO_VISIBLE_NAME)}
"""Stored stand-ins for names: they arrive as foreign text, but each has a text of ours."""

ENGLISH = "en"

NO_IDS: Mapping[str, int] = MappingProxyType({})


class PlainWriter(TextWriter):
    """Writes for places without markup: footers, buttons, choices, forms, pictures."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.numerals = catalogue.numerals

    def find_form(self, each: Text) -> str:
        """Return the sentence of the catalogue, or the English if it has none."""
        forms = self._catalogue.forms.get((each.context, each.source))
        if forms is None:
            return super().find_form(each)
        return forms[self._catalogue.choose_form(abs(each.count)) if each.many else 0]

    def write_foreign(self, foreign: str) -> str:
        """Return foreign text on one line; never empty, with players' ids hidden, and isolated."""
        shown = self.clean(foreign) or NAMELESS
        stand_in = STAND_INS.get(foreign) or STAND_INS.get(shown)
        return isolate(shown) if stand_in is None else self.write(stand_in)

    def clean(self, foreign: str) -> str:
        """Return foreign text as it can be shown here; empty if it is invisible."""
        return clean_text(hide_whole_ids(foreign), FOREIGN_CHARACTERS)

    def write_moment(self, moment: Moment) -> str:
        """Return date and time in UTC."""
        return self._catalogue.write_moment(moment.at)

    def write_day(self, day: Day) -> str:
        """Return a day with the short name of its month."""
        return self._catalogue.write_day(day)


class MarkdownWriter(PlainWriter):
    """Writes for places where Discord shows markup; foreign text is escaped.

    Args:
        command_ids: Discord's id of each command by its full name, as far as they are known now.
    """

    def __init__(self, catalogue: Catalogue, command_ids: Mapping[str, int] = NO_IDS) -> None:
        super().__init__(catalogue)
        self._command_ids = command_ids

    def clean(self, foreign: str) -> str:
        """Return foreign text escaped."""
        return escape_text(hide_whole_ids(foreign), FOREIGN_CHARACTERS)

    def write_code(self, code: Code) -> str:
        """Return a span of code; the only markup in it is its end."""
        cleaned = clean_text(hide_ids(code.value), FOREIGN_CHARACTERS) or NAMELESS
        shown = cleaned.replace("`", "'").replace("@", f"@{ZERO_WIDTH_SPACE}")
        return isolate(f"`{shown}`")

    def write_command(self, command: Command) -> str:
        """Return a command that a press types, or a highlighted one until its id is known."""
        command_id = self._command_ids.get(command.name)
        if command_id is None:
            return f"`{super().write_command(command)}`"
        mention = f"</{command.name}:{command_id}>"
        return f"{mention} `{command.options}`" if command.options else mention

    def write_moment(self, moment: Moment) -> str:
        """Return a timestamp of Discord, which each client shows in its own language and zone."""
        return f"<t:{int(moment.at.timestamp())}:{moment.style}>"


class Localizer:
    """One language.

    Attributes:
        language: a locale as Discord names it, for example ``pt-BR``.
        pools: titles and lines of posts.
    """

    def __init__(
        self, language: str, *, plain: TextWriter, markdown: TextWriter, pools: Pools = ENGLISH_POOLS
    ) -> None:
        self.language = language
        self.pools = pools
        self._plain = plain
        self._markdown = markdown

    def __repr__(self) -> str:
        """Return the language."""
        return f"<Localizer {self.language}>"

    def write(self, value: Value) -> str:
        """Return a value for a title, a description, a field or a message's content."""
        return self._markdown.write(value)

    def find_form(self, each: Text) -> str:
        """Return the sentence of a text with its places still open; the English one if it has no other."""
        return self._plain.find_form(each)

    def write_plain(self, value: Value) -> str:
        """Return a value for a footer, a button, a choice, a form or a picture, without markup."""
        return self._plain.write(value)


def build_localizer(
    language: str,
    catalogue: Catalogue,
    pools: Pools = ENGLISH_POOLS,
    *,
    command_ids: Mapping[str, int] = NO_IDS,
) -> Localizer:
    """Return the localizer of a language by its catalogue; posts without a pool are in English."""
    return Localizer(
        language,
        plain=PlainWriter(catalogue),
        markdown=MarkdownWriter(catalogue, command_ids),
        pools={**ENGLISH_POOLS, **pools},
    )


ENGLISH_LOCALIZER = build_localizer(ENGLISH, ENGLISH_CATALOGUE)
"""English needs no file, because the code holds it."""
