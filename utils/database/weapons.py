"""Weapons and enmities: the pipelines that count kills, decided without I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

from utils.models.deaths import LONGEST_KILL_LIMIT_METRES, DeathKind

Document = dict[str, Any]

KILLS: Mapping[str, list[str]] = {"$in": [kind.value for kind in DeathKind if kind.is_kill]}
"""The classes of death that are kills."""

_COUNTED = {
    "$and": [
        {"$eq": ["$kind", DeathKind.KILL.value]},
        {"$lte": ["$distance", LONGEST_KILL_LIMIT_METRES]},
    ]
}
_LONGEST = {"$max": {"$cond": [_COUNTED, "$distance", 0]}}
_MOST_FIRST = {"$sort": {"kills": -1, "_id": 1}}


def build_weapon_counts(match: Document) -> list[Document]:
    """Return the stages that count kills of a filter by weapon."""
    grouped = {"_id": "$weapon", "kills": {"$sum": 1}, "longest": _LONGEST}
    return [{"$match": match}, {"$group": grouped}, _MOST_FIRST]


def build_weapon_users(match: Document) -> list[Document]:
    """Return the stages that count kills of a filter by weapon, each with the player who has most of them."""
    pair = {"weapon": "$weapon", "player_id": "$killer_id"}
    return [
        {"$match": match},
        {"$group": {"_id": pair, "kills": {"$sum": 1}, "longest": _LONGEST}},
        *_choose_users(),
    ]


def build_best_users(match: Document, weapons: Sequence[str]) -> list[Document]:
    """Return the stages that find, of players of a filter, who has most kills with each weapon, all time."""
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


def build_enemies(match: Document, side: str) -> list[Document]:
    """Return the stages that count kills of a filter by the other's id, each under the newest name.

    ``side`` is what the other is there: ``killer`` or ``victim``.
    """
    newest = {"$max": {"at": "$at", "name": f"${side}_name"}}
    grouped = {"_id": f"${side}_id", "kills": {"$sum": 1}, "newest": newest}
    return [{"$match": match}, {"$group": grouped}, {"$sort": {"kills": -1, "newest.name": 1, "_id": 1}}]


def build_hours(match: Document) -> list[Document]:
    """Return the stages that count kills of a filter by weekday (Monday is 1) and hour."""
    key = {"day": {"$isoDayOfWeek": "$written_at"}, "hour": {"$hour": "$written_at"}}
    return [{"$match": match}, {"$group": {"_id": key, "kills": {"$sum": 1}}}]


def _choose_users() -> list[Document]:
    best = {"$max": {"kills": "$kills", "player_id": "$_id.player_id"}}
    sums = {"kills": {"$sum": "$kills"}, "longest": {"$max": "$longest"}}
    return [{"$group": {"_id": "$_id.weapon", **sums, "best": best}}, _MOST_FIRST]
