"""History import: silent, whole, resumed after a crash, and switched in with one write."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE, build_deaths, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, FakeIngestionUnit, Posted, PowerCut
from utils.errors import (
    LeaseLostError,
    RemoteError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
    StorageUnavailableError,
)
from utils.events import Event, EventDispatcher, HistoryImported
from utils.models.deaths import Death, DeathRow, LogFile
from utils.models.reading import CaughtUp, Chunk, Cursor, ImportJob, ImportProgress
from utils.models.scope import ChannelId, ServerScope
from utils.models.servers import GameServer
from utils.models.texts import text
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.generation import in_order
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.row_reader import KEPT_REJECTED
from utils.turns import FairTurns

T = TypeVar("T")

DAYS = tuple(LogFile("world_0", f"2025.05.0{day}-00.00.00.csv") for day in (1, 2, 3))


def build_day(day: int) -> list[DeathRow]:
    """Return a day's fights; some have the same second."""
    start = (day - 1) * 86_400
    return [
        build_row("Ann", "Bob", second=start + 1),
        build_row("Bob", "Ann", second=start + 1),
        build_row("Ann", "Cid", second=start + 2),
        build_row("Ann", "Bob", second=start + 2),
        build_row("Cid", "Cid", second=start + 3),
        build_row("", "Bob", second=start + 4),
        build_row("Ann", "Bob", second=start + 5),
    ]


@dataclass(slots=True)
class Importer:
    """Imports and polls like the loop over the death log, also after crashes."""

    store: FakeIngestionStore
    logs: FakeDeathLogs
    clock: FakeClock
    events: EventDispatcher
    server: GameServer
    shown: list[ImportProgress] = field(default_factory=list)

    async def show(self, progress: ImportProgress) -> None:
        """Store the newest progress."""
        self.shown.append(progress)

    async def prepare(self) -> ImportJob:
        """Fix the end of the history."""
        history = HistoryImport(self.store, self.store, self.events, clock=self.clock, batch_rows=3)
        return await history.prepare(self._current, self.logs)

    async def run(self, job: ImportJob) -> ImportProgress:
        """Import to the end."""
        history = HistoryImport(self.store, self.store, self.events, clock=self.clock, batch_rows=3)
        return await history.run(self._current, self.logs, job, on_progress=self.show)

    async def poll(self) -> None:
        """Poll once, right after a successful read."""
        live = LiveIngestion(
            self.store, self.events, clock=self.clock, group_seconds=0, max_announce_age=timedelta(hours=1)
        )
        await live.poll(
            self._current,
            self.logs,
            last_read_at=self.clock.now(),
            find_posted=Posted(self._current.posted_deaths),
        )

    @property
    def _current(self) -> GameServer:
        return replace(self.server, generation=self.store.data.generation)


@pytest.fixture(name="importer")
def _importer(clock: FakeClock, events: EventDispatcher, server: GameServer) -> Importer:
    store = FakeIngestionStore()
    logs = FakeDeathLogs(store.power)
    for day, file in enumerate(DAYS, start=1):
        logs.append(file, render(*build_day(day)))
    return Importer(store, logs, clock, events, server)


def assert_counted_right(store: FakeIngestionStore) -> None:
    """Check that only the shown generation exists, and that it equals a recount of all stored deaths."""
    generation = store.data.generation
    counting = Counting()
    for death in sorted(store.data.deaths.values(), key=lambda death: death.order):
        counting.add(death)
    assert store.data.players == {
        generation: {record.player_id: record for record in counting.freeze_players()}
    }
    assert store.data.days == {generation: {(day.player_id, day.day): day for day in counting.freeze_days()}}
    assert store.data.months == {generation: {month.month: month for month in counting.freeze_months()}}


async def test_deaths_with_times_that_are_rejected_go_when_an_import_begins(importer: Importer) -> None:
    """An older version stored them. An import removes them from deaths and figures, and stores the lines."""
    bad = [build_row("Ann", "Eve", second=years * 365 * 86_400) for years in (-900, -55, 82, 174)]
    importer.logs.append(DAYS[0], render(*bad))
    importer.store.data.deaths = {death.id: death for death in build_deaths(bad)}
    await importer.run(await importer.prepare())
    stored = importer.store.data.deaths.values()
    assert {death.row for death in stored} == {row for day in (1, 2, 3) for row in build_day(day)}
    assert [str(line.reason) for line in importer.store.data.rejected] == [
        *["dated before 2015"] * 2,
        *["dated too far in the future"] * 2,
    ]
    assert_counted_right(importer.store)


async def test_history_is_stored_and_counted_in_silence(importer: Importer, told: list[Event]) -> None:
    """Every row is stored, none is announced, and one event reports the new figures."""
    await importer.run(await importer.prepare())
    assert len(importer.store.data.deaths) == 21
    assert (importer.store.data.notices, importer.store.data.read_at) == ([], {})
    assert told == [HistoryImported(scope=SCOPE)]
    assert importer.store.data.job is None
    assert {file: cursor.offset for file, cursor in importer.store.data.cursors.items()} == {
        file: len(data) for file, data in importer.logs.files.items()
    }
    assert_counted_right(importer.store)


async def test_import_has_ended_though_the_counters_of_before_cannot_be_deleted(
    importer: Importer, told: list[Event]
) -> None:
    """The import is reported as done, even if the database goes away right then."""

    class StuckStore(FakeIngestionStore):
        """Fails once the new counters are shown."""

        async def drop_unshown_generations(self, scope: ServerScope) -> None:
            """Fail."""
            if self.data.job is None:
                raise StorageUnavailableError("away")
            await super().drop_unshown_generations(scope)

    importer.store = StuckStore()
    progress = await importer.run(await importer.prepare())
    assert (told, importer.store.data.job) == ([HistoryImported(scope=SCOPE)], None)
    assert (progress.is_done, importer.shown[-1]) == (True, progress)


async def test_job_fixes_sizes_and_keeps_where_progress_is_shown(
    importer: Importer, clock: FakeClock
) -> None:
    """The end of the history is stored before the first byte is read."""
    history = HistoryImport(importer.store, importer.store, importer.events, clock=clock)
    shown = {"channel_id": ChannelId(7), "message_id": 8}
    job = await history.prepare(importer.server, importer.logs, **shown)
    sizes = {file: len(data) for file, data in importer.logs.files.items()}
    assert job == ImportJob(0, clock.now(), sizes, channel_id=ChannelId(7), message_id=8)
    assert importer.store.data.job == job
    assert importer.store.data.cursors == {file: Cursor(file) for file in sizes}


async def test_bytes_after_the_fixed_sizes_are_live_news(importer: Importer) -> None:
    """A line that is appended while an import runs is announced, whole or cut, and no earlier line."""
    last = build_row("Dan", "Ann", second=3 * 86_400)
    line = render(last)
    importer.logs.append(DAYS[2], line[:20])
    job = await importer.prepare()
    importer.logs.append(DAYS[2], line[20:])
    new_file = LogFile("world_0", "2025.05.04-00.00.00.csv")
    first = build_row("Ann", "Dan", second=3 * 86_400 + 1)
    importer.logs.append(new_file, render(first))
    await importer.run(job)
    assert len(importer.store.data.deaths) == 21
    await importer.poll()
    assert [notice.event_id for notice in importer.store.data.notices] == [
        death.id for death in build_deaths([last, first])
    ]
    assert_counted_right(importer.store)


async def test_old_figures_stand_until_the_new_ones_are_switched_in(importer: Importer) -> None:
    """While an import reads and counts, the shown generation does not change."""
    await importer.run(await importer.prepare())
    before = importer.store.data.players[1]
    job = await importer.prepare()
    importer.store.power.cut_at = importer.store.power.points + 40
    with pytest.raises(PowerCut):
        await importer.run(job)
    assert (importer.store.data.generation, importer.store.data.players[1]) == (1, before)


@pytest.mark.parametrize("is_first", [True, False])
async def test_import_resumes_wherever_the_process_dies(
    clock: FakeClock, server: GameServer, *, is_first: bool
) -> None:
    """The process dies at every point of an import in turn; the next run completes it each time."""
    points = cut_at = 0
    while cut_at <= points:
        store = FakeIngestionStore()
        importer = Importer(store, FakeDeathLogs(store.power), clock, EventDispatcher(), server)
        for day, file in enumerate(DAYS[:2], start=1):
            importer.logs.append(file, render(*build_day(day)[:5]))
        if not is_first:
            await importer.run(await importer.prepare())
        job = await importer.prepare()
        began = store.power.points
        store.power.cut_at = began + cut_at if cut_at else None
        try:
            await importer.run(job)
        except PowerCut:
            if store.data.job is not None:
                await importer.run(store.data.job)
        points = points or store.power.points - began
        assert len(store.data.deaths) == 10
        assert (store.data.notices, store.data.job) == ([], None)
        assert store.data.lines_read == (10 if is_first else 20)
        if cut_at < points - 1:  # the very last step drops the old generation
            assert_counted_right(store)
        cut_at += 1
    assert points > 30


class SleepingStore(FakeIngestionStore):
    """Storage of a process that sleeps right before a call, while another one takes its lease.

    Attributes:
        successor: the work of the other process during the sleep.
    """

    successor: Callable[[], Awaitable[object]] | None = None
    is_lost = False

    async def sleep(self) -> None:
        """Sleep once, and wake without the lease."""
        if self.successor is not None:
            work, self.successor = self.successor, None
            await work()
            self.is_lost = True

    async def in_transaction(self, scope: ServerScope, work: Callable[[FakeIngestionUnit], T]) -> T:
        """Raise if the lease is lost."""
        if self.is_lost:
            raise LeaseLostError("another process holds this shard now")
        return await super().in_transaction(scope, work)


class SleepingBeforeDrop(SleepingStore):
    """Sleeps before it deletes the data of an earlier try."""

    async def drop_generation(self, scope: ServerScope, generation: int) -> None:
        """Sleep, and delete."""
        await self.sleep()
        await super().drop_generation(scope, generation)


class SleepingBeforeSwitch(SleepingStore):
    """Sleeps before it shows its counters."""

    async def finish_import(
        self,
        scope: ServerScope,
        job: ImportJob,
        *,
        caught_up: CaughtUp | None = None,
        left_out: ImportJob | None = None,
    ) -> None:
        """Sleep, and switch."""
        await self.sleep()
        await super().finish_import(scope, job, caught_up=caught_up, left_out=left_out)


@pytest.mark.fault
@pytest.mark.parametrize("kind", [SleepingBeforeDrop, SleepingBeforeSwitch])
async def test_process_that_slept_while_another_one_imported_leaves_its_figures_alone(
    importer: Importer, kind: type[SleepingStore]
) -> None:
    """After waking the process deletes only its own data."""
    importer.store = kind()
    job = await importer.prepare()
    importer.store.successor = partial(importer.run, job)
    with pytest.raises(LeaseLostError):
        await importer.run(job)
    assert importer.store.data.job is None
    assert_counted_right(importer.store)


async def test_importing_again_recounts_and_keeps_deaths_whose_files_are_gone(importer: Importer) -> None:
    """Deaths of deleted files stay stored and counted; the history ends at the cursors of live reading."""
    await importer.run(await importer.prepare())
    del importer.logs.files[DAYS[0]]
    importer.logs.append(DAYS[2], render(build_row("Dan", "Ann", second=3 * 86_400)))
    job = await importer.prepare()
    assert job.ends == {file: len(render(*build_day(day))) for day, file in enumerate(DAYS, 1) if day > 1}
    await importer.run(job)
    assert len(importer.store.data.deaths) == 21
    assert_counted_right(importer.store)
    await importer.poll()
    assert len(importer.store.data.notices) == 1
    assert_counted_right(importer.store)


async def test_history_of_a_file_that_shrank_ends_with_the_file(importer: Importer) -> None:
    """A cursor after the end of a rewritten file does not count missing bytes."""
    await importer.run(await importer.prepare())
    importer.logs.files[DAYS[2]] = render(build_row("Cid", "Ann", second=2 * 86_400))
    job = await importer.prepare()
    assert job.ends[DAYS[2]] == len(importer.logs.files[DAYS[2]])


async def test_import_goes_on_when_a_file_is_gone_from_the_host(importer: Importer) -> None:
    """A hoster that deletes old logs does not block an import."""
    job = await importer.prepare()
    del importer.logs.files[DAYS[0]]
    progress = await importer.run(job)
    assert (progress.is_done, progress.files_done, len(importer.store.data.deaths)) == (True, 3, 14)


async def test_import_leaves_out_a_file_that_may_not_be_read(importer: Importer) -> None:
    """One unreadable log does not hide the others; polls try it again and report it."""
    job = await importer.prepare()
    importer.logs.denied = {DAYS[0]}
    progress = await importer.run(job)
    assert (progress.is_done, progress.files_done, len(importer.store.data.deaths)) == (True, 3, 14)
    assert importer.store.data.cursors[DAYS[0]].offset == 0


@pytest.mark.parametrize("error", [RemoteFileMissingError, RemotePermissionError, RemoteFailureError])
async def test_import_leaves_out_listed_files_that_cannot_be_read(
    importer: Importer, error: type[RemoteError]
) -> None:
    """Such a file does not block the rest, and no file is listed again."""

    class Failing(FakeDeathLogs):
        async def read_until(
            self, cursor: Cursor | None, file: LogFile, end: int
        ) -> AsyncGenerator[Chunk, None]:
            if file != DAYS[2]:
                raise error(text("{name}", name=file.name))
            async for chunk in super().read_until(cursor, file, end):
                yield chunk

        async def list_sizes(self) -> dict[LogFile, int]:
            raise AssertionError

    job, files = await importer.prepare(), importer.logs.files
    importer.logs = Failing(importer.store.power)
    importer.logs.files = files
    progress = await importer.run(job)
    assert (progress.is_done, progress.files_done, len(importer.store.data.deaths)) == (True, 3, 7)
    assert [importer.store.data.cursors[day].offset for day in DAYS[:2]] == [0, 0]


async def test_same_rows_in_several_files_are_one_death(importer: Importer) -> None:
    """Files with a common row store it once."""
    copy = LogFile("copy", DAYS[0].name)
    importer.logs.append(copy, render(*build_day(1)))
    await importer.run(await importer.prepare())
    assert len(importer.store.data.deaths) == 21
    assert_counted_right(importer.store)


async def test_rejected_lines_of_history_are_kept_and_counted(importer: Importer) -> None:
    """Unreadable lines of the history are stored and counted too."""
    importer.logs.append(DAYS[1], b"garbage\n")
    progress = await importer.run(await importer.prepare())
    assert [line.line for line in importer.store.data.rejected] == ["garbage"]
    assert (importer.store.data.lines_read, importer.store.data.lines_rejected, progress.rows) == (22, 1, 22)


async def test_file_of_line_feeds_is_imported_in_transactions_of_bounded_size(importer: Importer) -> None:
    """All lines are counted, some dozen of each chunk are stored, and so are the rows after them."""
    importer.logs.lines_per_chunk = 4_000
    importer.logs.files[DAYS[1]] = b"\n" * 20_000 + importer.logs.files[DAYS[1]]
    await importer.run(await importer.prepare())
    data = importer.store.data
    assert (len(data.deaths), data.lines_read, data.lines_rejected) == (21, 20_021, 20_000)
    assert len(data.rejected) == 5 * KEPT_REJECTED
    assert_counted_right(importer.store)


@pytest.mark.parametrize("cut_after", range(1, 40))
async def test_import_that_fails_keeps_no_place_for_batches(importer: Importer, cut_after: int) -> None:
    """After a failure all slots are free again; the guild itself never had more than its share."""
    turns = FairTurns(4)
    history = HistoryImport(
        importer.store, importer.store, importer.events, clock=importer.clock, batch_rows=3, turns=turns
    )
    job = await importer.prepare()
    importer.store.power.cut_at = importer.store.power.points + cut_after
    with suppress(PowerCut):
        await history.run(importer.server, importer.logs, job, on_progress=importer.show)
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        for guild_id in (SCOPE.guild_id, SCOPE.guild_id, None, None):
            await stack.enter_async_context(turns.lend(guild_id))


async def test_import_waits_for_its_turn_with_each_batch(importer: Importer) -> None:
    """A batch is in memory only while the import holds a slot."""
    turns = FairTurns(2)
    history = HistoryImport(
        importer.store, importer.store, importer.events, clock=importer.clock, batch_rows=3, turns=turns
    )
    job = await importer.prepare()
    async with turns.lend(SCOPE.guild_id):
        importing = asyncio.create_task(
            history.run(importer.server, importer.logs, job, on_progress=importer.show)
        )
        for _ in range(500):
            await asyncio.sleep(0)
        assert importer.store.data.deaths == {}
    await importing
    assert len(importer.store.data.deaths) == 21


async def test_empty_history_is_imported_at_once(importer: Importer, told: list[Event]) -> None:
    """A server without deaths is imported like any other."""
    importer.logs.files = {DAYS[0]: b""}
    progress = await importer.run(await importer.prepare())
    assert progress == ImportProgress(1, 1, 0, 0, 0, 0.0, is_done=True)
    assert told == [HistoryImported(scope=SCOPE)]


async def test_days_at_the_ends_of_the_calendar_are_counted(importer: Importer) -> None:
    """Days of an absurd clock are counted too."""
    rows = [
        build_row("Ann", "Bob")._replace(written_at=row.written_at.replace(year=year, month=month, day=day))
        for row, (year, month, day) in zip(
            build_day(1), ((1970, 1, 1), (2025, 12, 31), (9999, 12, 31)), strict=False
        )
    ]
    importer.logs.files = {DAYS[0]: render(*rows)}
    await importer.run(await importer.prepare())
    assert_counted_right(importer.store)


async def test_progress_counts_files_bytes_and_rows_up_to_the_end(importer: Importer) -> None:
    """The numbers only grow; the last two reports say that counting began and that all is done."""
    size = sum(len(data) for data in importer.logs.files.values())
    final = await importer.run(await importer.prepare())
    reading = importer.shown[:-2]
    assert [progress.bytes_done for progress in reading] == sorted(
        progress.bytes_done for progress in reading
    )
    assert importer.shown[-2:] == [
        ImportProgress(3, 3, size, size, 21, 0.0, is_counting=True),
        ImportProgress(3, 3, size, size, 21, 0.0, is_done=True, deaths=21, days=3),
    ]
    assert final == importer.shown[-1]


async def test_progress_after_a_crash_counts_what_is_left(importer: Importer) -> None:
    """Bytes that were stored before the crash are not counted again."""
    job = await importer.prepare()
    importer.store.power.cut_at = importer.store.power.points + 25
    with pytest.raises(PowerCut):
        await importer.run(job)
    stored = sum(cursor.offset for cursor in importer.store.data.cursors.values())
    assert 0 < stored < sum(job.ends.values())
    final = await importer.run(job)
    assert final.bytes_done == final.bytes_total == sum(job.ends.values()) - stored


def test_progress_tells_rate_and_time_left() -> None:
    """The rate is the mean so far; before the first byte the remaining time is unknown."""
    progress = ImportProgress(1, 2, 250, 1000, 100, 10.0)
    assert (progress.rows_per_second, progress.seconds_left) == (10.0, 30.0)
    assert ImportProgress(0, 2, 0, 1000, 0, 0.0).seconds_left is None


async def test_import_ends_at_once_when_it_is_cancelled(importer: Importer) -> None:
    """Leaving a guild ends its import with all its tasks."""
    job = await importer.prepare()
    task = asyncio.create_task(importer.run(job))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await importer.run(job)
    assert_counted_right(importer.store)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=20), st.integers(1, 5))
async def test_deaths_of_one_second_are_put_in_the_order_of_the_log(
    steps: Sequence[tuple[int, int]], batch_size: int
) -> None:
    """Batches sorted by second, with any order within a second, become the order of the log."""
    seconds = sorted(second for second, _ in steps)
    deaths = [
        build_deaths([build_row("Ann", "Bob", second=second)])[0]._replace(
            offset=offset, file=DAYS[place % 3]
        )
        for second, (offset, (place, _)) in zip(seconds, enumerate(steps), strict=True)
    ]
    mixed = sorted(deaths, key=lambda death: (death.row.written_at, -death.offset))

    async def iterate() -> AsyncIterator[list[Death]]:
        for start in range(0, len(mixed), batch_size):
            yield mixed[start : start + batch_size]

    found = [death async for batch in in_order(iterate()) for death in batch]
    assert found == sorted(deaths, key=lambda death: death.order)
