"""Columns: the counters of all players, summed over servers and days, and ranked. No I/O.

A table holds a row for each player of one server, for all time or for one day; every column is a counter.
Tables are never changed: a new table replaces the old one, so that a reader in another thread sees one of the
two.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import numpy.typing as npt

from utils.models.players import Counters

Table = npt.NDArray[np.uint32]
Column = npt.NDArray[np.int64]
Row = tuple[int, ...]

COUNTERS = ("kills", "deaths", "suicides", "longest", "best_streak", "xp")
PLAYER, NAME, SEEN = 0, 1, 2  # columns before the counters: numbers of player and name, Unix seconds
_FIRST_COUNTER = 3
_COLUMNS = _FIRST_COUNTER + len(COUNTERS)
_LARGEST = np.iinfo(np.uint32).max
_BEST = frozenset({"longest", "best_streak"})  # the highest value counts; all other columns are summed

SOURCES = {
    "kills": "kills",
    "deaths": "deaths",
    "kd": "kills",
    "streak": "best_streak",
    "longest": "longest",
    "suicides": "suicides",
    "xp": "xp",
}
"""The counter that each board ranks by."""


def get_value(counters: Counters, board: str) -> int:
    """Return the counter that a board ranks by, of the boards that rank by a single one."""
    return int(getattr(counters, SOURCES[board]))


class NumberedTexts:
    """Numbers for repeated texts (ids, names), in order of arrival; safe to use from threads."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, number: int) -> str:
        return self._texts[number]

    def number(self, text: str) -> int:
        """Return the number of a text; a new text gets the next number."""
        known = self._numbers.get(text)
        if known is None:
            with self._lock:
                known = self._numbers.setdefault(text, len(self._texts))
                if known == len(self._texts):
                    self._texts.append(text)
        return known

    def find(self, texts: Iterable[str]) -> list[int]:
        """Return the numbers of the texts that have one."""
        return [self._numbers[text] for text in texts if text in self._numbers]


@dataclass(slots=True)
class TextNumbers:
    """The numbers that a guild's texts have."""

    players: NumberedTexts = field(default_factory=NumberedTexts)
    names: NumberedTexts = field(default_factory=NumberedTexts)
    weapons: NumberedTexts = field(default_factory=NumberedTexts)


def build_row(player: int, counters: Counters, *, name: int = 0, seen: int = 0) -> Row:
    """Return a table's row."""
    return (
        player,
        name,
        seen,
        counters.kills,
        counters.deaths,
        counters.suicides,
        counters.longest,
        counters.best_streak,
        counters.xp,
    )


def build_table(rows: Sequence[Row]) -> Table:
    """Return rows as a table, columns first; a number that is too large becomes the largest possible one."""
    if not rows:
        return np.empty((_COLUMNS, 0), np.uint32)
    return np.clip(np.array(rows, dtype=np.int64), 0, _LARGEST).T.astype(np.uint32, order="C")


def replace_rows(table: Table, rows: Table) -> Table:
    """Return a table with new rows of players."""
    kept = table[:, ~np.isin(table[PLAYER], rows[PLAYER])]
    return np.concatenate([kept, rows], axis=1)


@dataclass(frozen=True, slots=True)
class Tie:
    """Players with equal values, which only their names put in order."""

    value: float
    players: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Players by value, highest first, then by fewer deaths; names decide if both are equal.

    Attributes:
        players: their numbers, in order; so are ``values`` and ``deaths``.
    """

    players: Column
    values: npt.NDArray[np.float64]
    deaths: Column

    def __len__(self) -> int:
        return len(self.players)

    def cut(self, *, limit: int, offset: int) -> tuple[int, list[Tie]]:
        """Return the ties on a page, and the number of places before them."""
        if offset >= len(self) or limit <= 0:
            return min(offset, len(self)), []
        start = place = self._get_bounds(offset)[0]
        ties: list[Tie] = []
        while place < min(offset + limit, len(self)):
            place, tie = self._get_tie(place)
            ties.append(tie)
        return start, ties

    def find_best(self, players: Collection[int]) -> tuple[int, Tie] | None:
        """Return the best tie with one of the players, and the number of places before it."""
        places = np.flatnonzero(np.isin(self.players, list(players)))
        if not len(places):
            return None
        start = self._get_bounds(int(places[0]))[0]
        return start, self._get_tie(start)[1]

    def place(self, value: float, deaths: int, *, without: Collection[int]) -> tuple[int, Tie]:
        """Return the place of these values among all other players: places before, and equal players."""
        others = ~np.isin(self.players, list(without))
        before = (self.values > value) | ((self.values == value) & (self.deaths < deaths))
        level = (self.values == value) & (self.deaths == deaths)
        return int((before & others).sum()), Tie(value, tuple(self.players[level & others].tolist()))

    def count(self, *, without: Collection[int]) -> int:
        """Return the number of ranked players without some of them."""
        return int((~np.isin(self.players, list(without))).sum())

    def _get_tie(self, place: int) -> tuple[int, Tie]:
        """Return the end of the tie at a place, and the tie."""
        start, end = self._get_bounds(place)
        return end, Tie(float(self.values[start]), tuple(self.players[start:end].tolist()))

    def _get_bounds(self, place: int) -> tuple[int, int]:
        same = (self.values == self.values[place]) & (self.deaths == self.deaths[place])
        found = np.flatnonzero(same)
        return int(found[0]), int(found[-1]) + 1


def rank(tables: Sequence[Table], board: str, *, players: int, minimum_kills: int) -> Ranking:
    """Sum tables by player and rank those with a value above 0 and enough kills.

    ``board`` is a key of ``SOURCES``, ``players`` is the number of numbered players.
    """
    table = np.concatenate(tables, axis=1) if tables else np.empty((_COLUMNS, 0), np.uint32)
    kills, deaths = _sum(table, "kills", players), _sum(table, "deaths", players)
    values = _sum(table, SOURCES[board], players).astype(np.float64)
    if board == "kd":
        values = np.round(kills / np.maximum(deaths, 1), 2)
    ranked = np.flatnonzero((values > 0) & (kills >= minimum_kills))
    ordered = ranked[np.lexsort((deaths[ranked], -values[ranked]))]
    return Ranking(ordered, values[ordered], deaths[ordered])


def sum_players(tables: Sequence[Table], numbers: Collection[int]) -> dict[int, Counters]:
    """Return the sums of some players, by number, without metres; those without rows are absent."""
    table = np.concatenate(tables, axis=1) if tables else np.empty((_COLUMNS, 0), np.uint32)
    rows = table[:, np.isin(table[PLAYER], list(numbers))]
    players = int(rows[PLAYER].max()) + 1 if rows.shape[1] else 0
    found = np.unique(rows[PLAYER])
    sums = [_sum(rows, field, players)[found].tolist() for field in COUNTERS]
    return {
        number: Counters(**dict(zip(COUNTERS, counted, strict=True)))
        for number, counted in zip(found.tolist(), zip(*sums, strict=True), strict=True)
    }


@dataclass(frozen=True, slots=True)
class WeaponUse:
    """Kills with one weapon: their number, the longest in metres, and the best users (several if equal)."""

    weapon: int
    kills: int
    longest: int
    best_kills: int
    best_players: tuple[int, ...]


def sum_uses(
    tables: Sequence[Table], *, players: int, weapons: int, without: Collection[int] = ()
) -> list[WeaponUse]:
    """Sum tables of kills (player, weapon, metres) by weapon, and find the best users.

    ``players`` and ``weapons`` are the numbers of numbered players and weapons. The kills of players in
    ``without`` count, but these players are not best users.
    """
    if not tables:
        return []
    player, weapon, metres = np.concatenate(tables, axis=1).astype(np.int64)
    pairs, counts = np.unique(weapon * players + player, return_counts=True)
    users, used = pairs % players, pairs // players
    counts[np.isin(users, list(without))] = 0
    kills = np.bincount(weapon, minlength=weapons)
    longest, best = np.zeros(weapons, np.int64), np.zeros(weapons, np.int64)
    np.maximum.at(longest, weapon, metres)
    np.maximum.at(best, used, counts)
    is_best = (counts == best[used]) & (counts > 0)
    return [
        WeaponUse(
            number,
            int(kills[number]),
            int(longest[number]),
            int(best[number]),
            tuple(users[is_best & (used == number)].tolist()),
        )
        for number in np.flatnonzero(kills).tolist()
    ]


def find_newest_names(
    tables: Sequence[Table], players: Collection[int], names: NumberedTexts
) -> dict[int, str]:
    """Return players' newest names over the tables of some servers."""
    newest: dict[int, tuple[int, str]] = {}
    for player, name, seen in _iterate_names(tables, players):
        newest[player] = max(newest.get(player, (-1, "")), (seen, names[name]))
    return {player: name for player, (_, name) in newest.items()}


def _iterate_names(tables: Sequence[Table], players: Collection[int]) -> Iterator[list[int]]:
    for table in tables:
        found = np.isin(table[PLAYER], list(players))
        yield from table[[PLAYER, NAME, SEEN]][:, found].T.tolist()


def _sum(table: Table, field: str, players: int) -> Column:
    """Return one counter of every player, by number."""
    column = table[_FIRST_COUNTER + COUNTERS.index(field)]
    if field not in _BEST:
        return np.bincount(table[PLAYER], weights=column, minlength=players).astype(np.int64)
    best = np.zeros(players, np.int64)
    np.maximum.at(best, table[PLAYER], column.astype(np.int64))
    return best
