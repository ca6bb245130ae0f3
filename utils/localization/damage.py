"""Damage: finds files of languages that cannot be read, or whose sentences could not be shown."""

from pathlib import Path

from babel import Locale
from babel.core import UnknownLocaleError
from babel.messages.pofile import PoFileError, read_po

from utils.localization.catalogue import is_showable
from utils.localization.pools import read_pools

UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, UnknownLocaleError, PoFileError)


def find_damage(file: Path) -> str:
    """Return what is wrong with a catalogue or a file of pools; empty if nothing is."""
    try:
        if file.suffix == ".toml":
            read_pools(file)
            return ""
        with file.open("rb") as content:
            catalog = read_po(content, locale=Locale.parse(file.stem, sep="-"), abort_invalid=True)
    except UNREADABLE as error:
        return str(error) or type(error).__name__
    wrong = [message for message in catalog if message.id and not is_showable(message)]
    return f"{len(wrong)} sentences have other places than the English" if wrong else ""
