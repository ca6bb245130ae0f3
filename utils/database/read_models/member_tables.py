"""Tables of a player's days and of the kills inside a group, both on one server. No I/O.

A table has a row for each field and a column for each day or kill; days are ordinals. Tables are never
changed: a new table replaces the old one, so that a reader in another thread sees one of the two.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from utils.database.core.operations import Document
from utils.models.players import Counters, PlayerDay

Table = npt.NDArray[np.uint32]
DayTable = Table
"""Days in order."""

KillTable = Table
"""Kills in any order."""

NumberedSpan = tuple[int, date, date]
"""The number of a player within their group, and the first and the last day."""

_PLAYER = 12
"""The days that take as much memory as an empty table and the id of its player."""

_GROUP = 200
"""The kills that take as much memory as an empty table and the ids of a full faction."""

_DAY, _SUMMED, _BEST = 0, slice(1, 4), slice(4, 6)
_DAY_FIELDS = ("day", "kills", "deaths", "xp", "longest", "best_streak")
_KILLER, _VICTIM, _KILL_DAY = range(3)
_DAY_BITS = 22  # the last ordinal of a date has as many

PROJECTION: Mapping[str, object] = {
    "_id": 0,
    "player_id": 1,
    "month": 1,
    **{name: f"$days.{name}" for name in _DAY_FIELDS},
    "xp": {"$map": {"input": "$days", "in": {"$ifNull": ["$$this.xp", 0]}}},  # as in ``read_counters``
}
"""A stored month as one list for each field, which takes half the time to read."""


def weigh_days(table: DayTable) -> int:
    """Return the number of days that take as much memory as all that is kept of a player."""
    return int(table.shape[1]) + _PLAYER


def weigh_kills(table: KillTable) -> int:
    """Return the number of kills that take as much memory as all that is kept of a group."""
    return int(table.shape[1]) + _GROUP


def read_month(document: Document) -> DayTable:
    """Return the days of a stored month, as the projection gives them."""
    table = np.array([document[name] for name in _DAY_FIELDS], np.uint32)
    table[_DAY] += date.fromisoformat(f"{document['month']}-01").toordinal() - 1
    return table


def join_days(tables: Sequence[DayTable]) -> DayTable:
    """Return tables of different days as one."""
    if not tables:
        return np.empty((len(_DAY_FIELDS), 0), np.uint32)
    table = np.concatenate(tables, axis=1)
    return table[:, np.argsort(table[_DAY])]


def replace_days(table: DayTable, days: Iterable[PlayerDay]) -> DayTable:
    """Return a table with some days as they are now."""
    new = np.array([_build_day(one) for one in days], np.uint32).T
    return join_days([table[:, ~np.isin(table[_DAY], new[_DAY])], new])


def sum_days(table: DayTable, first: date, last: date) -> Counters | None:
    """Return the sum of the days from one to another, without metres and suicides; None without a day."""
    if not table.size:
        return None
    days = table[_DAY]
    chosen = slice(days.searchsorted(first.toordinal()), days.searchsorted(last.toordinal(), side="right"))
    if chosen.start >= chosen.stop:
        return None
    kills, deaths, xp = np.add.reduce(table[_SUMMED, chosen], axis=1, dtype=np.int64).tolist()
    longest, best_streak = np.maximum.reduce(table[_BEST, chosen], axis=1).tolist()
    return Counters(kills=kills, deaths=deaths, xp=xp, longest=longest, best_streak=best_streak)


def build_kills(kills: Iterable[tuple[int, int, date]]) -> KillTable:
    """Return kills, each by the numbers of killer and victim and by its day."""
    rows = [(killer, victim, day.toordinal()) for killer, victim, day in kills]
    return np.array(rows, np.uint32).reshape(-1, 3).T


def add_kills(table: KillTable, new: KillTable) -> KillTable:
    """Return a table with more kills."""
    return np.concatenate([table, new], axis=1)


def count_kills(table: KillTable, spans: Sequence[NumberedSpan]) -> list[int]:
    """Return the number of kills in each span whose victim was in a span of their own on that day.

    The spans are in order, and those of a player have no day in common.
    """
    begins = np.array([player << _DAY_BITS | first.toordinal() for player, first, _ in spans])
    ends = np.array([player << _DAY_BITS | last.toordinal() for player, _, last in spans])

    def find(players: Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the last span that begins by the day of each kill, and whether it holds that day."""
        moments = players.astype(np.int64) << _DAY_BITS | table[_KILL_DAY]
        places = np.searchsorted(begins, moments, side="right") - 1
        return places, (places >= 0) & (moments <= ends[places])

    own, is_killer_in = find(table[_KILLER])
    _, is_victim_in = find(table[_VICTIM])
    counted: list[int] = np.bincount(own[is_killer_in & is_victim_in], minlength=len(spans)).tolist()
    return counted


def _build_day(one: PlayerDay) -> tuple[int, ...]:
    of_day = one.counters
    return (
        one.day.toordinal(),
        of_day.kills,
        of_day.deaths,
        of_day.xp,
        of_day.longest,
        of_day.best_streak,
    )
