"""How players and their days are stored: plain functions, because there are many documents.

One document per month (``"2025-04"``) holds a player's days, as an array of day numbers with their counters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from heapq import merge
from typing import Any

from utils.database.documents.death_documents import read_wall_time
from utils.models.players import (
    Counters,
    KnownPlayer,
    NameSeen,
    PlayerDay,
    PlayerRecord,
    ServerMonth,
    WeaponCount,
)
from utils.models.scope import PlayerId, ServerId

Document = dict[str, Any]
_SORTED_AT_ONCE = 2_000  # about two milliseconds
_LONGEST_PERIOD = timedelta(days=62)  # 30 days, and rows that a wrong clock dated ahead
BucketKey = tuple[PlayerId, str]
"""Player and month."""


def build_counters_document(counters: Counters) -> Document:
    """Return the document of counters."""
    return {
        "kills": counters.kills,
        "deaths": counters.deaths,
        "suicides": counters.suicides,
        "metres": counters.metres,
        "longest": counters.longest,
        "best_streak": counters.best_streak,
        "xp": counters.xp,
    }


def read_counters(document: Mapping[str, Any]) -> Counters:
    """Return the counters of a stored document."""
    return Counters(
        kills=document["kills"],
        deaths=document["deaths"],
        suicides=document["suicides"],
        metres=document["metres"],
        longest=document["longest"],
        best_streak=document["best_streak"],
        xp=document.get("xp", 0),  # until the recount that version 4 of the data asks for
    )


def build_player_document(player: PlayerRecord, *, generation: int) -> Document:
    """Return the document of a player in a generation."""
    return {
        "generation": generation,
        "player_id": player.player_id,
        "name": player.name,
        "names": [asdict(seen) for seen in player.names],
        "counters": build_counters_document(player.counters),
        "current_streak": player.current_streak,
        "last_order": list(player.last_order),
        "last_seen_at": player.last_seen_at,
        "weapons": _build_weapons(player.weapons),
        "recent": list(player.recent),
    }


def read_player(document: Document) -> PlayerRecord:
    """Return the player of a stored document."""
    written_at, world, file, offset = document["last_order"]
    return PlayerRecord(
        player_id=PlayerId(document["player_id"]),
        name=document["name"],
        names=tuple(NameSeen(**seen) for seen in document["names"]),
        counters=read_counters(document["counters"]),
        current_streak=document["current_streak"],
        last_order=(read_wall_time(written_at), world, file, offset),
        last_seen_at=document["last_seen_at"],
        weapons=tuple(WeaponCount(**count) for count in document["weapons"]),
        recent=tuple(document.get("recent", ())),
    )


def build_month_document(month: ServerMonth, *, generation: int) -> Document:
    """Return the document of a server's month in a generation."""
    return {
        "generation": generation,
        "month": format_month(month.month),
        "weapons": _build_weapons(month.weapons),
        "hours": list(month.hours),
        "days": list(month.days),
    }


def read_month(document: Document) -> ServerMonth:
    """Return the month of a stored document."""
    return ServerMonth(
        month=date.fromisoformat(f"{document['month']}-01"),
        weapons=tuple(WeaponCount(**count) for count in document["weapons"]),
        hours=tuple(document["hours"]),
        days=tuple(document.get("days", ())),
    )


def format_month(day: date) -> str:
    """Return the month of a day, as the documents name it."""
    return f"{day.year:04}-{day.month:02}"


def list_months(since: date, until: date | None = None) -> list[str]:
    """Return the months of some days; a period without a last day has at most 31 days."""
    last = until or since + _LONGEST_PERIOD
    month, months = since.replace(day=1), []
    while month <= last:
        months.append(format_month(month))
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def build_day_entry(day: PlayerDay) -> Document:
    """Return a day as an entry of its month."""
    return {"day": day.day.day, **build_counters_document(day.counters)}


def read_days(bucket: Document) -> Iterable[PlayerDay]:
    """Yield the days of a stored month."""
    year, month = (int(part) for part in bucket["month"].split("-"))
    for entry in bucket["days"]:
        yield PlayerDay(PlayerId(bucket["player_id"]), date(year, month, entry["day"]), read_counters(entry))


def merge_days(old: Iterable[Document], changed: Iterable[PlayerDay]) -> list[Document]:
    """Return a month's entries with some of its days replaced, in order of the day."""
    entries = {entry["day"]: entry for entry in old}
    entries.update((day.day.day, build_day_entry(day)) for day in changed)
    return [entries[number] for number in sorted(entries)]


def group_days(days: Iterable[PlayerDay]) -> Mapping[BucketKey, list[PlayerDay]]:
    """Return days grouped by month."""
    buckets: dict[BucketKey, list[PlayerDay]] = {}
    for day in days:
        buckets.setdefault((day.player_id, format_month(day.day)), []).append(day)
    return buckets


def add_known(known: dict[PlayerId, KnownPlayer], document: Document) -> None:
    """Add a stored player of one server to the known players of its guild."""
    player = _read_known(document)
    before = known.get(player.player_id)
    known[player.player_id] = player if before is None else _merge(player, before)


def sort_known(players: Iterable[KnownPlayer]) -> tuple[KnownPlayer, ...]:
    """Return players, best known (most kills) first.

    Many players are sorted in parts that are merged, because one sort would block all other threads until it
    ends.
    """
    listed = list(players)
    parts = (
        sorted(listed[start : start + _SORTED_AT_ONCE], key=_get_rank)
        for start in range(0, len(listed), _SORTED_AT_ONCE)
    )
    return tuple(merge(*parts, key=_get_rank))


def _get_rank(player: KnownPlayer) -> tuple[int, str, PlayerId]:
    return -player.kills, player.name, player.player_id


def _build_weapons(weapons: Iterable[WeaponCount]) -> list[Document]:
    return [{"weapon": one.weapon, "kills": one.kills, "longest": one.longest} for one in weapons]


def _read_known(document: Document) -> KnownPlayer:
    newest_first = sorted(document["names"], key=lambda seen: seen["last_seen_at"], reverse=True)
    return KnownPlayer(
        player_id=PlayerId(document["player_id"]),
        name=document["name"],
        names=tuple(seen["name"] for seen in newest_first),
        kills=document["counters"]["kills"],
        last_seen_at=document["last_seen_at"],
        servers=(ServerId(document["server_id"]),),
    )


def _merge(one: KnownPlayer, other: KnownPlayer) -> KnownPlayer:
    older, newer = sorted((one, other), key=lambda player: player.last_seen_at)
    return KnownPlayer(  # not by ``replace``, which takes three times as long
        player_id=newer.player_id,
        name=newer.name,
        names=tuple(dict.fromkeys((*newer.names, *older.names))),
        kills=newer.kills + older.kills,
        last_seen_at=newer.last_seen_at,
        servers=tuple(sorted((*newer.servers, *older.servers))),
    )
