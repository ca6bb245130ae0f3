"""Damaged files of languages: named by the check, and shown in English by the bot."""

from pathlib import Path

import pytest

from utils.localization.languages import Languages
from utils.models.texts import text

SOUND = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Hello {name}"
msgstr "Hallo {name}"
"""
HELLO = text("Hello {name}", name="Ann")


@pytest.mark.parametrize(
    ("name", "content", "problem", "shown"),
    [
        ("de.po", SOUND.encode(), "", "Hallo Ann"),
        ("de.po", SOUND.replace("Hallo {name}", "Hallo {nam}").encode(), "other places", "Hello Ann"),
        ("de.po", SOUND.encode("utf-16"), "decode", "Hello Ann"),
        ("de.po", (SOUND + "\nnonsense\n").encode(), "keyword on 7", "Hallo Ann"),
        ("de.toml", b"[death", "table", "Hello Ann"),
        ("de.toml", b"[death.kill]\nlines = []", "titles", "Hello Ann"),
    ],
)
async def test_damaged_file_is_named_and_its_language_stays_readable(
    tmp_path: Path, name: str, content: bytes, problem: str, shown: str
) -> None:
    """A sentence that could not be shown is left in English; the bot never fails at it."""
    (tmp_path / "de.po").write_bytes(SOUND.encode())
    (tmp_path / name).write_bytes(content)
    languages = Languages(tmp_path, pools_folder=tmp_path)
    damaged = await languages.find_damaged()
    assert list(damaged) == ([name] if problem else [])
    assert problem in damaged.get(name, "")
    assert (await languages.open("de")).write_plain(HELLO) == shown
