"""Catch-up after a restore: what is history, against a twin that was never restored."""

import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from tests.fakes.clock import FakeClock
from tests.fakes.deaths import FILE, NOON, SCOPE, build_deaths, render
from tests.fakes.examples import choose_examples
from tests.fakes.host_files import FOLDER, FakeSession
from tests.fakes.ingestion import Data, FakeDeathLogs, FakeIngestionStore, PowerCut
from tests.fakes.server_loops import (
    FakeChannelFinder,
    FakeLogAccess,
    FakeNotifier,
    FakeProgressReporter,
)
from tests.fakes.storage import FakeServerStore, build_server
from utils.events import EventDispatcher
from utils.models.deaths import DeathRow
from utils.models.reading import CatchUp, Cursor, ImportJob
from utils.models.servers import GameServer
from utils.services.ingestion.catch_up import FileLook, FilePlan, plan_file
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.death_log_reader import DeathLogDependencies, DeathLogReader
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.log_reader import ServerLook, Visit
from utils.services.servers.log_places import LogPlaces
from utils.sftp.tail import DeathLogTail, TailMemory

MAX_AGE = timedelta(hours=1)
ROWS = tuple(islice(Battle(11, players=6, start=NOON, deaths_per_day=20_000).rows(), 160))
OLD, NEW = Cursor(FILE, 100, b"old"), Cursor(FILE, 300, b"new")


@pytest.mark.parametrize(
    ("look", "is_readable", "plan"),
    [
        (FileLook(500, OLD, NEW), True, FilePlan(100, 300)),
        (FileLook(500, OLD, NEW), False, FilePlan(100, 500)),
        (FileLook(500, None, NEW), True, FilePlan(0, 300)),
        (FileLook(500, None, None), True, FilePlan(0, 0)),  # written since: live from its beginning
        (FileLook(500, None, None), False, FilePlan(0, 500)),
        (FileLook(500, OLD, None), True, FilePlan(100, 500)),  # a file that was gone and came back
        (FileLook(500, OLD, NEW, is_same=False), True, FilePlan(0, 300, begins_again=True)),
        (FileLook(500, OLD, NEW, is_replaced_same=False), True, FilePlan(100, 500)),
        (
            FileLook(50, OLD, NEW, is_same=False, is_replaced_same=False),
            True,
            FilePlan(0, 50, begins_again=True),
        ),
        (FileLook(50, OLD, None, is_same=False), False, FilePlan(0, 50, begins_again=True)),
        (FileLook(500, OLD, Cursor(FILE, 0), history_end=400), True, FilePlan(100, 400)),
        (FileLook(350, OLD, Cursor(FILE, 0), history_end=400), True, FilePlan(100, 350)),
    ],
)
def test_history_ends_where_the_replaced_database_had_read_to(
    look: FileLook, plan: FilePlan, *, is_readable: bool
) -> None:
    """Each case of a file at the first look after a restore."""
    assert plan_file(look, is_readable=is_readable) == plan


class TailAccess(FakeLogAccess):
    """Opens the real tail over the files of a host in memory."""

    def __init__(self, session: FakeSession, clock: FakeClock) -> None:
        super().__init__(FakeDeathLogs())
        self._session, self._clock, self._memory = session, clock, TailMemory()

    @asynccontextmanager
    async def open(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[DeathLogTail]:  # type: ignore[override]
        """Open the logs."""
        del server, guild_limit
        session, memory = self._session, self._memory
        yield DeathLogTail(session, FOLDER, memory, clock=self._clock, local_now=NOON)  # type: ignore[arg-type]


@dataclass
class Bot:
    """One database and the process that reads into it."""

    session: FakeSession
    clock: FakeClock
    store: FakeIngestionStore = field(default_factory=FakeIngestionStore)
    servers: FakeServerStore = field(default_factory=lambda: FakeServerStore(build_server()))

    def __post_init__(self) -> None:
        """Start the process."""
        self.start()

    def start(self) -> None:
        """Begin a new process; what the one before had in memory is lost."""
        events, access = EventDispatcher(), TailAccess(self.session, self.clock)
        live = LiveIngestion(self.store, events, clock=self.clock, group_seconds=0, max_announce_age=MAX_AGE)
        dependencies = DeathLogDependencies(
            servers=self.servers,
            imports=self.store,
            logs=access,
            places=LogPlaces(self.servers, self.store),
            live=live,
            history=HistoryImport(self.store, self.store, events, clock=self.clock, batch_rows=3),
            channels=FakeChannelFinder(),
            notifier=FakeNotifier(),
            progress=FakeProgressReporter(),
            max_announce_age=MAX_AGE,
            clock=self.clock,
        )
        self.reader = DeathLogReader(SCOPE, dependencies)

    async def read(self) -> None:
        """Let the reader visit the host until it has polled; it dies where the power is cut."""
        try:
            while await self._visit():
                pass
        except PowerCut:
            self.store.power.cut_at = None
            self.start()
            await self.read()

    async def _visit(self) -> bool:
        """Visit once; tell whether that was an import."""
        await self.reader.recall()
        server = replace(build_server(), generation=self.store.data.generation)

        async def find_current() -> GameServer:
            return server

        look = ServerLook(server, 0.0, 0)
        report = await self.reader.read(Visit(look, 1, passes_over=False, find_current=find_current))
        await self.servers.save_health(self.reader.add_health(await self.servers.get_health(SCOPE)))
        return report.is_history

    @property
    def posts(self) -> list[bytes]:
        """The deaths that were posted."""
        return [notice.event_id for notice in self.store.data.notices]


@dataclass
class Story:
    """A game server, its host, and the bot before the restore."""

    clock: FakeClock = field(default_factory=FakeClock)
    session: FakeSession = field(default_factory=FakeSession)
    day: int = 1
    rest: bytes = b""
    written: list[DeathRow] = field(default_factory=list)
    rows: Iterator[DeathRow] = field(default_factory=lambda: iter(ROWS))
    is_rewritten: bool = False

    @property
    def path(self) -> str:
        """The file that the game writes."""
        return f"world_0/2025.05.{self.day:02}-00.00.00.csv"

    def change(self, step: str, count: int) -> None:
        """Let the game or its host do something."""
        if step == "sleep":
            self.clock.move(count * 1800)
            return
        fresh = list(islice(self.rows, count))
        self.written += fresh
        data = self.rest + render(*fresh)
        if step == "cut":
            self.session.append(self.path, data[:-count])
            self.rest = data[-count:]
            return
        if step == "world":
            self.session.append("world_1/2025.05.01-00.00.00.csv", render(*fresh))
            return
        if step == "rotate":
            self.finish()
            self.day += 1
            data = render(*fresh)
        elif step == "unfinished":  # the line feed of the last row never comes
            self.session.append(self.path, data[:-1])
            self.rest, self.day = b"", self.day + 1
            return
        elif step == "empty":
            self.session.write(self.path, b"")
            self.is_rewritten = True
        elif step == "chop":
            lines = self.session.files.get(self.path, b"").splitlines(keepends=True)
            self.session.write(self.path, b"".join(lines[: len(lines) // 2]))
            self.day, self.is_rewritten, data = self.day + 1, True, render(*fresh)
        self.rest = b""
        self.session.append(self.path, data)

    def finish(self) -> None:
        """Complete the last line."""
        self.session.append(self.path, self.rest)
        self.rest = b""

    def list_there(self) -> set[bytes]:
        """Return the deaths whose whole row is in a file of the host."""
        lines = {line for data in self.session.files.values() for line in data.splitlines()}
        return {death.id for death in build_deaths(self.written) if render(death.row)[:-1] in lines}


KINDS = ["append", "append", "append", "cut", "rotate", "world", "sleep", "unfinished"]
STEPS = st.lists(
    st.tuples(st.sampled_from([*KINDS, "empty", "chop"]), st.integers(1, 6), st.booleans()), max_size=6
)


def plan_restore(backup: Data, replaced: Data, now: datetime, *, is_readable: bool) -> Data:
    """Return the data right after a restore, as ``plan_catch_up`` leaves it."""
    restored = copy.deepcopy(backup)
    catch_up = CatchUp(now, None)
    if is_readable:
        catch_up = CatchUp(now, dict(replaced.cursors))
        behind = {
            key: death
            for key, death in replaced.deaths.items()
            if (cursor := replaced.cursors.get(death.file)) is not None and death.offset >= cursor.offset
        }
        restored.deaths = {**behind, **restored.deaths}
    restored.job = ImportJob(restored.generation, now, {}, is_waiting=True, catch_up=catch_up)
    return restored


async def act(story: Story, bots: list[Bot], steps: list[tuple[str, int, bool]]) -> None:
    """Take steps; after some of them all bots read."""
    for step, count, is_read in steps:
        story.change(step, count)
        story.clock.move(60)
        if is_read:
            for bot in bots:
                await bot.read()


@settings(
    max_examples=choose_examples(quick=10, deep=200),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes
)
@example(
    before=[("chop", 1, False)],
    between=[("cut", 1, False)],
    unread=[("cut", 1, True)],
    after=[("chop", 6, True)],
    is_readable=True,
    cut_at=13,
)
@given(
    before=STEPS,
    between=STEPS,
    unread=STEPS,
    after=STEPS,
    is_readable=st.booleans(),
    cut_at=st.integers(1, 120),
)
async def test_every_death_is_there_once_and_posted_once_whatever_a_restore_goes_back_to(
    before: list[tuple[str, int, bool]],
    between: list[tuple[str, int, bool]],
    unread: list[tuple[str, int, bool]],
    after: list[tuple[str, int, bool]],
    cut_at: int,
    *,
    is_readable: bool,
) -> None:
    """The restored bot posts and pays what its twin does, or nothing that happened before the first look."""
    story = Story()
    story.change("append", 3)
    twin = Bot(story.session, story.clock)
    await twin.read()
    await act(story, [twin], before)
    backup = copy.deepcopy(twin.store.data)
    await act(story, [twin], between)
    await twin.read()
    replaced = copy.deepcopy(twin.store.data)
    story.is_rewritten = False
    await act(story, [], unread)
    bot = Bot(story.session, story.clock)
    bot.store.data = plan_restore(backup, replaced, story.clock.now(), is_readable=is_readable)
    bot.servers.saved = list(twin.servers.saved) if is_readable else []
    twin.start()
    known, is_rewritten = story.list_there(), story.is_rewritten
    bot.store.power.cut_at = bot.store.power.points + cut_at
    for one in (bot, twin):
        await one.read()
    bot.store.power.cut_at = None
    await act(story, [bot, twin], after)
    story.finish()
    for _ in range(2):
        story.clock.move(1800)
        for one in (bot, twin):
            await one.read()
    posts, paid = bot.posts[len(backup.notices) :], set(bot.store.data.read_at) - set(backup.read_at)
    twin_posts = twin.posts[len(replaced.notices) :]
    twin_paid = set(twin.store.data.read_at) - set(replaced.read_at)
    assert len(set(posts)) == len(posts)
    assert not set(posts) & set(twin.posts[: len(replaced.notices)])
    if is_readable and not is_rewritten:
        assert (sorted(posts), paid) == (sorted(twin_posts), twin_paid)
    else:
        assert set(posts) <= set(twin_posts)
        assert paid <= twin_paid
    if not is_readable:
        assert not set(posts) & known
        assert set(twin_posts) - known <= set(posts) | known
    # a row whose line feed never came may go with its file before it is stored
    assert set(bot.store.data.deaths) >= set(backup.deaths) | (known & set(twin.store.data.deaths))
    assert set(bot.store.data.deaths) <= set(twin.store.data.deaths)
    assert_counted(bot.store)
    assert bot.store.data.job is None


def assert_counted(store: FakeIngestionStore) -> None:
    """Check that the shown counters equal a recount."""
    counting = Counting()
    for death in sorted(store.data.deaths.values(), key=lambda death: death.order):
        counting.add(death)
    shown = store.data.players[store.data.generation]
    assert shown == {record.player_id: record for record in counting.freeze_players()}


@pytest.mark.parametrize("is_readable", [True, False])
async def test_log_that_cannot_be_read_at_first_is_posted_neither_twice_nor_never(
    *, is_readable: bool
) -> None:
    """Its known rows stay history until it can be read; the others are read on, and live as ever.

    Rows up to where the replaced database had read are known. If that is lost, all rows up to the first look
    that succeeds are.
    """
    story = Story()
    story.change("world", 2)
    story.change("append", 3)
    twin = Bot(story.session, story.clock)
    await twin.read()
    backup = copy.deepcopy(twin.store.data)
    story.clock.move(60)
    story.change("append", 4)
    await twin.read()
    replaced = copy.deepcopy(twin.store.data)
    denied = story.path
    story.session.denied.add(denied)
    bot = Bot(story.session, story.clock)
    bot.store.data = plan_restore(backup, replaced, story.clock.now(), is_readable=is_readable)
    bot.servers.saved = list(twin.servers.saved) if is_readable else []
    await bot.read()
    assert bot.store.data.job is None
    assert bot.store.data.left_out is not None
    assert set(bot.store.data.left_out.ends) == {FILE}
    story.change("world", 2)  # this log can be read
    story.clock.move(61)
    await bot.read()
    before = len(bot.posts)
    late = [death.id for death in build_deaths(story.written[-2:])]
    assert set(late) <= set(bot.store.data.deaths)
    story.session.append(denied, render(*(unknown := list(islice(story.rows, 2)))))
    story.session.denied.clear()
    story.clock.move(61)
    for _ in range(3):
        await bot.read()
        story.clock.move(61)
    assert bot.store.data.left_out is None
    known = {death.id for death in build_deaths([*story.written[:9]])}
    assert known <= set(bot.store.data.deaths)
    posted = bot.posts[before:]
    new = {death.id for death in build_deaths(unknown)}
    assert set(posted) == (new if is_readable else set())
    assert not (set(bot.store.data.read_at) - set(backup.read_at)) & known
    assert_counted(bot.store)
