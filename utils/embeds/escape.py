"""Foreign text in messages: names of players, weapons and servers, lines of logs, words of hosts.

Whatever a game or a person wrote must come out of Discord as the letters it was, on one line, and do
nothing: no markup, no mention, no link, no invisible or reordering character.
"""

import re
import unicodedata

NAMELESS = "(no visible name)"
NAME_LENGTH = 48  # three times the longest name of the game; keeps an embed on a phone's screen
ZERO_WIDTH_SPACE = "\u200b"

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # blank, and yet letters or marks
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_BANNED_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_MARKUP = re.compile(r"[\\*_~|`<>\[\]#:]")
_LIST_MARK = re.compile(r"([-+]|\d+(?=\.))")  # list marks work at the start of a line only
_PLAYER_ID = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


def clean_text(text: str, limit: int = NAME_LENGTH) -> str:
    """Return a text on one line, without invisible or reordering characters, cut to ``limit`` characters.

    For places that show no markup: footers, choices of autocomplete.
    """
    visible = "".join(" " if char.isspace() else char for char in text if _is_visible(char) or char.isspace())
    return cut(" ".join(visible.split()), limit)


def escape_text(text: str, limit: int = NAME_LENGTH) -> str:
    """Return a foreign text that shows as itself inside a title, a description, or a field's name or value.

    ``limit`` counts the characters that are seen, not the backslashes between them.
    """
    escaped = _MARKUP.sub(r"\\\g<0>", clean_text(text, limit))
    if mark := _LIST_MARK.match(escaped):
        at = mark.end() if mark[0].isdigit() else 0
        escaped = f"{escaped[:at]}\\{escaped[at:]}"
    # a backslash does not hold back @everyone
    return escaped.replace("@", f"@{ZERO_WIDTH_SPACE}")


def escape_name(name: str) -> str:
    """Return a name for a description; never empty."""
    return escape_text(name) or NAMELESS


def hide_ids(text: str) -> str:
    """Return a text of the game in which no player's id can be read."""
    return _PLAYER_ID.sub("(id)", text)


def cut(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters, an ellipsis in the place of what is cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _is_visible(char: str) -> bool:
    return (
        unicodedata.category(char) not in _BANNED_CATEGORIES
        and char not in _INVISIBLE
        and ord(char) not in _VARIATION_SELECTORS
    )
