"""Text that people type to find a name, and the names it is compared with: both folded alike."""

import unicodedata
from functools import lru_cache
from string import ascii_uppercase

from utils.models.visible_text import clean_text, cut

TYPED_CHARACTERS = 100  # Discord's limit of a choice, and longer than any name

QUOTED_CHARACTERS = 60  # longer than any name; people who typed more still read what to do

_MARKS = frozenset({"Mn", "Me"})  # accents and other marks that stand on or around a letter
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
"""What Unicode does not take apart by itself."""


def quote(typed: str) -> str:
    """Return what somebody typed as a sentence repeats it: no longer than a name can be."""
    return cut(typed, QUOTED_CHARACTERS)


def fold_text(text: str) -> str:
    """Return a text as it is searched for and found: bounded, in plain lower case letters where it can be.

    Case, accents, styled letters, blanks at the ends and characters that nobody sees make no difference.
    """
    text = text[:TYPED_CHARACTERS]
    if text.isascii() and text.isprintable():
        return " ".join(text.casefold().split())
    plain = " ".join("".join(map(_fold_letter, text)).split())
    return plain or clean_text(text, TYPED_CHARACTERS)  # a name may be an accent alone


@lru_cache(maxsize=8192)  # the letters of all names: tens of thousands of them are folded at a time
def _fold_letter(char: str) -> str:
    if char.isspace():
        return " "
    return _take_apart(_take_apart(clean_text(char)).casefold().translate(_LETTERS)).casefold()


def _take_apart(text: str) -> str:
    """Return the letters without their marks; a styled letter is the letter."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(char for char in letters if unicodedata.category(char) not in _MARKS)
