"""Weapons and hours: the pipelines that count kills, built without I/O."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from utils.database.documents.death_documents import KILLS
from utils.models.deaths import LONGEST_KILL_LIMIT_METRES, DeathKind
from utils.models.scope import PlayerId, ServerId
from utils.models.statistics import Side, WeaponRow

Document = dict[str, Any]

DEATHS: Mapping[str, list[str]] = {"$in": [kind.value for kind in DeathKind if not kind.is_suicide]}
"""The classes of death that count as deaths."""

_COUNTED = {
    "$and": [
        {"$eq": ["$kind", DeathKind.KILL.value]},
        {"$lte": ["$distance", LONGEST_KILL_LIMIT_METRES]},
    ]
}
_LONGEST = {"$max": {"$cond": [_COUNTED, "$distance", 0]}}
_MOST_FIRST = {"$sort": {"kills": -1, "_id": 1}}


def sum_weapons(rows: Iterable[WeaponRow]) -> tuple[WeaponRow, ...]:
    """Return one row for each weapon, most kills first."""
    summed: dict[str, WeaponRow] = {}
    for row in rows:
        before = summed.get(row.weapon, WeaponRow(row.weapon, 0, 0))
        longest = max(before.longest, row.longest)
        summed[row.weapon] = WeaponRow(row.weapon, before.kills + row.kills, longest)
    return tuple(sorted(summed.values(), key=lambda row: (-row.kills, row.weapon)))


def build_weapon_counts(match: Document) -> list[Document]:
    """Return the stages that count kills of a filter by weapon."""
    grouped = {"_id": "$weapon", "kills": {"$sum": 1}, "longest": _LONGEST}
    return [{"$match": match}, {"$group": grouped}, _MOST_FIRST]


def build_hours_of_day(
    server_ids: Sequence[ServerId], player_ids: Sequence[PlayerId], side: Side, day: date
) -> list[Document]:
    """Return the stages that count a day's kills by players, or their deaths, by the game servers' clocks."""
    kinds = KILLS if side == "killer" else DEATHS
    begin = datetime.combine(day, time.min)
    match = {
        "server_id": {"$in": list(server_ids)},
        f"{side}_id": {"$in": list(player_ids)},
        "written_at": {"$gte": begin, "$lt": begin + timedelta(days=1)},
        "kind": kinds,
    }
    return [{"$match": match}, {"$group": {"_id": {"$hour": "$written_at"}, "deaths": {"$sum": 1}}}]


def build_best_users(match: Document, weapons: Sequence[str]) -> list[Document]:
    """Return the stages that find the best users of each weapon among players of a filter, for all time."""
    pair = {"weapon": "$weapons.weapon", "player_id": "$player_id"}
    sums = {"kills": {"$sum": "$weapons.kills"}, "longest": {"$max": "$weapons.longest"}}
    return [
        {"$match": match},
        {"$unwind": "$weapons"},
        {"$match": {"weapons.weapon": {"$in": list(weapons)}}},
        {"$group": {"_id": pair, **sums}},
        *_choose_users(),
    ]


def build_candidates(match: Document, least: Mapping[str, int]) -> list[Document]:
    """Return the stages that name players of a filter with enough kills with one of the weapons."""
    enough = [{"weapon": weapon, "kills": {"$gte": kills}} for weapon, kills in least.items()]
    return [
        {"$match": {**match, "weapons": {"$elemMatch": {"$or": enough}}}},
        {"$group": {"_id": "$player_id"}},
    ]


def build_hours(match: Document) -> list[Document]:
    """Return the stages that count kills of a filter by weekday (Monday is 1) and hour."""
    key = {"day": {"$isoDayOfWeek": "$written_at"}, "hour": {"$hour": "$written_at"}}
    return [{"$match": match}, {"$group": {"_id": key, "kills": {"$sum": 1}}}]


def _choose_users() -> list[Document]:
    best = {"$max": {"kills": "$kills", "player_id": "$_id.player_id"}}
    sums = {"kills": {"$sum": "$kills"}, "longest": {"$max": "$longest"}}
    return [{"$group": {"_id": "$_id.weapon", **sums, "best": best}}, _MOST_FIRST]
