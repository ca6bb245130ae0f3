"""Named background tasks: restarted with backoff if they are critical, counted, listed, cancelled by guild.

Every task of the bot begins here. A name belongs to one task until that task has really ended, no matter how
long it takes. A new task with the same name waits for the end of the old one. So a piece of work never runs
twice at once, and ``cancel`` tells whether the task has ended.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeVar

from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.log_context import bind_log_context, enter_task_context, find_correlation_id
from utils.models.scope import GuildId

logger = get_logger(__name__)

RESTART_BACKOFF = Backoff(first_seconds=1, longest_seconds=300)
"""An admin who repairs something should not wait longer than this."""

STOP_SECONDS = 5.0  # half of the ten seconds a whole shutdown may take

REMEMBERED_FAILURES = 10_000  # remembered failed turns; when there are more, they count from one again

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Work = Callable[[], Awaitable[object]]


class TaskState(StrEnum):
    """The state of a background task."""

    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TaskReport:
    """A task as it is listed for people.

    Attributes:
        failing_since: when the first of the errors in a row came, in monotonic seconds; None without one.
        is_critical: it is started again after an error until it returns.
    """

    name: str
    guild_id: GuildId | None
    state: TaskState
    runs: int
    errors: int
    last_error: str | None
    next_run_at: datetime | None
    errors_in_a_row: int = 0
    failing_since: float | None = None
    is_critical: bool = False


async def run_together(works: Sequence[Work]) -> None:
    """Run several at once; the first failure ends the others and is raised as it is.

    No ``asyncio.TaskGroup``: before Python 3.13 one that fails leaves its parent counted as being cancelled
    (``Task.cancelling``), and the parent's next ``asyncio.timeout`` that runs out ends it.
    """
    if len(works) == 1:
        await works[0]()
        return
    tasks = [asyncio.ensure_future(work()) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        if unended := [task for task in tasks if not task.done()]:
            for task in unended:
                task.cancel()
            await asyncio.gather(*unended, return_exceptions=True)


@asynccontextmanager
async def beside(work: Work) -> AsyncIterator[None]:
    """Run a piece of work during a block; it has ended when the block ends."""
    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a piece of work."""

    error: BaseException


async def capture(work: Callable[[], Awaitable[T]]) -> T | Failure:
    """Do a piece of work and return its result, or its error.

    Only the cancellation of the running task is raised.
    """
    try:
        return await work()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return Failure(error)  # another task that the work waited for was cancelled, not this one
    except Exception as error:  # noqa: BLE001 - any failure of any work ends here; the caller deals with it
        return Failure(error)


class BackgroundTask:
    """One piece of work: run once, run for ever (critical), or run every so often.

    Args:
        name: unique among the running tasks.
        work: called without arguments for each run.
        clock: source of time and of waiting.
        guild_id: the task ends when the bot leaves this guild; None for the bot's own tasks.
        is_critical: restart after an error, with backoff, until it returns.
        interval_seconds: run again this long after each run; errors back off beyond it.
        errors: takes the error of a run.
        after: the task of the same name that is ending; this one waits for it.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        *,
        clock: Clock,
        guild_id: GuildId | None = None,
        is_critical: bool = False,
        interval_seconds: float | None = None,
        errors: ErrorSink,
        after: "BackgroundTask | None" = None,
    ) -> None:
        self.name = name
        self.guild_id = guild_id
        self._sink = errors
        self._after = after
        self._work = work
        self._clock = clock
        self._is_critical = is_critical
        self._interval_seconds = interval_seconds
        self._state = TaskState.WAITING
        self._runs = 0
        self._errors = 0
        self._consecutive_errors = 0
        self._failing_since: float | None = None
        self._last_error: str | None = None
        self._next_run_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_ending = False
        self._parent: str | None = None  # the id of the work that started it

    @property
    def is_done(self) -> bool:
        """Tell whether no further run will come."""
        return self._state is TaskState.CANCELLED if self._task is None else self._task.done()

    @property
    def is_ending(self) -> bool:
        """Tell whether it was asked to end."""
        return self._is_ending

    @property
    def report(self) -> TaskReport:
        """Return how the task stands now."""
        return TaskReport(
            name=self.name,
            guild_id=self.guild_id,
            state=self._state,
            runs=self._runs,
            errors=self._errors,
            last_error=self._last_error,
            next_run_at=self._next_run_at,
            errors_in_a_row=self._consecutive_errors,
            failing_since=None if self.is_done else self._failing_since,
            is_critical=self._is_critical,
        )

    def start(self, on_end: Callable[["BackgroundTask"], None]) -> None:
        """Begin, and call ``on_end`` when no further run will come; the event loop must be running."""
        self._task = asyncio.create_task(self._run(), name=self.name)
        self._task.add_done_callback(lambda _: on_end(self))

    def note_failure(self, problem: str) -> None:
        """Count a part of the work that failed while the rest went on."""
        self._errors += 1
        self._last_error = problem

    def cancel(self) -> None:
        """Ask the task to end, for ``wait`` to see; a second request does not disturb its clean-up."""
        # asyncio cannot tell: a timeout of the work that runs out at this moment cancels as well
        if self._is_ending:
            return
        self._is_ending = True
        if self._task is None:
            self._state = TaskState.CANCELLED  # it has not begun, and never will
        else:
            self._task.cancel()

    async def wait(self) -> None:
        """Wait until the task has ended in any way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def list_unended(self) -> list["BackgroundTask"]:
        """Return this task and its predecessors of the same name that have not ended."""
        before = [] if self._after is None else self._after.list_unended()
        return before if self.is_done else [*before, self]

    async def _wait_for_turn(self) -> None:
        if self._after is not None:
            for task in self._after.list_unended():
                await task.wait()
            self._after = None

    async def _run(self) -> None:
        self._parent = find_correlation_id()
        try:
            await self._wait_for_turn()
            # a task that is ending comes here if its clean-up failed, or if it ignored the request
            while (delay := await self._run_once()) is not None and not self._is_ending:
                await self._pause(delay)
        except asyncio.CancelledError:
            self._state = TaskState.CANCELLED
            raise
        if delay is not None:
            self._state = TaskState.CANCELLED

    async def _run_once(self) -> float | None:
        """Run the work; return the seconds until the next run, or None when there is none."""
        self._state, self._next_run_at = TaskState.RUNNING, None
        self._runs += 1
        enter_task_context(self.name, run=self._runs, guild_id=self.guild_id, parent=self._parent)
        began = self._clock.monotonic()
        outcome = await capture(self._work)
        if isinstance(outcome, Failure):
            return self._after_error(outcome.error, began)
        self._consecutive_errors, self._failing_since = 0, None
        self._state = TaskState.FINISHED
        return self._interval_seconds

    def _after_error(self, error: BaseException, began: float) -> float | None:
        if self._clock.monotonic() - began >= RESTART_BACKOFF.longest_seconds:
            self._consecutive_errors = 0  # it had run well for long, so this failure is the first in a row
            self._failing_since = None
        self._errors += 1
        self._consecutive_errors += 1
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        self._last_error = f"{type(error).__name__}: {error}"
        self._state = TaskState.FAILED
        where = Where(source=ErrorSource.TASK, guild_id=self.guild_id, task=self.name)
        self._sink.report(error, where=where)
        if not self._is_critical and self._interval_seconds is None:
            return None
        return max(RESTART_BACKOFF.compute_seconds(self._consecutive_errors), self._interval_seconds or 0.0)

    async def _pause(self, seconds: float) -> None:
        self._state = TaskState.WAITING
        self._next_run_at = self._clock.now() + timedelta(seconds=seconds)
        await self._clock.sleep(seconds)


class TaskManager:
    """Owner of every background task: strong references, unique names, one place to end them.

    Args:
        clock: source of time and of waiting for the tasks.
        errors: takes the errors of tasks and turns.
        stop_seconds: how long to wait for the end of a task, in real time.

    Attributes:
        errors: takes the errors that its owners handle by themselves.
    """

    def __init__(
        self, clock: Clock, *, errors: ErrorSink | None = None, stop_seconds: float = STOP_SECONDS
    ) -> None:
        self._clock = clock
        self.errors = errors or LoggedErrors()
        self._stop_seconds = stop_seconds
        self._tasks: dict[str, BackgroundTask] = {}
        self._ended: list[BackgroundTask] = []  # shown until another one of the name begins
        self._is_stopped = False
        self._failing: dict[tuple[str, str, Hashable], int] = {}  # turns: failures in a row

    def start(
        self,
        name: str,
        work: Work,
        *,
        guild_id: GuildId | None = None,
        is_critical: bool = False,
        interval_seconds: float | None = None,
    ) -> BackgroundTask:
        """Start a task; while another one of its name is ending, it waits for that.

        After ``stop`` no task begins: the returned one is cancelled already.

        Raises:
            ValueError: a task of this name is still running.
        """
        if self.is_running(name):
            raise ValueError(f"task {name} is already running")
        task = BackgroundTask(
            name,
            work,
            clock=self._clock,
            guild_id=guild_id,
            is_critical=is_critical,
            interval_seconds=interval_seconds,
            errors=self.errors,
            after=self._tasks.get(name),
        )
        if self._is_stopped:
            task.cancel()
            return task
        self._forget_ended()
        self._tasks[name] = task
        task.start(self._note_end)
        return task

    def is_running(self, name: str) -> bool:
        """Tell whether a task of this name is running and was not asked to end."""
        return self.find_running(name) is not None

    def find_running(self, name: str) -> BackgroundTask | None:
        """Return the task of this name that is running and was not asked to end, if there is one."""
        task = self._tasks.get(name)
        return None if task is None or task.is_done or task.is_ending else task

    def list_reports(self) -> tuple[TaskReport, ...]:
        """Return the state of every known task, by name."""
        return tuple(self._tasks[name].report for name in sorted(self._tasks))

    async def for_each(
        self, name: str, keys: Iterable[K], work: Callable[[K], Awaitable[object]]
    ) -> frozenset[K]:
        """Do work for each guild, server or board in turn; a turn that fails does not stop the others.

        A failure is counted for the task ``name``, for ``/owner tasks``. It is logged the first, second,
        fourth, eighth time in a row and so on, and only once if many turns fail for the same reason (no
        database).

        Args:
            name: the name of the task that does this work.
            keys: the turns in their order; the log names them, and a turn has the same key the next time.
            work: does the work for one key.

        Returns:
            the keys whose turn failed.
        """
        told: set[str] = set()
        return frozenset([key for key in keys if not await self.attempt(name, key, work, told=told)])

    async def attempt(
        self,
        name: str,
        key: K,
        work: Callable[[K], Awaitable[object]],
        *,
        told: set[str] | None = None,
    ) -> bool:
        """Do one turn like ``for_each``, for turns that may run at once; tell whether it succeeded.

        Problems in ``told`` are not logged again; new ones are added to it.
        """
        failing = name, getattr(work, "__qualname__", ""), key
        where = _find_where(name, key)
        with bind_log_context(where.guild_id, server_id=where.server_id):
            outcome = await capture(partial(work, key))
            if isinstance(outcome, Failure):
                self._note_failure(failing, outcome.error, told)
                return False
            if self._failing.pop(failing, 0):
                logger.info("goes on where it had failed", task=name, scope=str(key))
            return True

    def _note_failure(
        self, failing: tuple[str, str, Hashable], error: BaseException, told: set[str] | None
    ) -> None:
        name, _, key = failing
        problem = f"{type(error).__name__}: {error}"
        self.errors.report(error, where=_find_where(name, key))
        if name in self._tasks:
            self._tasks[name].note_failure(f"{key}: {problem}")
        if len(self._failing) >= REMEMBERED_FAILURES:
            self._failing.clear()
        times = self._failing[failing] = self._failing.get(failing, 0) + 1
        is_due = times & (times - 1) == 0  # a power of two
        if is_due and problem not in (told or ()):
            logger.error(
                "failed for one, the others have their turn",
                task=name,
                scope=str(key),
                times=times,
                problem=problem,
            )
            if told is not None:
                told.add(problem)

    async def cancel(self, *names: str) -> bool:
        """End tasks and wait up to ``stop_seconds``; unknown names are ignored.

        Returns:
            whether they have ended. A task that has not is still known, and keeps its name until it has.
        """
        return await self._end([self._tasks[name] for name in names if name in self._tasks])

    async def cancel_patiently(self, *names: str) -> None:
        """End tasks and return when they have ended, no matter how long that takes."""
        tasks = [self._tasks[name] for name in names if name in self._tasks]
        while not await self._end(tasks):
            pass

    async def cancel_guild(self, guild_id: GuildId) -> bool:
        """End every task of a guild, as ``cancel`` does; tell whether they have ended."""
        return await self._end([task for task in self._tasks.values() if task.guild_id == guild_id])

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget which turns of a guild failed."""
        self._failing = {
            failing: times for failing, times in self._failing.items() if not _is_of(failing[2], guild_id)
        }

    async def stop(self, *, keeping: Collection[str] = ()) -> bool:
        """End every task except those named, and begin none from now on; tell whether they ended in time."""
        self._is_stopped = True
        return await self._end([task for name, task in self._tasks.items() if name not in keeping])

    async def _end(self, tasks: Sequence[BackgroundTask]) -> bool:
        """Cancel tasks, and wait until the deadline; tell whether they have ended."""
        unended = [one for task in tasks for one in task.list_unended()]
        for one in unended:
            one.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._stop_seconds):
                for one in unended:
                    await one.wait()
        for task in tasks:
            self._forget(task)
        late = [one.name for one in unended if not one.is_done]
        for name in late:
            logger.error("background task does not end", task=name)
        return not late

    def _note_end(self, task: BackgroundTask) -> None:
        if task.is_ending:
            self._forget(task)
        else:
            self._ended.append(task)

    def _forget_ended(self) -> None:
        while self._ended:
            self._forget(self._ended.pop())

    def _forget(self, task: BackgroundTask) -> None:
        """Free a name when all its tasks have ended."""
        if self._tasks.get(task.name) is not task:  # another one was started under its name in the meantime
            return
        if unended := task.list_unended():
            self._tasks[task.name] = unended[-1]
        else:
            del self._tasks[task.name]


def _find_where(name: str, key: Hashable) -> Where:
    """Return the place of a turn: a guild, a scope, or something with one of them."""
    parts = key if isinstance(key, tuple) else (key,)
    first_id = next((GuildId(part) for part in parts if isinstance(part, int)), None)
    guild_id, server_id = getattr(key, "guild_id", first_id), getattr(key, "server_id", None)
    return Where(source=ErrorSource.TURN, task=name, guild_id=guild_id, server_id=server_id or None)


def _is_of(key: Hashable, guild_id: GuildId) -> bool:
    """Tell whether a turn belongs to a guild: its key is the guild's id, or a scope or pair that holds it."""
    parts = key if isinstance(key, tuple) else (key,)
    return any(guild_id in (part, getattr(part, "guild_id", None)) for part in parts)
