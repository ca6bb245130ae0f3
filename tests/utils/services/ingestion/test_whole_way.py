"""From the host's files to stored counters: the tail and ingestion together."""

from dataclasses import replace
from datetime import timedelta
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from tests.fakes.clock import FakeClock
from tests.fakes.deaths import NOON, SCOPE, build_deaths, build_row, render
from tests.fakes.examples import choose_examples
from tests.fakes.host_files import FOLDER, FakeSession
from tests.fakes.ingestion import FakeIngestionStore, Posted, PowerCut
from utils.events import EventDispatcher
from utils.models.deaths import DeathRow, LogFile
from utils.models.reading import Cursor, ImportJob, digest_head
from utils.models.servers import EncryptedSecret, GameServer
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.sftp.tail import DeathLogTail, TailMemory

DAY_1 = "2025.05.01-00.00.00.csv"
ROWS = tuple(islice(Battle(7, players=6, start=NOON, deaths_per_day=20_000).rows(), 120))
SERVER = GameServer(SCOPE, "Mirny", "127.0.0.1", 22, "renter", EncryptedSecret(b""))


class Process:
    """One run of the bot: its memory is lost in a crash, the storage and the host stay."""

    def __init__(self, store: FakeIngestionStore, session: FakeSession, clock: FakeClock) -> None:
        self.store = store
        self._session = session
        self._clock = clock
        self._memory = TailMemory()
        self._events = EventDispatcher()

    async def visit(self) -> None:
        """Run a waiting import, else poll, like the loop over the death log."""
        self._clock.move(60)
        tail = DeathLogTail(
            self._session,  # type: ignore[arg-type]
            FOLDER,
            self._memory,
            clock=self._clock,
            local_now=NOON,
        )
        if self.store.data.job is not None:
            history = HistoryImport(self.store, self.store, self._events, clock=self._clock)
            await history.run(SERVER, tail, self.store.data.job, on_progress=_ignore)
            return
        live = LiveIngestion(
            self.store, self._events, clock=self._clock, group_seconds=0, max_announce_age=timedelta(hours=1)
        )
        server = replace(SERVER, generation=self.store.data.generation)
        await live.poll(
            server, tail, last_read_at=self._clock.now(), find_posted=Posted(server.posted_deaths)
        )

    async def add_server(self) -> ImportJob:
        """Fix the end of the history."""
        tail = DeathLogTail(
            self._session,  # type: ignore[arg-type]
            FOLDER,
            self._memory,
            clock=self._clock,
            local_now=NOON,
        )
        history = HistoryImport(self.store, self.store, self._events, clock=self._clock)
        return await history.prepare(SERVER, tail)


async def _ignore(_progress: object) -> None:
    """Show no progress."""


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "cut", "finish", "rotate", "rewrite", "crash", "world"]),
        st.integers(1, 8),
    ),
    max_size=14,
)


@settings(max_examples=choose_examples(quick=30, deep=400), deadline=None)
@given(history=st.integers(0, 20), steps=STEPS, cut_at=st.integers(1, 400))
async def test_every_death_is_stored_once_and_counted_right_over_a_whole_story(
    history: int, steps: list[tuple[str, int]], cut_at: int
) -> None:
    """History, growth, cut lines, new days, rewritten files, two worlds and a crash give the right data."""
    store, session, clock = FakeIngestionStore(), FakeSession(), FakeClock()
    rows = iter(ROWS)
    written: list[DeathRow] = list(islice(rows, history))
    day, rest = 1, b""
    session.write("world_0/2025.05.01-00.00.00.csv", render(*written))
    process = Process(store, session, clock)
    await process.add_server()
    store.power.cut_at = store.power.points + cut_at
    for step, count in steps:
        path = f"world_0/2025.05.{day:02}-00.00.00.csv"
        fresh = list(islice(rows, count))
        data = rest + render(*fresh)
        written += fresh
        if step == "rotate":
            session.append(path, rest)
            day, rest = day + 1, b""
            session.append(f"world_0/2025.05.{day:02}-00.00.00.csv", render(*fresh))
        elif step == "cut":
            session.append(path, data[:-count])
            rest = data[-count:]
        elif step == "world":
            session.append("world_1/2025.05.01-00.00.00.csv", render(*fresh))
        elif step == "rewrite" and store.data.job is None:
            session.write(path, render(*fresh) + session.files[path] + rest)
            rest = b""
        else:
            session.append(path, data)
            rest = b""
        if step == "crash":
            process = Process(store, session, clock)
        try:
            await process.visit()
        except PowerCut:
            process = Process(store, session, clock)
    session.append(f"world_0/2025.05.{day:02}-00.00.00.csv", rest)
    store.power.cut_at = None
    for _ in range(3):
        clock.move(3600)
        await process.visit()
    assert set(store.data.deaths) == {death.id for death in build_deaths(written)}
    assert store.data.rejected == []
    announced = [notice.event_id for notice in store.data.notices]
    assert len(set(announced)) == len(announced)
    assert not {death.id for death in build_deaths(written[:history])} & set(announced)
    ends = {
        _file(path): Cursor(_file(path), len(data), digest_head(data[:256]))
        for path, data in session.files.items()
    }
    assert store.data.cursors == {file: end for file, end in ends.items() if end.offset or file.name == DAY_1}
    counting = Counting()
    for death in sorted(store.data.deaths.values(), key=lambda death: death.order):
        counting.add(death)
    generation = store.data.generation
    assert store.data.players[generation] == {one.player_id: one for one in counting.freeze_players()}
    assert store.data.days.get(generation, {}) == {
        (day.player_id, day.day): day for day in counting.freeze_days()
    }
    months = {month.month: month for month in counting.freeze_months()}
    assert store.data.months.get(generation, {}) == months


async def test_log_that_an_import_could_not_read_is_no_news_after_a_restart() -> None:
    """The log is history, so its rows are judged by their age, also by a new process."""
    store, session, clock = FakeIngestionStore(), FakeSession(), FakeClock()
    early, late = build_row("A", "Early", second=0), build_row("A", "Late", second=3700)
    path = f"world_0/{DAY_1}"
    session.write(path, render(early, late))
    session.denied = {path}
    process = Process(store, session, clock)
    await process.add_server()
    await process.visit()
    assert (store.data.job, store.data.deaths) == (None, {})
    session.denied = set()
    await Process(store, session, clock).visit()
    assert set(store.data.deaths) == {death.id for death in build_deaths([early, late])}
    assert [notice.event_id for notice in store.data.notices] == [death.id for death in build_deaths([late])]


def _file(path: str) -> LogFile:
    world, name = path.split("/")
    return LogFile(world, name)
