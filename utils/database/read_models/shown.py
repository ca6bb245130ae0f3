"""The generations that servers show: an import counts in a new one, and one write then shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from utils.models.scope import ERASED_PLAYER_ID

Document = dict[str, Any]

KNOWN: Mapping[str, Any] = {"player_id": {"$ne": ERASED_PLAYER_ID}}
"""Leaves erased players out: many share one id, so they have no rank among players."""


@dataclass(frozen=True, slots=True)
class ShownServers:
    """Servers that show one generation of counters."""

    generation: int
    server_ids: tuple[str, ...]

    @property
    def query(self) -> Document:
        """The filter of the counters."""
        return {"generation": self.generation, "server_id": {"$in": list(self.server_ids)}}


def group_shown(servers: Sequence[Document]) -> tuple[ShownServers, ...]:
    """Return servers by the generation they show; usually all show the same."""
    by_generation: dict[int, list[str]] = {}
    for server in servers:
        by_generation.setdefault(server["generation"], []).append(server["server_id"])
    return tuple(ShownServers(key, tuple(sorted(ids))) for key, ids in sorted(by_generation.items()))


def build_match(shown: Sequence[ShownServers], query: Mapping[str, Any]) -> Document:
    """Return the filter of the shown generations and a query; with one generation it needs no ``$or``."""
    if len(shown) == 1:
        return {**shown[0].query, **query}
    return {"$or": [{**one.query, **query} for one in shown]}
