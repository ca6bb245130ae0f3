"""Background tasks: run, restarted with backoff, repeated, cancelled by guild, listed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.errors import FakeErrorSink
from utils.error_sink import ErrorSource, Where
from utils.errors import StorageUnavailableError
from utils.models.posted_boards import BoardKey
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.tasks import (
    RESTART_BACKOFF,
    TaskManager,
    TaskReport,
    TaskState,
    beside,
    run_together,
)

GUILD = GuildId(42)
OTHER_GUILD = GuildId(43)


class Failing:
    """Work that fails the first ``failures`` times.

    Attributes:
        runs: the number of runs.
        seconds: the seconds of each run.
    """

    def __init__(self, clock: FakeClock, failures: int = 1_000_000, *, seconds: float = 0) -> None:
        self._clock = clock
        self._failures = failures
        self.seconds = seconds
        self.runs = 0

    async def __call__(self) -> None:
        """Run once."""
        self.runs += 1
        self._clock.move(self.seconds)
        if self.runs <= self._failures:
            raise ConnectionError(f"try {self.runs}")


async def wait_for_ever() -> None:
    """Work that ends only by cancellation."""
    await asyncio.Event().wait()


@pytest.fixture(name="tasks")
async def _tasks(clock: FakeClock) -> AsyncIterator[TaskManager]:
    tasks = TaskManager(clock)
    with capture_logs():
        yield tasks
        await tasks.stop()


@pytest.mark.parametrize(
    ("errors", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (10_000, 300)]
)
def test_restart_delay_doubles_up_to_five_minutes(errors: int, seconds: float) -> None:
    """After errors in a row the wait grows, up to five minutes."""
    assert RESTART_BACKOFF.compute_seconds(errors) == seconds


async def test_plain_task_runs_once_and_is_finished(tasks: TaskManager) -> None:
    """Work that has returned is done, and its name may be used again."""
    ran: list[int] = []

    async def work() -> None:
        ran.append(1)

    for _ in range(2):
        await tasks.start("once", work).wait()
    assert ran == [1, 1]
    assert tasks.list_reports() == (TaskReport("once", None, TaskState.FINISHED, 1, 0, None, None),)


async def test_plain_task_stays_ended_when_it_failed(tasks: TaskManager, clock: FakeClock) -> None:
    """Only critical work is restarted; the report has the error."""
    work = Failing(clock)
    await tasks.start("plain", work, guild_id=GUILD).wait()
    assert (work.runs, clock.slept) == (1, [])
    assert tasks.list_reports() == (
        TaskReport("plain", GUILD, TaskState.FAILED, 1, 1, "ConnectionError: try 1", None, errors_in_a_row=1),
    )


async def test_critical_task_is_restarted_with_backoff_until_it_returns(
    tasks: TaskManager, clock: FakeClock
) -> None:
    """The pauses are 1, 2 and 4 seconds; between runs the report has the time of the next run."""
    work = Failing(clock, failures=3)
    task = tasks.start("critical", work, is_critical=True)
    await settle()
    assert task.report == TaskReport(
        *("critical", None, TaskState.WAITING, 1, 1, "ConnectionError: try 1", START + timedelta(seconds=1)),
        errors_in_a_row=1,
        failing_since=clock.monotonic(),
        is_critical=True,
    )
    for seconds in (1, 2, 4):
        await clock.advance(seconds)
    await task.wait()
    assert (work.runs, clock.slept) == (4, [1, 2, 4])
    assert task.report == TaskReport(
        "critical", None, TaskState.FINISHED, 4, 3, "ConnectionError: try 3", None, is_critical=True
    )


async def test_backoff_begins_anew_when_the_work_had_been_well_for_long(
    tasks: TaskManager, clock: FakeClock
) -> None:
    """One failure a day is not a failure in a row."""
    work = Failing(clock, seconds=RESTART_BACKOFF.longest_seconds)
    tasks.start("daily", work, is_critical=True)
    for _ in range(3):
        await clock.advance(RESTART_BACKOFF.longest_seconds)
    assert clock.slept == [1, 1, 1, 1]


async def test_critical_task_is_restarted_when_what_it_waits_for_was_cancelled(
    tasks: TaskManager, clock: FakeClock
) -> None:
    """A cancelled future inside the work is a failure of the work, not the end of the task."""

    async def work() -> None:
        inner = asyncio.get_running_loop().create_future()
        inner.cancel()
        await inner

    task = tasks.start("inner", work, is_critical=True)
    await clock.advance(1)
    assert (task.report.runs, task.report.errors, task.report.state) == (2, 2, TaskState.WAITING)


async def test_repeated_task_runs_again_after_its_interval(tasks: TaskManager, clock: FakeClock) -> None:
    """The interval counts from the end of a run; after an error the wait is at least as long."""
    work = Failing(clock, failures=2)
    task = tasks.start("often", work, interval_seconds=1.5)
    for _ in range(2):
        await clock.advance(2)
    await clock.advance(1.5)
    assert (work.runs, clock.slept) == (4, [1.5, 2.0, 1.5, 1.5])
    assert (task.report.state, task.report.next_run_at) == (
        TaskState.WAITING,
        START + timedelta(seconds=5.5 + 1.5),
    )


async def test_name_of_a_running_task_is_taken(tasks: TaskManager) -> None:
    """Two tasks with one name would run the same work twice."""
    tasks.start("watch", wait_for_ever)
    assert tasks.is_running("watch")
    with pytest.raises(ValueError, match="task watch is already running"):
        tasks.start("watch", wait_for_ever)


async def test_tasks_of_one_guild_end_and_the_others_go_on(tasks: TaskManager) -> None:
    """After leaving a guild all its tasks end, and no others."""
    for name, guild_id in (("a", GUILD), ("b", GUILD), ("c", OTHER_GUILD), ("d", None)):
        tasks.start(name, wait_for_ever, guild_id=guild_id)
    await settle()
    await tasks.cancel_guild(GUILD)
    assert [(report.name, report.state) for report in tasks.list_reports()] == [
        ("c", TaskState.RUNNING),
        ("d", TaskState.RUNNING),
    ]


async def test_cancelled_task_has_cleaned_up_when_cancel_returns(tasks: TaskManager) -> None:
    """After ``cancel`` has returned, the task has ended."""
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await wait_for_ever()
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    task = tasks.start("neat", work)
    await settle()
    await tasks.cancel("neat")
    assert (cleaned, task.is_done, task.report.state) == (["up"], True, TaskState.CANCELLED)
    assert not tasks.is_running("neat")
    await tasks.cancel("nobody")


async def test_task_that_is_ending_is_not_cancelled_again(tasks: TaskManager) -> None:
    """Another caller of ``cancel`` waits for the clean-up, which is not disturbed."""
    is_ending, may_end = asyncio.Event(), asyncio.Event()
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_ending.set()
            await may_end.wait()
            cleaned.append("yes")

    tasks.start("neat", work)
    await settle()
    ends = [asyncio.create_task(tasks.cancel("neat")) for _ in range(2)]
    await is_ending.wait()
    ends.append(asyncio.create_task(tasks.stop()))
    await settle()
    may_end.set()
    await asyncio.gather(*ends)
    assert cleaned == ["yes"]


async def test_cancelled_task_is_not_restarted_when_its_clean_up_fails(
    tasks: TaskManager, clock: FakeClock
) -> None:
    """The caller of ``cancel`` goes on, even if the task is critical."""

    async def work() -> None:
        try:
            await wait_for_ever()
        finally:
            raise ConnectionError("nobody to say goodbye to")

    task = tasks.start("untidy", work, is_critical=True)
    await settle()
    await tasks.cancel("untidy")
    await clock.advance(RESTART_BACKOFF.longest_seconds)
    assert task.is_done
    assert (task.report.state, task.report.runs, task.report.errors) == (TaskState.CANCELLED, 1, 1)


async def test_first_failure_of_works_together_ends_the_others_and_nothing_else() -> None:
    """The caller goes on as before: a timeout of its own stays a timeout, and is not a cancellation."""
    is_ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_ended.set()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_together([wait, fail, wait])
    task = asyncio.current_task()
    assert (is_ended.is_set(), task is not None and task.cancelling()) == (True, 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    await run_together([])


async def test_works_together_have_ended_when_whoever_ran_them_is_cancelled() -> None:
    """None of the works goes on after the cancellation of their caller."""
    begun, ended = asyncio.Semaphore(0), list[int]()

    async def wait(number: int) -> None:
        try:
            begun.release()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    running = asyncio.create_task(run_together([partial(wait, 1), partial(wait, 2)]))
    for _ in range(2):
        await begun.acquire()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == [1, 2]


async def test_task_is_cancelled_at_the_very_moment_at_which_it_runs_into_a_timeout(
    tasks: TaskManager,
) -> None:
    """A timeout also cancels, and takes back only its own cancellation."""
    pause = asyncio.timeout(None)

    async def work() -> None:
        with suppress(TimeoutError):
            async with pause:
                await wait_for_ever()
        await wait_for_ever()

    task = tasks.start("late", work)
    await settle()
    pause.reschedule(0)
    asyncio.get_running_loop().call_soon(task.cancel)  # right after the timeout, before the task notices
    await settle()
    assert task.is_done


async def test_waiting_task_ends_at_once_when_it_is_cancelled(tasks: TaskManager, clock: FakeClock) -> None:
    """A pause between runs does not delay a shutdown."""
    task = tasks.start("often", Failing(clock, failures=0), interval_seconds=3600)
    await settle()
    await tasks.stop()
    assert (task.is_done, tasks.list_reports()) == (True, ())


async def test_stop_returns_though_a_task_does_not_end(clock: FakeClock) -> None:
    """A task that does not end is named in the log and in the result, and no task starts afterwards."""
    tasks = TaskManager(clock, stop_seconds=0.01)
    release = asyncio.Event()

    async def cling() -> None:
        try:
            await wait_for_ever()
        except asyncio.CancelledError:
            await release.wait()

    task = tasks.start("clinging", cling)
    await settle()
    with capture_logs() as logs:
        assert not await tasks.stop()
    assert [(entry["event"], entry["task"]) for entry in logs] == [
        ("background task does not end", "clinging")
    ]
    assert [report.name for report in tasks.list_reports()] == ["clinging"]
    late = tasks.start("late", wait_for_ever)
    await late.wait()
    assert (late.is_done, late.report.state, late.report.runs) == (True, TaskState.CANCELLED, 0)
    release.set()
    await task.wait()
    assert (await tasks.stop(), tasks.list_reports()) == (True, ())


@pytest.mark.parametrize("end", [TaskManager.stop, lambda tasks: tasks.cancel_guild(GUILD)])
async def test_ending_nothing_is_no_error(
    tasks: TaskManager, end: Callable[[TaskManager], Awaitable[None]]
) -> None:
    """A guild without tasks can be left."""
    await end(tasks)
    assert tasks.list_reports() == ()


async def test_failing_turn_costs_no_other_one_and_is_counted_at_its_task(
    tasks: TaskManager, clock: FakeClock
) -> None:
    """The next guild is served in the same round; ``/owner tasks`` shows the failure and its place."""
    served: list[int] = []

    async def serve(guild_id: GuildId) -> None:
        if guild_id == GUILD:
            raise ValueError("malformed")
        served.append(guild_id)

    async def serve_all() -> None:
        assert await tasks.for_each("round", [GUILD, OTHER_GUILD], serve) == {GUILD}

    task = tasks.start("round", serve_all, interval_seconds=60)
    await clock.advance(60)
    assert served == [OTHER_GUILD, OTHER_GUILD]
    assert (task.report.runs, task.report.errors, task.report.last_error) == (
        2,
        2,
        "42: ValueError: malformed",
    )


async def test_turn_that_fails_again_and_again_is_logged_ever_less_often(clock: FakeClock) -> None:
    """The first, second, fourth and eighth failure in a row is logged, and the recovery; all are reported."""
    errors = FakeErrorSink()
    tasks = TaskManager(clock, errors=errors)
    is_ill = True

    async def serve(guild_id: GuildId) -> None:
        if is_ill:
            raise KeyError(guild_id)

    with capture_logs() as logs:
        for _ in range(20):
            await tasks.for_each("round", [GUILD], serve)
        is_ill = False
        for _ in range(3):
            await tasks.for_each("round", [GUILD], serve)
        is_ill = True
        await tasks.for_each("round", [GUILD], serve)
    assert [entry.get("times") for entry in logs] == [1, 2, 4, 8, 16, None, 1]
    assert logs[5]["event"] == "goes on where it had failed"
    assert len(errors.reported) == 21
    assert set(errors.places) == {Where(source=ErrorSource.TURN, guild_id=GUILD, task="round")}


@pytest.mark.parametrize(
    ("key", "guild_id", "server_id"),
    [
        (GUILD, GUILD, None),
        (ServerScope(GUILD, ServerId("k3v9x0aa")), GUILD, ServerId("k3v9x0aa")),
        (BoardKey(GUILD, ServerId(""), "kills"), GUILD, None),
        ((GUILD, "alerts"), GUILD, None),
        ("mongod", None, None),
    ],
)
async def test_failed_turn_is_reported_with_its_guild(
    clock: FakeClock, key: Hashable, guild_id: GuildId | None, server_id: ServerId | None
) -> None:
    """A key can be a guild, hold one, or have none."""
    errors = FakeErrorSink()

    async def fail(_: Hashable) -> None:
        raise KeyError

    await TaskManager(clock, errors=errors).for_each("round", [key], fail)
    where = Where(source=ErrorSource.TURN, task="round", guild_id=guild_id, server_id=server_id)
    assert errors.places == [where]


async def test_what_fails_alike_for_all_is_logged_once_a_round(tasks: TaskManager) -> None:
    """Without a database a thousand guilds log one line; an expected error needs no place."""

    async def serve(guild_id: int) -> None:
        del guild_id
        raise StorageUnavailableError("MongoDB is not reachable.")

    with capture_logs() as logs:
        failed = await tasks.for_each("round", range(1000), serve)
    assert len(failed) == 1000
    assert [entry["scope"] for entry in logs] == ["0"]


async def test_round_ends_when_its_task_is_cancelled_and_goes_on_when_another_was(tasks: TaskManager) -> None:
    """A cancelled future inside one call is a failure of that call alone."""
    turns: list[int] = []

    async def serve(number: int) -> None:
        turns.append(number)
        if number == 0:
            inner = asyncio.get_running_loop().create_future()
            inner.cancel()
            await inner
        await wait_for_ever()

    async def serve_all() -> None:
        await tasks.for_each("round", range(3), serve)

    task = tasks.start("round", serve_all)
    await settle()
    await tasks.cancel("round")
    assert (turns, task.report.state, task.report.errors) == ([0, 1], TaskState.CANCELLED, 1)


@dataclass
class Clinging:
    """Works that end only when a test allows it; each is recorded while it runs."""

    release: list[asyncio.Event] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0

    def let_end(self) -> None:
        """Let all works end that run or were cancelled."""
        for event in self.release:
            event.set()

    async def __call__(self) -> None:
        """Work until cancelled, and then on until released."""
        may_end = asyncio.Event()
        self.release.append(may_end)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            self.at_work -= 1


async def take_step(step: str, tasks: TaskManager, works: Clinging) -> None:
    """Start, cancel, let works end, or let time pass; check that ``cancel`` returns the truth."""
    if step == "start" and not tasks.is_running("one"):
        tasks.start("one", works, is_critical=True)
    elif step == "cancel":
        has_ended = await tasks.cancel("one")
        assert (works.at_work == 0, tasks.list_reports() == ()) == (has_ended, has_ended)
    elif step == "release":
        works.let_end()
    elif step == "turn":
        await settle()


@given(st.lists(st.sampled_from(["start", "cancel", "release", "turn"]), max_size=20))
def test_name_belongs_to_one_work_at_a_time_however_it_is_started_and_cancelled(steps: list[str]) -> None:
    """``cancel`` returns the truth, a new start waits, and two works of a name never run at once."""

    async def play() -> None:
        tasks, works = TaskManager(FakeClock(), stop_seconds=0), Clinging()
        for step in steps:
            await take_step(step, tasks, works)
        is_wanted = tasks.is_running("one")
        for _ in range(3):
            works.let_end()
            await settle()
        assert (works.at_work, works.most_at_work <= 1) == (int(is_wanted), True)
        ending = asyncio.create_task(tasks.cancel("one"))
        await settle()
        works.let_end()
        await ending
        await settle()
        assert (works.at_work, tasks.list_reports()) == (0, ())

    with capture_logs():
        asyncio.run(play())


async def test_work_beside_a_block_has_ended_behind_it() -> None:
    """A failure of the work is ignored, that of the block is raised."""
    ended: list[str] = []

    async def work() -> None:
        try:
            await wait_for_ever()
        finally:
            ended.append("work")
            raise ConnectionError

    async def fail_beside() -> None:
        async with beside(work):
            await settle()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_beside()
    assert ended == ["work"]
