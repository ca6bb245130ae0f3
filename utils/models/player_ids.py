"""The form of a player's id in a text: one rule for all code that looks for ids or hides them.

The rule is wider than that of the log's reader. A rejected line is damaged, so its id may be in upper case or
cut off at the end of the line. It is still an id.
"""

import re
from collections.abc import Callable

_ID_DIGITS = 32
_SOME_DIGITS = 12  # of an id that was cut off; fewer digits identify nobody
_whole = re.compile(rf"[0-9a-f]{{{_ID_DIGITS},}}", re.IGNORECASE)
_find = re.compile(rf"[0-9a-f]{{{_ID_DIGITS},}}|[0-9a-f]{{{_SOME_DIGITS},}}$", re.IGNORECASE)


def find_player_ids(text: str) -> frozenset[str]:
    """Return everything that looks like an id, in lower case and whole."""
    return frozenset(found.lower() for found in _find.findall(text))


def replace_player_ids(text: str, replace: Callable[[str], str]) -> str:
    """Return a text with everything replaced that looks like an id; ``replace`` gets it in lower case."""
    if len(text) < _SOME_DIGITS:
        return text
    return _find.sub(lambda found: replace(found[0].lower()), text)


def replace_whole_ids(text: str, replace: Callable[[str], str]) -> str:
    """Do as ``replace_player_ids``, but keep ids that were cut off: a player may be called Deadbeefcafe."""
    if len(text) < _ID_DIGITS:
        return text
    return _whole.sub(lambda found: replace(found[0].lower()), text)
