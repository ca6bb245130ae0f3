"""Storage and logs of ingestion in memory: transactions that commit wholly or not at all, and faults."""

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from tests.fakes.money import FakeMoneyUnit, MoneyData
from tests.fakes.storage import FakeAuditStore
from utils.errors import (
    CursorMovedError,
    RemoteFileMissingError,
    RemotePermissionError,
    StorageConflictError,
    StorageUnavailableError,
)
from utils.models.audit import AuditEntry
from utils.models.deaths import Death, DeathPlace, Killing, LogFile
from utils.models.guilds import ChannelKind
from utils.models.notices.bounties import BountyNotice
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import NO_DELAYS, WAITING_MAXIMUM, AppendedNotices, Delays
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.reading import CaughtUp, Chunk, CountingNeeds, Cursor, ImportJob, RejectedLine, digest_head
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import PostedDeaths
from utils.models.texts import Text, text
from utils.models.xp import LastKill, XpEvents

T = TypeVar("T")
HEAD_BYTES = 256


class PowerCut(Exception):  # noqa: N818 - the end of a process, not an error of it
    """The simulated death of the process, in the middle of its work."""


@dataclass(slots=True)
class PowerSupply:
    """Counts the points at which a process may die, and ends it at one of them.

    Attributes:
        points: the number of points so far.
        cut_at: the number of the point at which the process dies; None: it does not.
    """

    points: int = 0
    cut_at: int | None = None

    def pass_point(self) -> None:
        """Pass a point, or die there."""
        self.points += 1
        if self.points == self.cut_at:
            raise PowerCut


@dataclass(slots=True)
class Data:
    """The stored data of one server."""

    deaths: dict[bytes, Death] = field(default_factory=dict)
    read_at: dict[bytes, datetime] = field(default_factory=dict)
    players: dict[int, dict[PlayerId, PlayerRecord]] = field(default_factory=dict)
    days: dict[int, dict[tuple[PlayerId, date], PlayerDay]] = field(default_factory=dict)
    months: dict[int, dict[date, ServerMonth]] = field(default_factory=dict)
    notices: list[DeathNotice] = field(default_factory=list)
    due_at: dict[bytes, datetime] = field(default_factory=dict)
    notices_maximum: int = WAITING_MAXIMUM
    rejected: list[RejectedLine] = field(default_factory=list)
    cursors: dict[LogFile, Cursor] = field(default_factory=dict)
    lines_read: int = 0
    lines_rejected: int = 0
    generation: int = 0
    batches: int = 0
    job: ImportJob | None = None
    left_out: ImportJob | None = None
    caught_up: list[CaughtUp] = field(default_factory=list)
    money: MoneyData = field(default_factory=MoneyData)
    xp_events: XpEvents = ()
    asked_kills: int = 0


class FakeIngestionUnit:
    """One open transaction over a copy of the data."""

    def __init__(self, data: Data, power: PowerSupply, scope: ServerScope) -> None:
        self._data = data
        self._power = power
        self._scope = scope

    @property
    def data(self) -> Data:
        """The data that would be stored if the transaction ended now."""
        return self._data

    @property
    def money(self) -> FakeMoneyUnit:
        """The wallets and bounties of this transaction."""
        self._power.pass_point()
        return FakeMoneyUnit(self._data.money, self._scope)

    def find_known_ids(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return the ids of these deaths that are stored already."""
        self._power.pass_point()
        return frozenset(ids) & self._data.deaths.keys()

    def find_places(self, ids: Sequence[bytes]) -> Mapping[bytes, DeathPlace]:
        """Return the places of these deaths that are stored already."""
        self._power.pass_point()
        known = (self._data.deaths[one] for one in ids if one in self._data.deaths)
        return {death.id: death.place for death in known}

    def correct_times(self, deaths: Iterable[Death]) -> None:
        """Correct the times of stored deaths."""
        self._power.pass_point()
        for death in deaths:
            stored = self._data.deaths[death.id]
            self._data.deaths[death.id] = stored._replace(at=death.at, ordered_at=death.ordered_at)

    def insert_deaths(self, deaths: Sequence[Death], *, read_at: datetime | None = None) -> None:
        """Store deaths; a death that is stored already ends the whole transaction."""
        self._power.pass_point()
        for death in deaths:
            if death.id in self._data.deaths:
                raise StorageConflictError("a death is stored already")
            self._data.deaths[death.id] = death
            if read_at is not None:
                self._data.read_at[death.id] = read_at
        self._data.money.live_kills += () if read_at is None else deaths

    def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return every stored death of a player, in order."""
        self._power.pass_point()
        own = (
            death
            for death in self._data.deaths.values()
            if player_id in (death.row.killer_id, death.row.victim_id)
        )
        return sorted(own, key=lambda death: death.order)

    def list_xp_events(self) -> XpEvents:
        """Return the times of more XP."""
        self._power.pass_point()
        return self._data.xp_events

    def find_last_kills(
        self, killer_ids: Iterable[PlayerId], *, since: datetime
    ) -> Mapping[PlayerId, Sequence[LastKill]]:
        """Return the stored kills of these players after a wall-clock time."""
        self._power.pass_point()
        self._data.asked_kills += 1
        wanted = frozenset(killer_ids)
        kills: dict[PlayerId, list[LastKill]] = {}
        for row in (death.row for death in self._data.deaths.values() if death.row.kind.is_kill):
            if row.killer_id in wanted and row.written_at > since:
                kills.setdefault(row.killer_id, []).append(LastKill(row.written_at, row.victim_id))
        return {killer_id: sorted(of_killer) for killer_id, of_killer in kills.items()}

    def find_players(
        self, player_ids: Iterable[PlayerId], *, generation: int
    ) -> Mapping[PlayerId, PlayerRecord]:
        """Return the counters of those players that have any."""
        self._power.pass_point()
        stored = self._data.players.get(generation, {})
        return {player_id: stored[player_id] for player_id in player_ids if player_id in stored}

    def replace_players(self, players: Iterable[PlayerRecord], *, generation: int) -> None:
        """Write players' counters, new or changed."""
        self._power.pass_point()
        stored = self._data.players.setdefault(generation, {})
        stored.update((player.player_id, player) for player in players)

    def find_days(
        self, keys: Iterable[tuple[PlayerId, date]], *, generation: int
    ) -> Mapping[tuple[PlayerId, date], PlayerDay]:
        """Return the day counters that exist, by player and day."""
        self._power.pass_point()
        stored = self._data.days.get(generation, {})
        return {key: stored[key] for key in keys if key in stored}

    def replace_days(self, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write day counters, new or changed."""
        self._power.pass_point()
        stored = self._data.days.setdefault(generation, {})
        stored.update(((day.player_id, day.day), day) for day in days)

    def find_months(self, months: Iterable[date], *, generation: int) -> Mapping[date, ServerMonth]:
        """Return the months that exist."""
        self._power.pass_point()
        stored = self._data.months.get(generation, {})
        return {month: stored[month] for month in months if month in stored}

    def list_months(self, *, generation: int) -> Sequence[ServerMonth]:
        """Return all months."""
        self._power.pass_point()
        return list(self._data.months.get(generation, {}).values())

    def replace_months(self, months: Iterable[ServerMonth], *, generation: int) -> None:
        """Write months, new or changed."""
        self._power.pass_point()
        stored = self._data.months.setdefault(generation, {})
        stored.update((month.month, month) for month in months)

    def find_killings(self, victim_ids: Iterable[PlayerId], *, since: datetime) -> Sequence[Killing]:
        """Return the stored kills of these victims."""
        self._power.pass_point()
        wanted = frozenset(victim_ids)
        return [
            Killing(death.row.killer_id, death.row.victim_id, death.at)
            for death in self._data.deaths.values()
            if death.row.kind.is_kill
            and death.row.killer_id is not None
            and death.row.victim_id in wanted
            and death.row.written_at >= since
        ]

    def append_notices(
        self,
        notices: Sequence[Notice],
        *,
        created_at: datetime,
        delays: Delays = NO_DELAYS,
        changes_counters: bool = False,
    ) -> AppendedNotices:
        """Append notices to the outbox entries, numbered for each kind of channel."""
        self._power.pass_point()
        deaths = [one for one in notices if isinstance(one, DeathNotice)]
        room = max(0, self._data.notices_maximum - len(self._data.notices))
        self._data.notices += deaths[:room]
        due_at = created_at + delays.get(ChannelKind.KILLFEED, timedelta())
        self._data.due_at |= {one.event_id: due_at for one in deaths[:room]}
        self._data.money.notices += [one for one in notices if isinstance(one, BountyNotice)]
        self._data.batches += changes_counters
        return AppendedNotices(self._data.batches, left_out=len(deaths[room:]))

    def insert_rejected(self, lines: Sequence[RejectedLine]) -> None:
        """Store unreadable lines."""
        self._power.pass_point()
        self._data.rejected.extend(lines)

    def move_cursor(self, before: Cursor | None, after: Cursor) -> None:
        """Move a file's cursor from its old value."""
        self._power.pass_point()
        if self._data.cursors.get(after.file) != before:
            raise CursorMovedError(f"the cursor of {after.file.name} is not where it was read")
        self._data.cursors[after.file] = after

    def add_lines_read(self, read: int, rejected: int) -> None:
        """Add to the number of read lines."""
        self._power.pass_point()
        self._data.lines_read += read
        self._data.lines_rejected += rejected


@dataclass(frozen=True, slots=True)
class FakeSharedUnit:
    """One open transaction over a copy of the data of one server."""

    data: Data
    power: PowerSupply

    def of_server(self, scope: ServerScope) -> FakeIngestionUnit:
        """Return the part of a server."""
        return FakeIngestionUnit(self.data, self.power, scope)

    def read_ahead(self, needs: Sequence[CountingNeeds]) -> None:
        """Read nothing: all of it is in memory."""
        del needs
        self.power.pass_point()


class FakeIngestionStore:
    """Storage of one server with real transactions; the process may die at every call.

    Attributes:
        data: the committed data.
        power: cuts the process off.
        transient_aborts: the number of next transactions that are aborted once at their end and run again.
        outages: the number of next transactions that fail because the database is away.
    """

    def __init__(self) -> None:
        self.data = Data()
        self.audit = FakeAuditStore()
        self.power = PowerSupply()
        self.transient_aborts = 0
        self.outages = 0
        self.transactions = 0

    async def in_transaction(self, scope: ServerScope, work: Callable[[FakeIngestionUnit], T]) -> T:
        """Run ``work`` in a transaction of its own."""
        return await self.in_shared_transaction([scope.guild_id], lambda unit: work(unit.of_server(scope)))

    async def in_shared_transaction(
        self, guild_ids: Collection[GuildId], work: Callable[[FakeSharedUnit], T], *, repeats: bool = True
    ) -> T:
        """Run ``work`` on a copy and put it in place.

        If another transaction has committed meanwhile, that is a conflict.
        """
        del guild_ids
        self.power.pass_point()
        if self.outages:
            self.outages -= 1
            raise StorageUnavailableError("away")
        while True:
            await asyncio.sleep(0)
            base = self.data
            draft = copy.deepcopy(base)
            result = work(FakeSharedUnit(draft, self.power))
            await asyncio.sleep(0)
            self.power.pass_point()
            if not self.transient_aborts and self.data is base:
                self.data = draft
                self.transactions += 1
                self.power.pass_point()
                return result
            self.transient_aborts = max(0, self.transient_aborts - 1)
            if not repeats:
                raise StorageConflictError("somebody was faster")

    async def list_cursors(self, scope: ServerScope) -> Mapping[LogFile, Cursor]:
        """Return the cursors by file."""
        del scope
        self.power.pass_point()
        return dict(self.data.cursors)

    async def forget_cursors(self, scope: ServerScope, files: Sequence[LogFile]) -> None:
        """Delete the cursors of deleted files."""
        del scope
        self.power.pass_point()
        for file in files:
            del self.data.cursors[file]

    async def find_import(self, scope: ServerScope) -> ImportJob | None:
        """Return the running import, if any."""
        del scope
        self.power.pass_point()
        return self.data.job

    async def find_left_out(self, scope: ServerScope) -> ImportJob | None:
        """Return what waits for files that could not be read."""
        del scope
        self.power.pass_point()
        return self.data.left_out

    async def count_deaths(self, scope: ServerScope) -> int:
        """Return the number of stored deaths."""
        del scope
        return len(self.data.deaths)

    async def begin_import(
        self,
        scope: ServerScope,
        job: ImportJob,
        *,
        starts: Collection[LogFile] | None = None,
        entry: AuditEntry | None = None,
        left_out: ImportJob | None = None,
    ) -> None:
        """Store the job and set the cursors of files to 0."""

        def begin(unit: FakeIngestionUnit) -> None:
            unit._data.job = job
            unit._data.left_out = left_out if job.is_catch_up else unit._data.left_out
            unit._data.cursors |= {file: Cursor(file) for file in (job.ends if starts is None else starts)}

        await self.in_transaction(scope, begin)
        self.audit.add(scope.guild_id, entry)

    async def take_up_import(self, scope: ServerScope) -> int:
        """Give the running job a generation of its own."""

        def take_up(unit: FakeIngestionUnit) -> int:
            assert unit._data.job is not None
            unit._data.job = replace(unit._data.job, generation=unit._data.job.generation + 1)
            return unit._data.job.generation

        return await self.in_transaction(scope, take_up)

    async def finish_import(
        self,
        scope: ServerScope,
        job: ImportJob,
        *,
        caught_up: CaughtUp | None = None,
        left_out: ImportJob | None = None,
    ) -> None:
        """Switch to the job's generation, end the job, and keep what is to be told."""

        def finish(unit: FakeIngestionUnit) -> None:
            if left_out is not None:
                before = unit._data.left_out.ends if unit._data.left_out else {}
                unit._data.left_out = left_out.leave_out({*before, *left_out.ends})
            unit._data.generation = job.generation
            unit._data.job = None
            unit._data.caught_up += () if caught_up is None else (caught_up,)

        await self.in_transaction(scope, finish)

    async def list_catching_up(self, guild_id: GuildId) -> frozenset[ServerId]:
        """Return no server, because there is only one."""
        del guild_id
        return frozenset()

    async def list_guilds_caught_up(self) -> Sequence[GuildId]:
        """Return no guild, because nothing is left from before a start."""
        return ()

    async def list_caught_up(self, guild_id: GuildId) -> Sequence[CaughtUp]:
        """Return what is to be told."""
        del guild_id
        return tuple(self.data.caught_up)

    async def forget_caught_up(self, guild_id: GuildId, told: Sequence[CaughtUp]) -> None:
        """Forget what was reported."""
        del guild_id
        self.data.caught_up = [one for one in self.data.caught_up if one not in told]

    async def drop_deaths_outside(self, scope: ServerScope, first: date, last: date) -> None:
        """Delete deaths that were written before or after these days."""
        del scope
        self.power.pass_point()
        deaths = self.data.deaths.items()
        self.data.deaths = {
            key: death for key, death in deaths if first <= death.row.written_at.date() <= last
        }

    async def iterate_deaths(self, scope: ServerScope, *, batch: int) -> AsyncIterator[Sequence[Death]]:
        """Yield every stored death in order of its id, which is by time; batches may cut a second."""
        del scope
        deaths = [self.data.deaths[key] for key in sorted(self.data.deaths)]
        for start in range(0, len(deaths), batch):
            self.power.pass_point()
            yield deaths[start : start + batch]

    async def write_generation(
        self,
        scope: ServerScope,
        generation: int,
        *,
        players: Sequence[PlayerRecord] = (),
        days: Sequence[PlayerDay] = (),
        months: Sequence[ServerMonth] = (),
    ) -> None:
        """Add counters to a new generation; existing counters are a mistake of the caller."""
        del scope
        self.power.pass_point()
        stored_players = self.data.players.setdefault(generation, {})
        stored_days = self.data.days.setdefault(generation, {})
        assert not stored_players.keys() & {player.player_id for player in players}
        assert not stored_days.keys() & {(day.player_id, day.day) for day in days}
        stored_players.update((player.player_id, player) for player in players)
        stored_days.update(((day.player_id, day.day), day) for day in days)
        stored_months = self.data.months.setdefault(generation, {})
        assert not stored_months.keys() & {month.month for month in months}
        stored_months.update((month.month, month) for month in months)

    async def drop_unshown_generations(self, scope: ServerScope) -> None:
        """Delete all counters except those of the shown generation and of the running job."""
        kept = {self.data.generation} | ({self.data.job.generation} if self.data.job else set())
        stored = self.data.players.keys() | self.data.days.keys() | self.data.months.keys()
        for generation in stored - kept:
            await self.drop_generation(scope, generation)

    async def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times of more XP."""
        del guild_id
        self.power.pass_point()
        return self.data.xp_events

    async def drop_generation(self, scope: ServerScope, generation: int) -> None:
        """Delete counters of a generation."""
        del scope
        self.power.pass_point()
        self.data.players.pop(generation, None)
        self.data.days.pop(generation, None)
        self.data.months.pop(generation, None)


@dataclass(frozen=True, slots=True)
class Posted:
    """Says which deaths are posted, by the channel and the server's switches."""

    deaths: PostedDeaths = field(default_factory=PostedDeaths)

    async def __call__(self) -> PostedDeaths:
        """Return them."""
        return self.deaths


class FakeDeathLogs:
    """The death logs of one server in memory, read in chunks of a few lines.

    Attributes:
        files: the bytes of each file.
        lines_per_chunk: the maximum number of lines in a chunk.
        rewritten: files with a new content, which their cursors do not fit.
        newest_asked: the number of reads of the newest lines.
        problems: the problems that a poll reports.
        denied: files that cannot be read.
        gone: files that were deleted long ago.
    """

    def __init__(self, power: PowerSupply | None = None, *, lines_per_chunk: int = 3) -> None:
        self.files: dict[LogFile, bytes] = {}
        self.lines_per_chunk = lines_per_chunk
        self.rewritten: set[LogFile] = set()
        self.power = power or PowerSupply()
        self.newest_asked = 0
        self.problems: list[Text] = []
        self.denied: set[LogFile] = set()
        self.gone: list[LogFile] = []

    def append(self, file: LogFile, data: bytes) -> None:
        """Write bytes at the end of a file."""
        self.files[file] = self.files.get(file, b"") + data

    async def read_on(
        self, cursors: Mapping[LogFile, Cursor], held: Collection[LogFile] = ()
    ) -> AsyncGenerator[Chunk, None]:
        """Yield what is new, file after file in order, except of ``held`` files."""
        for file in sorted(self.files.keys() - set(held) - self.denied):
            cursor = cursors.get(file)
            later = [other for other in cursors if other.world == file.world and other.name > file.name]
            is_growth = not later if cursor is None else file not in self.rewritten
            start = cursor.offset if cursor and is_growth else 0
            async for chunk in self._read(file, cursor, start, len(self.files[file]), is_growth=is_growth):
                yield chunk
            self.rewritten.discard(file)

    async def read_newest_lines(self, *, back: int = 0) -> Sequence[bytes]:
        """Return the last whole lines of every world's newest file, or of one before it."""
        self.power.pass_point()
        self.newest_asked += 1
        if not back and self.denied:
            raise RemotePermissionError(text("no permission"))
        worlds: dict[str, list[bytes]] = {}
        for file, data in sorted(self.files.items()):
            worlds.setdefault(file.world, []).append(data)
        held = [files[-1 - back] for files in worlds.values() if len(files) > back]
        return [line for data in held for line in data.split(b"\n")[:-1][-3:]]

    def list_gone(self, cursors: Mapping[LogFile, Cursor]) -> Sequence[LogFile]:
        """Return the files that went long ago."""
        return [file for file in self.gone if file in cursors]

    async def list_sizes(self) -> Mapping[LogFile, int]:
        """Return every file with its size."""
        self.power.pass_point()
        return {file: len(data) for file, data in self.files.items()}

    async def continues(self, cursor: Cursor) -> bool:
        """Tell whether a file is still the one of a cursor."""
        data = self.files[cursor.file]
        head = digest_head(data[: min(HEAD_BYTES, cursor.offset)])
        return len(data) >= cursor.offset and head == cursor.head

    async def read_until(self, cursor: Cursor | None, file: LogFile, end: int) -> AsyncGenerator[Chunk, None]:
        """Yield whole lines from the cursor up to byte ``end``."""
        if file not in self.files:
            raise RemoteFileMissingError(text("no {name}", name=file.name))
        if file in self.denied:
            raise RemotePermissionError(text("{name} may not be read", name=file.name))
        start = cursor.offset if cursor else 0
        async for chunk in self._read(file, cursor, start, end, is_growth=True):
            yield chunk

    async def _read(
        self, file: LogFile, cursor: Cursor | None, start: int, end: int, *, is_growth: bool
    ) -> AsyncGenerator[Chunk, None]:
        before = cursor
        while True:
            self.power.pass_point()
            lines = self.files[file][start:end].splitlines(keepends=True)[: self.lines_per_chunk]
            data = b"".join(line for line in lines if line.endswith(b"\n"))
            if not data:
                return
            stop = start + len(data)
            after = Cursor(file, stop, digest_head(self.files[file][: min(HEAD_BYTES, stop)]))
            yield Chunk(before, after, start, data, is_growth, head=self.files[file][:HEAD_BYTES])
            start, before = stop, after
