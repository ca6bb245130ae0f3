"""Labels of choices: the entries of a list, each different, and understood when they arrive as text.

The value of a choice is an id. Some clients send its label instead, and people copy labels. So labels that
look alike end with a mark. It is computed from the id and never changes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2s
from typing import NamedTuple

from utils.models.players import KnownPlayer
from utils.models.scope import ServerId
from utils.models.texts import Moment, Names, Text, Value, join, text
from utils.models.typed_text import fold_text
from utils.models.visible_text import NAMELESS, clean_text

LABEL_CHARACTERS = 100  # Discord's limit, of names and values
NAME_CHARACTERS = 60
SEPARATOR = " · "
MARK_SIGN = "#"
REMOVED_SERVER = text("a removed server")
_MARK_BYTES = 3
_MARK_CHARACTERS = len(f"{SEPARATOR}{MARK_SIGN}") + 2 * _MARK_BYTES
_ISOLATES = 2  # the signs around a right-to-left label (``localization.escape.isolate_parts``)
_PLAIN_CHARACTERS = LABEL_CHARACTERS - _MARK_CHARACTERS - _ISOLATES

Choice = tuple[str, str]
"""The id and the name of a choice."""

LabelledChoice = tuple[str, Value]
"""The id and the label of a choice: what a button or a select shows."""


class PlayerLabel(NamedTuple):
    """The name of a player in a list of choices, and the facts that tell them from others of that name."""

    name: str
    beside: Text | None = None

    def describe(self) -> Value:
        """Return the label as it stands in a sentence."""
        return self.name if self.beside is None else join([self.name, self.beside], SEPARATOR)


def label_name(name: str) -> str:
    """Return a name that can be seen: Discord refuses all choices when one of them is blank."""
    return clean_text(name, NAME_CHARACTERS) or NAMELESS


def fold_label(name: str, folded: str) -> str:
    """Return the folded label of a name: the name folded, unless it is long or invisible."""
    return folded if folded and len(name) <= NAME_CHARACTERS else fold_text(label_name(name))


def make_mark(key: str) -> str:
    """Return the mark of an id; the id cannot be read from it."""
    return f"{MARK_SIGN}{blake2s(key.encode(), digest_size=_MARK_BYTES).hexdigest()}"


def label_choices(choices: Sequence[Choice]) -> list[str]:
    """Return the label of each choice: its name, with its mark if others look alike."""
    plain = [_write_plain(called) for _, called in choices]
    counts = Counter(map(fold_text, plain))
    return [
        label if counts[fold_text(label)] == 1 else _add_mark(label, key)
        for label, (key, _) in zip(plain, choices, strict=True)
    ]


def add_labels(choices: Sequence[Choice]) -> list[LabelledChoice]:
    """Return the choices with their labels in place of their names."""
    return [(key, label) for (key, _), label in zip(choices, label_choices(choices), strict=True)]


def find_labelled(typed: str, choices: Sequence[Choice]) -> list[str]:
    """Return the ids of the choices with this label or name: several if the mark is missing."""
    wanted, name = fold_text(typed), typed.strip().casefold()
    plain = [(key, _write_plain(called)) for key, called in choices]
    return (
        [key for key, label in plain if fold_text(_add_mark(label, key)) == wanted]
        or [key for key, called in choices if called.casefold() == name]
        or [key for key, label in plain if fold_text(label) == wanted]
    )


def label_player(player: KnownPlayer) -> PlayerLabel:
    """Return the label of a player with a name of their own."""
    return PlayerLabel(label_name(player.name))


def label_twin(player: KnownPlayer, server_names: Mapping[ServerId, str]) -> PlayerLabel:
    """Return the label of a player who shares a name with others: with mark, last seen and servers.

    The mark comes first: what is behind it may be long in some language, and be cut.
    """
    servers = Names(tuple(server_names.get(server_id, REMOVED_SERVER) for server_id in player.servers))
    beside = join([make_mark(player.player_id), Moment(player.last_seen_at, "f"), servers], SEPARATOR)
    return PlayerLabel(label_name(player.name), beside)


def _write_plain(called: str) -> str:
    return clean_text(called, _PLAIN_CHARACTERS) or NAMELESS


def _add_mark(label: str, key: str) -> str:
    return f"{label}{SEPARATOR}{make_mark(key)}"
