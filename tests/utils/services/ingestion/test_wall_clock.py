"""The wall clock: the repeated hour, clocks that are set back, and corrected zones."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE, build_player_id, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, Posted
from utils.events import EventDispatcher
from utils.models.deaths import Death, DeathRow, LogFile
from utils.models.reading import Chunk, Cursor, RowClock
from utils.models.servers import EncryptedSecret, GameServer
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.row_reader import RowReader
from utils.services.ingestion.wall_clock import WallClock, place_behind

FOLD = datetime(2025, 10, 26, 1, tzinfo=UTC)  # at this moment 03:00 becomes 02:00 in Berlin
FILES = tuple(LogFile("world_0", f"2025.10.2{day}-00.00.00.csv") for day in (5, 6, 7))
BERLIN = "Europe/Berlin"
SERVER = GameServer(SCOPE, "Mirny", "127.0.0.1", 22, "renter", EncryptedSecret(b""), timezone=BERLIN)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def write(killer: str, victim: str, written_at: datetime) -> DeathRow:
    """Return a row with a time."""
    return build_row(killer, victim)._replace(written_at=written_at.replace(tzinfo=None))


def show(at: datetime, zone: str = BERLIN) -> datetime:
    """Return the time of a clock in a zone at a moment."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@dataclass(slots=True)
class Server:
    """A game server that is polled and imported again."""

    server: GameServer = SERVER
    store: FakeIngestionStore = field(default_factory=FakeIngestionStore)
    logs: FakeDeathLogs = field(default_factory=FakeDeathLogs)
    clock: FakeClock = field(default_factory=lambda: FakeClock(FOLD + timedelta(days=30)))
    last_read_at: datetime | None = None

    async def poll(self) -> None:
        """Read on, from the stored data alone."""
        live = LiveIngestion(
            self.store, EventDispatcher(), clock=self.clock, group_seconds=0, max_announce_age=HOUR
        )
        server = replace(self.server, generation=self.store.data.generation)
        await live.poll(server, self.logs, last_read_at=self.last_read_at, find_posted=Posted())
        self.last_read_at = self.clock.now()

    async def import_again(self) -> None:
        """Read the whole history again."""
        history = HistoryImport(self.store, self.store, EventDispatcher(), clock=self.clock, batch_rows=3)
        server = replace(self.server, generation=self.store.data.generation)
        job = await history.prepare(server, self.logs)
        await history.run(server, self.logs, job, on_progress=_ignore)

    @property
    def deaths(self) -> list[Death]:
        """The stored deaths, in order."""
        return sorted(self.store.data.deaths.values(), key=lambda death: death.order)

    def assert_counted_right(self) -> None:
        """Check that the shown counters equal the stored deaths in their order."""
        counting = Counting()
        for death in self.deaths:
            counting.add(death)
        players = self.store.data.players[self.store.data.generation]
        assert players == {one.player_id: one for one in counting.freeze_players()}


async def _ignore(_progress: object) -> None:
    """Show no progress."""


@pytest.mark.parametrize("is_imported", [False, True])
async def test_streak_ends_in_the_hour_that_is_shown_twice(*, is_imported: bool) -> None:
    """01:30 A→B, 02:50 A→B, an hour later 02:10 C→A: two in a row, then none, with the moments in order."""
    world = Server()
    moments = [FOLD - 90 * MINUTE, FOLD - 10 * MINUTE, FOLD + 10 * MINUTE]
    rows = [
        write(*names, show(at))
        for names, at in zip([("A", "B"), ("A", "B"), ("C", "A")], moments, strict=True)
    ]
    world.logs.append(FILES[1], render(*rows))
    await (world.import_again() if is_imported else world.poll())
    ann = world.store.data.players[world.store.data.generation][build_player_id("A")]
    assert (ann.counters.best_streak, ann.current_streak, ann.last_seen_at) == (2, 0, moments[-1])
    assert [death.at for death in world.deaths] == moments


async def test_single_row_of_the_second_hour_is_known_by_when_it_was_read() -> None:
    """A menu suicide on a quiet server: a row that was appended after 01:31 UTC is not from 00:31 UTC."""
    world = Server(clock=FakeClock(FOLD + 31 * MINUTE))
    await world.poll()
    at = FOLD + 31 * MINUTE + timedelta(seconds=5)
    world.logs.append(FILES[1], render(write("A", "A", show(at))))
    world.clock.move(15)
    await world.poll()
    assert [death.at for death in world.deaths] == [at]
    await world.import_again()
    assert [death.at for death in world.deaths] == [at]


@pytest.mark.parametrize("is_imported", [False, True])
async def test_row_that_stands_in_its_file_again_counts_where_it_stood_first(*, is_imported: bool) -> None:
    """A kill, the death of the killer, and the row of the kill again, behind the rows of a batch."""
    world = Server()
    noon = show(FOLD) - 12 * HOUR
    names = [("A", "B"), ("C", "A"), ("D", "E")]
    rows = [write(*names, noon + number * MINUTE) for number, names in enumerate(names)]
    world.logs.append(FILES[0], render(*rows, rows[0]))
    if not is_imported:
        await world.poll()
    await world.import_again()
    await world.import_again()
    ann = world.store.data.players[world.store.data.generation][build_player_id("A")]
    assert (ann.counters.best_streak, ann.current_streak) == (1, 0)
    assert [death.row for death in world.deaths] == rows


class Pieces:
    """A file that is read in pieces, each time by a process with only the cursor."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.cursor: Cursor | None = None
        self.deaths: list[Death] = []

    async def read(self, *rows: DeathRow, since: datetime | None = None) -> None:
        """Read some more rows, each death once."""
        start = self.cursor.offset if self.cursor else 0
        data = render(*rows)
        chunk = Chunk(self.cursor, Cursor(FILES[1], start + len(data)), start, data, is_growth=True)
        read = await RowReader(SCOPE, self.zone).read_chunk(chunk, now=FOLD + 300 * HOUR, since=since)
        assert (read.lines, read.lines_rejected) == (len(rows), 0)
        self.cursor = read.after
        known = {death.id for death in self.deaths}
        self.deaths += {death.id: death for death in reversed(read.deaths) if death.id not in known}.values()

    @property
    def in_order(self) -> list[Death]:
        """The deaths in order of the log."""
        return sorted(self.deaths, key=lambda death: death.order)


LAST_OF_SUMMER = {
    BERLIN: FOLD,
    "America/New_York": datetime(2025, 11, 2, 6, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2025, 4, 5, 15, tzinfo=UTC),
    "UTC": FOLD,
}


@given(
    gaps=st.lists(st.integers(0, 14 * 60), min_size=1, max_size=12),
    zone=st.sampled_from(list(LAST_OF_SUMMER)),
    start=st.integers(-180, 60),
)
@example(gaps=[0, 800], zone=BERLIN, start=-55)
async def test_moments_are_those_at_which_the_game_wrote(gaps: list[int], zone: str, start: int) -> None:
    """Each row has its real moment, read one by one or all at once."""
    at = LAST_OF_SUMMER[zone] + start * MINUTE
    moments = [at + timedelta(seconds=number + sum(gaps[: number + 1])) for number in range(len(gaps))]
    prompt, whole = Pieces(zone), Pieces(zone)
    since = at
    for number, moment in enumerate(moments):
        await prompt.read(write("A", f"V{number}", show(moment, zone)), since=since)
        since = moment
    assert [death.at for death in prompt.in_order] == moments
    before = [at - minutes * MINUTE for minutes in range(200, 0, -10)]
    every = [*before, *moments]
    await whole.read(*(write("A", f"V{number}", show(moment, zone)) for number, moment in enumerate(every)))
    assert [death.at for death in whole.in_order] == every


STEPS = st.lists(st.integers(-3600, 1200), max_size=20)


@given(steps=STEPS, cuts=st.lists(st.integers(0, 20), max_size=4), zone=st.sampled_from(["UTC", BERLIN]))
async def test_order_within_a_file_is_that_of_its_rows(steps: list[int], cuts: list[int], zone: str) -> None:
    """The clock may be set back by an hour at most, and the file may be read in any pieces."""
    shown = highest = show(FOLD) - 12 * HOUR
    rows: list[DeathRow] = []
    for number, step in enumerate(steps):
        shown = max(shown + timedelta(seconds=step), highest - HOUR)
        highest = max(shown, highest)
        rows.append(write("ABC"[number % 3], "ABC"[number // 3 % 3], shown))
    file, whole = Pieces(zone), Pieces(zone)
    for start, end in pairwise([0, *sorted(cuts), len(rows)]):
        await file.read(*rows[start:end])
    await whole.read(*rows)
    assert [death.row for death in file.in_order] == list(dict.fromkeys(rows))
    assert file.in_order == whole.in_order


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.integers(-3600, 1200), min_size=1, max_size=8), cut=st.integers(0, 8))
async def test_figures_follow_the_order_however_the_clock_goes(steps: list[int], cut: int) -> None:
    """Two live polls and an import give the same figures."""
    shown = show(FOLD) - 12 * HOUR
    rows = [write("A", "B", shown)]
    for number, step in enumerate(steps):
        shown += timedelta(seconds=step)
        rows.append(write("ABC"[number % 3], "ABC"[number // 3 % 3], shown))
    world = Server()
    for some in (rows[:cut], rows[cut:]):
        world.logs.append(FILES[0], render(*some))
        await world.poll()
    world.assert_counted_right()
    fresh = Server(logs=world.logs)
    await fresh.import_again()
    fresh.assert_counted_right()
    assert fresh.deaths == world.deaths


async def test_clock_that_is_set_back_by_more_than_an_hour_was_wrong_before() -> None:
    """Later rows are ordered by their own times, like rows of another file."""
    world = Server()
    noon = show(FOLD) + 10 * HOUR
    rows = [write("A", "B", noon + shift) for shift in (timedelta(), 5 * HOUR, MINUTE, 2 * MINUTE)]
    world.logs.append(FILES[1], render(*rows))
    await world.poll()
    assert [death.row for death in world.deaths] == sorted(rows, key=lambda row: row.written_at)


@pytest.mark.parametrize("old", ["UTC", "America/New_York", "Europe/London"])
async def test_corrected_zone_corrects_stored_moments_with_the_next_import(old: str) -> None:
    """Rows of deleted files are corrected too; order, figures and live reads do not change."""
    moments = [FOLD + shift for shift in (-20 * HOUR, -90 * MINUTE, -10 * MINUTE, 10 * MINUTE, 30 * HOUR)]
    rows = [write("A", f"V{number}", show(at)) for number, at in enumerate(moments)]
    world = Server(replace(SERVER, timezone=old))
    for file, some in zip(FILES, (rows[:1], rows[1:4], rows[4:]), strict=True):
        world.logs.append(file, render(*some))
    await world.poll()
    wrong = [death.at for death in world.deaths]
    assert all(found != at for found, at in zip(wrong, moments, strict=True))
    read_at = dict(world.store.data.read_at)
    del world.logs.files[FILES[0]]
    world.server = replace(SERVER, timezone=BERLIN)
    await world.import_again()
    assert [(death.row, death.at) for death in world.deaths] == list(zip(rows, moments, strict=True))
    assert world.store.data.read_at == read_at
    world.assert_counted_right()


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-10-26T{text}+00:00")


@pytest.mark.parametrize(
    ("written", "last", "since", "expected"),
    [
        ("01:30:00", None, None, "23:30:00"),
        ("02:10:00", None, None, "00:10:00"),
        ("02:10:00", "00:09:00", None, "00:10:00"),
        ("02:10:00", "00:10:30", None, "00:10:00"),  # two rows in the wrong order, a moment apart
        ("02:10:00", "00:50:00", None, "01:10:00"),
        ("02:10:00", "01:10:01", None, "01:10:00"),
        ("02:10:00", "05:00:00", None, "00:10:00"),  # the clock was far ahead before
        ("03:10:00", "02:40:00", None, "02:10:00"),
        ("02:31:05", None, "01:31:00", "01:31:05"),
        ("02:31:05", None, "00:31:00", "00:31:05"),
        ("02:31:05", None, "00:55:00", "00:31:05"),
        ("03:31:05", None, "05:31:00", "02:31:05"),
    ],
)
def test_reading_of_a_time_follows_from_what_is_known(
    written: str, last: str | None, since: str | None, expected: str
) -> None:
    """At the end of summer time in Berlin there are two readings of 02:10."""
    row = datetime.fromisoformat(f"2025-10-26T{written}")
    before = None if last is None else RowClock(row, _at(last))
    found = WallClock(ZoneInfo(BERLIN)).read(row, before, since=None if since is None else _at(since))
    assert found == _at(expected) - (timedelta(days=1) if expected.startswith("23") else timedelta())


@pytest.mark.parametrize(
    ("minutes", "is_behind"), [(-5, False), (0, False), (1, True), (60, True), (61, False)]
)
def test_row_is_placed_behind_the_one_in_front_of_it(minutes: int, *, is_behind: bool) -> None:
    """A row comes after the previous one, unless the clock was set back by more than an hour."""
    last = show(FOLD)
    written_at = last - minutes * MINUTE
    placed = place_behind(written_at, RowClock(last, FOLD))
    assert placed == (last + timedelta(milliseconds=1) if is_behind else written_at)


@given(minutes=st.lists(st.integers(0, 59), min_size=1, max_size=20, unique=True), kept=st.integers(0, 19))
def test_order_holds_when_a_file_is_written_anew_without_what_could_not_be_read(
    minutes: list[int], kept: int
) -> None:
    """Earlier rows keep their old offsets, so later rows have smaller offsets than some of them."""
    rows = [write("A", f"V{index}", FOLD + minute * MINUTE) for index, minute in enumerate(minutes)]
    reader = RowReader(SCOPE, ZoneInfo("UTC"))
    before, _ = reader.read(FILES[1], 0, b"no row\n" * 99 + render(*rows[:kept]), now=FOLD)
    after, _ = reader.read(FILES[1], 0, render(*rows), now=FOLD)
    stored = sorted([*before, *after[len(before) :]], key=lambda death: death.order)
    assert [death.row for death in stored] == rows


async def test_clock_is_known_again_when_a_chunk_is_read_in_halves() -> None:
    """The search for a line that cannot be stored reads a chunk again, in pieces."""
    rows = [write("A", f"V{number}", show(FOLD - 25 * MINUTE + number * 10 * MINUTE)) for number in range(6)]
    data = render(*rows)
    chunk = Chunk(None, Cursor(FILES[1], len(data)), 0, data, is_growth=False)
    reader = RowReader(SCOPE, ZoneInfo(BERLIN))
    whole = await reader.read_chunk(chunk, now=FOLD)
    halves = chunk.halve()
    assert halves is not None
    first, second = [await reader.read_chunk(half, now=FOLD) for half in halves]
    assert [*first.deaths, *second.deaths] == whole.deaths
    assert [death.at for death in whole.deaths] == [FOLD + (number * 10 - 25) * MINUTE for number in range(6)]
    assert second.after.clock == whole.after.clock
