"""Rows with any time and any number: plausible ones are stored and posted, others stop nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import bson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import FILE, SCOPE, build_player_id, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, Posted
from tests.fakes.premium import build_premium
from tests.fakes.storage import FakeGuildStore, FakeServerStore
from utils.database.documents.death_documents import build_death_document, build_rejected_document
from utils.database.documents.player_documents import build_month_document, build_player_document
from utils.database.read_models.standings.columns import rank
from utils.database.read_models.standings.parts import GuildStandings, StandingsPart, take_over
from utils.database.read_models.standings.sections import SECTIONS
from utils.embeds.factory import EmbedFactory
from utils.events import CountersStored, EventDispatcher
from utils.models.deaths import EARLIEST_WRITTEN_AT, DeathKind, DeathRow
from utils.models.guilds import GuildSettings
from utils.models.scope import MemberId
from utils.models.servers import EncryptedSecret, GameServer, PostedDeaths
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.row_reader import RowReader
from utils.services.money.rewards import KillRewards

DAY = timedelta(days=1)
FACTORY = EmbedFactory()
SECONDS = st.datetimes(max_value=datetime(9999, 12, 31)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001
NEAR = st.integers(-9 * 86_400, 9 * 86_400).map(lambda seconds: _NOW + timedelta(seconds=seconds))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Niue"])
DISTANCES = st.one_of(st.integers(0, 1001), st.integers(0, 999_999_999), st.just(999_999_999))
NAMES = ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus")
_NOW = START.replace(tzinfo=None)


def _build(at: datetime, killer: str, victim: str, distance: int) -> DeathRow:
    return build_row(killer, victim, distance=distance)._replace(written_at=at)


def _write(*rows: DeathRow) -> bytes:
    """Return rows like the game's, with leading zeros in years before 1000."""
    parts = (render(row).split(b";", 1) for row in rows)
    return b"".join(time.rjust(19, b"0") + b";" + rest for time, rest in parts)


ROWS = st.lists(
    st.builds(_build, st.one_of(SECONDS, NEAR), st.sampled_from(NAMES), st.sampled_from(NAMES), DISTANCES),
    max_size=12,
)
POISON = [
    _build(datetime(year, 1, 1), "Ann", name, 999_999_999)  # noqa: DTZ001
    for year, name in zip((1, 1969, 1970, 2107, 2199, 9999), NAMES[1:], strict=True)
]
SPREE = [_build(_NOW - timedelta(seconds=9 - number), "Ann", NAMES[1 + number], 0) for number in range(6)]


class Town:
    """A polled server with rewards, notices and standings."""

    def __init__(self, zone: str) -> None:
        self.clock = FakeClock()
        self.store = FakeIngestionStore()
        self.store.data.money.members |= {build_player_id(name): MemberId(1) for name in NAMES[:2]}
        self.logs = FakeDeathLogs(self.store.power)
        self.server = GameServer(
            SCOPE, "Mirny", "127.0.0.1", 22, "renter", EncryptedSecret(b""), timezone=zone
        )
        self.guild = GuildStandings()
        self.parts = {
            section.name: StandingsPart(0, 0, {}, (START - 31 * DAY).date()) for section in SECTIONS
        }
        self.parts["players"] = StandingsPart(0, 0, {}, None)

    async def poll(self) -> None:
        """Read all new rows like after a gap, so that a row is not news merely because it was appended."""
        guilds = FakeGuildStore()
        guilds.settings[SCOPE.guild_id] = GuildSettings(SCOPE.guild_id)
        rewards = KillRewards(
            SettingsService(guilds, FakeServerStore(self.server), clock=self.clock), build_premium(4)
        )
        events = EventDispatcher()
        events.register(CountersStored, self._keep)
        live = LiveIngestion(
            self.store,
            events,
            clock=self.clock,
            group_seconds=0,
            max_announce_age=timedelta(hours=1),
            rules=[rewards],
        )
        posted = Posted(PostedDeaths(frozenset(DeathKind)))
        await live.poll(self.server, self.logs, last_read_at=START - DAY, find_posted=posted)

    def _keep(self, event: CountersStored) -> None:
        for section in SECTIONS:
            self.parts[section.name] = take_over(self.guild, section, self.parts[section.name], event)

    def encode(self) -> None:
        """Encode all stored data for MongoDB, whose numbers have limited widths."""
        data = self.store.data
        for death in data.deaths.values():
            bson.encode(build_death_document(death))
        for player in data.players.get(0, {}).values():
            bson.encode(build_player_document(player, generation=0))
        for month in data.months.get(0, {}).values():
            bson.encode(build_month_document(month, generation=0))


@settings(max_examples=60)
@given(rows=ROWS, zone=ZONES)
@example(rows=[*POISON, *SPREE], zone="Europe/Berlin")
@example(rows=[*SPREE, *POISON], zone="UTC")
def test_rows_with_any_time_and_distance_stop_nothing(rows: list[DeathRow], zone: str) -> None:
    """Rows between 2015 and a week ahead are stored, paid, posted and ranked; others are rejected."""
    latest = START.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + 7 * DAY
    believed = [row for row in rows if EARLIEST_WRITTEN_AT <= row.written_at <= latest]
    town = Town(zone)
    town.logs.append(FILE, _write(*rows))
    asyncio.run(town.poll())
    data = town.store.data
    assert {death.row for death in data.deaths.values()} == set(believed)
    assert [str(line.reason) for line in data.rejected] == [
        "dated before 2015" if row.written_at < EARLIEST_WRITTEN_AT else "dated too far in the future"
        for row in rows
        if row not in believed
    ]
    town.encode()
    FACTORY.build_feed(data.notices[:10])
    kills = {row for row in believed if row.kind.is_kill}
    table = list(town.parts["players"].tables.values())
    ranking = rank(table, "kills", players=len(town.guild.players), minimum_kills=0)
    assert sum(ranking.values.tolist()) == len(kills)


def test_news_after_a_gap_are_posted_beside_rows_of_another_century() -> None:
    """The age of news is measured from the newest plausible row."""
    town = Town("UTC")
    town.logs.append(FILE, _write(*SPREE[:-1], *POISON, SPREE[-1]))
    asyncio.run(town.poll())
    assert [notice.victim_name for notice in town.store.data.notices] == list(NAMES[1:])


@given(st.integers(0, 2**63 - 10_000), SECONDS)
def test_places_and_times_fit_into_what_is_stored(offset: int, at: datetime) -> None:
    """Offsets up to the largest size of a file fit into MongoDB's numbers."""
    data = _write(_build(at, "Ann", "Bob", 0), _build(_NOW, "Ann", "Bob", 999_999_999)) + b"rubbish\n"
    for zone in (UTC, ZoneInfo("Pacific/Kiritimati")):
        deaths, rejected = RowReader(SCOPE, zone).read(FILE, offset, data, now=START)
        for death in deaths:
            bson.encode(build_death_document(death, read_at=START))
        for line in rejected:
            bson.encode(build_rejected_document(line))
