"""Text that people type to find a name: it is folded in the same way as the names."""

import unicodedata
from functools import lru_cache
from string import ascii_uppercase

from utils.models.visible_text import clean_text, cut

TYPED_CHARACTERS = 100  # Discord's limit of a choice, and longer than any name

QUOTED_CHARACTERS = 60  # longer than any name, and short enough that the sentence around it is read

_MARKS = frozenset({"Mn", "Me"})  # accents and other marks on or around a letter
_STYLES = (
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER",
    "REGIONAL INDICATOR SYMBOL LETTER",
    "LATIN LETTER SMALL CAPITAL",  # without an X
)
_STYLED = {
    unicodedata.lookup(f"{style} {letter}"): letter.lower()
    for style in _STYLES
    for letter in ascii_uppercase
    if style != _STYLES[-1] or letter != "X"
}
_STROKED = dict(zip("øłđħŧıæœþð", ("o", "l", "d", "h", "t", "i", "ae", "oe", "th", "d"), strict=True))
_LETTERS = str.maketrans(_STYLED | _STROKED)
"""Letters that Unicode does not decompose."""


def quote(typed: str) -> str:
    """Return a typed text to be repeated in a sentence, cut to the length of a name."""
    return cut(typed, QUOTED_CHARACTERS)


def fold_text(text: str) -> str:
    """Return a text as it is searched: bounded, in plain lower-case letters where possible.

    Case, accents, styled letters, blanks at the ends and invisible characters make no difference.
    """
    text = text[:TYPED_CHARACTERS]
    if text.isascii() and text.isprintable():
        return " ".join(text.casefold().split())
    plain = " ".join("".join(map(_fold_letter, text)).split())
    return plain or clean_text(text, TYPED_CHARACTERS)  # a name may be an accent alone


@lru_cache(maxsize=8192)  # caches the letters of names: tens of thousands of names are folded at a time
def _fold_letter(char: str) -> str:
    if char.isspace():
        return " "
    return _take_apart(_take_apart(clean_text(char)).casefold().translate(_LETTERS)).casefold()


def _take_apart(text: str) -> str:
    """Return the letters without their marks; a styled letter becomes the plain letter."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(char for char in letters if unicodedata.category(char) not in _MARKS)
