"""Live ingestion and money: paid with the kill or not at all, never for history, once after any crash."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import FILE, SCOPE, build_deaths, build_player_id, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, Posted, PowerCut
from tests.fakes.premium import build_premium
from tests.fakes.storage import FakeGuildStore, FakeServerStore
from utils.database.core.database import SafeDatabase
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.units.money_unit import MoneyTransaction
from utils.events import Event, EventDispatcher, NoticesQueued
from utils.models.deaths import DeathKind, LogFile
from utils.models.factions import FactionMark
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.money import Bounty, BountySettings, BountyState, LedgerKind
from utils.models.notices.bounties import BountyEvent
from utils.models.notices.deaths import DeathNotice
from utils.models.scope import ChannelId, MemberId
from utils.models.servers import GameServer, PostedDeaths
from utils.services.factions.tags import FactionTags
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.stores import IngestionStore
from utils.services.money.rewards import KillRewards

ANN, BOB = MemberId(11), MemberId(22)
HOUR = timedelta(hours=1)
NEXT = LogFile("world_0", "2025.05.02-00.00.00.csv")
ROWS = [
    build_row("Ann", "Dan", second=1, distance=100),
    *(build_row("Wolf", f"V{number}", second=2 + number) for number in range(5)),
    build_row("Ann", "Wolf", second=8, distance=0),
]
"""Ann claims a bounty, the bot places one on Wolf, and Ann claims that."""


def build_settings() -> GuildSettings:
    """Return settings with a bounties channel."""
    return GuildSettings(SCOPE.guild_id, {ChannelKind.BOUNTIES: ChannelId(5)})


@dataclass(slots=True)
class Watcher:
    """Polls with rewards."""

    store: IngestionStore
    logs: FakeDeathLogs
    clock: FakeClock
    events: EventDispatcher
    server: GameServer
    settings: GuildSettings = field(default_factory=build_settings)
    tier: int = 4
    last_read_at: datetime | None = START
    posted: Posted = field(default_factory=Posted)

    async def poll(self) -> None:
        """Poll once, without a killfeed channel."""
        guilds = FakeGuildStore()
        guilds.settings[SCOPE.guild_id] = self.settings
        settings = SettingsService(guilds, FakeServerStore(self.server), clock=self.clock)
        live = LiveIngestion(
            self.store,
            self.events,
            clock=self.clock,
            group_seconds=0,
            max_announce_age=HOUR,
            rules=[
                KillRewards(settings, build_premium(self.tier)),
                FactionTags(build_premium(self.tier)),
            ],
        )
        await live.poll(self.server, self.logs, last_read_at=self.last_read_at, find_posted=self.posted)
        self.last_read_at = self.clock.now()


def build_bounty() -> Bounty:
    """Return Bob's bounty on Dan."""
    return Bounty(SCOPE, "b1", build_player_id("Dan"), "Dan", 500, BOB, START - HOUR, START + HOUR)


def set_table(store: FakeIngestionStore) -> None:
    """Link Ann and Bob, and store Bob's bounty."""
    money = store.data.money
    money.members = {build_player_id("Ann"): ANN, build_player_id("Bob"): BOB}
    money.bounties = {"b1": build_bounty()}


@pytest.fixture(name="store")
def _store() -> FakeIngestionStore:
    store = FakeIngestionStore()
    set_table(store)
    return store


@pytest.fixture(name="watcher")
def _watcher(
    store: FakeIngestionStore, clock: FakeClock, events: EventDispatcher, server: GameServer
) -> Watcher:
    return Watcher(store, FakeDeathLogs(store.power, lines_per_chunk=4), clock, events, server)


async def insert_links(database: SafeDatabase) -> None:
    """Link Ann and Bob in the database."""
    links = [
        {
            "guild_id": int(SCOPE.guild_id),
            "member_id": int(member_id),
            "player_id": build_player_id(name),
            "player_name": name,
            "state": "proven",
            "is_main": True,
        }
        for name, member_id in (("Ann", ANN), ("Bob", BOB))
    ]
    await database.unscoped("links").insert_many(links)


def list_booked(store: FakeIngestionStore) -> list[tuple[LedgerKind, int]]:
    """Return the booked changes in order; all are Ann's."""
    changes = [row.change for row in store.data.money.ledger]
    assert {one.member_id for one in changes} <= {ANN}
    return [(one.kind, one.amount) for one in changes]


EXPECTED = [
    (LedgerKind.BOUNTY_CLAIMED, 500),
    (LedgerKind.KILL, 20),
    (LedgerKind.BOUNTY_CLAIMED, 1000),
    (LedgerKind.KILL, 10),
]


async def test_live_kills_are_settled_and_told_in_the_order_of_the_log(
    store: FakeIngestionStore, watcher: Watcher, told: list[Event]
) -> None:
    """Over several batches notices are queued and delivery is woken, without a killfeed channel."""
    watcher.logs.append(FILE, render(*ROWS))
    await watcher.poll()
    assert list_booked(store) == EXPECTED
    notices = [(one.event, one.target_name, one.amount) for one in store.data.money.notices]
    assert notices == [
        (BountyEvent.CLAIMED, "Dan", 500),
        (BountyEvent.AUTO, "Wolf", 1000),
        (BountyEvent.CLAIMED, "Wolf", 1000),
    ]
    assert told.count(NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.BOUNTIES}))) == 2
    assert store.data.notices == []


async def test_kills_are_paid_once_wherever_the_process_dies(
    clock: FakeClock, events: EventDispatcher, server: GameServer
) -> None:
    """The process dies at every point of a poll in turn; the next poll completes it each time."""
    points, cut_at = 0, 0
    while cut_at <= points:
        store = FakeIngestionStore()
        set_table(store)
        watcher = Watcher(store, FakeDeathLogs(store.power, lines_per_chunk=4), clock, events, server)
        watcher.logs.append(FILE, render(*ROWS))
        store.power.cut_at = cut_at or None
        if cut_at:
            with pytest.raises(PowerCut):
                await watcher.poll()
        await watcher.poll()
        points = points or store.power.points
        assert list_booked(store) == EXPECTED, f"cut at {cut_at}"
        assert store.data.money.balances == {ANN: 1530}
        assert len(store.data.money.notices) == 3
        cut_at += 1
    assert points > 30


async def test_tags_of_factions_are_stored_with_the_notices(
    store: FakeIngestionStore, watcher: Watcher
) -> None:
    """They are the tags of the moment when the batch is read; without the tier there are none."""
    mark = FactionMark("f1", "WLF")
    store.data.money.factions = dict.fromkeys(map(build_player_id, ("Ann", "Eve")), mark)
    fall = build_row("", "Eve", second=1, kind=DeathKind.FALL)
    watcher.posted = Posted(PostedDeaths(frozenset(DeathKind)))
    watcher.logs.append(FILE, render(build_row("Ann", "Dan"), fall))
    await watcher.poll()
    watcher.tier = 1
    watcher.logs.append(FILE, render(build_row("Ann", "Dan", second=2)))
    await watcher.poll()
    tags = [(one.killer_tag, one.victim_tag) for one in store.data.notices if isinstance(one, DeathNotice)]
    assert tags == [("WLF", ""), ("", "WLF"), ("", "")]


async def test_batch_that_runs_again_pays_once(store: FakeIngestionStore, watcher: Watcher) -> None:
    """After an aborted and repeated transaction each reward is booked once."""
    store.transient_aborts = 2
    watcher.logs.append(FILE, render(*ROWS))
    await watcher.poll()
    assert list_booked(store) == EXPECTED


async def test_rows_read_again_pay_nothing(store: FakeIngestionStore, watcher: Watcher) -> None:
    """Known deaths of a rewritten file pay nothing; a new row near its end is a live kill."""
    watcher.logs.append(FILE, render(*ROWS))
    await watcher.poll()
    fresh = build_row("Ann", "Eve", second=9, distance=0)
    watcher.logs.files[FILE] = render(*ROWS, fresh)
    watcher.logs.rewritten = {FILE}
    await watcher.poll()
    assert list_booked(store) == [*EXPECTED, (LedgerKind.KILL, 10)]


async def test_restored_old_file_pays_nothing(store: FakeIngestionStore, watcher: Watcher) -> None:
    """Rows of a file that appears after newer files have no pay, no claim and no streak."""
    watcher.logs.append(NEXT, render(build_row("Eve", "Fay", second=86_400)))
    await watcher.poll()
    watcher.logs.append(FILE, render(*ROWS))
    await watcher.poll()
    assert (list_booked(store), store.data.money.bounties) == ([], {"b1": build_bounty()})
    assert len(store.data.deaths) == 8


async def test_history_pays_nothing_and_counts_for_no_streak(
    store: FakeIngestionStore, watcher: Watcher, events: EventDispatcher, clock: FakeClock
) -> None:
    """Four kills of an import and one live kill do not make a streak of five."""
    watcher.logs.append(FILE, render(build_row("Ann", "Dan"), *ROWS[1:5]))
    history = HistoryImport(store, store, events, clock=clock)
    job = await history.prepare(watcher.server, watcher.logs)

    async def ignore(_: object) -> None:
        """Show no progress."""

    await history.run(watcher.server, watcher.logs, job, on_progress=ignore)
    watcher.server = replace(watcher.server, generation=store.data.generation)
    watcher.logs.append(FILE, render(ROWS[5]))
    await watcher.poll()
    assert (list_booked(store), store.data.money.bounties) == ([], {"b1": build_bounty()})
    watcher.logs.append(FILE, render(build_row("Ann", "Dan", second=20)))
    await watcher.poll()
    assert list_booked(store) == [(LedgerKind.BOUNTY_CLAIMED, 500), (LedgerKind.KILL, 22)]


@pytest.mark.parametrize("change", ["tier", "disabled"])
async def test_guild_without_tier_or_with_bounties_off_pays_nothing(
    store: FakeIngestionStore, watcher: Watcher, change: str
) -> None:
    """The rules are not even looked up; the deaths are stored."""
    if change == "tier":
        watcher.tier = 1
    else:
        watcher.settings = replace(watcher.settings, bounties=BountySettings(is_enabled=False))
    watcher.logs.append(FILE, render(*ROWS))
    await watcher.poll()
    assert (list_booked(store), store.data.money.reads) == ([], [])
    assert len(store.data.deaths) == len(ROWS)


async def test_kill_read_too_late_claims_nothing(
    store: FakeIngestionStore, watcher: Watcher, clock: FakeClock
) -> None:
    """The time of reading decides, not the time in the log."""
    clock.move(HOUR.total_seconds())
    watcher.logs.append(FILE, render(ROWS[0]))
    await watcher.poll()
    assert list_booked(store) == [(LedgerKind.KILL, 20)]
    assert store.data.money.bounties["b1"].state is BountyState.OPEN


async def test_long_gap_pays_but_provokes_nothing_old(
    store: FakeIngestionStore, watcher: Watcher, clock: FakeClock
) -> None:
    """After an outage all appended kills are paid, but only news lead to a bounty by the bot."""
    clock.move(2 * HOUR.total_seconds())
    rows = [*ROWS[:6], build_row("Ann", "Eve", second=3 * 3600)]
    watcher.logs.append(FILE, render(*rows))
    await watcher.poll()
    assert [amount for _, amount in list_booked(store)] == [20, 22]
    assert list(store.data.money.bounties) == ["b1"]


async def test_rewards_are_stored_with_the_kills_on_a_real_database(
    database: SafeDatabase,
    clock: FakeClock,
    events: EventDispatcher,
    server: GameServer,
) -> None:
    """Over mongod, with rows that are read twice, there is one claim, one pay and one notice of each."""
    await insert_links(database)
    bounties = BountyRepository(database, fences=lambda _: None)

    def place(unit: MoneyTransaction) -> None:
        unit.insert_bounty(build_bounty())

    await bounties.in_transaction(SCOPE, place)
    store = IngestionRepository(database, fences=lambda _: None)
    watcher = Watcher(store, FakeDeathLogs(lines_per_chunk=4), clock, events, server)
    watcher.logs.append(FILE, render(*ROWS))
    await watcher.poll()
    watcher.logs.rewritten = {FILE}
    await watcher.poll()
    rows = await database.unscoped("ledger").find().sort("number", 1).to_list(None)
    assert [(one["kind"], one["amount"], one["balance"]) for one in rows] == [
        ("bounty claimed", 500, 500),
        ("kill", 20, 520),
        ("bounty claimed", 1000, 1520),
        ("kill", 10, 1530),
    ]
    assert rows[1]["key"] == f"kill:{build_deaths(ROWS)[0].id.hex()}"
    stored = await database.unscoped("bounties").find().sort("placed_at", 1).to_list(None)
    assert [(one["amount"], one["state"], one["placer_id"]) for one in stored] == [
        (500, "claimed", 22),
        (1000, "claimed", None),
    ]
    told = await database.unscoped("outbox").find({"channel_kind": "bounties"}).to_list(None)
    assert [one["notice"]["event"] for one in sorted(told, key=lambda one: one["sequence"])] == [
        "claimed",
        "auto",
        "claimed",
    ]
