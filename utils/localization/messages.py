"""``make messages``: collects every text of the code and brings all catalogues up to date.

English needs no catalogue, so there is no template in the repository: it is made anew from the code.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from utils.localization.catalogue import FOLDER

ROOT = Path(__file__).parents[2]
SOURCES = ("utils", "cogs")
KEYWORDS = {
    "text": None,
    "plural": (1, 2),
    "text_in": ((1, "c"), 2),
    "sentence": None,
    "sentences": (1, 2),
}
WIDTH = 110
PROJECT = "Deadside bot"


def collect_texts(root: Path = ROOT) -> Catalog:
    """Return every text of the code, each with the files it stands in."""
    template = Catalog(project=PROJECT, charset="utf-8")
    for source in SOURCES:
        found = extract_from_dir(root / source, [("**.py", "python")], keywords=KEYWORDS)
        for name, line, message, comments, context in found:
            place = (f"{source}/{name}", line)
            template.add(message, locations=[place], auto_comments=comments, context=context)
    return template


def add_language(language: str, template: Catalog, folder: Path = FOLDER) -> Path:
    """Write a catalogue with every text and no translation; return its file."""
    catalog = Catalog(locale=Locale.parse(language, sep="-"), project=PROJECT, charset="utf-8")
    catalog.update(template)
    file = folder / f"{language}.po"
    file.write_bytes(_write(catalog))
    return file


def update_file(file: Path, template: Catalog) -> bytes:
    """Return what a catalogue's file must hold: new texts without a translation, none that is gone."""
    with file.open("rb") as content:
        catalog = read_po(content, locale=Locale.parse(file.stem, sep="-"))
    created_at = catalog.creation_date
    catalog.update(template, no_fuzzy_matching=True)
    catalog.creation_date = created_at  # or every run would change every file
    return _write(catalog)


def list_changes(template: Catalog, folder: Path = FOLDER) -> dict[Path, bytes]:
    """Return the files that are not up to date, and what they must hold."""
    wanted = {file: update_file(file, template) for file in sorted(folder.glob("*.po"))}
    return {file: content for file, content in wanted.items() if file.read_bytes() != content}


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the catalogues up to date, or tell with ``--check`` that they are not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing, fail when something would change"
    )
    parser.add_argument("--add", metavar="LANGUAGE", help="begin the catalogue of a language, such as pt-BR")
    options = parser.parse_args(arguments)
    template = collect_texts()
    if options.add:
        add_language(options.add, template)
    changes = list_changes(template)
    if options.check:
        sys.stdout.writelines(f"{file.name} is not up to date: make messages\n" for file in changes)
        return 1 if changes else 0
    for file, content in changes.items():
        file.write_bytes(content)
    sys.stdout.write(f"{len(template)} texts, {len(changes)} catalogues changed\n")
    return 0


def _write(catalog: Catalog) -> bytes:
    content = io.BytesIO()
    write_po(content, catalog, width=WIDTH, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return content.getvalue()


if __name__ == "__main__":
    sys.exit(main())
