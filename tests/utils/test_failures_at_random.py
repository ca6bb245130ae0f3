"""Events and tasks with random failures: no failure affects others, and no restart is lost."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock, settle
from tests.fakes.deaths import SCOPE
from utils.errors import StorageUnavailableError
from utils.events import EventDispatcher, NoticesQueued, ServerRemoved
from utils.models.guilds import ChannelKind
from utils.models.scope import GuildId
from utils.tasks import RESTART_BACKOFF, TaskManager, TaskState

ERRORS: dict[str, Callable[[], BaseException]] = {
    "bug": lambda: ZeroDivisionError("a bug"),
    "outage": lambda: StorageUnavailableError("away"),
    "cancelled inside": asyncio.CancelledError,
}
OUTCOMES = st.sampled_from(["fine", *ERRORS])

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["register", "dispatch", "dispatch other"]),
        st.sampled_from(["fine", "bug", "outage"]),
    ),
    max_size=20,
)


def fail_as(outcome: str) -> None:
    """Raise the error of an outcome, if it is one."""
    error = ERRORS[outcome]() if outcome in ERRORS else None
    if error is not None:
        raise error


@given(STEPS)
def test_every_handler_hears_every_fact_it_registered_for_once(steps: list[tuple[str, str]]) -> None:
    """Handlers are called once, in the order of registration, whether or not earlier ones fail."""
    events = EventDispatcher()
    outcomes: list[str] = []
    called: list[int] = []

    def build(number: int, outcome: str) -> Callable[[ServerRemoved], None]:
        def handle(_event: ServerRemoved) -> None:
            called.append(number)
            fail_as(outcome)

        return handle

    with capture_logs() as logs:
        for step, outcome in steps:
            called.clear()
            logs.clear()
            if step == "register":
                events.register(ServerRemoved, build(len(outcomes), outcome))
                outcomes.append(outcome)
            elif step == "dispatch other":
                events.dispatch(NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.KILLFEED})))
                assert (called, logs) == ([], [])
            else:
                events.dispatch(ServerRemoved(scope=SCOPE))
                assert called == list(range(len(outcomes)))
                assert len(logs) == sum(outcome != "fine" for outcome in outcomes)


def compute_delays(outcomes: list[str], *, interval: float | None, is_critical: bool) -> list[float]:
    """Return the pause after each run: doubled after errors in a row, never below the interval."""
    delays: list[float] = []
    row = 0
    for outcome in outcomes:
        row = 0 if outcome == "fine" else row + 1
        if outcome == "fine" and interval is None:
            break
        if outcome != "fine" and interval is None and not is_critical:
            break
        backoff = min(2.0 ** (row - 1), RESTART_BACKOFF.longest_seconds) if row else 0.0
        delays.append(max(backoff, interval or 0.0))
    return delays


@settings(max_examples=80, deadline=None)
@given(
    outcomes=st.lists(OUTCOMES, min_size=1, max_size=12),
    interval=st.none() | st.sampled_from([0.5, 5.0, 1000.0]),
    is_critical=st.booleans(),
)
async def test_task_is_run_again_as_long_as_its_kind_says(
    outcomes: list[str], *, interval: float | None, is_critical: bool
) -> None:
    """The pauses follow the rules, and the report counts every run and error."""
    clock, runs = FakeClock(), 0

    async def work() -> None:
        nonlocal runs
        outcome = outcomes[runs]
        runs += 1
        await asyncio.sleep(0)
        fail_as(outcome)

    expected = compute_delays(outcomes, interval=interval, is_critical=is_critical)
    tasks = TaskManager(clock)
    with capture_logs() as logs:
        task = tasks.start("work", work, interval_seconds=interval, is_critical=is_critical)
        for delay in expected[: len(outcomes) - 1]:
            await clock.advance(delay)
        await settle()
        report = task.report
        await tasks.stop()
    assert clock.slept == expected
    assert report.runs == runs == min(len(expected) + 1, len(outcomes))
    errors = sum(outcome != "fine" for outcome in outcomes[:runs])
    assert report.errors == errors == sum(entry["event"] == "background task failed" for entry in logs)
    is_over = len(expected) < runs
    ended = TaskState.FINISHED if outcomes[runs - 1] == "fine" else TaskState.FAILED
    assert report.state is (ended if is_over else TaskState.WAITING)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["start", "cancel", "cancel guild", "pass time"]),
            st.integers(0, 3),
            st.sampled_from(["waits", "fails", "ends"]),
        ),
        max_size=20,
    )
)
async def test_names_are_unique_and_a_guilds_tasks_end_with_it(steps: list[tuple[str, int, str]]) -> None:
    """After any steps exactly those tasks run that were started and not ended, alone or with their guild."""
    clock = FakeClock()
    tasks = TaskManager(clock)
    alive: dict[str, GuildId] = {}

    async def wait() -> None:
        await asyncio.Event().wait()

    async def fail() -> None:
        raise ConnectionError("again")

    async def end() -> None:
        """Return at once."""

    works = {"waits": wait, "fails": fail, "ends": end}
    with capture_logs():
        for step, number, kind in steps:
            name, guild_id = f"task {number}", GuildId(number % 2)
            if step == "start" and name in alive:
                with pytest.raises(ValueError, match=f"task {name} is already running"):
                    tasks.start(name, wait)
            elif step == "start":
                tasks.start(name, works[kind], guild_id=guild_id, is_critical=True)
                if kind != "ends":
                    alive[name] = guild_id
            elif step == "cancel":
                await tasks.cancel(name)
                alive.pop(name, None)
            elif step == "cancel guild":
                await tasks.cancel_guild(guild_id)
                alive = {kept: guild for kept, guild in alive.items() if guild != guild_id}
            else:
                await clock.advance(400)
            await settle()
            running = {f"task {one}" for one in range(4) if tasks.is_running(f"task {one}")}
            assert running == alive.keys()
        await tasks.stop()
    assert tasks.list_reports() == ()
