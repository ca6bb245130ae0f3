"""Enemies: the pipeline that counts who killed whom, built without I/O.

It uses only fields of the indexes ``killer`` and ``victim``, so no death is read: in a million kills, the
most active player has sixteen thousand.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from utils.database.core.keys import build_key_since
from utils.database.documents.death_documents import KILLS
from utils.models.recaps import RIVAL_LEAST_KILLS
from utils.models.scope import ERASED_PLAYER_ID, PlayerId, ServerScope
from utils.models.statistics import Side

Document = dict[str, Any]


def build_enemies(
    match: Document, own_ids: Sequence[PlayerId], side: Side, *, minimum: int, limit: int
) -> list[Document]:
    """Return the stages that count the other players of players' deaths or kills, most first.

    Deaths without a killer and suicides are not kills, and are left out. ``match`` narrows further; its
    condition on the other player's id is kept.
    """
    own: Side = "killer" if side == "victim" else "victim"
    is_somebody = {"$gt": ""}  # an index cannot answer "not null"
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
    # on "$_id" the condition would run before grouping, and deaths would be read for it
    both = {"killer": {"$first": "$killer_id"}, "victim": {"$first": "$victim_id"}}
    return [
        {"$match": matched},
        {"$group": {"_id": pair, "kills": {"$sum": 1}, **both}},
        {"$match": {"$expr": {"$ne": ["$killer", "$victim"]}}},
        {"$group": {"_id": f"${side}", "kills": {"$sum": "$kills"}}},
        *most,
    ]


def build_rivalry(servers: Sequence[ServerScope], since: date, until: date) -> list[Document]:
    """Return the stages that find the two players with the most kills of each other on some days.

    It reads the kills of these days by their ids, because an index by players does not begin with the time.
    """
    days = [
        {
            "_id": {
                "$gte": build_key_since(scope, since),
                "$lt": build_key_since(scope, until + timedelta(days=1)),
            }
        }
        for scope in servers
    ]
    somebody = {"$gt": "", "$ne": ERASED_PLAYER_ID}
    both = ["$killer_id", "$victim_id"]
    is_of_first = {"$cond": [{"$lt": both}, 1, 0]}
    return [
        {"$match": {"$or": days, "kind": KILLS, "killer_id": somebody, "victim_id": somebody}},
        {
            "$group": {
                "_id": {"first": {"$min": both}, "second": {"$max": both}},
                "by_first": {"$sum": is_of_first},
                "kills": {"$sum": 1},
            }
        },
        {
            "$project": {
                "_id": 0,
                "first": "$_id.first",
                "second": "$_id.second",
                "by_first": 1,
                "kills": 1,
                "least": {"$min": ["$by_first", {"$subtract": ["$kills", "$by_first"]}]},
            }
        },
        {"$match": {"least": {"$gte": RIVAL_LEAST_KILLS}}},
        {"$sort": {"kills": -1, "least": -1, "first": 1, "second": 1}},
        {"$limit": 1},
    ]


def build_since(day: date | None, until: date | None = None) -> Document:
    """Return the filter of deaths written on a day or later, up to a last day, by the game server's clock."""
    if day is None:
        return {}
    written: Document = {"$gte": datetime.combine(day, time.min)}
    if until is not None:
        written["$lt"] = datetime.combine(until + timedelta(days=1), time.min)
    return {"written_at": written}
