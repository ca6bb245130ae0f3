"""The loops of all servers of this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock, settle
from tests.fakes.deaths import FILE, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore
from tests.fakes.premium import build_premium
from tests.fakes.server_loops import (
    FakeChannelFinder,
    FakeLogAccess,
    FakeNotifier,
    FakeProgressReporter,
    FakeServerIndex,
)
from tests.fakes.storage import FakeServerStore, build_server
from utils.errors import LoginRefusedError, StillBusyError, StorageUnavailableError
from utils.events import EventDispatcher, NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.reading import ImportJob
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import ConnectionCount, ConnectionState, GameServer, Obstacle, ServerHealth
from utils.models.texts import text
from utils.services.ingestion.death_log_reader import (
    DEATH_LOG,
    REMOVED,
    DeathLogDependencies,
    DeathLogReader,
    describe_left_out,
)
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.reader_loop import LoopDependencies
from utils.services.ingestion.server_loops import FOLLOW_TASK, LIST_RETRY_SECONDS, ServerLoops
from utils.services.servers.log_places import LogPlaces
from utils.tasks import TaskManager

MAX_AGE = timedelta(minutes=60)
HERE, THERE = GuildId(42), GuildId(43)
ONE, TWO, FAR = (
    build_server("one", "aaaaaaaa"),
    build_server("two", "bbbbbbbb"),
    build_server("far", "cccccccc", guild_id=THERE),
)


class FakeDeliverer:
    """Delivers until cancelled, and records its guilds."""

    def __init__(self) -> None:
        self.running: set[GuildId] = set()
        self.notes: list[tuple[object, ...]] = []

    async def run(self, guild_id: GuildId) -> None:
        """Run until cancelled."""
        self.running.add(guild_id)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.running.discard(guild_id)

    def wake(self, scope: ServerScope, kinds: Iterable[ChannelKind]) -> None:
        """Record the wake."""
        self.notes.append(("wake", scope, *kinds))


@dataclass
class World:
    """Three servers of two guilds."""

    clock: FakeClock = field(default_factory=FakeClock)
    servers: FakeServerStore = field(default_factory=lambda: FakeServerStore(ONE, TWO, FAR))
    access: FakeLogAccess = field(default_factory=lambda: FakeLogAccess(FakeDeathLogs()))
    deliverer: FakeDeliverer = field(default_factory=FakeDeliverer)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    scope_index: FakeServerIndex = field(
        default_factory=lambda: FakeServerIndex(ONE.scope, TWO.scope, FAR.scope)
    )
    progress: FakeProgressReporter = field(default_factory=FakeProgressReporter)
    store: FakeIngestionStore = field(default_factory=FakeIngestionStore)
    tasks: TaskManager = field(init=False)

    def __post_init__(self) -> None:
        """Let tasks run by the same clock."""
        self.tasks = TaskManager(self.clock)

    def build(self) -> ServerLoops:
        """Return loops that are not started yet."""
        events, store = EventDispatcher(), self.store
        deaths = DeathLogDependencies(
            servers=self.servers,
            imports=store,
            logs=self.access,
            places=LogPlaces(self.servers, store),
            live=LiveIngestion(store, events, clock=self.clock, group_seconds=0, max_announce_age=MAX_AGE),
            history=HistoryImport(store, store, events, clock=self.clock),
            channels=FakeChannelFinder(),
            notifier=self.notifier,
            progress=self.progress,
            max_announce_age=MAX_AGE,
            clock=self.clock,
        )
        return ServerLoops(
            self.tasks,
            self.deliverer,
            self.scope_index,
            self.scope_index,
            {DEATH_LOG: partial(DeathLogReader, dependencies=deaths)},
            LoopDependencies(
                servers=self.servers,
                logs=self.access,
                premium=build_premium(),
                notifier=self.notifier,
                clock=self.clock,
                minimum_poll_seconds=5,
            ),
        )

    @property
    def running(self) -> list[str]:
        """The names of the running tasks."""
        return [report.name for report in self.tasks.list_reports() if self.tasks.is_running(report.name)]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition while no time passes."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - fakes set no events
            await asyncio.sleep(0)


def name_tasks(*scopes: ServerScope) -> list[str]:
    """Return the names of the loops of these servers and of their guilds."""
    guild_ids = {scope.guild_id for scope in scopes}
    return sorted(
        [f"read:deaths:{scope}" for scope in scopes] + [f"deliver:{guild_id}" for guild_id in guild_ids]
    )


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.tasks.stop()


async def test_each_server_has_a_loop_that_reads_and_each_guild_one_that_delivers(world: World) -> None:
    """Both loops belong to the guild; starting a server twice has no effect."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope, FAR.scope])
    loops.start(ONE.scope)
    await until(lambda: world.deliverer.running == {HERE, THERE})
    assert world.running == name_tasks(ONE.scope, TWO.scope, FAR.scope)
    guilds = {report.name: report.guild_id for report in world.tasks.list_reports()}
    assert guilds[f"read:deaths:{FAR.scope}"] == guilds[f"deliver:{THERE}"] == THERE


async def test_stopped_server_has_no_loop_and_can_start_again(world: World) -> None:
    """Its reading ends, and the delivery with the guild's last server; a second stop has no effect."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope])
    await until(lambda: world.deliverer.running == {HERE})
    await loops.stop(ONE.scope)
    await loops.stop(ONE.scope)
    assert (world.running, world.deliverer.running) == (name_tasks(TWO.scope), {HERE})
    await loops.stop(TWO.scope)
    assert (world.running, world.deliverer.running) == ([], set())
    loops.start(ONE.scope)
    assert world.running == name_tasks(ONE.scope)


async def test_delivery_goes_on_when_a_server_comes_while_the_last_one_goes(world: World) -> None:
    """The task of the guild is ending when the next server begins; it starts again."""
    loops = world.build()
    loops.start(ONE.scope)
    await until(lambda: world.deliverer.running == {HERE})
    for turns in range(8):
        stopping = asyncio.create_task(loops.stop(ONE.scope))
        for _ in range(turns):
            await asyncio.sleep(0)
        loops.start(TWO.scope)
        await stopping
        await until(lambda: world.deliverer.running == {HERE})
        assert world.running == name_tasks(TWO.scope)
        loops.start(ONE.scope)
        await loops.stop(TWO.scope)


async def test_guild_that_was_left_has_no_loops(world: World) -> None:
    """All loops of the guild end, those of others go on, and a guild that comes back starts again."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope, FAR.scope])
    await loops.stop_guild(HERE)
    assert world.running == name_tasks(FAR.scope)
    await loops.follow_guilds({HERE, THERE}.__contains__)
    assert world.running == name_tasks(ONE.scope, TWO.scope, FAR.scope)


class SlowAccess(FakeLogAccess):
    """Hosts whose files close slowly, so that a cancelled reading ends late."""

    def __init__(self) -> None:
        super().__init__(FakeDeathLogs())
        self.may_end = asyncio.Event()

    @asynccontextmanager
    async def open(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[FakeDeathLogs]:
        """Open the logs until cancelled."""
        async with super().open(server, guild_limit=guild_limit):
            try:
                await asyncio.Event().wait()
            finally:
                await self.may_end.wait()
        raise AssertionError("nobody waits for this")
        yield


async def test_guild_that_comes_back_while_its_loops_end_is_looked_after(world: World) -> None:
    """After a kick and an invitation at once, every server is read again, and the guild has its delivery."""
    world.access = access = SlowAccess()
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope])
    await until(lambda: len(access.opened) == 2)
    leaving = asyncio.create_task(loops.stop_guild(HERE))
    await asyncio.sleep(0)
    await loops.follow_guilds({HERE}.__contains__)
    access.may_end.set()
    await leaving
    assert world.running == name_tasks(ONE.scope, TWO.scope)
    await until(lambda: len(access.opened) == 4)


async def test_loop_that_somebody_else_ended_begins_again(world: World) -> None:
    """The tasks of a guild were ended together; the next check of the guilds starts them again."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope])
    await world.tasks.cancel_guild(HERE)
    assert world.running == []
    await loops.follow_guilds({HERE}.__contains__)
    assert world.running == name_tasks(ONE.scope, TWO.scope)


async def test_two_restarts_at_once_are_one_new_loop(world: World) -> None:
    """An edit and a grant change the same server at once: neither fails, and it is read with both changes."""
    world.access = access = SlowAccess()
    loops = world.build()
    loops.start(ONE.scope)
    await until(lambda: len(access.opened) == 1)
    restarts = [asyncio.create_task(loops.restart(ONE.scope)) for _ in range(2)]
    await asyncio.sleep(0)
    access.may_end.set()
    await asyncio.gather(*restarts)
    await until(lambda: len(access.opened) == 2)
    assert world.running == name_tasks(ONE.scope)


@pytest.mark.parametrize("fails", [False, True])
async def test_server_is_not_read_while_it_is_removed(world: World, *, fails: bool) -> None:
    """Guilds may be followed while the server is still listed; after a failed removal it is read on."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope])
    with suppress(StorageUnavailableError):
        async with loops.removal(ONE.scope):
            await loops.follow_guilds({HERE}.__contains__)
            assert world.running == name_tasks(TWO.scope)
            if fails:
                raise StorageUnavailableError("away")
    assert world.running == name_tasks(*([ONE.scope] if fails else []), TWO.scope)


class StuckAccess(FakeLogAccess):
    """Logs whose reader does not end when it is cancelled; never two readers at once."""

    def __init__(self) -> None:
        super().__init__(FakeDeathLogs())
        self.may_end = asyncio.Event()
        self.readers = self.most_readers = 0

    @asynccontextmanager
    async def open(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[FakeDeathLogs]:
        """Open the logs, and ignore cancellations."""
        async with super().open(server, guild_limit=guild_limit) as logs:
            self.readers += 1
            self.most_readers = max(self.most_readers, self.readers)
            try:
                await asyncio.Event().wait()
                yield logs
            finally:
                await self.may_end.wait()
                self.readers -= 1


@pytest.fixture(name="stuck")
async def _stuck() -> AsyncIterator[World]:
    """A world whose readers ignore cancellations until the end of the test."""
    access = StuckAccess()
    world = World(access=access)
    world.tasks = TaskManager(world.clock, stop_seconds=0)
    with capture_logs():
        yield world
        access.may_end.set()
        await world.tasks.cancel_patiently(*world.running)


async def test_server_whose_reading_does_not_end_is_not_removed_and_never_read_twice(stuck: World) -> None:
    """The caller gets an error. The server is read on once its loop has ended, also after other changes."""
    loops, access = stuck.build(), stuck.access
    assert isinstance(access, StuckAccess)
    loops.start(ONE.scope)
    await until(lambda: access.readers == 1)
    with pytest.raises(StillBusyError, match="nothing was removed"):
        async with loops.removal(ONE.scope):
            pytest.fail("nothing may be deleted yet")
    await loops.restart(ONE.scope)
    await loops.stop_guild(HERE)
    await loops.follow_guilds({HERE}.__contains__)
    assert not await loops.stop(ONE.scope)
    loops.start(ONE.scope)
    await settle()
    assert [server.scope for server in access.opened] == [ONE.scope, TWO.scope]
    access.may_end.set()
    await settle()
    assert [server.scope for server in access.opened] == [ONE.scope, TWO.scope, ONE.scope]
    assert (access.readers, access.most_readers) == (2, 2)


async def test_progress_of_an_import_ends_with_its_server(world: World) -> None:
    """Otherwise the message would stay unfinished. Without a running import nothing is shown."""
    loops = world.build()
    async with loops.removal(TWO.scope):
        pass
    assert world.progress.shown == []
    job = ImportJob(1, world.clock.now(), {}, ChannelId(77), 5)
    await world.store.begin_import(ONE.scope, job)
    async with loops.removal(ONE.scope):
        assert world.progress.shown == [("one", job, REMOVED)]


async def test_guild_that_was_left_is_not_read_at_the_next_start(world: World) -> None:
    """The departure is stored once, and counts until the bot is back."""
    loops = world.build()
    await loops.begin()
    assert world.running == name_tasks(ONE.scope, TWO.scope, FAR.scope)
    await loops.follow_guilds({THERE}.__contains__)
    await loops.follow_guilds({THERE}.__contains__)
    assert world.scope_index.notes == [(HERE, True)]
    await loops.stop_guild(THERE)

    after_restart = world.build()
    await after_restart.begin()
    assert world.running == name_tasks(FAR.scope)
    await after_restart.follow_guilds({HERE, THERE}.__contains__)
    assert world.running == name_tasks(ONE.scope, TWO.scope, FAR.scope)
    assert world.scope_index.notes == [(HERE, True), (HERE, False)]


async def test_admins_are_told_again_of_a_server_that_came_back(world: World) -> None:
    """The alerts of a server are closed with it, unless another server has the same problem."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope])
    await until(lambda: len(world.clock.slept) == 2)
    world.access.obstacle = Obstacle("login", None)
    world.access.failures += [LoginRefusedError(text("Refused."))] * 2
    await world.clock.advance(5)
    await until(lambda: not world.access.failures)
    refused = "**one, two**: Refused. Enter a new password with /admin server edit new_password:True."
    assert world.notifier.told == [refused]

    async def begin_again(*scopes: ServerScope) -> None:
        for scope in scopes:
            await loops.stop(scope)
        world.access.failures += [LoginRefusedError(text("Refused."))] * len(scopes)
        loops.start_all(scopes)
        await until(lambda: not world.access.failures)

    await begin_again(ONE.scope)
    assert world.notifier.told == [refused]
    await begin_again(ONE.scope, TWO.scope)
    await until(lambda: world.notifier.told == [refused] * 2)


async def test_guilds_are_followed_when_the_bot_learns_which_it_is_in(world: World) -> None:
    """Loops of left guilds end, loops of guilds with the bot begin."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope])
    await loops.follow_guilds({THERE, GuildId(99)}.__contains__)
    assert world.running == name_tasks(FAR.scope)


async def test_guilds_are_followed_later_when_the_database_is_away(world: World) -> None:
    """The bot may be ready before its database, and Discord does not repeat its guilds."""
    world.scope_index.failures += [StorageUnavailableError("away"), StorageUnavailableError("still away")]
    loops = world.build()
    following = asyncio.create_task(loops.follow_guilds({HERE}.__contains__))
    await settle()
    for _ in range(2):
        assert world.running == [FOLLOW_TASK]
        await world.clock.advance(LIST_RETRY_SECONDS)
    await following
    assert world.running == name_tasks(ONE.scope, TWO.scope)


async def test_following_that_was_cancelled_is_in_nobodys_way(world: World) -> None:
    """The cancelled task has ended, and the next one works."""
    world.scope_index.failures += [StorageUnavailableError("away")]
    loops = world.build()
    following = asyncio.create_task(loops.follow_guilds({THERE}.__contains__))
    await settle()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await loops.follow_guilds({HERE}.__contains__)
    await world.clock.advance(LIST_RETRY_SECONDS)
    assert world.running == name_tasks(ONE.scope, TWO.scope)


async def test_guild_that_cannot_be_followed_is_counted_at_the_task_that_follows(world: World) -> None:
    """``/owner tasks`` shows the failure; the other guilds are followed."""

    class BrokenServerIndex(FakeServerIndex):
        """Fails to store the departure of one guild."""

        async def set_left(self, guild_id: GuildId, *, is_left: bool) -> None:
            """Fail for that guild."""
            if guild_id == HERE:
                raise OverflowError("broken")
            await super().set_left(guild_id, is_left=is_left)

    world.scope_index = BrokenServerIndex(ONE.scope, FAR.scope)
    with capture_logs():
        await world.build().follow_guilds(frozenset[GuildId]().__contains__)
    [report] = [one for one in world.tasks.list_reports() if one.name == FOLLOW_TASK]
    assert (report.errors, report.last_error) == (1, f"{HERE}: OverflowError: broken")
    assert world.scope_index.notes == [(THERE, True)]


async def test_admins_are_told_again_of_posts_left_out_when_their_server_was_removed(world: World) -> None:
    """A server that is added again has alerts of its own."""
    world.store.data.notices_maximum = 0
    loops = world.build()
    for second in range(2):
        loops.start(ONE.scope)
        await settle()
        world.access.logs.append(FILE, render(build_row("Ann", "Bob", second=second)))
        await world.clock.advance(5)
        await loops.stop(ONE.scope)
    assert world.notifier.told == [str(describe_left_out(1, "one"))] * 2


async def test_waking_reads_a_refused_server_again(world: World) -> None:
    """The loop of the server is woken; an unknown server raises no error."""
    world.access.failures.append(LoginRefusedError(text("The host refused the login.")))
    loops = world.build()
    loops.start(ONE.scope)
    await until(lambda: world.access.obstacle is not None)
    loops.wake(FAR.scope)
    loops.wake(ONE.scope)
    await until(lambda: len(world.access.opened) == 2)
    assert world.access.renewed == [ONE.scope]


async def test_connections_of_a_guild_are_those_of_the_log_source(world: World) -> None:
    """The log source counts its connections."""
    assert world.build().count_connections(HERE) == ConnectionCount(3, 1)


async def test_delivery_is_woken_by_notices(world: World) -> None:
    """Notices wake the delivery of their server and kind only."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope, FAR.scope])
    kind = ChannelKind.BOUNTIES
    loops.on_notices_queued(NoticesQueued(scope=ONE.scope, kinds=frozenset({kind})))
    assert world.deliverer.notes == [("wake", ONE.scope, kind)]


async def test_health_is_that_of_the_guilds_servers(world: World) -> None:
    """The state is the present one, the counts are the stored ones, and other guilds are not shown."""
    loops = world.build()
    loops.start_all([ONE.scope, FAR.scope])
    await until(lambda: len(world.clock.slept) == 2)
    world.servers.saved.append(ServerHealth(ONE.scope, lines_read=7, lines_rejected=2))
    health = await loops.get_health(HERE)
    assert list(health) == [ONE.scope]
    found = health[ONE.scope]
    assert (found.state, found.last_read_at) == (ConnectionState.CONNECTED, world.clock.now())
    assert (found.lines_read, found.lines_rejected) == (7, 2)


async def test_loop_is_restarted_when_it_breaks(world: World) -> None:
    """An unexpected error ends neither the reading nor the delivery of a server."""

    class BrokenDeliverer(FakeDeliverer):
        """Fails at its first run."""

        async def run(self, guild_id: GuildId) -> None:
            """Fail once."""
            self.notes.append(("run", guild_id))
            if len(self.notes) == 1:
                raise ZeroDivisionError
            await super().run(guild_id)

    world.deliverer = BrokenDeliverer()
    world.build().start(ONE.scope)
    await until(lambda: bool(world.deliverer.notes))
    await world.clock.advance(1)
    assert world.deliverer.running == {HERE}


async def test_restarted_server_is_read_by_a_new_loop_with_its_health(world: World) -> None:
    """The running visit ends, the delivery goes on, and the health stays."""
    loops = world.build()
    loops.start_all([ONE.scope, TWO.scope])
    await until(lambda: len(world.access.opened) == 2 and world.deliverer.running == {HERE})
    before = await loops.get_health(HERE)
    await loops.restart(ONE.scope)
    await until(lambda: len(world.access.opened) == 3)
    assert world.running == name_tasks(ONE.scope, TWO.scope)
    assert (await loops.get_health(HERE))[ONE.scope] == before[ONE.scope]
    assert world.access.renewed == [ONE.scope]
    assert [server.name for server in world.access.opened].count("two") == 1
    assert world.deliverer.notes == [("wake", ONE.scope, *ChannelKind)]


async def test_server_that_is_not_looked_after_is_not_restarted(world: World) -> None:
    """A guild that the bot left gets no loop through a grant."""
    loops = world.build()
    await loops.restart(FAR.scope)
    assert world.running == []
