"""Names and tags of factions, and the key by which two names are the same.

People must not take a name for another one. So the key of a name has no case, marks and punctuation, and the
same sign for letters and digits that look alike. The key is compared and never shown.
"""

import unicodedata

from utils.errors import InvalidInputError
from utils.models.texts import Number, text
from utils.models.typed_text import fold_text
from utils.models.visible_text import clean_text

SHORTEST_NAME, LONGEST_NAME = 3, 24
SHORTEST_TAG, LONGEST_TAG = 2, 5
LEAST_LETTERS = 2
PUNCTUATION = "-_.'&"

_MARKS = frozenset({"Mn", "Mc"})  # signs on letters, which some scripts cannot do without
_TAG_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

_CYRILLIC = dict(zip("абвгеёзикмнопрстухѕіјьԁԛԝһӏүғ", "abbreezukmhonpctyxsijbdqwhiyf", strict=True))
_GREEK = dict(zip("αβγεζηικμνοπρςστυχω", "abyezhikmnonpcotyxw", strict=True))
_LATIN = dict(zip("\u0131\u0269\u0251\u0261", "iiag", strict=True))
_SAME = dict(zip("01l5", "oiis", strict=True))
_LOOK_ALIKES = str.maketrans(_CYRILLIC | _GREEK | _LATIN)
_EQUAL = str.maketrans(_SAME)


def read_name(typed: str) -> str:
    """Return a name as it is stored.

    Raises:
        InvalidInputError: it is too short or too long, or has characters that a name may not have.
    """
    name = " ".join(unicodedata.normalize("NFKC", typed).split())
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise InvalidInputError(
            text(
                "A faction's name has {shortest} to {longest} characters.",
                shortest=Number(SHORTEST_NAME),
                longest=Number(LONGEST_NAME),
            )
        )
    if not all(map(_is_allowed, name)) or clean_text(name) != name:
        raise InvalidInputError(
            text("A faction's name has only letters, digits, spaces, and these signs: - _ . ' &")
        )
    if sum(map(str.isalpha, name)) < LEAST_LETTERS:
        raise InvalidInputError(
            text("A faction's name has at least {number} letters.", number=Number(LEAST_LETTERS))
        )
    return name


def read_tag(typed: str) -> str:
    """Return a tag as it is stored, in capitals.

    Raises:
        InvalidInputError: it is too short or too long, or has other characters than A-Z and 0-9.
    """
    tag = typed.strip().strip("[]").upper()
    if not SHORTEST_TAG <= len(tag) <= LONGEST_TAG or not _TAG_CHARACTERS.issuperset(tag):
        raise InvalidInputError(
            text(
                "A tag has {shortest} to {longest} characters, only A-Z and 0-9.",
                shortest=Number(SHORTEST_TAG),
                longest=Number(LONGEST_TAG),
            )
        )
    return tag


def compute_name_key(name: str) -> str:
    """Return what two names share that people could mistake for each other."""
    folded = fold_text(name.casefold().translate(_LOOK_ALIKES)).translate(_LOOK_ALIKES).translate(_EQUAL)
    return "".join(filter(str.isalnum, folded)) or name.casefold()


def _is_allowed(char: str) -> bool:
    if char == " " or char in PUNCTUATION:
        return True
    return char.isalpha() or char.isdecimal() or unicodedata.category(char) in _MARKS
