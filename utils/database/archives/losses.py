"""Losses: the data that is newer than a backup, and goes with its restore."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from utils.database.core.operations import Document, Operations
from utils.errors import StorageError
from utils.models.restores import Losses

MOST_ROWS = 10_000  # of each kind are listed; the number of all is known


def count_all(operations: Operations, names: Sequence[str], query: Document) -> dict[str, int | None]:
    """Return the number of documents of each collection that fit a query; None if it cannot be read."""
    return {name: _count(operations, name, query) for name in names}


def find_losses(operations: Operations, query: Document, *, since: datetime) -> Losses:
    """Return the data that is newer than a moment; ``query`` selects the documents of one guild."""
    rows: dict[str, Sequence[Mapping[str, Any]]] = {}
    counts: dict[str, int | None] = {}
    for kind, (collection, moments, fields) in _KINDS.items():
        newer = {**query, "$or": [{moment: {"$gt": since}} for moment in moments]}
        counts[kind] = _count(operations, collection, newer)
        rows[kind] = _read(operations, collection, newer, fields) if counts[kind] else ()
    return Losses(rows, counts)


_KINDS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "changes": ("audit", ("at",), ()),
    "ledger": ("ledger", ("at",), ()),
    "links": ("links", ("linked_at", "proven_at"), ()),
    "grants": ("guilds", ("premium_history.at",), ("guild_id", "premium", "premium_history")),
    "erasures": ("erasures", ("at",), ()),
}
"""The lost things: the collection, the fields with their times, and the fields to list (all, if none)."""


def _count(operations: Operations, name: str, query: Document) -> int | None:
    try:
        return operations.run(f"{name}.count", operations.get_collection(name).count_documents, query)
    except StorageError:
        return None


def _read(
    operations: Operations, name: str, query: Document, fields: Sequence[str]
) -> list[Mapping[str, Any]]:
    projection = {"_id": 0, **dict.fromkeys(fields, 1)}
    cursor = operations.get_collection(name).find(query, projection, limit=MOST_ROWS)
    try:
        found = operations.run(f"{name}.find", cursor.to_list)
    except StorageError:
        return []
    return [_write_plainly(one) for one in found]


def _write_plainly(value: Any) -> Any:
    """Return a stored value as JSON."""
    if isinstance(value, Mapping):
        return {key: _write_plainly(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_write_plainly(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.hex() if isinstance(value, bytes) else value
