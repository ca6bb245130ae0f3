"""Foreign text in messages: names of players, weapons and servers, lines of logs, words of hosts.

Discord must show text of a game or a person exactly, on one line and without effect: no markup, no mention,
no link, no invisible or reordering character.
"""

import re
import unicodedata

from utils.models.player_ids import replace_player_ids, replace_whole_ids
from utils.models.visible_text import NAME_LENGTH, NAMELESS, clean_text

ZERO_WIDTH_SPACE = "\u200b"
HIDDEN_ID = "(id)"

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})  # bidirectional classes: letters, and Arabic digits

_ESCAPES = str.maketrans(
    {sign: f"\\{sign}" for sign in "\\*_~|`<>[]#:"}
    | {"@": f"@{ZERO_WIDTH_SPACE}"}  # a backslash does not stop @everyone
)
_LIST_MARK = re.compile(r"([-+]|\d+(?=\.))")  # list marks work at the start of a line only


def escape_text(text: str, limit: int = NAME_LENGTH) -> str:
    """Return a foreign text that is shown exactly in a title, a description, or a field's name or value.

    ``limit`` counts visible characters, not the backslashes between them.
    """
    escaped = clean_text(text, limit).translate(_ESCAPES)
    if mark := _LIST_MARK.match(escaped):
        at = mark.end() if mark[0].isdigit() else 0
        escaped = f"{escaped[:at]}\\{escaped[at:]}"
    return escaped


def escape_name(name: str) -> str:
    """Return a name for a description; never empty."""
    return escape_text(name) or NAMELESS


def isolate(shown: str) -> str:
    """Return a cleaned foreign text that does not turn the order of the row around it.

    Only a text with right-to-left letters gets the two signs, because some fonts show them. A text that is
    cut between them is isolated up to the end of its line.
    """
    if shown.isascii() or not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in shown):
        return shown
    return f"{FIRST_STRONG_ISOLATE}{shown}{POP_ISOLATE}"


def isolate_parts(row: str, separator: str, limit: int) -> str:
    """Return a row of foreign texts, each isolated; the row as a whole where that would be too long.

    ``limit`` counts characters and is at least two more than the row has.
    """
    parts = separator.join(map(isolate, row.split(separator)))
    return parts if len(parts) <= limit else isolate(row)


def hide_ids(text: str) -> str:
    """Return a text of the game with players' ids hidden."""
    return replace_player_ids(text, lambda _: HIDDEN_ID)


def hide_whole_ids(text: str) -> str:
    """Return a name or a typed text with players' ids hidden."""
    return replace_whole_ids(text, lambda _: HIDDEN_ID)
