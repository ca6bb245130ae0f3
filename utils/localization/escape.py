"""Foreign text in messages: names of players, weapons and servers, lines of logs, words of hosts.

Discord must show text of a game or a person exactly, on one line and without effect: no markup, no mention,
no link, no invisible or reordering character.
"""

import re

from utils.models.player_ids import replace_player_ids, replace_whole_ids
from utils.models.visible_text import NAME_LENGTH, NAMELESS, clean_text

ZERO_WIDTH_SPACE = "\u200b"
HIDDEN_ID = "(id)"

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


def hide_ids(text: str) -> str:
    """Return a text of the game with players' ids hidden."""
    return replace_player_ids(text, lambda _: HIDDEN_ID)


def hide_whole_ids(text: str) -> str:
    """Return a name or a typed text with players' ids hidden."""
    return replace_whole_ids(text, lambda _: HIDDEN_ID)
