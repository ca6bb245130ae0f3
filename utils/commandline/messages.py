"""``make messages``: updates the catalogues with every text of the code and of the commands."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from utils.interactions.command_texts import list_command_texts
from utils.localization.catalogue import FOLDER
from utils.localization.messages import ROOT, Template, add_language, add_text, collect_texts, list_changes

COGS = "cogs"


def collect_all() -> Template:
    """Return every text of the code, and those that Discord shows of the commands."""
    template = collect_texts()
    for command, place in _list_commands():
        for one in list_command_texts([command]):
            add_text(template, one.said.source, context=one.said.context, place=(place, 1))
    return template


def _list_commands() -> Iterator[tuple[object, str]]:
    """Yield every command with the file of its cog, which is imported by its name as the bot does it."""
    for module in pkgutil.iter_modules([str(ROOT / COGS)], f"{COGS}."):
        loaded = importlib.import_module(module.name)
        for command in loaded.setup.__self__.__cog_commands__:
            yield command, Path(str(loaded.__file__)).relative_to(ROOT).as_posix()


def main(arguments: Sequence[str] | None = None) -> int:
    """Update the catalogues, or with ``--check`` report those that are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing, fail when something would change"
    )
    parser.add_argument("--add", metavar="LANGUAGE", help="begin the catalogue of a language, such as pt-BR")
    options = parser.parse_args(arguments)
    template = collect_all()
    if options.add:
        add_language(options.add, template)
    changes = list_changes(template, FOLDER)
    if options.check:
        sys.stdout.writelines(f"{file.name} is not up to date: make messages\n" for file in changes)
        return 1 if changes else 0
    for file, content in changes.items():
        file.write_bytes(content)
    sys.stdout.write(f"{len(template)} texts, {len(changes)} catalogues changed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
