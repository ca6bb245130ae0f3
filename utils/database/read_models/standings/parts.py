"""Parts: the tables of a guild's servers in memory, with their generation and batch, and their updates."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from utils.database.documents.death_documents import decode_documents
from utils.database.read_models.standings.columns import (
    Ranking,
    Row,
    Table,
    TextNumbers,
    build_table,
    find_newest_names,
)
from utils.database.read_models.standings.sections import Dated, StandingsSection
from utils.events import CountersStored
from utils.models.scope import PlayerId, ServerId

KEPT_DAYS = 62  # longer than any period but a season
LONGEST_KEPT_DAYS = 366 + 31 + 7  # a season, the month in which it begins, and the days until it is closed
Tables = Mapping[date | None, Table]
"""Tables by day; None is the key of all time."""


@dataclass(frozen=True, slots=True)
class StandingsPart:
    """One section of one server.

    Attributes:
        batches: the number of live batches in it.
        start: its first day; None for all time.
        asked: the first day that a season asked for; older days than usual are kept for it.
    """

    generation: int
    batches: int
    tables: Tables
    start: date | None = None
    asked: date | None = None

    def fits(self, generation: int, batches: int, start: date | None = None) -> bool:
        """Tell whether it is up to date, and reaches back far enough."""
        is_enough = start is None or (self.start is not None and self.start <= start)
        return is_enough and (self.generation, self.batches) == (generation, batches)

    def holds(self, generation: int, batches: int) -> bool:
        """Tell whether it was read after a batch was counted."""
        return self.generation == generation and self.batches >= batches

    def list_tables(self, since: date | None, until: date | None) -> list[Table]:
        """Return the tables of the days from one up to another, or the table of all time."""
        first, last = since or date.min, until or date.max
        return [table for day, table in self.tables.items() if day is None or first <= day <= last]

    def find_oldest(self, newest: date) -> date:
        """Return the first day that is kept once there is this newest day."""
        usual = newest - timedelta(days=KEPT_DAYS)
        if self.asked is None:
            return usual
        return min(usual, max(self.asked, newest - timedelta(days=LONGEST_KEPT_DAYS)))

    @property
    def rows(self) -> int:
        """The number of its rows in memory."""
        return sum(table.shape[1] for table in self.tables.values())


PartKey = tuple[ServerId, str]
"""Server and section."""


@dataclass(frozen=True, slots=True)
class WantedDays:
    """The days of a section that a question needs; without a first day: all time."""

    section: StandingsSection
    since: date | None = None
    until: date | None = None

    @property
    def start(self) -> date | None:
        """The first day that must be read."""
        return self.section.find_start(self.since)


Wanted = Sequence[WantedDays]
"""The days of several sections that a question needs."""


@dataclass(slots=True)
class GuildStandings(TextNumbers):
    """The parts of one guild."""

    parts: dict[PartKey, StandingsPart] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows in memory."""
        return sum(part.rows for part in self.parts.values())

    def find_fitting(
        self, server_id: ServerId, generation: int, batches: int, wanted: Wanted
    ) -> dict[str, StandingsPart]:
        """Return the parts of a server that are up to date, by section."""
        kept = ((days, self.parts.get((server_id, days.section.name))) for days in wanted)
        return {
            days.section.name: part
            for days, part in kept
            if part is not None and part.fits(generation, batches, days.start)
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """A ranking of players of some servers, and their names."""

    ranking: Ranking
    guild: GuildStandings
    totals: Sequence[Table]

    def get_players(self, numbers: Iterable[int]) -> list[PlayerId]:
        """Return the players with these numbers."""
        return [PlayerId(self.guild.players[number]) for number in numbers]

    def find_numbers(self, players: Iterable[PlayerId]) -> list[int]:
        """Return the numbers of the players that have one."""
        return self.guild.players.find(players)

    def find_names(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return players' newest names on these servers, by number."""
        return find_newest_names(self.totals, numbers, self.guild.names)


RowsByDay = dict[date | None, list[Row]]


def read_rows(guild: GuildStandings, section: StandingsSection, encoded: bytes, by_day: RowsByDay) -> None:
    """Add the rows of stored documents."""
    for document in decode_documents(encoded):
        for day, row in section.read(guild, document):
            by_day.setdefault(day, []).append(row)


def take_over(
    guild: GuildStandings, section: StandingsSection, part: StandingsPart, event: CountersStored
) -> StandingsPart:
    """Return a part with the rows of a batch; old days are dropped."""
    changed = _group_by_day(section.list_new(guild, event))
    start, tables = part.start, dict(part.tables)
    if start is not None:
        # taken from the new deaths, because a player who is counted again brings all their days
        newest = max((death.row.written_at.date() for death in event.deaths), default=start)
        start = max(start, part.find_oldest(newest))
        tables = {day: table for day, table in tables.items() if day is not None and day >= start}
    for day, rows in changed.items():
        if start is None or (day is not None and day >= start):
            new = build_table(rows)
            tables[day] = section.join(tables[day], new) if day in tables else new
    return replace(part, batches=event.batches, tables=tables, start=start)


def _group_by_day(dated: Iterable[Dated]) -> RowsByDay:
    by_day: RowsByDay = defaultdict(list)
    for day, row in dated:
        by_day[day].append(row)
    return by_day
