"""Collects every text of the code, and updates catalogues; ``utils.commandline.messages`` runs it.

English needs no catalogue, so the repository has no template: it is made from the code each time. Texts
are found in the parsed code: Babel's extractor goes by tokens, takes ``text[1]`` for a text as well, and
misses some behind it.
"""

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from utils.localization.catalogue import FOLDER

ROOT = Path(__file__).parents[2]
SOURCES = ("utils", "cogs")
MAKERS = {"text": 1, "plural": 2, "text_in": 2, "sentence": 1, "sentences": 2}
"""The functions that make a text, with the number of their first arguments that are literals."""
WIDTH = 110

Template = Catalog
"""Every text, each with its files, without a language."""


def collect_texts(root: Path = ROOT) -> Template:
    """Return every text of the code, each with its files."""
    template = Template(charset="utf-8")
    for file in (file for source in SOURCES for file in sorted((root / source).rglob("*.py"))):
        for call, name in _list_makers(ast.parse(file.read_bytes())):
            literals = [ast.literal_eval(literal) for literal in call.args[: MAKERS[name]]]
            context = literals.pop(0) if name == "text_in" else None
            message = tuple(literals) if len(literals) > 1 else literals[0]
            place = (file.relative_to(root).as_posix(), call.lineno)
            add_text(template, message, context=context, place=place)
    return template


def add_text(
    template: Template, message: str | tuple[str, str], *, context: str | None, place: tuple[str, int]
) -> None:
    """Add a text, or the forms of one that depends on a number, with its file and line."""
    template.add(message, locations=[place], context=context)


def _list_makers(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call that makes a text, and the name of the called function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
            yield node, node.func.id


def add_language(language: str, template: Template, folder: Path = FOLDER) -> Path:
    """Write a catalogue with every text and no translation; return its file."""
    catalog = Catalog(locale=Locale.parse(language, sep="-"), charset="utf-8")
    catalog.update(template)
    file = folder / f"{language}.po"
    file.write_bytes(_write(catalog))
    return file


def update_file(file: Path, template: Template) -> bytes:
    """Return the content of a catalogue's file: with new texts, untranslated, and without removed ones."""
    with file.open("rb") as content:
        catalog = read_po(content, locale=Locale.parse(file.stem, sep="-"))
    catalog.update(template, no_fuzzy_matching=True)
    return _write(catalog)


def list_changes(template: Template, folder: Path = FOLDER) -> dict[Path, bytes]:
    """Return the files that are out of date, with their new content."""
    wanted = {file: update_file(file, template) for file in sorted(folder.glob("*.po"))}
    return {file: content for file, content in wanted.items() if file.read_bytes() != content}


def _write(catalog: Catalog) -> bytes:
    content = io.BytesIO()
    content.write(_build_header(catalog).encode())
    write_po(
        content,
        catalog,
        width=WIDTH,
        omit_header=True,
        sort_output=True,
        include_lineno=False,
        ignore_obsolete=True,
    )
    return content.getvalue()


def _build_header(catalog: Catalog) -> str:
    """Return the entry that tools read first; Babel's own has names and dates of which nobody takes care."""
    facts = {
        "Language": catalog.locale_identifier,
        "Plural-Forms": catalog.plural_forms,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in facts.items())
    return f'# How to change this file: docs/TRANSLATING.md\nmsgid ""\nmsgstr ""\n{lines}\n'
