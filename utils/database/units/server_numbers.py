"""The numbers of a game server: each is drawn once, in the order of commits.

A transaction that draws holds them until its end, so they are drawn last, and all at once. A transaction that
read the numbers in advance writes them at its end. A concurrent draw causes a conflict, and it runs again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.models.guilds import ChannelKind
from utils.models.scope import ServerScope

KIND = "numbers"
"""The key of the document in ``cursors`` that holds the numbers."""

NUMBERS_KEY = {"kind": KIND, "world": "", "name": ""}


@dataclass(frozen=True, slots=True)
class ServerNumbers:
    """The drawn numbers.

    Attributes:
        batches: how many batches have changed the server's counters so far, this one included.
        first: the numbers of the first new notice of each kind of channel.
        capacity: highest number that had room at the last check, by kind.
    """

    batches: int
    first: Mapping[ChannelKind, int]
    capacity: Mapping[ChannelKind, int]


@dataclass(frozen=True, slots=True)
class Draw:
    """The numbers to draw at once.

    Attributes:
        notices: how many notices of each kind get a number.
        changes_counters: a batch that changes counters is counted.
    """

    notices: Mapping[ChannelKind, int]
    changes_counters: bool = False

    def build_update(self) -> Document:
        """Return the update of the document that holds the numbers."""
        steps: Document = {f"next.{kind.value}": count for kind, count in self.notices.items()}
        return {"$inc": steps | ({"batches": 1} if self.changes_counters else {})}

    def apply(self, numbers: Mapping[str, Any]) -> Document:
        """Return the document after the update."""
        following = dict(numbers.get("next", {}))
        for kind, count in self.notices.items():
            following[kind.value] = following.get(kind.value, 0) + count
        batches = numbers.get("batches", 0) + self.changes_counters
        return {**numbers, "next": following, "batches": batches}

    def read(self, drawn: Mapping[str, Any]) -> ServerNumbers:
        """Return the drawn numbers, from the document after the update."""
        first = {kind: int(drawn["next"][kind.value]) - count for kind, count in self.notices.items()}
        capacity = {kind: int(drawn.get("capacity", {}).get(kind.value, 0)) for kind in self.notices}
        return ServerNumbers(int(drawn.get("batches", 0)), first, capacity)


def draw_numbers(transaction: Transaction, scope: ServerScope, draw: Draw) -> ServerNumbers:
    """Draw numbers now."""
    cursors = transaction.of_server("cursors", scope)
    return draw.read(cursors.find_one_and_update(NUMBERS_KEY, draw.build_update()))


def note_capacity(transaction: Transaction, scope: ServerScope, kind: ChannelKind, capacity: int) -> None:
    """Remember the number up to which notices of a kind have room."""
    update = {"$set": {f"capacity.{kind.value}": capacity}}
    transaction.of_server("cursors", scope).update_one(NUMBERS_KEY, update)
