"""Collecting the texts of the code, and updating the catalogues."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from utils.commandline.messages import collect_all, main
from utils.localization.catalogue import read_catalogue
from utils.localization.messages import add_language, collect_texts, list_changes
from utils.models.languages import LANGUAGE_NAMES

CODE = """
from utils.models.texts import plural, text, text_in
ONE = text("Hello {name}", name="x")
MANY = plural("{count} kill", "{count} kills", 3)
DOOR = text_in("a door", "Open")
OPEN = text("Open")
"""
TEXT_AS_A_NAME = """
def cut(text: str, *, limit: int = 3) -> str:
    return f"{text[:limit]}…" if text[0] else "no text"
for text in ("not this", "nor that"):
    print(text["nor this"])
TITLES = {text[0]: text("One {more}", more=text("Two"))}
"""


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    (tmp_path / "cogs").mkdir()
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "greeting.py").write_text(CODE, "utf-8")
    return tmp_path


def list_ids(catalog: Catalog) -> set[tuple[str | None, object]]:
    """Return context and English of each text."""
    return {(message.context, message.id) for message in catalog if message.id}


def test_every_kind_of_text_is_collected(root: Path) -> None:
    """Context and plural are collected too."""
    assert list_ids(collect_texts(root)) == {
        (None, "Hello {name}"),
        (None, ("{count} kill", "{count} kills")),
        ("a door", "Open"),
        (None, "Open"),
    }


def test_only_calls_are_collected_and_none_is_missed(root: Path) -> None:
    """A name may also be ``text``, and a text may be within another one."""
    (root / "utils" / "greeting.py").write_text(TEXT_AS_A_NAME, "utf-8")
    assert list_ids(collect_texts(root)) == {(None, "One {more}"), (None, "Two")}


def test_catalogue_gets_what_is_new_and_keeps_what_is_translated(root: Path) -> None:
    """A second run changes nothing, even if a text has moved to another line."""
    file = add_language("ru", collect_texts(root), root)
    written = file.read_text("utf-8")
    assert written.count("msgstr[2]") == 1
    file.write_text(
        written.replace('msgid "Hello {name}"\nmsgstr ""', 'msgid "Hello {name}"\nmsgstr "{name}!"'), "utf-8"
    )
    (root / "cogs" / "more.py").write_text('text("New")\n', "utf-8")
    (root / "utils" / "greeting.py").write_text("\n\n" + CODE.replace('text("Open")', '"gone"'), "utf-8")
    template = collect_texts(root)
    [(changed, content)] = list_changes(template, root).items()
    changed.write_bytes(content)
    assert list_changes(template, root) == {}
    assert b'msgid "New"' in content
    assert content.count(b'msgid "Open"') == 1
    assert read_catalogue("ru", file).forms == {("", "Hello {name}"): ("{name}!",)}


def test_catalogues_of_the_repository_are_up_to_date() -> None:
    """This is the check of ``make lint``."""
    assert main(["--check"]) == 0


def test_texts_of_commands_are_collected() -> None:
    """Descriptions, and names of choices and menus; a language's own name is not translated."""
    found = list_ids(collect_all())
    assert len(found) > 100
    assert {
        ("command", "Game servers and channels of this Discord server"),
        ("command", "Which one"),
        ("choice", "Killfeed"),
        ("context menu", "Stats"),
    } <= found
    assert not {("choice", name) for name in LANGUAGE_NAMES.values()} & found
    assert {("choice", "Automatic"), (None, "Setup")} & found == {("choice", "Automatic")}
