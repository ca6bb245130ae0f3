"""Sections: the three kinds of rows of a server: its players for all time, their days, and its kills.

Each section knows where its rows are stored, how to read them from documents and from a live batch, and how
to add new rows.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from pymongo.client_session import ClientSession

from utils.database.core.database import SafeDatabase
from utils.database.core.keys import build_key_range, build_key_since
from utils.database.core.operations import Document
from utils.database.core.scope_rules import Query
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.death_documents import KILLS
from utils.database.documents.player_documents import format_month, read_counters, read_days
from utils.database.read_models.shown import KNOWN
from utils.database.read_models.standings.columns import Row, Table, TextNumbers, build_row, replace_rows
from utils.events import CountersStored
from utils.models.deaths import LONGEST_KILL_LIMIT_METRES, DeathKind
from utils.models.players import Counters
from utils.models.scope import ServerScope

BATCH = 500  # decoding blocks Python, so only for a few milliseconds at a time
Dated = tuple[date | None, Row]
"""A row and its day; None for all time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingsSection:
    """One kind of rows.

    Attributes:
        find_start: returns the first day to read for a question about the days since one; None: all time.
        build_query: returns the query for a server, its generation and a first day.
        read: yields the rows of a stored document.
        list_new: yields the rows that a live batch has written.
        join: returns a table with new rows.
    """

    name: str
    collection: str
    fields: tuple[str, ...]
    sort: str
    hint: str
    find_start: Callable[[date | None], date | None]
    build_query: Callable[[ServerScope, int, date | None], Query]
    read: Callable[[TextNumbers, Document], Iterator[Dated]]
    list_new: Callable[[TextNumbers, CountersStored], Iterator[Dated]]
    join: Callable[[Table, Table], Table] = replace_rows

    def iterate(
        self,
        database: SafeDatabase,
        scope: ServerScope,
        generation: int,
        start: date | None,
        *,
        session: ClientSession,
    ) -> AsyncIterator[bytes]:
        """Yield the stored documents, encoded."""
        stored = ScopedCollection.of_server(database, self.collection, scope, session=session)
        return stored.iterate_raw(
            self.build_query(scope, generation, start),
            sort=[(self.sort, 1)],
            hint=self.hint,
            batch=BATCH,
            projection={"_id": 0, **dict.fromkeys(self.fields, 1)},
        )


def _choose_players(scope: ServerScope, generation: int, start: date | None) -> Query:
    del scope, start
    return {"generation": generation, **KNOWN}


def _read_player(numbers: TextNumbers, document: Document) -> Iterator[Dated]:
    counters, seen_at = read_counters(document["counters"]), document["last_seen_at"]
    yield None, _build_player(numbers, document["player_id"], counters, document["name"], seen_at)


def _list_new_players(numbers: TextNumbers, event: CountersStored) -> Iterator[Dated]:
    for player in event.players:
        seen_at = player.last_seen_at
        yield None, _build_player(numbers, player.player_id, player.counters, player.name, seen_at)


def _build_player(
    numbers: TextNumbers, player_id: str, counters: Counters, name: str, seen_at: datetime
) -> Row:
    player, called = numbers.players.number(player_id), numbers.names.number(name)
    return build_row(player, counters, name=called, seen=int(seen_at.timestamp()))  # logs know no finer time


def _choose_months(scope: ServerScope, generation: int, start: date | None) -> Query:
    del scope
    return {"generation": generation, "month": {"$gte": format_month(start or date.min)}, **KNOWN}


def _read_month(numbers: TextNumbers, document: Document) -> Iterator[Dated]:
    player = numbers.players.number(document["player_id"])
    for day in read_days(document):
        yield day.day, build_row(player, day.counters)


def _list_new_days(numbers: TextNumbers, event: CountersStored) -> Iterator[Dated]:
    for day in event.days:
        yield day.day, build_row(numbers.players.number(day.player_id), day.counters)


def _choose_kills(scope: ServerScope, generation: int, start: date | None) -> Query:
    del generation  # they are the same in every one
    key_range = {"$gte": build_key_since(scope, start or date.min), "$lte": build_key_range(scope)[1]}
    return {"_id": key_range, "kind": KILLS}


def _read_kill(numbers: TextNumbers, document: Document) -> Iterator[Dated]:
    distance = document["distance"]
    is_counted = document["kind"] == DeathKind.KILL and distance <= LONGEST_KILL_LIMIT_METRES
    killer = numbers.players.number(document["killer_id"])
    weapon = numbers.weapons.number(document["weapon"])
    yield document["written_at"].date(), (killer, weapon, distance if is_counted else 0)


def _list_new_kills(numbers: TextNumbers, event: CountersStored) -> Iterator[Dated]:
    for row in (death.row for death in event.deaths if death.row.kind.is_kill):
        killer, weapon = numbers.players.number(row.killer_id or ""), numbers.weapons.number(row.weapon)
        yield row.written_at.date(), (killer, weapon, row.distance if row.counts_as_longest else 0)


def _put_behind(table: Table, new: Table) -> Table:
    return np.concatenate([table, new], axis=1)


PLAYERS = StandingsSection(
    name="players",
    collection="players",
    fields=("player_id", "name", "last_seen_at", "counters"),
    sort="player_id",
    hint="player",
    find_start=lambda _: None,
    build_query=_choose_players,
    read=_read_player,
    list_new=_list_new_players,
)
"""Everybody's counters of all time, with names."""

DAYS = StandingsSection(
    name="days",
    collection="player_days",
    fields=("player_id", "month", "days"),
    sort="month",
    hint="month",
    find_start=lambda since: None if since is None else since.replace(day=1),
    build_query=_choose_months,
    read=_read_month,
    list_new=_list_new_days,
)
"""Everybody's counters by day, whole months of them."""

KILLS_BY_DAY = StandingsSection(
    name="kills",
    collection="kills",
    fields=("written_at", "kind", "killer_id", "weapon", "distance"),
    sort="_id",
    hint="_id_",
    find_start=lambda since: since,  # the day itself: kills are many
    build_query=_choose_kills,
    read=_read_kill,
    list_new=_list_new_kills,
    join=_put_behind,
)
"""Kills by day: who, with what, how far if it counts."""

SECTIONS = (PLAYERS, DAYS, KILLS_BY_DAY)
