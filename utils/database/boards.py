"""Boards: the pipelines that rank players, decided without I/O.

A pipeline sums each player over the shown generations of some servers, from ``players``, or over days from
``player_days``; then MongoDB numbers those with a place. Ties go to fewer deaths, then to the name.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from utils.database.player_documents import format_month

Document = dict[str, Any]

VALUES: Mapping[str, Any] = {
    "kills": "$kills",
    "deaths": "$deaths",
    "kd": {"$round": [{"$divide": ["$kills", {"$max": ["$deaths", 1]}]}, 2]},
    "streak": "$best_streak",
    "longest": "$longest",
    "suicides": "$suicides",
}
"""What each board ranks by, of a player's summed counters."""

_SUMMED = ("kills", "deaths", "suicides", "metres")
_BEST = ("longest", "best_streak")


def build_player_totals(shown: Sequence[Document]) -> list[Document]:
    """Return the stages that sum players over servers, all time."""
    newest = {"$max": {"at": "$last_seen_at", "name": "$name"}}
    return [
        {"$match": {"$or": list(shown)}},
        {"$group": {"_id": "$player_id", "newest": newest, **_build_totals("$counters.")}},
        {"$set": {"player_id": "$_id", "name": "$newest.name"}},
    ]


def build_day_totals(shown: Sequence[Document], since: date) -> list[Document]:
    """Return the stages that sum players over servers and days; names are not known there."""
    month = format_month(since)
    return [
        {"$match": {"$or": [{**one, "month": {"$gte": month}} for one in shown]}},
        {"$unwind": "$days"},
        {"$match": {"$or": [{"month": {"$gt": month}}, {"days.day": {"$gte": since.day}}]}},
        {"$group": {"_id": "$player_id", **_build_totals("$days.")}},
        {"$set": {"player_id": "$_id", "name": ""}},
    ]


def build_ranking(board: str, *, minimum_kills: int) -> list[Document]:
    """Return the stages that give every player with a value above 0 and enough kills a ``rank`` from 1."""
    best_first = {"$multiply": ["$value", -1]}
    # one field alone: $documentNumber takes no more, and documents compare field by field in their order
    place = {"value": best_first, "deaths": "$deaths", "name": "$name", "player_id": "$player_id"}
    return [
        {"$set": {"value": VALUES[board]}},
        {"$match": {"value": {"$gt": 0}, "kills": {"$gte": minimum_kills}}},
        {"$set": {"place": place}},
        {"$setWindowFields": {"sortBy": {"place": 1}, "output": {"rank": {"$documentNumber": {}}}}},
    ]


def _build_totals(prefix: str) -> Document:
    sums = {field: {"$sum": f"{prefix}{field}"} for field in _SUMMED}
    return sums | {field: {"$max": f"{prefix}{field}"} for field in _BEST}
