"""The catalogues: complete, with the places and marks of the English, and within the limits of Discord."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from discord.commands import core
from hypothesis import given
from hypothesis import strategies as st

from simulation.discord.validation.commands import LOCALES, MAX_COMMAND_CHARACTERS, count_characters
from simulation.discord.validation.commands import check_command as check_like_discord
from simulation.discord.validation.form import FormErrors
from tests.fakes.longest_language import CATALOGUES
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.commandline.messages import collect_all
from utils.interactions.command_texts import localised
from utils.localization.catalogue import FOLDER, list_plurals
from utils.localization.languages import Languages
from utils.models.languages import LANGUAGE_NAMES, name_in_discord

FILES = sorted(FOLDER.glob("*.po"))
CLDR = {"de": 2, "es": 3, "fr": 3, "pt-BR": 3, "ru": 3}
"""The number of plural forms of whole numbers, written down here once more."""

SAME = frozenset(
    {
        *("Airdrop", "Airdrops", "airdrops", "Backup", "Leader", "Level", "Login", "Premium", "Respawns"),
        *(
            "Multikills",
            "multikills",
            "respawns",
            "Runbook",
            "Runbook: {name}",
            "{count} bytes",
            "{number} min",
        ),
        *("{online} online", "💾 Backups", "Tag: [{old}] → [{new}]", "tag", "alt", "host"),
    }
)
"""Names, and words of players and of machines, that are the same in several languages."""

MOST_SAME = 0.02

pytestmark = pytest.mark.skipif(not FILES, reason="the repository has no catalogue yet")
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@cache
def read(file: Path) -> Catalog:
    """Return the catalogue of a file, with its plural forms as the file names them."""
    with file.open("rb") as content:
        return read_po(content, locale=Locale.parse(file.stem, sep="-"))


@cache
def collect_wanted() -> frozenset[tuple[str | None, object]]:
    """Return context and English of each text of the code."""
    return frozenset((message.context, message.id) for message in collect_all() if message.id)


def list_messages(file: Path) -> list[Message]:
    """Return the texts of a catalogue."""
    return [message for message in read(file) if message.id]


def list_forms(said: str | Sequence[str]) -> list[str]:
    """Return the sentence of a text, or those of its plural forms."""
    return [said] if isinstance(said, str) else list(said)


def get_english(message: Message) -> str:
    """Return the English to which every form is compared: the plural one, if there are two."""
    return list_forms(message.id)[-1]


def count_marks(said: str) -> tuple[object, ...]:
    """Return the places, and how often each mark stands in a sentence."""
    places = Counter(place for _, place, _, _ in Formatter().parse(said) if place is not None)
    return places, said.count("**"), said.count("`"), said.count("\n")


@each_file
def test_every_text_is_translated(file: Path) -> None:
    """No text is missing, unsure or empty, and none is left of an older version."""
    messages = list_messages(file)
    assert {(message.context, message.id) for message in messages} == collect_wanted()
    assert [message.id for message in messages if message.fuzzy] == []
    assert [message.id for message in messages if not all(list_forms(message.string))] == []


@each_file
def test_each_plural_form_is_there(file: Path) -> None:
    """There are as many forms as the rules of Unicode name, and each whole number has one."""
    locale = Locale.parse(file.stem, sep="-")
    wanted = CLDR[file.stem]
    assert list_plurals(locale, wanted)[:1] == ("one",)
    plurals = [message for message in list_messages(file) if not isinstance(message.id, str)]
    assert {len(list_forms(message.string)) for message in plurals} == {wanted}
    forms = {CATALOGUES[file.stem].choose_form(count) for count in (*range(200), 10**6, 10**6 + 1)}
    assert forms == set(range(wanted))


@each_file
def test_places_and_marks_are_those_of_the_english(file: Path) -> None:
    """A translation that loses a place would hide a value; one with another would fail while it is shown."""
    wrong = [
        (message.id, form)
        for message in list_messages(file)
        for form in list_forms(message.string)
        if form
        and (
            count_marks(form) != count_marks(get_english(message))
            or (form != form.strip()) != (get_english(message) != get_english(message).strip())
        )
    ]
    assert wrong == []


@each_file
def test_hardly_any_text_is_the_same_as_in_english(file: Path) -> None:
    """An untranslated sentence looks like a translated one to all other checks."""
    messages = list_messages(file)
    same = [
        message.id
        for message in messages
        if list_forms(message.string)[0] == list_forms(message.id)[0]
        and re.search(r"[a-z]{3}", re.sub(r"\{\w*\}", "", get_english(message)), re.IGNORECASE)
        and get_english(message) not in SAME
    ]
    assert len(same) <= MOST_SAME * len(messages), same


@each_file
def test_language_is_known_to_discord_and_to_people(file: Path) -> None:
    """Its locale can be registered, and an admin can choose it."""
    assert name_in_discord(file.stem) in {*LOCALES}.intersection(core.valid_locales)
    assert file.stem in LANGUAGE_NAMES


@each_file
@given(
    number=st.floats(-(10**12), 10**12) | st.integers(-(10**12), 10**12),
    decimals=st.integers(0, 2),
)
def test_number_is_written_as_babel_does_it(file: Path, number: float, decimals: int) -> None:
    """Our own way is fast, and otherwise the same."""
    pattern = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    rounded = round(number, decimals) if decimals else round(number)
    written = CATALOGUES[file.stem].numerals.write(number, decimals)
    expected = format_decimal(rounded, format=pattern, locale=Locale.parse(file.stem, sep="-"))
    assert written == expected


async def test_commands_keep_discords_limits_in_all_languages() -> None:
    """The library checks nothing of what is set after a command was made, so this does it."""
    commands = OwnBot(Shelf(), Path()).pending_application_commands
    with localised(commands, await Languages().open_all()):
        payloads = [command.to_dict() for command in commands]
    errors = FormErrors()
    for place, payload in enumerate(payloads):
        check_like_discord(errors, (place,), payload)
    errors.raise_if_any()
    lengths = {str(payload["name"]): count_characters(payload) for payload in payloads}
    assert max(lengths.values()) <= MAX_COMMAND_CHARACTERS
    translated = {locale for payload in payloads for locale in list_locales(payload)}
    assert translated == {name_in_discord(file.stem) for file in FILES}


def list_locales(item: dict[str, Any]) -> Iterator[str]:
    """Yield every locale that a command has a text in."""
    for key in ("name_localizations", "description_localizations"):
        yield from item.get(key, ())
    for part in (*item.get("options", ()), *item.get("choices", ())):
        yield from list_locales(part)
