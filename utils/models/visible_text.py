"""Foreign text made visible: on one line, without invisible or reordering characters."""

import unicodedata

from utils.models.texts import text

NO_VISIBLE_NAME = text("(no visible name)")
NAMELESS = str(NO_VISIBLE_NAME)  # each language shows its own (``localizer.STAND_INS``)
NAME_LENGTH = 48  # three times the longest name of the game; keeps an embed on a phone's screen

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # blank, but letters or marks
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_MARKS = frozenset({"Mn", "Me"})
_PILED_MARKS = 4  # on one letter; hardly any language has more, and a pile covers the lines around it
_BANNED_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def clean_text(text: str, limit: int = NAME_LENGTH) -> str:
    """Return a text on one line, without invisible or reordering characters, cut to ``limit`` characters.

    For places that show no markup: footers, choices of autocomplete.
    """
    if text.isascii() and text.isprintable():  # nearly every name, ten times as fast
        return cut(" ".join(text.split()), limit)
    visible = "".join(" " if char.isspace() else char for char in text if _is_visible(char) or char.isspace())
    return cut(" ".join(_flatten(visible).split()), limit)


def cut(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters, with an ellipsis if it is cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _flatten(text: str) -> str:
    """Return a text without the marks beyond the limit on a letter."""
    kept: list[str] = []
    pile = 0
    for char in text:
        pile = pile + 1 if unicodedata.category(char) in _MARKS else 0
        if pile <= _PILED_MARKS:
            kept.append(char)
    return "".join(kept)


def _is_visible(char: str) -> bool:
    return (
        unicodedata.category(char) not in _BANNED_CATEGORIES
        and char not in _INVISIBLE
        and ord(char) not in _VARIATION_SELECTORS
    )
