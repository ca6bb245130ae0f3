"""Two logs of one game server: the events of one never affect the other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START, settle
from tests.fakes.deaths import FILE, SCOPE
from tests.fakes.second_log import FakeSecondReader
from tests.fakes.server_world import PoisonStore, World, running
from tests.fakes.storage import build_server
from utils.errors import (
    ConnectionLostError,
    HostUnreachableError,
    KillfeedError,
    LogsMissingError,
    SecretError,
    StorageError,
    StorageUnavailableError,
)
from utils.models.reading import Cursor, ImportJob
from utils.models.servers import ConnectionState, LogHealth, Obstacle, ServerHealth
from utils.models.texts import text
from utils.services.ingestion.poison import FAILURES_BEFORE
from utils.services.ingestion.reader_loop import MISSING_LOGS_SECONDS, READ_BACKOFF

FAILURES = (
    ConnectionLostError(text("The host hung up.")),
    StorageUnavailableError("away"),
    LogsMissingError(text("There is no second log.")),
    SecretError(text("other key")),
    OverflowError("nobody thought of it"),
)


@pytest.fixture(name="world")
def _world() -> World:
    return World()


@pytest.fixture(name="second")
def _second() -> FakeSecondReader:
    return FakeSecondReader("a", "b")


async def poll_deaths(world: World, polls: int) -> None:
    """Let ``polls`` polls of the death log pass; the game writes a death before each."""
    for number in range(polls):
        world.append(("Ann", "Bob"), second=number + world.clock.monotonic())
        await world.clock.advance(5)


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_second_log_that_fails_never_touches_the_death_log(
    world: World, second: FakeSecondReader, error: KillfeedError
) -> None:
    """The death log is polled at every moment and posted; health shows the problem of the second log too."""
    second.failures = [error] * 100
    scheduler = world.build(second=second)
    async with running(scheduler):
        await settle()
        looks = world.servers.calls.count("find_server")
        await poll_deaths(world, 4)
        health = scheduler.health
        assert (world.visits, len(world.store.data.deaths), len(world.store.data.notices)) == (5, 4, 4)
        assert (health.state, health.problem, health.next_try_at) == (ConnectionState.CONNECTED, None, None)
        assert [(one.log, one.problem is None) for one in health.others] == [(text("Second log"), False)]
        assert not health.is_well
        assert world.servers.calls.count("find_server") - looks <= len(second.visits)
    assert {saved.problem for saved in world.servers.saved} == {None}


async def test_second_log_is_looked_for_at_its_own_pace_and_told_once(
    world: World, second: FakeSecondReader
) -> None:
    """The second log is missing for minutes. The death log is polled as usual, and there is one alert."""
    second.failures = [LogsMissingError(text("There is no second log."))] * 3
    scheduler = world.build(second=second)
    async with running(scheduler):
        await settle()
        for _ in range(int(2 * MISSING_LOGS_SECONDS / 5)):
            await world.clock.advance(5)
        assert (len(second.visits), world.visits) == (3, 25)
        assert scheduler.health.others == (
            LogHealth(text("Second log"), ConnectionState.NO_LOGS, text("There is no second log.")),
        )
        for _ in range(12):
            await world.clock.advance(5)
        assert (second.stored, scheduler.health.is_well) == (["a", "b"], True)
    assert world.notifier.told == ["**Mirny**: There is no second log."]


async def test_death_log_that_is_missing_never_touches_the_second_one(
    world: World, second: FakeSecondReader
) -> None:
    """While the death log is missing, the second log is polled at every moment, from its own cursor."""
    world.access.failures = [LogsMissingError(text("No death logs found."))] * 10
    scheduler = world.build(second=second)
    async with running(scheduler):
        await settle()
        for line in "cd":
            second.lines.append(line)
            await world.clock.advance(5)
        assert (world.visits, len(second.visits), second.stored) == (1, 3, ["a", "b", "c", "d"])
        health = scheduler.health
        assert (health.state, health.problem) == (ConnectionState.NO_LOGS, text("No death logs found."))
        assert health.others == (LogHealth(text("Second log"), ConnectionState.CONNECTED),)
    assert (second.cursor, world.store.data.cursors) == (4, {})


async def test_second_log_that_is_slow_holds_up_no_poll(world: World, second: FakeSecondReader) -> None:
    """One visit of the second log takes minutes."""
    second.may_end.clear()
    async with running(world.build(second=second)):
        await settle()
        await poll_deaths(world, 4)
        assert (world.visits, len(world.store.data.notices), len(second.visits)) == (5, 4, 1)
        second.may_end.set()
        await settle()
        assert second.stored == ["a", "b"]


async def test_death_log_that_is_slow_holds_up_no_second_log(world: World, second: FakeSecondReader) -> None:
    """An import takes its time; meanwhile the second log is read."""
    world.append(("Ann", "Bob"))
    world.store.data.job = ImportJob(0, START, {FILE: len(world.access.logs.files[FILE])})
    world.progress.may_go_on.clear()
    async with running(world.build(second=second)):
        await settle()
        for _ in range(3):
            await world.clock.advance(5)
        assert (world.visits, len(second.visits)) == (1, 4)
        world.progress.may_go_on.set()
        await settle()
        assert (world.store.data.job, len(world.store.data.deaths)) == (None, 1)
        await poll_deaths(world, 1)
        assert len(world.store.data.notices) == 1


async def test_poison_of_the_second_log_is_passed_over_there_alone(
    world: World, second: FakeSecondReader
) -> None:
    """After five failures a line of the second log is skipped; no line of the death log ever is."""
    second.lines, second.poison = ["a", "poison", "b"], "poison"
    async with running(world.build(second=second)):
        await settle()
        await poll_deaths(world, 30)
    assert (second.stored, second.rejected, second.cursor) == (["a", "b"], ["poison"], 3)
    assert [visit.passes_over for visit in second.visits].index(True) == FAILURES_BEFORE
    assert (len(world.store.data.deaths), world.store.data.rejected) == (30, [])


async def test_poison_of_the_death_log_leaves_the_second_one_as_it_is(second: FakeSecondReader) -> None:
    """The second log skips no line and does not wait."""
    world = World(store=PoisonStore(StorageError("MongoDB refused.")))
    world.store.data.cursors[FILE] = Cursor(FILE)
    world.append(("Ann", "Poison"), ("Ann", "Bob"))
    async with running(world.build(second=second)):
        await settle()
        for _ in range(30):
            await world.clock.advance(5)
        assert len(second.visits) == 31
    assert not any(visit.passes_over for visit in second.visits)
    assert (len(world.store.data.deaths), len(world.store.data.rejected)) == (1, 1)


async def test_import_and_polls_go_on_beside_a_second_log_that_fails(
    world: World, second: FakeSecondReader
) -> None:
    """The history is not announced, later rows are."""
    second.failures = [ConnectionLostError(text("The host hung up."))] * 100
    world.append(("Ann", "Old"))
    world.store.data.job = ImportJob(0, START, {FILE: len(world.access.logs.files[FILE])})
    async with running(world.build(second=second)):
        await settle()
        assert (world.store.data.job, world.store.data.notices) == (None, [])
        world.servers.servers[SCOPE] = replace(build_server(), generation=1)
        await poll_deaths(world, 1)
    assert (len(world.store.data.deaths), len(world.store.data.notices)) == (2, 1)


async def test_host_that_is_away_is_one_problem_of_both_logs(world: World, second: FakeSecondReader) -> None:
    """Both logs wait for the host without tries, health shows one problem, and both go on afterwards."""
    away = HostUnreachableError(text("No route."))
    world.access.failures, second.failures = [away], [away]
    world.access.obstacle = Obstacle("host", START + timedelta(seconds=9))
    scheduler = world.build(second=second)
    async with running(scheduler):
        await settle()
        await world.clock.advance(100_000)
        assert (world.visits, len(second.visits), world.clock.slept) == (1, 1, [])
        assert (scheduler.health.problem, scheduler.health.others) == (text("No route."), ())
        world.access.clear()
        await settle()
        assert (world.visits, len(second.visits), scheduler.health.is_well) == (2, 2, True)


async def test_both_logs_rest_while_the_server_is_paused_and_end_with_it(
    world: World, second: FakeSecondReader
) -> None:
    """A change of the server reaches each loop."""
    scheduler = world.build(second=second)
    async with running(scheduler) as task:
        await settle()
        await world.servers.set_paused(SCOPE, is_paused=True)
        scheduler.refresh()
        for _ in range(3):
            await world.clock.advance(5)
        assert (world.visits, len(second.visits)) == (1, 1)
        assert scheduler.health.state is ConnectionState.PAUSED
        await world.servers.set_paused(SCOPE, is_paused=False)
        scheduler.wake()
        await settle()
        assert (world.visits, len(second.visits)) == (2, 2)
        world.servers.servers.clear()
        scheduler.refresh()
        await world.clock.advance(5)
        await task


async def test_failures_of_each_log_are_counted_by_themselves(world: World, second: FakeSecondReader) -> None:
    """Each log has its own backoff, and each alert names its log."""
    second.failures = [SecretError(text("other key"))] * 4
    scheduler = world.build(second=second)
    async with running(scheduler):
        await settle()
        while second.failures:
            await world.clock.advance(READ_BACKOFF.longest_seconds)
        world.access.failures = [SecretError(text("other key"))]
        await world.clock.advance(READ_BACKOFF.longest_seconds)
        await settle()
    told = [f"**{name}**: other key" for name in ("The second log of Mirny", "Mirny")]
    assert world.notifier.told == told
    assert scheduler.list_told() == frozenset({f"deaths:{SCOPE}"})


async def test_health_of_a_server_keeps_what_is_stored_beside_its_logs(
    world: World, second: FakeSecondReader
) -> None:
    """Lines are counted for the death log; the second log adds only its own line to the health."""
    second.problem = text("Half of it may not be read.")
    scheduler = world.build(second=second)
    async with running(scheduler):
        await settle()
        world.servers.saved.append(ServerHealth(SCOPE, lines_read=7))
        assert await scheduler.get_health() == ServerHealth(
            SCOPE,
            state=ConnectionState.CONNECTED,
            last_read_at=START,
            lines_read=7,
            others=(
                LogHealth(text("Second log"), ConnectionState.CONNECTED, text("Half of it may not be read.")),
            ),
        )
