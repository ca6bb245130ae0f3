"""Boards: the pipelines that rank players, decided without I/O.

A pipeline sums each player over the shown generations of some servers, from ``players``, or over days from
``player_days``, and keeps those with a place. Ties go to fewer deaths, then to the name. A page is sorted and
cut by MongoDB; a player's own place is one more than the number of places before it, which needs no sorting.
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

ORDER = {"value": -1, "deaths": 1, "name": 1, "player_id": 1}
"""How places are sorted: the value downwards, then the ties."""

_COUNT: list[Document] = [{"$count": "count"}]
_SUMMED = ("kills", "deaths", "suicides", "metres")
_BEST = ("longest", "best_streak")


def build_player_totals(shown: Sequence[Document], query: Document) -> list[Document]:
    """Return the stages that sum players who fit a query over servers, all time."""
    match = {"$match": {"$or": [{**one, **query} for one in shown]}}
    if len(shown) == 1:
        fields = {field: f"$counters.{field}" for field in (*_SUMMED, *_BEST)}
        return [match, {"$project": {"player_id": 1, "name": 1, **fields}}]
    newest = {"$max": {"at": "$last_seen_at", "name": "$name"}}
    return [
        match,
        {"$group": {"_id": "$player_id", "newest": newest, **_build_totals("$counters.")}},
        {"$set": {"player_id": "$_id", "name": "$newest.name"}},
    ]


def build_day_totals(shown: Sequence[Document], query: Document, since: date) -> list[Document]:
    """Return the stages that sum players who fit a query over servers and days, without their names."""
    month = format_month(since)
    return [
        {"$match": {"$or": [{**one, **query, "month": {"$gte": month}} for one in shown]}},
        {"$unwind": "$days"},
        {"$match": {"$or": [{"month": {"$gt": month}}, {"days.day": {"$gte": since.day}}]}},
        {"$group": {"_id": "$player_id", **_build_totals("$days.")}},
        {"$set": {"player_id": "$_id", "name": ""}},
    ]


def build_places(board: str, *, minimum_kills: int) -> list[Document]:
    """Return the stages that keep every player with a ``value`` above 0 and enough kills."""
    return [
        {"$set": {"value": VALUES[board]}},
        {"$match": {"value": {"$gt": 0}, "kills": {"$gte": minimum_kills}}},
    ]


def build_page(*, limit: int, offset: int) -> list[Document]:
    """Return the stages that cut a page, best first, and count all places."""
    rows = [{"$sort": ORDER}, {"$skip": offset}, {"$limit": limit}]
    return [{"$facet": {"rows": rows, "total": _COUNT}}]


def build_count_before(own: Document) -> list[Document]:
    """Return the stages that count all places, and those before a player's own."""
    before: list[Document] = []
    equal: Document = {}
    for field, direction in ORDER.items():
        before.append({**equal, field: {"$gt" if direction < 0 else "$lt": own[field]}})
        equal[field] = own[field]
    return [{"$facet": {"before": [{"$match": {"$or": before}}, *_COUNT], "total": _COUNT}}]


def _build_totals(prefix: str) -> Document:
    sums = {field: {"$sum": f"{prefix}{field}"} for field in _SUMMED}
    return sums | {field: {"$max": f"{prefix}{field}"} for field in _BEST}
