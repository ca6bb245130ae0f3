"""Enmities: the pipeline that counts who killed whom, decided without I/O.

It asks for nothing but what stands in the indexes ``killer`` and ``victim``, so that no death is read: the
most active of a million kills has sixteen thousand of them.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from utils.models.scope import PlayerId
from utils.models.statistics import Side

Document = dict[str, Any]


def build_enemies(
    match: Document, own_ids: Sequence[PlayerId], side: Side, *, minimum: int, limit: int
) -> list[Document]:
    """Return the stages that count who stood on the other side of players' deaths or kills, most first.

    Deaths without a killer and those by one's own hand are no kills, and fall out. ``match`` narrows further;
    what it asks of the other side's id is kept.
    """
    own: Side = "killer" if side == "victim" else "victim"
    is_somebody = {"$gt": ""}  # "not null" is what an index cannot tell
    other = {**is_somebody, **match.get(f"{side}_id", {})}
    matched = {**match, f"{own}_id": {"$in": list(own_ids)}, f"{side}_id": other}
    most: list[Document] = [
        {"$match": {"kills": {"$gte": minimum}}},
        {"$sort": {"kills": -1, "_id": 1}},
        {"$limit": limit},
    ]
    if len(own_ids) == 1:  # twice as fast as pairs
        matched[f"{side}_id"] = {**other, "$ne": own_ids[0]}
        return [{"$match": matched}, {"$group": {"_id": f"${side}_id", "kills": {"$sum": 1}}}, *most]
    pair = {"killer": "$killer_id", "victim": "$victim_id"}
    # asked of "$_id" it would be asked before grouping, for which deaths would be read
    both = {"killer": {"$first": "$killer_id"}, "victim": {"$first": "$victim_id"}}
    return [
        {"$match": matched},
        {"$group": {"_id": pair, "kills": {"$sum": 1}, **both}},
        {"$match": {"$expr": {"$ne": ["$killer", "$victim"]}}},
        {"$group": {"_id": f"${side}", "kills": {"$sum": "$kills"}}},
        *most,
    ]


def build_since(day: date | None) -> Document:
    """Return the filter of deaths written on a day or later, by the game server's clock."""
    return {} if day is None else {"written_at": {"$gte": datetime.combine(day, time.min)}}
