"""Highlights: each rule at its edges, and the same ones however the rows come in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import FILE, NOON, SCOPE, build_player_id, build_row, render
from tests.fakes.examples import choose_examples
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, Posted, PowerCut
from tests.fakes.premium import build_premium
from tests.fakes.storage import FakeGuildStore, FakeServerStore
from tests.utils.services.ingestion.test_live_rewards import (
    build_bounty,
    build_settings,
    insert_links,
    set_table,
)
from utils.database.core.database import SafeDatabase
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.units.money_unit import MoneyTransaction
from utils.events import EventDispatcher
from utils.models.deaths import DeathKind, DeathRow, Killing, LogFile
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import MOST_HIGHLIGHTS, Highlight, HighlightKind
from utils.models.players import ServerMonth, WeaponCount
from utils.models.servers import EncryptedSecret, GameServer
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.batch_rules import BatchRule
from utils.services.ingestion.highlights import (
    RECORD_KILLS,
    judge_bounty,
    judge_ended_streak,
    judge_first_blood,
    judge_milestone,
    judge_multikill,
    judge_record,
    judge_revenge,
    judge_streak,
)
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.stores import IngestionStore
from utils.services.money.rewards import KillRewards

AT = NOON.replace(tzinfo=UTC)
ANN, BOB = build_player_id("Ann"), build_player_id("Bob")
DAY = 86_400
OTHER_WORLD = LogFile("world_1", FILE.name)
SERVER = GameServer(SCOPE, "Mirny", "127.0.0.1", 22, "renter", EncryptedSecret(b""))
WARM_UP = [
    build_row(f"W{number % 9}", "X", second=number - DAY, distance=40) for number in range(RECORD_KILLS)
]
"""Kills on the day before; after them a kill can be a record."""

Found = list[tuple[HighlightKind, int, int]]
RECORD, MILESTONE, BOUNTY, MULTIKILL, ENDED, STREAK, REVENGE, FIRST_BLOOD = HighlightKind


@pytest.mark.parametrize(
    ("distance", "longest", "kills", "is_one"),
    [
        (50, 49, 100, True),
        (49, 10, 100, False),
        (51, 50, 100, True),
        (50, 50, 100, False),
        (720, 719, 99, False),
        (720, 0, 101, True),
    ],
)
def test_record_is_long_enough_longer_than_all_and_not_among_the_first(
    distance: int, longest: int, kills: int, *, is_one: bool
) -> None:
    """It names the record that it beat."""
    expected = Highlight(RECORD, distance, longest) if is_one else None
    assert judge_record(distance, longest=longest, kills=kills) == expected


def test_numbers_with_a_meaning_are_highlights_and_no_others() -> None:
    """Each rule about a number names it."""
    numbers = range(3_100)
    assert [one for one in numbers if judge_milestone(one)] == [100, 500, 1_000, 2_000, 3_000]
    streaks = [one for one in range(62) if judge_streak(one)]
    assert streaks == [3, 5, 10, 15, 20, 25, 30, 40, 50, 60]
    assert [one for one in range(6) if judge_multikill(one)] == [3, 4, 5]
    assert [one for one in range(8) if judge_ended_streak(one)] == [5, 6, 7]
    assert [one for one in range(3) if judge_bounty(one)] == [1, 2]
    assert (judge_milestone(500), judge_streak(25), judge_multikill(4), judge_ended_streak(7)) == (
        Highlight(MILESTONE, 500),
        Highlight(STREAK, 25),
        Highlight(MULTIKILL, 4),
        Highlight(ENDED, 7),
    )
    assert judge_bounty(1_500) == Highlight(BOUNTY, 1_500)


@pytest.mark.parametrize(
    ("killer", "minutes", "is_one"),
    [
        (BOB, 30, True),
        (BOB, 30.02, False),
        (BOB, 0, True),
        (ANN, 1, False),
        (BOB, -1, False),
        (None, 0, False),
    ],
)
def test_revenge_is_on_the_last_killer_within_half_an_hour(
    killer: str | None, minutes: float, *, is_one: bool
) -> None:
    """A death that is dated after the kill, by a clock that was set back, is not revenged."""
    last = None if killer is None else Killing(killer, ANN, AT - timedelta(minutes=minutes))  # type: ignore[arg-type] # an id
    assert judge_revenge(BOB, AT, last) == (Highlight(REVENGE) if is_one else None)


def test_first_blood_is_the_first_kill_of_a_day() -> None:
    """A month that was counted before its days were stored tells nothing."""
    month = ServerMonth(date(2025, 5, 1), (WeaponCount("Mosin", 1, 9),), (0,) * 168, days=(1, 3))
    assert [day for day in range(1, 5) if judge_first_blood(date(2025, 5, day), month)] == [2, 4]
    assert judge_first_blood(date(2025, 5, 2), None) == Highlight(FIRST_BLOOD)
    assert judge_first_blood(date(2025, 5, 2), replace(month, days=())) is None


@dataclass(slots=True)
class Feed:
    """A server with a killfeed channel, read live.

    Attributes:
        history: the number of rows that were imported.
    """

    store: IngestionStore = field(default_factory=FakeIngestionStore)
    server: GameServer = SERVER
    logs: FakeDeathLogs = field(default_factory=lambda: FakeDeathLogs(lines_per_chunk=500))
    rules: Sequence[BatchRule] = ()
    clock: FakeClock = field(default_factory=FakeClock)

    async def poll(self, *rows: DeathRow, file: LogFile = FILE) -> None:
        """Append rows and read them."""
        self.logs.append(file, render(*rows))
        live = LiveIngestion(
            self.store,
            EventDispatcher(),
            clock=self.clock,
            group_seconds=0,
            max_announce_age=timedelta(days=2),
            rules=self.rules,
        )
        posted = Posted(self.server.posted_deaths)
        await live.poll(self.server, self.logs, last_read_at=self.clock.now(), find_posted=posted)

    @property
    def notices(self) -> list[DeathNotice]:
        """The notices in the outbox, in order."""
        assert isinstance(self.store, FakeIngestionStore)
        return self.store.data.notices

    def list_found(self) -> list[Found]:
        """Return the highlights of each notice."""
        return [[(one.kind, one.number, one.before) for one in notice.highlights] for notice in self.notices]


def expect(rows: Sequence[DeathRow]) -> Iterator[Found]:
    """Yield the highlights of each row, looked for in all rows before it."""
    for place, row in enumerate(rows):
        before = rows[:place]
        yield [] if not row.kind.is_kill else list(_expect_of_kill(row, before))[:MOST_HIGHLIGHTS]


def _expect_of_kill(row: DeathRow, before: Sequence[DeathRow]) -> Iterator[tuple[HighlightKind, int, int]]:
    kills = [one for one in before if one.kind.is_kill]
    own = [*(one for one in kills if one.killer_id == row.killer_id), row]
    longest = max((one.distance for one in kills if one.counts_as_longest), default=0)
    if row.counts_as_longest and len(kills) >= 100 and row.distance > max(49, longest):
        yield RECORD, row.distance, longest
    if len(own) in (100, 500):
        yield MILESTONE, len(own), 0
    at_once = [one for one in own if row.written_at - one.written_at <= timedelta(seconds=60)]
    if len(at_once) > 2:
        yield MULTIKILL, len(at_once), 0
    if (ended := _count_streak(row.victim_id, before)) > 4:
        yield ENDED, ended, 0
    if (streak := _count_streak(row.killer_id, [*before, row])) in (3, 5, 10, 15, 20, 25, 30, 40):
        yield STREAK, streak, 0
    killed = [one for one in kills if one.victim_id == row.killer_id][-1:]
    if any(
        one.killer_id == row.victim_id and row.written_at - one.written_at <= timedelta(minutes=30)
        for one in killed
    ):
        yield REVENGE, 0, 0
    if all(one.written_at.date() != row.written_at.date() for one in kills):
        yield FIRST_BLOOD, 0, 0


def _count_streak(player_id: str | None, rows: Sequence[DeathRow]) -> int:
    streak = 0
    for row in rows:
        if row.victim_id == player_id:
            streak = 0
        elif row.kind.is_kill and row.killer_id == player_id:
            streak += 1
    return streak


@st.composite
def battles(draw: st.DrawFn) -> list[DeathRow]:
    """Draw rows of four players, some in the same minute, some hours or days apart."""
    gaps = draw(st.lists(st.sampled_from([1, 5, 29, 31, 1_799, 1_801, 40_000, 3 * DAY]), max_size=40))
    rows: list[DeathRow] = []
    second = 0
    for gap in gaps:
        second += gap
        killer = draw(st.sampled_from(["Ann", "Ann", "Ann", "Bob", "Cid", ""]))
        victim = draw(st.sampled_from(["Ann", "Bob", "Cid", "Dan"]))
        kind = (
            draw(st.sampled_from([None, None, None, DeathKind.VEHICLE]))
            if killer not in ("", victim)
            else None
        )
        distance = draw(st.sampled_from([40, 49, 50, 51, 300, 1_001]))
        rows.append(build_row(killer, victim, second=second, kind=kind, distance=distance))
    return rows


@settings(max_examples=choose_examples(quick=25, deep=400), deadline=None)
@given(rows=battles(), borders=st.lists(st.integers(0, 40), max_size=6), chunk=st.sampled_from([1, 3, 500]))
async def test_highlights_are_the_same_however_rows_come_in_batches(
    rows: list[DeathRow], borders: list[int], chunk: int
) -> None:
    """They are those that a look through all rows before finds."""
    feed = Feed(clock=FakeClock(START + timedelta(days=365)))  # no row is dated ahead
    await feed.poll(*WARM_UP)
    feed.logs.lines_per_chunk = chunk
    for first, last in pairwise(sorted({0, len(rows), *(min(one, len(rows)) for one in borders)})):
        await feed.poll(*rows[first:last])
    assert feed.list_found() == list(expect([*WARM_UP, *rows]))


async def test_kills_of_one_batch_see_each_other() -> None:
    """A record that is beaten at once is the one before; a day begins once; a revenge may follow at once."""
    feed = Feed()
    await feed.poll(*WARM_UP)
    await feed.poll(
        build_row("Ann", "Bob", second=1, distance=60),
        build_row("Bob", "Ann", second=2, distance=70),
        build_row("Cid", "Dan", second=3, distance=70),
        build_row("Cid", "Dan", second=4, distance=1_001),
        build_row("Cid", "Dan", second=5, distance=71),
    )
    assert feed.list_found()[len(WARM_UP) :] == [
        [(RECORD, 60, 40), (FIRST_BLOOD, 0, 0)],
        [(RECORD, 70, 60), (REVENGE, 0, 0)],
        [],
        [],
        [(RECORD, 71, 70), (MULTIKILL, 3, 0)],
    ]


async def test_record_is_the_longest_of_all_months() -> None:
    """The months before are read only for a kill that may be a record."""
    store = FakeIngestionStore()
    feed = Feed(store)
    april = ServerMonth(date(2025, 4, 1), (WeaponCount("Mosin", 99, 300),), (0,) * 168, (1,))
    march = ServerMonth(date(2025, 3, 1), (WeaponCount("M16", 1, 350),), (0,) * 168, (1,))
    store.data.months[0] = {april.month: april, march.month: march}
    await feed.poll(build_row("Ann", "Bob", second=1, distance=350))
    await feed.poll(build_row("Ann", "Bob", second=100, distance=351))
    await feed.poll(build_row("Bob", "Ann", second=200, distance=351))
    assert feed.list_found() == [[(FIRST_BLOOD, 0, 0)], [(RECORD, 351, 350)], [(REVENGE, 0, 0)]]


async def test_switched_off_highlights_make_way_for_others() -> None:
    """A death shows the rarest that are switched on."""
    feed = Feed(server=replace(SERVER, silenced=frozenset({RECORD, FIRST_BLOOD})))
    await feed.poll(*WARM_UP)
    await feed.poll(*(build_row("Ann", "Bob", second=number, distance=90 + number) for number in (1, 2, 3)))
    assert feed.list_found()[len(WARM_UP) :] == [[], [], [(MULTIKILL, 3, 0), (STREAK, 3, 0)]]


@pytest.mark.parametrize("kind", HighlightKind)
async def test_each_kind_is_switched_off_by_itself(kind: HighlightKind) -> None:
    """No death shows it then, and every other kind is still there."""
    store = FakeIngestionStore()
    set_table(store)
    feed = Feed(store, replace(SERVER, silenced=frozenset({kind})), rules=[_build_rewards()])
    at_once = [build_row("Eve", "Dan", second=3 * DAY + number) for number in range(3)]
    hundred = [build_row("Fay", "Gil", second=3 * DAY + 99 * (number + 1)) for number in range(100)]
    await feed.poll(*WARM_UP, *STORY, *at_once, *hundred)
    shown = {one[0] for found in feed.list_found() for one in found}
    assert shown == set(HighlightKind) - {kind}


async def test_history_and_late_rows_have_none_and_count_all_the_same() -> None:
    """A row is late if it is older than a counted death of its killer or its victim."""
    store = FakeIngestionStore()
    feed = Feed(store)
    feed.logs.append(FILE, render(*WARM_UP, build_row("Ann", "Bob", second=1, distance=400)))
    history = HistoryImport(store, store, EventDispatcher(), clock=feed.clock)
    job = await history.prepare(SERVER, feed.logs)

    async def ignore(_: object) -> None:
        """Show no progress."""

    await history.run(SERVER, feed.logs, job, on_progress=ignore)
    feed.server = replace(SERVER, generation=store.data.generation)
    assert feed.notices == []
    await feed.poll(build_row("Ann", "Cid", second=100, distance=400))
    await feed.poll(build_row("Ann", "Dan", second=99, distance=500), file=OTHER_WORLD)
    await feed.poll(build_row("Eve", "Cid", second=98, distance=600), file=OTHER_WORLD)
    await feed.poll(build_row("Eve", "Dan", second=101, distance=700))
    await feed.poll(build_row("Ann", "Dan", second=102, distance=40))
    assert feed.list_found() == [[], [], [], [(RECORD, 700, 600)], [(MULTIKILL, 3, 0)]]


async def test_facts_are_the_same_when_a_batch_runs_again_or_the_process_dies() -> None:
    """A highlight is stored with its death or not at all."""
    rows = [
        build_row("Ann", "Bob", second=1, distance=60),
        build_row("Bob", "Ann", second=2, distance=70),
        *(build_row("Bob", "Cid", second=number) for number in (3, 4, 5, 6)),
    ]
    whole = Feed()
    await whole.poll(*WARM_UP, *rows)
    points, cut_at = 0, 0
    while cut_at <= points:
        store = FakeIngestionStore()
        feed = Feed(store, logs=FakeDeathLogs(store.power, lines_per_chunk=500))
        await feed.poll(*WARM_UP)
        feed.logs.lines_per_chunk = 4
        store.power.points, store.power.cut_at = 0, cut_at or None
        store.transient_aborts = cut_at % 3
        if cut_at:
            with pytest.raises(PowerCut):
                await feed.poll(*rows)
            await feed.poll()
        else:
            await feed.poll(*rows)
        points = points or store.power.points
        assert feed.list_found() == whole.list_found(), f"cut at {cut_at}"
        cut_at += 1
    assert points > 20


def _build_rewards() -> KillRewards:
    guilds = FakeGuildStore()
    guilds.settings[SCOPE.guild_id] = build_settings()
    settings_service = SettingsService(guilds, FakeServerStore(SERVER), clock=FakeClock())
    return KillRewards(settings_service, build_premium(4))


STORY = [
    build_row("Ann", "Dan", second=1, distance=100),
    build_row("Bob", "Ann", second=20),
    build_row("", "Cid", second=21),
    build_row("Ann", "Bob", second=30),
    *(build_row("Wolf", f"V{number}", second=40 + 100 * number) for number in range(5)),
    build_row("Ann", "Wolf", second=600, distance=120),
    build_row("Ann", "Wolf", second=2 * DAY, distance=121),
]
TOLD: list[Found] = [
    [(BOUNTY, 500, 0), (FIRST_BLOOD, 0, 0)],
    [],
    [],
    [(REVENGE, 0, 0)],
    [],
    [],
    [(STREAK, 3, 0)],
    [],
    [(STREAK, 5, 0)],
    [(BOUNTY, 1_000, 0), (ENDED, 5, 0)],
    [(STREAK, 3, 0), (FIRST_BLOOD, 0, 0)],
]


@pytest.mark.parametrize("chunk", [1, 2, 500])
async def test_claimed_bounty_is_a_highlight_of_the_kill_that_claimed_it(chunk: int) -> None:
    """Its number is the sum that was paid."""
    store = FakeIngestionStore()
    set_table(store)
    feed = Feed(store, logs=FakeDeathLogs(lines_per_chunk=chunk), rules=[_build_rewards()])
    await feed.poll(*STORY)
    assert feed.list_found() == TOLD


@pytest.mark.parametrize("chunk", [1, 3, 500])
async def test_highlights_on_a_real_database_are_those_in_memory(database: SafeDatabase, chunk: int) -> None:
    """The notices in the outbox hold them; rows that are read twice change nothing."""
    await insert_links(database)

    def place(unit: MoneyTransaction) -> None:
        unit.insert_bounty(build_bounty())

    await BountyRepository(database, fences=lambda _: None).in_transaction(SCOPE, place)
    store = IngestionRepository(database, fences=lambda _: None)
    feed = Feed(store, logs=FakeDeathLogs(lines_per_chunk=chunk), rules=[_build_rewards()])
    await feed.poll(*STORY[:4])
    await feed.poll(*STORY[4:])
    feed.logs.rewritten = {FILE}
    await feed.poll()
    stored = (
        await database.unscoped("outbox").find({"channel_kind": "killfeed"}).sort("sequence", 1).to_list()
    )
    found = [
        [(HighlightKind(one["kind"]), one["number"], one["before"]) for one in entry["notice"]["highlights"]]
        for entry in stored
    ]
    assert found == TOLD


async def test_record_on_a_real_database_is_the_longest_of_all_months(database: SafeDatabase) -> None:
    """Kills of months before are read from the stored months."""
    feed = Feed(IngestionRepository(database, fences=lambda _: None))
    rows = [row._replace(written_at=row.written_at - timedelta(days=40)) for row in WARM_UP]
    await feed.poll(*rows)
    await feed.poll(build_row("Ann", "Bob", second=1, distance=60), build_row("Ann", "Bob", second=99))
    newest = await database.unscoped("outbox").find().sort("sequence", -1).limit(2).to_list()
    assert [entry["notice"]["highlights"] for entry in reversed(newest)] == [
        [{"kind": "record", "number": 60, "before": 40}, {"kind": "first_blood", "number": 0, "before": 0}],
        [{"kind": "record", "number": 120, "before": 60}],
    ]
