"""Live ingestion: once, in order, counted right, and announced when it is news."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import (
    FILE,
    NOON,
    SCOPE,
    build_deaths,
    build_player_id,
    build_row,
    render,
)
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, Posted, PowerCut
from utils.errors import CursorMovedError, StorageUnavailableError
from utils.events import DeathsStored, Event, EventDispatcher, NoticesQueued
from utils.group_commit import GROUP_SECONDS
from utils.models.deaths import DeathKind, DeathRow, LogFile
from utils.models.guilds import ChannelKind
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import Highlight, HighlightKind
from utils.models.post_styles import NEW_STYLE, ChannelStyle
from utils.models.problems import Problem
from utils.models.reading import Cursor, RejectedLine, digest_head
from utils.models.rejections import RejectionReason
from utils.models.servers import GameServer, PostedDeaths
from utils.models.texts import Text, text
from utils.parsers.deathlog import parse_death_line
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.live import LARGE_LINES, SHARED_LINES, LiveIngestion, PollOutcome
from utils.services.ingestion.row_reader import KEPT_REJECTED
from utils.turns import FairTurns

NEXT = LogFile("world_0", "2025.05.02-00.00.00.csv")
OTHER_WORLD = LogFile("world_1", "2025.05.01-00.00.00.csv")
HOUR = timedelta(hours=1)
FIGHTS = [
    build_row("Ann", "Bob", second=1),
    build_row("Ann", "Cid", second=2),
    build_row("Bob", "Ann", second=2),
    build_row("Cid", "Cid", second=5),
    build_row("", "Ann", second=6),
    build_row("Ann", "Bob", second=9),
    build_row("Ann", "Dan", second=9, kind=DeathKind.VEHICLE),
]


@dataclass(slots=True)
class Watcher:
    """Polls like the loop over the death log, with the time of the last successful read."""

    store: FakeIngestionStore
    logs: FakeDeathLogs
    clock: FakeClock
    events: EventDispatcher
    server: GameServer
    last_read_at: datetime | None = START
    has_channel: bool = True
    style: ChannelStyle = NEW_STYLE

    async def poll(self, *, cursors: Mapping[LogFile, Cursor] | None = None) -> PollOutcome:
        """Poll once; a failing poll is not a successful read."""
        live = LiveIngestion(
            self.store, self.events, clock=self.clock, group_seconds=0, max_announce_age=HOUR
        )
        outcome = await live.poll(
            self.server,
            self.logs,
            last_read_at=self.last_read_at,
            find_posted=Posted(self._find_posted()),
            cursors=cursors,
        )
        self.last_read_at = self.clock.now()
        return outcome

    def _find_posted(self) -> PostedDeaths:
        if not self.has_channel:
            return PostedDeaths()
        style = self.style
        return replace(self.server.posted_deaths, delay=style.delay, min_distance=style.min_distance)

    @property
    def announced(self) -> list[bytes]:
        """Return the ids of the deaths in the outbox, in its order."""
        return [notice.event_id for notice in self.store.data.notices]


@pytest.fixture(name="store")
def _store() -> FakeIngestionStore:
    return FakeIngestionStore()


@pytest.fixture(name="logs")
def _logs(store: FakeIngestionStore) -> FakeDeathLogs:
    return FakeDeathLogs(store.power)


@pytest.fixture(name="watcher")
def _watcher(
    store: FakeIngestionStore,
    logs: FakeDeathLogs,
    clock: FakeClock,
    events: EventDispatcher,
    server: GameServer,
) -> Watcher:
    return Watcher(store, logs, clock, events, server)


def assert_counted_right(store: FakeIngestionStore, generation: int = 0) -> None:
    """Check that counters, days and months equal a recount of all stored deaths."""
    counting = Counting()
    for death in sorted(store.data.deaths.values(), key=lambda death: death.order):
        counting.add(death)
    players = {record.player_id: record for record in counting.freeze_players()}
    days = {(day.player_id, day.day): day for day in counting.freeze_days()}
    assert store.data.players.get(generation, {}) == players
    assert store.data.days.get(generation, {}) == days
    months = {month.month: month for month in counting.freeze_months()}
    assert store.data.months.get(generation, {}) == months


async def test_notices_of_a_delayed_channel_are_due_later(watcher: Watcher) -> None:
    """A change of the delay affects what comes next; what waits keeps its time."""
    watcher.logs.append(FILE, render(*FIGHTS[:2]))
    watcher.style = ChannelStyle(delay_minutes=20)
    await watcher.poll()
    watcher.style = NEW_STYLE
    watcher.logs.append(FILE, render(FIGHTS[2]))
    await watcher.poll()
    due_at = [watcher.store.data.due_at[event_id] - START for event_id in watcher.announced]
    assert due_at == [timedelta(minutes=20)] * 2 + [timedelta()]


@pytest.mark.parametrize("has_highlights", [True, False])
async def test_near_kills_are_left_out_and_everything_is_counted(
    store: FakeIngestionStore, watcher: Watcher, *, has_highlights: bool
) -> None:
    """Only shots have a distance: others are posted, and so are kills with a highlight."""
    silenced = frozenset[str]() if has_highlights else frozenset(HighlightKind)
    watcher.server = replace(watcher.server, silenced=silenced)
    watcher.style = ChannelStyle(min_distance=500)
    watcher.logs.append(FILE, render(*FIGHTS))
    await watcher.poll()
    posted = {notice.event_id: notice.highlights for notice in store.data.notices}
    near = {death.id for death in store.data.deaths.values() if death.row.kind is DeathKind.KILL}
    assert all(posted[one] for one in near & posted.keys())
    assert store.data.deaths.keys() - posted.keys() <= near
    assert bool(near & posted.keys()) is has_highlights
    assert_counted_right(store)


def list_ids(rows: Sequence[DeathRow]) -> list[bytes]:
    """Return the ids of rows."""
    return [death.id for death in build_deaths(rows)]


async def test_new_rows_are_stored_counted_and_announced_in_order(
    watcher: Watcher, told: list[Event]
) -> None:
    """One poll reads all new rows; afterwards the cursor is behind them."""
    data = render(*FIGHTS)
    watcher.logs.append(FILE, data)
    outcome = await watcher.poll()
    deaths = build_deaths(FIGHTS)
    store = watcher.store.data
    assert outcome == PollOutcome(deaths=7, rejected=0, cursors=watcher.store.data.cursors)
    assert list(store.deaths.values()) == deaths
    assert store.read_at == dict.fromkeys(list_ids(FIGHTS), watcher.clock.now())
    assert store.cursors == {FILE: Cursor(FILE, len(data), digest_head(data[:256]))}
    assert (store.lines_read, store.lines_rejected) == (7, 0)
    assert watcher.announced == list_ids(FIGHTS)
    assert_counted_right(watcher.store)
    stored = [event.deaths for event in told if isinstance(event, DeathsStored)]
    assert [death for batch in stored for death in batch] == deaths
    assert told.count(NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.KILLFEED}))) == 3


async def test_poll_goes_on_from_the_cursors_of_the_one_before(watcher: Watcher) -> None:
    """Cursors of the last poll are not read again. If they are stale, nothing is stored and they are read."""
    watcher.logs.append(FILE, render(*FIGHTS[:3]))
    outcome = await watcher.poll()
    watcher.logs.append(FILE, render(*FIGHTS[3:]))
    again = await watcher.poll(cursors=outcome.cursors)
    assert (again.deaths, again.cursors) == (4, watcher.store.data.cursors)
    watcher.logs.append(FILE, render(build_row("Ann", "Bob", second=99)))
    with pytest.raises(CursorMovedError):
        await watcher.poll(cursors=outcome.cursors)
    assert (await watcher.poll()).deaths == 1
    assert len(watcher.store.data.deaths) == 8


async def test_notice_holds_the_facts_of_the_death(watcher: Watcher) -> None:
    """The killer's K/D and streak include this kill; other kinds of death have none."""
    rows = [build_row("", "Ann"), build_row("Ann", "Bob", second=1), build_row("Bob", "Bob", second=2)]
    watcher.logs.append(FILE, render(*rows))
    await watcher.poll()
    noon = NOON.replace(tzinfo=UTC)
    ids = list_ids(rows)
    kinds = (DeathKind.UNKNOWN, DeathKind.KILL, DeathKind.MENU)
    facts = (("", "Ann", "", 1), ("Ann", "Bob", "Mosin", 120), ("Bob", "Bob", "suicide_by_relocation", 0))
    expected = [
        DeathNotice(
            event_id=ids[place],
            kind=kinds[place],
            server_name="Mirny",
            killer_name=killer,
            victim_name=victim,
            weapon=weapon,
            distance=distance,
            at=noon + timedelta(seconds=place),
        )
        for place, (killer, victim, weapon, distance) in enumerate(facts)
    ]
    first_blood = (Highlight(HighlightKind.FIRST_BLOOD),)
    expected[1] = replace(
        expected[1], killer_kills=1, killer_deaths=1, killer_streak=1, highlights=first_blood
    )
    assert watcher.store.data.notices == expected


async def test_second_poll_does_nothing_when_nothing_was_appended(
    watcher: Watcher, told: list[Event]
) -> None:
    """A poll without new rows opens no transaction and dispatches no event."""
    watcher.logs.append(FILE, render(*FIGHTS))
    await watcher.poll()
    told.clear()
    before = watcher.store.transactions
    assert await watcher.poll() == PollOutcome(cursors=watcher.store.data.cursors)
    assert (watcher.store.transactions, told, watcher.logs.newest_asked) == (before, [], 0)


async def test_equal_rows_are_one_death_within_a_batch_and_across_files(watcher: Watcher) -> None:
    """A player cannot die twice in a second, so the first of equal rows is the death."""
    first, second = build_row("Ann", "Bob"), build_row("Ann", "Cid", second=1)
    watcher.logs.append(FILE, render(first, first, second, first))
    watcher.logs.append(NEXT, render(second, build_row("Ann", "Dan", second=2)))
    outcome = await watcher.poll()
    assert outcome.deaths == 3
    assert [death.offset for death in watcher.store.data.deaths.values()] == [
        0,
        2 * len(render(first)),
        len(render(second)),
    ]
    assert len(watcher.announced) == 3
    assert_counted_right(watcher.store)


async def test_little_is_stored_together_with_other_servers_and_much_alone(watcher: Watcher) -> None:
    """A server that was away for long holds up no other."""
    live = LiveIngestion(watcher.store, watcher.events, clock=watcher.clock, max_announce_age=HOUR)
    posted = Posted()
    watcher.logs.lines_per_chunk = SHARED_LINES + 1
    watcher.logs.append(
        FILE, render(*(build_row("Ann", "Bob", second=number) for number in range(SHARED_LINES)))
    )
    polling = asyncio.create_task(
        live.poll(watcher.server, watcher.logs, last_read_at=START, find_posted=posted)
    )
    await watcher.clock.advance(GROUP_SECONDS / 2)
    assert watcher.store.transactions == 0
    await watcher.clock.advance(GROUP_SECONDS / 2)
    await polling
    assert watcher.store.transactions == 1
    watcher.logs.append(
        FILE, render(*(build_row("Ann", "Bob", second=200 + number) for number in range(SHARED_LINES + 1)))
    )
    await live.poll(watcher.server, watcher.logs, last_read_at=START, find_posted=posted)
    assert watcher.store.transactions == 2


async def test_late_row_is_counted_in_its_place_and_shows_the_standing_of_then(watcher: Watcher) -> None:
    """A late row changes the streaks of its players as if it had come in time."""
    watcher.logs.append(NEXT, render(build_row("Ann", "Bob", second=10), build_row("Ann", "Bob", second=20)))
    await watcher.poll()
    watcher.logs.append(
        OTHER_WORLD, render(build_row("Ann", "Cid", second=5), build_row("Dan", "Ann", second=15))
    )
    with capture_logs() as logs:
        await watcher.poll()
    noted = [line for line in logs if line["event"] == "a batch has late or rejected rows"]
    assert [(line["rejected"], line["late_players"]) for line in noted] == [(0, 1)]
    ann = watcher.store.data.players[0][build_player_id("Ann")]
    assert (ann.counters.kills, ann.counters.best_streak, ann.current_streak) == (3, 2, 1)
    assert_counted_right(watcher.store)
    notice = watcher.store.data.notices[2]
    assert (notice.victim_name, notice.killer_kills, notice.killer_deaths, notice.killer_streak) == (
        "Cid",
        1,
        0,
        1,
    )


async def test_rejected_lines_are_kept_counted_and_not_in_the_way(watcher: Watcher, clock: FakeClock) -> None:
    """An unreadable line is stored with its position and reason; its neighbours are stored as deaths."""
    row = build_row("Ann", "Bob")
    watcher.logs.append(FILE, b"garbage\n" + render(row) + b"\n")
    outcome = await watcher.poll()
    assert (outcome.deaths, outcome.rejected) == (1, 2)
    assert watcher.store.data.rejected == [
        RejectedLine(FILE, 0, "garbage", RejectionReason.NO_SEMICOLON.say(), clock.now()),
        RejectedLine(FILE, 8 + len(render(row)), "", RejectionReason.EMPTY.say(), clock.now()),
    ]
    assert (watcher.store.data.lines_read, watcher.store.data.lines_rejected) == (3, 2)


async def test_file_of_line_feeds_is_stored_in_transactions_of_bounded_size(watcher: Watcher) -> None:
    """All lines are counted, some dozen of each chunk are stored, and the rows after them are announced."""
    watcher.logs.lines_per_chunk = 4_000
    watcher.logs.append(FILE, b"\n" * 20_000 + render(*FIGHTS))
    outcome = await watcher.poll()
    assert (outcome.deaths, outcome.rejected) == (7, 20_000)
    data = watcher.store.data
    assert (data.lines_read, data.lines_rejected) == (20_007, 20_000)
    assert [line.offset for line in data.rejected] == [
        chunk * 4_000 + line for chunk in range(5) for line in range(KEPT_REJECTED)
    ]
    assert watcher.announced == list_ids(FIGHTS)


async def test_time_of_reading_is_that_of_the_bytes(watcher: Watcher, clock: FakeClock) -> None:
    """The time of reading is taken before a slow read of the settings, so a claim is not late."""

    class SlowPosted(Posted):
        """Takes a minute."""

        async def __call__(self) -> PostedDeaths:
            """Answer after a minute."""
            clock.move(60)
            return self.deaths

    watcher.logs.append(FILE, render(*FIGHTS[:1]))
    live = LiveIngestion(watcher.store, watcher.events, clock=clock, group_seconds=0, max_announce_age=HOUR)
    await live.poll(watcher.server, watcher.logs, last_read_at=START, find_posted=SlowPosted())
    assert set(watcher.store.data.read_at.values()) == {START}


async def test_nothing_is_announced_without_a_channel(watcher: Watcher) -> None:
    """A death that is read without a channel is stored and never announced."""
    watcher.has_channel = False
    watcher.logs.append(FILE, render(*FIGHTS[:4]))
    await watcher.poll()
    watcher.has_channel = True
    await watcher.poll()
    assert (len(watcher.store.data.deaths), watcher.announced) == (4, [])


async def test_only_kinds_that_are_switched_on_are_announced(watcher: Watcher) -> None:
    """Each kind of death can be switched off; all of them are counted."""
    watcher.server = replace(
        watcher.server, silenced=frozenset(DeathKind) - {DeathKind.MENU, DeathKind.VEHICLE}
    )
    watcher.logs.append(FILE, render(*FIGHTS))
    await watcher.poll()
    assert [notice.kind for notice in watcher.store.data.notices] == [DeathKind.MENU, DeathKind.VEHICLE]
    assert_counted_right(watcher.store)


@pytest.mark.parametrize("hours", [-48, 48])
async def test_appended_rows_are_news_whatever_the_game_servers_clock_says(
    watcher: Watcher, hours: int
) -> None:
    """A wrong clock or zone of the game server does not suppress posts while reading goes on."""
    row = build_row("Ann", "Bob", second=hours * 3600)
    watcher.logs.append(FILE, render(row))
    await watcher.poll()
    assert watcher.announced == list_ids([row])
    assert watcher.logs.newest_asked == 0


@pytest.mark.parametrize("gap", [HOUR + timedelta(seconds=1), None])
async def test_only_the_hour_before_the_newest_row_is_news_when_the_gap_was_long(
    watcher: Watcher, clock: FakeClock, gap: timedelta | None
) -> None:
    """After an outage, and at the first read, the channel is not flooded."""
    rows = [build_row("Ann", "Bob", second=minute * 60) for minute in (0, 100, 140, 141, 200)]
    watcher.logs.append(FILE, render(*rows))
    watcher.last_read_at = clock.now() - gap if gap else None
    await watcher.poll()
    assert watcher.announced == list_ids(rows[2:])
    assert len(watcher.store.data.deaths) == 5


async def test_all_appended_rows_are_news_when_the_gap_was_exactly_the_age(
    watcher: Watcher, clock: FakeClock
) -> None:
    """A gap of exactly the maximum age is still recent."""
    rows = [build_row("Ann", "Bob"), build_row("Ann", "Bob", second=2 * 3600)]
    watcher.logs.append(FILE, render(*rows))
    watcher.last_read_at = clock.now() - HOUR
    await watcher.poll()
    assert watcher.announced == list_ids(rows)


async def test_rewritten_file_announces_only_new_rows_near_the_newest(watcher: Watcher) -> None:
    """New rows of a rewritten file are announced if they are recent; no death is doubled."""
    rows = [build_row("Ann", "Bob", second=minute * 60) for minute in (0, 120)]
    watcher.logs.append(FILE, render(*rows))
    await watcher.poll()
    forgotten, fresh = build_row("Cid", "Dan", second=60), build_row("Cid", "Dan", second=121 * 60)
    watcher.logs.files[FILE] = render(rows[0], forgotten, rows[1], fresh)
    watcher.logs.rewritten = {FILE}
    outcome = await watcher.poll()
    assert outcome.deaths == 2
    assert watcher.announced == list_ids([*rows, fresh])
    assert watcher.store.data.cursors[FILE].offset == len(watcher.logs.files[FILE])
    assert_counted_right(watcher.store)


@pytest.mark.parametrize("begun", [b"2025.05.01-0", b"\xef\xbb\xbf", b"no row\n"])
async def test_rewritten_file_is_news_though_the_next_one_holds_no_row_yet(
    watcher: Watcher, begun: bytes
) -> None:
    """The newest row of the logs may be in an older file than the newest file."""
    first, fresh = build_row("Ann", "Bob"), build_row("Cid", "Dan", second=60)
    watcher.logs.append(FILE, render(first))
    await watcher.poll()
    watcher.logs.files[FILE] = render(first, fresh)
    watcher.logs.rewritten = {FILE}
    watcher.logs.append(NEXT, begun)
    await watcher.poll()
    assert watcher.announced == list_ids([first, fresh])


async def test_nothing_is_news_after_a_gap_while_the_newest_file_may_not_be_read(watcher: Watcher) -> None:
    """The rows of the other files are stored; how old they are, only the newest file could tell."""
    watcher.last_read_at = None
    watcher.logs.append(FILE, render(*FIGHTS))
    watcher.logs.append(NEXT, render(later := build_row("Ann", "Bob", second=86_400)))
    watcher.logs.denied = {NEXT}
    await watcher.poll()
    assert (len(watcher.store.data.deaths), watcher.announced) == (7, [])
    watcher.logs.denied = set()
    await watcher.poll()
    assert watcher.announced == list_ids([later])
    assert_counted_right(watcher.store)


async def test_restored_old_file_is_stored_in_silence(watcher: Watcher) -> None:
    """Rows of a file that appears after newer files are not announced."""
    newest = build_row("Ann", "Bob", second=86_400)
    watcher.logs.append(NEXT, render(newest))
    await watcher.poll()
    watcher.logs.append(FILE, render(*FIGHTS))
    await watcher.poll()
    assert watcher.announced == list_ids([newest])
    assert len(watcher.store.data.deaths) == 8
    assert_counted_right(watcher.store)


async def test_newest_row_is_not_asked_for_when_nothing_would_be_announced(watcher: Watcher) -> None:
    """Without a channel no request is needed to decide about news."""
    watcher.has_channel, watcher.last_read_at = False, None
    watcher.logs.append(FILE, render(*FIGHTS))
    await watcher.poll()
    assert (len(watcher.store.data.deaths), watcher.logs.newest_asked) == (7, 0)


async def test_batch_is_run_again_when_the_database_aborts_it_for_the_moment(watcher: Watcher) -> None:
    """After a repeated transaction each row is stored once."""
    watcher.store.transient_aborts = 2
    watcher.logs.append(FILE, render(*FIGHTS))
    await watcher.poll()
    assert watcher.announced == list_ids(FIGHTS)
    assert_counted_right(watcher.store)


async def test_nothing_of_a_batch_is_stored_when_the_database_is_away(
    watcher: Watcher, told: list[Event]
) -> None:
    """Earlier batches stay stored, and the next poll continues after them.

    Delivery looks for notices after an error too. If the answer to a commit was lost, no other event reports
    the notices.
    """
    watcher.logs.append(FILE, render(*FIGHTS))
    watcher.store.outages = 1
    with pytest.raises(StorageUnavailableError):
        await watcher.poll()
    look = NoticesQueued(scope=watcher.server.scope, kinds=frozenset(ChannelKind))
    assert (watcher.store.data.deaths, told) == ({}, [look])
    await watcher.poll()
    assert watcher.announced == list_ids(FIGHTS)


async def test_second_reader_of_the_same_bytes_is_refused(watcher: Watcher) -> None:
    """Two polls from one cursor store the rows once; the slower one gets ``CursorMovedError``."""
    watcher.logs.append(FILE, render(*FIGHTS))
    results = await asyncio.gather(watcher.poll(), watcher.poll(), return_exceptions=True)
    assert {type(result) for result in results} == {PollOutcome, CursorMovedError}
    await watcher.poll()
    assert watcher.announced == list_ids(FIGHTS)
    assert_counted_right(watcher.store)


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "Ann", "Bob", "Cid"]),
        st.sampled_from(["Ann", "Bob", "Cid"]),
        st.integers(0, 30),
        st.sampled_from([FILE, NEXT, OTHER_WORLD]),
    ),
    max_size=15,
)


@settings(max_examples=60, deadline=None)
@given(polls=st.lists(ROWS, max_size=4), cut_at=st.integers(1, 150), is_aborting=st.booleans())
async def test_every_death_is_stored_once_wherever_the_process_dies(
    polls: list[list[tuple[str, str, int, LogFile]]], cut_at: int, *, is_aborting: bool
) -> None:
    """Any rows in several files, with a crash anywhere: the counters equal a recount at the end."""
    store = FakeIngestionStore()
    logs = FakeDeathLogs(store.power)
    server = GameServer(SCOPE, "Mirny", "127.0.0.1", 22, "renter", secret=None)  # type: ignore[arg-type]
    watcher = Watcher(store, logs, FakeClock(), EventDispatcher(), server)
    store.power.cut_at = cut_at
    store.transient_aborts = int(is_aborting)
    for rows in polls:
        for killer, victim, second, file in rows:
            logs.append(file, render(build_row(killer, victim, second=second)))
        try:
            await watcher.poll()
        except PowerCut:
            await watcher.poll()
    store.power.cut_at = None
    await watcher.poll()
    seen = {death_id for data in logs.files.values() for death_id in read_ids(data)}
    assert set(store.data.deaths) == seen
    assert {file: cursor.offset for file, cursor in store.data.cursors.items()} == {
        file: len(data) for file, data in logs.files.items()
    }
    assert len(set(watcher.announced)) == len(watcher.announced)
    assert_counted_right(store)


def read_ids(data: bytes) -> list[bytes]:
    """Return the ids of the rows in a file's bytes."""
    latest = NOON + timedelta(days=7)
    return list_ids([parse_death_line(line, latest=latest) for line in data.splitlines()])  # type: ignore[misc]


async def test_notices_come_once_and_in_order_wherever_the_process_dies(
    clock: FakeClock, server: GameServer
) -> None:
    """The process dies at every point of a poll in turn; the next poll completes it each time."""
    points = 0
    cut_at = 0
    while cut_at <= points:
        store = FakeIngestionStore()
        watcher = Watcher(store, FakeDeathLogs(store.power), clock, EventDispatcher(), server)
        watcher.logs.append(FILE, render(*FIGHTS))
        store.power.cut_at = cut_at or None
        if cut_at:
            with pytest.raises(PowerCut):
                await watcher.poll()
        await watcher.poll()
        points = points or store.power.points
        assert watcher.announced == list_ids(FIGHTS)
        assert store.data.cursors[FILE].offset == len(render(*FIGHTS))
        assert_counted_right(store)
        cut_at += 1
    assert points > 30


async def test_cursor_of_a_file_that_went_long_ago_is_forgotten(watcher: Watcher) -> None:
    """If the file comes back, it is read from its beginning, without storing or announcing a row again."""
    watcher.logs.append(FILE, render(*FIGHTS[:3]))
    watcher.logs.append(NEXT, render(*FIGHTS[3:]))
    await watcher.poll()
    data = watcher.logs.files.pop(FILE)
    watcher.logs.gone = [FILE]
    outcome = await watcher.poll()
    assert set(outcome.cursors) == set(watcher.store.data.cursors) == {NEXT}
    watcher.logs.gone = []
    watcher.logs.append(FILE, data)
    outcome = await watcher.poll(cursors=outcome.cursors)
    assert (outcome.deaths, set(outcome.cursors)) == (0, {FILE, NEXT})
    assert watcher.announced == list_ids(FIGHTS)
    assert_counted_right(watcher.store)


async def test_large_chunk_waits_for_its_guilds_turn_and_a_small_one_does_not(watcher: Watcher) -> None:
    """Large chunks of all guilds share a few slots, so their memory is limited; a small chunk never waits."""
    turns = FairTurns(2)
    live = LiveIngestion(
        watcher.store,
        watcher.events,
        clock=watcher.clock,
        group_seconds=0,
        max_announce_age=HOUR,
        turns=turns,
    )

    async def poll() -> PollOutcome:
        return await live.poll(watcher.server, watcher.logs, last_read_at=START, find_posted=Posted())

    async with turns.lend(SCOPE.guild_id):
        watcher.logs.append(FILE, render(*FIGHTS))
        assert (await poll()).deaths == 7
        watcher.logs.lines_per_chunk = 4_000
        watcher.logs.append(FILE, b"\n" * (LARGE_LINES + 1))
        polling = asyncio.create_task(poll())
        for _ in range(100):
            await asyncio.sleep(0)
        assert watcher.store.data.lines_read == 7
    assert (await polling).rejected == LARGE_LINES + 1


FAR_OUTSIDE = f"“{'x' * 99}…” leads out of the login's folder, so I don't read it. (1 more problem)"


@pytest.mark.parametrize(
    ("problems", "told"),
    [
        ([], None),
        ([text("No permission for “a.csv”.")], "No permission for “a.csv”."),
        ([Problem.OUTSIDE.say(path="x" * 400)], str(Problem.OUTSIDE.say(path="x" * 400))),
        ([text("One."), text("Two.")], "One. (1 more problem)"),
        ([text("One."), *[text("More.")] * 1234], "One. (1,234 more problems)"),
        ([Problem.OUTSIDE.say(path="x" * 400), text("Two.")], FAR_OUTSIDE),
    ],
)
async def test_several_problems_are_told_as_the_first_and_how_many_more(
    watcher: Watcher, problems: list[Text], told: str | None
) -> None:
    """The sentence fits the limit of the status."""
    watcher.logs.problems = problems
    outcome = await watcher.poll()
    assert (None if outcome.problem is None else str(outcome.problem)) == told
    assert len(problems) < 2 or len(told or "") <= 300  # a field holds 1,024 characters
