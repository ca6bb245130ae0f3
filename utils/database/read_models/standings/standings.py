"""Standings of guilds, kept in memory, because MongoDB is too slow for this answer.

20,000 players on ten servers are 150,000 documents; MongoDB sums them in half a second, and in two while a
history is imported. Here they are kept in columns (``columns``), and a board is a sum and a sort.

*When is a row read again?* Each server has a *part* for each section (players, days, kills): its tables,
their generation, and the number of batches that were counted by then (``parts``). A part may be shown if both
numbers are equal to those in the database at the moment of the question. So every question reads them first,
in one small read for all servers of a guild. Then there are three ways:

* **Told.** ``CountersStored`` carries the rows of a batch and the number of batches after it. A part that is
  exactly one batch behind takes the rows over and is up to date, so a busy server costs no read.
* **Read.** After any other difference (a lost event, another process, an import that switched the generation,
  an erasure) the part is dropped, and the next question reads it as a whole.
* **As of one moment.** A part is read together with its number in one snapshot, because batches are stored at
  the same time. Without the number, the rows could hold a batch whose event comes afterwards, and its kills
  would count twice.

So a lost or repeated event costs a read and never a wrong answer. The questions of one guild run one at a
time, because the first one reads for the others. The number of rows in memory is bounded; the guild that
asked longest ago is dropped first.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

from utils.database.core.database import SafeDatabase
from utils.database.read_models.counted import Counted, list_counted
from utils.database.read_models.shown import ShownServers
from utils.database.read_models.standings.columns import (
    Table,
    WeaponUse,
    build_table,
    find_newest_names,
    rank,
    sum_players,
    sum_uses,
)
from utils.database.read_models.standings.parts import (
    GuildStandings,
    RowsByDay,
    Standing,
    StandingsPart,
    Tables,
    Wanted,
    WantedDays,
    read_rows,
    take_over,
)
from utils.database.read_models.standings.sections import (
    DAYS,
    KILLS_BY_DAY,
    PLAYERS,
    SECTIONS,
    StandingsSection,
)
from utils.events import CountersStored, ServerRemoved
from utils.locks import KeyedLocks
from utils.models.players import Counters
from utils.models.scope import ERASED_PLAYER_ID, GuildId, PlayerId, ServerId, ServerScope
from utils.models.statistics import WeaponRow

MAX_ROWS = 2_000_000  # rows of all guilds; 32 bytes each


@dataclass(frozen=True, slots=True)
class _CurrentState:
    """The state of a guild for one question: each server's shown generation and counted batches."""

    guild_id: GuildId
    guild: GuildStandings
    generations: Mapping[ServerId, int]
    counted: Counted

    def find_fitting(self, server_id: ServerId, counted: Counted, wanted: Wanted) -> dict[str, StandingsPart]:
        """Return the parts of a server that are up to date, by section."""
        batches = counted.get(server_id, 0)
        return self.guild.find_fitting(server_id, self.generations[server_id], batches, wanted)


class Standings:
    """The ranks of all players on the servers of a guild."""

    def __init__(self, database: SafeDatabase, *, max_rows: int = MAX_ROWS) -> None:
        self._database = database
        self._max_rows = max_rows
        self._guilds: dict[GuildId, GuildStandings] = {}
        self._locks = KeyedLocks[GuildId]()

    @property
    def rows(self) -> int:
        """How many rows are kept in memory."""
        return sum(guild.rows for guild in self._guilds.values())

    async def rank(
        self,
        guild_id: GuildId,
        shown: Sequence[ShownServers],
        board: str,
        *,
        minimum_kills: int,
        since: date | None,
        until: date | None = None,
    ) -> Standing:
        """Rank the players of servers, for all time or from a day on, up to a last day."""
        days: Wanted = () if since is None else (WantedDays(DAYS, since, until),)
        async with self._look(guild_id, shown) as look:
            tables = await self._list_tables(look, [WantedDays(PLAYERS), *days])
        totals = tables[0]
        ranking = await asyncio.to_thread(
            rank, tables[-1], board, players=len(look.guild.players), minimum_kills=minimum_kills
        )
        return Standing(ranking, look.guild, totals)

    async def sum_players(
        self,
        guild_id: GuildId,
        shown: Sequence[ShownServers],
        player_ids: Collection[PlayerId],
        *,
        since: date | None,
        until: date | None = None,
    ) -> dict[PlayerId, Counters]:
        """Return the counters of players, as in ``rank``; those without rows are absent."""
        wanted = WantedDays(PLAYERS) if since is None else WantedDays(DAYS, since, until)
        async with self._look(guild_id, shown) as look:
            [tables] = await self._list_tables(look, [wanted])
        players = look.guild.players
        sums = await asyncio.to_thread(sum_players, tables, players.find(player_ids))
        return {PlayerId(players[number]): counters for number, counters in sums.items()}

    async def list_weapons(
        self, guild_id: GuildId, shown: Sequence[ShownServers], since: date, until: date | None = None
    ) -> tuple[WeaponRow, ...]:
        """Return the weapons of the kills from a day on, up to a last day, each with its best user.

        Those with the most kills come first.
        """
        async with self._look(guild_id, shown) as look:
            wanted = [WantedDays(PLAYERS), WantedDays(KILLS_BY_DAY, since, until)]
            totals, kills = await self._list_tables(look, wanted)
        guild = look.guild
        uses = await asyncio.to_thread(
            sum_uses,
            kills,
            players=len(guild.players),
            weapons=len(guild.weapons),
            without=guild.players.find([ERASED_PLAYER_ID]),
        )
        best = {player for use in uses for player in use.best_players}
        names = find_newest_names(totals, best, guild.names)
        rows = [_build_weapon_row(guild, use, names) for use in uses]
        return tuple(sorted(rows, key=lambda row: (-row.kills, row.weapon)))

    def on_counters_stored(self, event: CountersStored) -> None:
        """Take over the rows of a batch, if it is the next one."""
        guild = self._guilds.get(event.scope.guild_id)
        if guild is None:
            return
        for section in SECTIONS:
            key = (event.scope.server_id, section.name)
            part = guild.parts.get(key)
            if part is None or part.holds(event.generation, event.batches):
                continue
            if part.fits(event.generation, event.batches - 1):
                guild.parts[key] = take_over(guild, section, part, event)
            else:
                del guild.parts[key]

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Drop the rows of a removed server."""
        guild = self._guilds.get(event.scope.guild_id)
        if guild is not None:
            for section in SECTIONS:
                guild.parts.pop((event.scope.server_id, section.name), None)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the rows of a guild."""
        self._guilds.pop(guild_id, None)

    @asynccontextmanager
    async def _look(self, guild_id: GuildId, shown: Sequence[ShownServers]) -> AsyncIterator[_CurrentState]:
        """Let one question at a time update a guild."""
        generations = {ServerId(server_id): one.generation for one in shown for server_id in one.server_ids}
        async with self._locks.hold(guild_id):
            guild = self._guilds.pop(guild_id, None) or GuildStandings()
            self._guilds[guild_id] = guild  # the guild that was used last is the last one
            counted = await list_counted(self._database, guild_id, generations)
            yield _CurrentState(guild_id, guild, generations, counted)
        self._forget_longest_unused(guild_id)

    async def _list_tables(self, look: _CurrentState, wanted: Wanted) -> list[list[Table]]:
        """Return each section's tables of all servers, after outdated parts were read again."""
        parts = {
            server_id: look.find_fitting(server_id, look.counted, wanted) for server_id in look.generations
        }
        behind = [server_id for server_id, fitting in parts.items() if len(fitting) < len(wanted)]
        read = await asyncio.gather(*(self._read_parts(look, server_id, wanted) for server_id in behind))
        parts.update(zip(behind, read, strict=True))
        return [
            [
                table
                for found in parts.values()
                for table in found[days.section.name].list_tables(days.since, days.until)
            ]
            for days in wanted
        ]

    async def _read_parts(
        self, look: _CurrentState, server_id: ServerId, wanted: Wanted
    ) -> dict[str, StandingsPart]:
        """Return a server's parts of one moment: from memory if they fit, else from the database."""
        scope, generation = ServerScope(look.guild_id, server_id), look.generations[server_id]
        with self._database.open_snapshot() as session:
            counted = await list_counted(self._database, look.guild_id, [server_id], session=session)
            parts = look.find_fitting(server_id, counted, wanted)
            for days in wanted:
                section, start = days.section, days.start
                if section.name in parts:
                    continue
                stored = section.iterate(self._database, scope, generation, start, session=session)
                tables = await _read_tables(look.guild, section, stored)
                asked = start if days.until is not None else None
                part = StandingsPart(generation, counted.get(server_id, 0), tables, start, asked)
                parts[section.name] = look.guild.parts[server_id, section.name] = part
        return parts

    def _forget_longest_unused(self, used: GuildId) -> None:
        """Keep the memory within its bound; dropped rows are read again when they are needed."""
        rows = self.rows
        for guild_id in list(self._guilds):
            if rows <= self._max_rows or guild_id == used:
                return
            rows -= self._guilds.pop(guild_id).rows


async def _read_tables(
    guild: GuildStandings, section: StandingsSection, stored: AsyncIterator[bytes]
) -> Tables:
    by_day: RowsByDay = {}
    async for encoded in stored:
        await asyncio.to_thread(read_rows, guild, section, encoded, by_day)
    return {day: await asyncio.to_thread(build_table, rows) for day, rows in by_day.items()}


def _build_weapon_row(guild: GuildStandings, use: WeaponUse, names: Mapping[int, str]) -> WeaponRow:
    """Return a row; if there are several best users, it shows the first by name."""
    users = sorted((names.get(player, ""), guild.players[player]) for player in use.best_players)
    name = users[0][0] if users else ""
    return WeaponRow(guild.weapons[use.weapon], use.kills, use.longest, name, use.best_kills)
