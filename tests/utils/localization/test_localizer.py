"""Localizers: values in Markdown and plain, catalogues, plurals, numbers."""

import asyncio
import re
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel import Locale
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.pseudo_language import PSEUDO
from utils.localization.catalogue import read_catalogue
from utils.localization.languages import Languages
from utils.localization.localizer import ENGLISH_LOCALIZER, build_localizer
from utils.models.players import OTHER_WEAPONS
from utils.models.scope import ERASED_NAME
from utils.models.texts import (
    Code,
    Command,
    Day,
    Mention,
    Moment,
    Names,
    Number,
    Value,
    plural,
    text,
    text_in,
)
from utils.models.typed_text import fold_text
from utils.models.visible_text import NAMELESS, clean_text

AT = datetime(2025, 5, 1, 18, 5, tzinfo=UTC)
SHIPPED = ("en", "de", "es", "es-419", "fr", "pt-BR", "ru", "pl")
RUSSIAN = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=3; plural=(n == 1 ? 0 : n < 5 ? 1 : 2);\n"

msgid "{count} kill of {name}"
msgid_plural "{count} kills of {name}"
msgstr[0] "{name}: {count} убийство"
msgstr[1] "{name}: {count} убийства"
msgstr[2] "{name}: {count} убийств"

msgctxt "a door"
msgid "Open"
msgstr "Открыта"

msgid "Open"
msgstr "Открыть"

#, fuzzy
msgid "Unsure"
msgstr "Наверное"

msgid "Not yet"
msgstr ""

msgctxt "distance"
msgid "{number} m"
msgstr "{number} м"
"""


@pytest.fixture(name="languages")
def _languages(tmp_path: Path) -> Languages:
    (tmp_path / "ru.po").write_text(RUSSIAN, "utf-8")
    return Languages(tmp_path)


@pytest.mark.parametrize(
    ("value", "markdown", "plain"),
    [
        ("**Ann**\n@everyone", "\\*\\*Ann\\*\\* @\u200beveryone", "**Ann** @everyone"),
        ("", "(no visible name)", "(no visible name)"),
        (Day(date(2025, 4, 2)), "02 Apr 2025", "02 Apr 2025"),
        (Day(date(2025, 4, 2), has_year=False), "02 Apr", "02 Apr"),
        ("of 0002aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "of (id)", "of (id)"),
        ("Deadbeefcafe", "Deadbeefcafe", "Deadbeefcafe"),  # a name, although it could be part of an id
        (text("**{name}** left", name="_x_"), "**\\_x\\_** left", "**_x_** left"),
        (Command("link"), "`/link`", "/link"),
        (Code("a`_b"), "`a'_b`", "a`_b"),
        (Moment(AT, "t"), "<t:1746122700:t>", "01 May 2025, 18:05 UTC"),
        (Mention("#", 5), "<#5>", "<#5>"),
        (Names(("a_", "b", "c")), "a\\_, b, c", "a_, b, c"),
        (Number(1234.5, 1), "1,234.5", "1,234.5"),
    ],
)
def test_value_is_shown_as_its_place_allows(value: Value, markdown: str, plain: str) -> None:
    """Foreign text is escaped in Markdown and unchanged in plain text."""
    assert (ENGLISH_LOCALIZER.write(value), ENGLISH_LOCALIZER.write_plain(value)) == (markdown, plain)


FOREIGN = st.text(st.one_of(st.sampled_from("אبع٣\u2066\u2067\u2068\u2069\u202e*_` a1—"), st.characters()))


@given(FOREIGN, FOREIGN)
def test_name_never_turns_its_row_around(killer: str, victim: str) -> None:
    """Every right-to-left letter is between two signs that isolate it, in Markdown and plain.

    A name cannot close the isolation itself, and it is found as before when it is typed with the signs.
    """
    row = text(
        "{killer} — {victim}, {code} — {metres} m",
        killer=killer,
        victim=victim,
        code=Code(victim),
        metres="312",
    )
    for shown in (ENGLISH_LOCALIZER.write(row), ENGLISH_LOCALIZER.write_plain(row)):
        outside = re.sub("\u2068[^\u2068\u2069]*\u2069", "", shown)
        assert not {"\u2066", "\u2067", "\u2068", "\u2069"}.intersection(outside)
        assert not {"R", "AL", "AN"}.intersection(map(unicodedata.bidirectional, outside))
    plain = ENGLISH_LOCALIZER.write_plain(killer)
    assert not clean_text(killer) or fold_text(plain) == fold_text(clean_text(killer, 400))


def test_command_becomes_a_mention_when_its_id_is_known() -> None:
    """A press on it types the command; options follow it, and plain text stays plain."""
    languages = Languages()
    link = Command("link")
    assert languages.english.write(link) == "`/link`"
    languages.command_ids.update({"link": 7, "admin server edit": 8})
    assert languages.english.write(text("Use {link}.", link=link)) == "Use </link:7>."
    edit = Command("admin server edit", "new_password:True")
    assert languages.english.write(edit) == "</admin server edit:8> `new_password:True`"
    assert languages.english.write(Command("admin")) == "`/admin`"
    assert languages.english.write_plain(edit) == "/admin server edit new_password:True"


async def test_text_is_written_as_the_catalogue_says(languages: Languages) -> None:
    """Context and number choose the text; fuzzy and empty ones fall back to English."""
    russian = await languages.open("ru")
    kills = {
        count: russian.write(plural("{count} kill of {name}", "{count} kills of {name}", count, name="Ян"))
        for count in (0, 1, 2, 5, 21, 1234)
    }
    assert kills == {
        0: "Ян: 0 убийств",
        1: "Ян: 1 убийство",
        2: "Ян: 2 убийства",
        5: "Ян: 5 убийств",
        21: "Ян: 21 убийство",
        1234: "Ян: 1\u00a0234 убийства",
    }
    said = [text_in("a door", "Open"), text("Open"), text("Unsure"), text("Not yet"), text("Never heard")]
    assert [russian.write(each) for each in said] == [
        "Открыта",
        "Открыть",
        "Unsure",
        "Not yet",
        "Never heard",
    ]
    assert russian.write_plain(Moment(AT)) == "1 мая 2025\u202fг., 18:05 UTC"  # noqa: RUF001 - Russian


@pytest.mark.parametrize("language", SHIPPED)
@pytest.mark.parametrize("number", [0, 7, -7, 1234, -1_234_567, 12_345.5, 0.25])
def test_numbers_are_those_of_babel(language: str, number: float) -> None:
    """The bot's own quick code must give the same numbers as Babel."""
    localizer = build_localizer(language, read_catalogue(language, None))
    decimals = 0 if isinstance(number, int) else 2
    expected = format_decimal(
        number,
        format=f"#,##0.{'0' * decimals}" if decimals else "#,##0",
        locale=Locale.parse(language, sep="-"),
    )
    assert localizer.write_plain(Number(number, decimals)) == expected


@pytest.mark.parametrize(
    ("language", "whole", "without_year"),
    [
        ("de", "2. Apr. 2025", "2. Apr."),
        ("es-419", "2 abr 2025", "2 abr"),
        ("pt-BR", "2 de abr. de 2025", "2 de abr."),
        ("ru", "2 апр. 2025\u202fг.", "2 апр."),  # noqa: RUF001 - Russian
    ],
)
def test_day_is_written_as_in_the_language(language: str, whole: str, without_year: str) -> None:
    """The order and the words around the month are those of CLDR."""
    localizer = build_localizer(language, read_catalogue(language, None))
    day = date(2025, 4, 2)
    shown = [localizer.write(Day(day)), localizer.write(Day(day, has_year=False))]
    assert shown == [whole, without_year]


@pytest.mark.parametrize("language", SHIPPED)
def test_several_names_stand_in_a_row_in_each_language(language: str) -> None:
    """CLDR has a list without "and" for some languages alone."""
    localizer = build_localizer(language, read_catalogue(language, None))
    assert localizer.write(Names((Number(1), Number(2), Number(3)))) == "1, 2, 3"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (("ru", "en"), "ru"),
        (("de", "ru"), "ru"),
        (("en-GB", "ru"), "en"),
        ((None, "ru-UA"), "ru-UA"),
        (("uk", None), "en"),
        ((), "en"),
    ],
)
def test_first_language_that_is_there_is_chosen(
    languages: Languages, wanted: tuple[str | None, ...], chosen: str
) -> None:
    """A region uses the texts of its language; without any of them it is English."""
    assert languages.choose(*wanted) == chosen


async def test_catalogue_is_read_once_and_in_a_thread(languages: Languages) -> None:
    """Several callers at once wait for one reading, which does not block the loop."""
    first, *others = await asyncio.gather(*(languages.open("ru") for _ in range(5)))
    assert all(other is first for other in others)
    assert await languages.open("en") is languages.english


@pytest.mark.parametrize("stored", [ERASED_NAME, OTHER_WEAPONS, NAMELESS, "\u200b"])
def test_name_that_nobody_bears_is_shown_in_each_language(stored: str) -> None:
    """The replacement for a nameless player is stored like a name, but it is a text of the bot."""
    english = NAMELESS if stored == "\u200b" else stored
    assert ENGLISH_LOCALIZER.write(stored) == ENGLISH_LOCALIZER.write_plain(stored) == english
    assert "⟦" in PSEUDO.write(stored)
    assert "⟦" in PSEUDO.write_plain(stored)
    assert "⟦" not in PSEUDO.write_plain("Ann")
