"""The numbers of a game server: each is drawn once, in the order of commits.

A transaction that draws holds them until its end, so they are drawn last, and all at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from utils.database.core.transaction import Transaction
from utils.models.guilds import ChannelKind
from utils.models.scope import ServerScope

KIND = "numbers"
"""Of the document in ``cursors`` that holds them."""

_KEY = {"kind": KIND, "world": "", "name": ""}


@dataclass(frozen=True, slots=True)
class ServerNumbers:
    """What was drawn.

    Attributes:
        batches: how many batches have changed the server's counters so far, this one with them.
        first: the numbers of the first new notice of each kind of channel.
        capacity: up to which number of a kind notices were known to have room, when somebody looked last.
    """

    batches: int
    first: Mapping[ChannelKind, int]
    capacity: Mapping[ChannelKind, int]


def draw_numbers(
    transaction: Transaction,
    scope: ServerScope,
    *,
    notices: Mapping[ChannelKind, int] | None = None,
    changes_counters: bool = False,
) -> ServerNumbers:
    """Draw numbers for so many notices of each kind, and count a batch that changes counters."""
    wanted = dict(notices or {})
    steps: dict[str, Any] = {f"next.{kind.value}": count for kind, count in wanted.items()}
    if changes_counters:
        steps["batches"] = 1
    drawn = transaction.of_server("cursors", scope).find_one_and_update(_KEY, {"$inc": steps})
    first = {kind: int(drawn["next"][kind.value]) - count for kind, count in wanted.items()}
    capacity = {kind: int(drawn.get("capacity", {}).get(kind.value, 0)) for kind in wanted}
    return ServerNumbers(int(drawn.get("batches", 0)), first, capacity)


def note_capacity(transaction: Transaction, scope: ServerScope, kind: ChannelKind, capacity: int) -> None:
    """Remember up to which number notices of a kind have room."""
    transaction.of_server("cursors", scope).update_one(_KEY, {"$set": {f"capacity.{kind.value}": capacity}})
