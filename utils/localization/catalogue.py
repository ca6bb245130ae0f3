"""Catalogues: the sentences of one language, from its PO file, and how it writes numbers and dates.

Babel reads PO files and CLDR's plurals. The separators of numbers are read once for each language and applied
by our own code, because Babel's way takes 24 µs a number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from utils.models.texts import Day, Numerals

FOLDER = Path(__file__).parent / "catalogues"
PLURALS = ("zero", "one", "two", "few", "many", "other")
TIME = "HH:mm 'UTC'"
_PLACES = re.compile(r"\{\w*\}")

Forms = Mapping[tuple[str, str], tuple[str, ...]]
"""Context and English of a text, with its sentence or one for each plural."""


class DayPatterns(NamedTuple):
    """How a language writes a day with the short name of its month, in CLDR's letters."""

    whole: str = "dd MMM y"
    without_year: str = "dd MMM"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sentences and formats of a language.

    Attributes:
        locale: the locale of numbers, dates and plurals.
        plurals: CLDR's names of the plural forms in the file.
    """

    locale: Locale
    plurals: tuple[str, ...] = ("one", "other")
    forms: Forms = field(default_factory=dict)
    numerals: Numerals = field(default_factory=Numerals)
    days: DayPatterns = field(default_factory=DayPatterns)

    def choose_form(self, count: int) -> int:
        """Return the index of the form for a number."""
        return self.plurals.index(self.locale.plural_form(count))

    def write_moment(self, at: datetime) -> str:
        """Return date and time in UTC."""
        return format_datetime(at.astimezone(UTC), f"{self.days.whole}, {TIME}", locale=self.locale)

    def write_day(self, day: Day) -> str:
        """Return a day with the short name of its month."""
        pattern = self.days.whole if day.has_year else self.days.without_year
        return format_date(day.value, pattern, locale=self.locale)


ENGLISH_CATALOGUE = Catalogue(Locale("en"))


def read_catalogue(language: str, file: Path | None) -> Catalogue:
    """Return the catalogue of a language; without a file it has English texts and that language's numbers.

    It takes 0.1 s for a thousand texts, so it is called in a thread.
    """
    locale = Locale.parse(language, sep="-")
    symbols = locale.number_symbols["latn"]
    numerals = Numerals(symbols["group"], symbols["decimal"], symbols["minusSign"])
    days = DayPatterns(*(locale.datetime_skeletons[skeleton].pattern for skeleton in ("yMMMd", "MMMd")))
    if file is None:
        return Catalogue(locale, ENGLISH_CATALOGUE.plurals, numerals=numerals, days=days)
    with file.open("rb") as content:
        catalog = read_po(content, locale=locale)
    return Catalogue(locale, list_plurals(locale, catalog.num_plurals), _read_forms(catalog), numerals, days)


def list_plurals(locale: Locale, count: int) -> tuple[str, ...]:
    """Return CLDR's names of the plural forms, without "other" if that is only for fractions."""
    tags = {*locale.plural_form.tags, "other"}
    return tuple(tag for tag in PLURALS if tag in tags)[:count]


def is_showable(message: Message) -> bool:
    """Tell whether each sentence has only places of the English, for which there are values."""
    english, said = (
        (one,) if isinstance(one, str) else tuple(one or ()) for one in (message.id, message.string)
    )
    places = {place for one in english for place in _PLACES.findall(one)}
    return all(places.issuperset(_PLACES.findall(one)) for one in said)


def _read_forms(catalog: Catalog) -> Forms:
    forms = {}
    for message in catalog:
        said = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        source = message.id if isinstance(message.id, str) else message.id[0]
        if source and said and all(said) and not message.fuzzy and is_showable(message):
            forms[message.context or "", source] = said
    return forms
