"""Sections: the three kinds of rows of a server: its players for all time, their days, and its kills.

Each section knows where its rows are stored, how to read them from documents and from a live batch, and how
to add new rows.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, datetime
from typing import ClassVar, Protocol

import numpy as np
from pymongo.client_session import ClientSession

from utils.database.core.database import SafeDatabase
from utils.database.core.keys import build_key_range, build_key_since
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.player_documents import format_month, read_counters, read_days
from utils.database.read_models.shown import KNOWN
from utils.database.read_models.standings.columns import NumberedTexts, Row, Table, build_row, replace_rows
from utils.database.read_models.weapons import KILLS
from utils.events import CountersStored
from utils.models.deaths import LONGEST_KILL_LIMIT_METRES, DeathKind
from utils.models.players import Counters
from utils.models.scope import ServerScope

BATCH = 500  # decoding blocks Python, so only for a few milliseconds at a time
Dated = tuple[date | None, Row]
"""A row and its day; None for all time."""


class TextNumbers(Protocol):
    """The numbers of a guild's texts."""

    players: NumberedTexts
    names: NumberedTexts
    weapons: NumberedTexts


class StandingsSection(Protocol):
    """One kind of rows."""

    @property
    def name(self) -> str:
        """Its key."""

    def find_start(self, since: date | None) -> date | None:
        """Return the first day to read for a question from ``since`` on; None: all time."""

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

    def read(self, numbers: TextNumbers, document: Document) -> Iterator[Dated]:
        """Yield the rows of a stored document."""

    def list_new(self, numbers: TextNumbers, event: CountersStored) -> Iterator[Dated]:
        """Yield the rows that a batch has written."""

    def join(self, table: Table, new: Table) -> Table:
        """Return a table with new rows."""


class PlayersSection:
    """The counters of all players for all time, with names."""

    name = "players"
    _fields: ClassVar[Mapping[str, int]] = {
        "_id": 0,
        "player_id": 1,
        "name": 1,
        "last_seen_at": 1,
        "counters": 1,
    }

    def find_start(self, since: date | None) -> date | None:
        """Have no first day."""
        del since
        return None

    def iterate(
        self,
        database: SafeDatabase,
        scope: ServerScope,
        generation: int,
        start: date | None,
        *,
        session: ClientSession,
    ) -> AsyncIterator[bytes]:
        """Yield players."""
        del start
        return ScopedCollection.of_server(database, "players", scope, session=session).iterate_raw(
            {"generation": generation, **KNOWN},
            sort=[("player_id", 1)],
            hint="player",
            batch=BATCH,
            projection=self._fields,
        )

    def read(self, numbers: TextNumbers, document: Document) -> Iterator[Dated]:
        """Yield a player's row."""
        counters, seen_at = read_counters(document["counters"]), document["last_seen_at"]
        yield None, _build_player(numbers, document["player_id"], counters, document["name"], seen_at)

    def list_new(self, numbers: TextNumbers, event: CountersStored) -> Iterator[Dated]:
        """Yield the players that a batch has changed."""
        for player in event.players:
            seen_at = player.last_seen_at
            yield None, _build_player(numbers, player.player_id, player.counters, player.name, seen_at)

    def join(self, table: Table, new: Table) -> Table:
        """Write players over."""
        return replace_rows(table, new)


class DaysSection:
    """The counters of all players by day, in whole months."""

    name = "days"
    _fields: ClassVar[Mapping[str, int]] = {"_id": 0, "player_id": 1, "month": 1, "days": 1}

    def find_start(self, since: date | None) -> date | None:
        """Begin with the month."""
        return None if since is None else since.replace(day=1)

    def iterate(
        self,
        database: SafeDatabase,
        scope: ServerScope,
        generation: int,
        start: date | None,
        *,
        session: ClientSession,
    ) -> AsyncIterator[bytes]:
        """Yield players' months."""
        return ScopedCollection.of_server(database, "player_days", scope, session=session).iterate_raw(
            {"generation": generation, "month": {"$gte": format_month(start or date.min)}, **KNOWN},
            sort=[("month", 1)],
            hint="month",
            batch=BATCH,
            projection=self._fields,
        )

    def read(self, numbers: TextNumbers, document: Document) -> Iterator[Dated]:
        """Yield the days of a month."""
        player = numbers.players.number(document["player_id"])
        for day in read_days(document):
            yield day.day, build_row(player, day.counters)

    def list_new(self, numbers: TextNumbers, event: CountersStored) -> Iterator[Dated]:
        """Yield the days that a batch has changed."""
        for day in event.days:
            yield day.day, build_row(numbers.players.number(day.player_id), day.counters)

    def join(self, table: Table, new: Table) -> Table:
        """Write players over."""
        return replace_rows(table, new)


class KillsSection:
    """Kills by day: who, with what, how far if it counts."""

    name = "kills"
    _fields: ClassVar[Mapping[str, int]] = {
        "_id": 0,
        "written_at": 1,
        "kind": 1,
        "killer_id": 1,
        "weapon": 1,
        "distance": 1,
    }

    def find_start(self, since: date | None) -> date | None:
        """Begin with the day itself: kills are many."""
        return since

    def iterate(
        self,
        database: SafeDatabase,
        scope: ServerScope,
        generation: int,
        start: date | None,
        *,
        session: ClientSession,
    ) -> AsyncIterator[bytes]:
        """Yield kills, which are the same in every generation."""
        del generation
        key_range = {"$gte": build_key_since(scope, start or date.min), "$lte": build_key_range(scope)[1]}
        return ScopedCollection.of_server(database, "kills", scope, session=session).iterate_raw(
            {"_id": key_range, "kind": KILLS},
            sort=[("_id", 1)],
            hint="_id_",
            batch=BATCH,
            projection=self._fields,
        )

    def read(self, numbers: TextNumbers, document: Document) -> Iterator[Dated]:
        """Yield a kill."""
        distance = document["distance"]
        is_counted = document["kind"] == DeathKind.KILL and distance <= LONGEST_KILL_LIMIT_METRES
        killer = numbers.players.number(document["killer_id"])
        weapon = numbers.weapons.number(document["weapon"])
        yield document["written_at"].date(), (killer, weapon, distance if is_counted else 0)

    def list_new(self, numbers: TextNumbers, event: CountersStored) -> Iterator[Dated]:
        """Yield the kills of a batch."""
        for row in (death.row for death in event.deaths if death.row.kind.is_kill):
            killer, weapon = numbers.players.number(row.killer_id or ""), numbers.weapons.number(row.weapon)
            yield row.written_at.date(), (killer, weapon, row.distance if row.counts_as_longest else 0)

    def join(self, table: Table, new: Table) -> Table:
        """Append the new kills."""
        return np.concatenate([table, new], axis=1)


PLAYERS, DAYS, KILLS_BY_DAY = PlayersSection(), DaysSection(), KillsSection()
SECTIONS: tuple[StandingsSection, ...] = (PLAYERS, DAYS, KILLS_BY_DAY)


def _build_player(
    numbers: TextNumbers, player_id: str, counters: Counters, name: str, seen_at: datetime
) -> Row:
    player, called = numbers.players.number(player_id), numbers.names.number(name)
    return build_row(player, counters, name=called, seen=_round(seen_at))


def _round(moment: datetime) -> int:
    """Return whole Unix seconds; logs know no finer time."""
    return int(moment.timestamp())
