"""Figures of a real database against a count by hand.

History and live ingestion write rows of several servers into a real mongod, in any order. The repository's
answers must equal a simple count of all rows. The simple count has its own code for the rules, so the two
agree only if both are right.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import NOON, build_player_id, build_row, render
from tests.fakes.examples import choose_examples
from tests.fakes.ingestion import FakeDeathLogs, Posted
from utils.database.core.database import SafeDatabase
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.deaths import DeathRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.events import CountersStored, EventDispatcher
from utils.models.deaths import DeathKind, DeathRow, LogFile
from utils.models.players import Counters, KnownPlayer, NamedCount
from utils.models.scope import ERASED_PLAYER_ID, GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.statistics import CoveredDeaths
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion

FILE = LogFile("world_0", "2025.05.01-00.00.00.csv")
SERVER_IDS = (ServerId("aaaaaaaa"), ServerId("bbbbbbbb"))
PERIODS = (None, NOON.date() + timedelta(days=1), NOON.date() + timedelta(days=31))
VALUES: dict[str, Callable[[Counters], float]] = {
    "kills": lambda counters: counters.kills,
    "deaths": lambda counters: counters.deaths,
    "kd": lambda counters: round(counters.kills / max(counters.deaths, 1), 2),
    "streak": lambda counters: counters.best_streak,
    "longest": lambda counters: counters.longest,
    "suicides": lambda counters: counters.suicides,
    "xp": lambda counters: counters.xp,
}

# Every example uses a new guild; earlier guilds stay in the database and must have no effect. An example
# takes half a second, so a failing one is not shrunk: that would take minutes.
FEW = settings(
    max_examples=choose_examples(quick=4, deep=60),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

fresh_guilds = count(1000)


def _build_row(
    server: int, killer: str, victim: str, kind: DeathKind, *, day: int, second: int, metres: int
) -> tuple[int, DeathRow]:
    """Return a row of a server; the two servers never share a second, so that "newest" is definite."""
    killers_name = "" if kind is DeathKind.UNKNOWN else victim if kind.is_suicide else killer
    at = day * 86_400 + second * 2 + server
    row = build_row(killers_name, victim, second=at, kind=kind)
    if kind is DeathKind.KILL:
        row = row._replace(distance=metres, weapon="Mosin" if metres % 2 else "AK-SU")
    if second % 7 == 0:  # names change, but the first letters, which decide the order, do not
        row = row._replace(victim_name=f"{victim} 2")
    return server, row


ROWS = st.lists(
    st.builds(
        _build_row,
        st.integers(0, 1),
        st.sampled_from(["Anna", "Bert"]),
        st.sampled_from(["Carl", "Dora", "Emil"]),
        st.sampled_from([DeathKind.KILL, DeathKind.KILL, *DeathKind]),
        day=st.sampled_from([0, 0, 1, 31]),
        second=st.integers(0, 30),
        metres=st.sampled_from([0, 1, 57, 120, 1000, 1001]),
    )
    | st.builds(
        lambda row, metres: _build_row(
            row, "Carl", "Anna", DeathKind.KILL, day=metres % 2, second=metres, metres=metres
        ),
        st.integers(0, 1),
        st.integers(0, 30),
    ),
    max_size=40,
)


@dataclass(slots=True)
class Figures:
    """The hand-counted figures of one player."""

    counters: Counters = field(default_factory=Counters)
    streak: int = 0
    name: str = ""
    seen_at: datetime = NOON


def list_once(rows: Sequence[DeathRow]) -> list[DeathRow]:
    """Return rows of a file in order of the log, equal ones once.

    A clock that goes back by an hour at most changes no order. One that goes back further was wrong before.
    """
    kept: dict[tuple[object, ...], tuple[datetime, DeathRow]] = {}
    clock = datetime.min  # noqa: DTZ901 - logs carry no zone
    for row in rows:
        is_step_back = row.written_at < clock <= row.written_at + timedelta(hours=1)
        clock = clock if is_step_back else row.written_at
        key = (row.written_at, row.killer_id, row.victim_id, row.weapon, row.distance)
        kept.setdefault(key, (clock, row))
    return [row for _, row in sorted(kept.values(), key=lambda pair: pair[0])]


def compute_xp(row: DeathRow, before: Sequence[DeathRow]) -> int:
    """Return the XP of a kill after all rows before it."""
    if ERASED_PLAYER_ID not in (row.killer_id, row.victim_id):
        pair, since = (row.killer_id, row.victim_id), row.written_at - timedelta(hours=1)
        own = [one.written_at for one in before if (one.killer_id, one.victim_id) == pair]
        if sum(since < at <= row.written_at for at in own) > 2:
            return 0
    return min(50, 10 + row.distance // 10)


def count_server(rows: Sequence[DeathRow], since: date | None) -> dict[PlayerId, Figures]:
    """Count one server's rows by hand; streaks go on over the border of a period."""
    figures: dict[PlayerId, Figures] = {}

    def add(player_id: PlayerId | None, name: str, row: DeathRow, **more: int) -> None:
        assert player_id is not None
        own = figures.setdefault(player_id, Figures())
        own.name, own.seen_at = name, row.written_at
        own.streak = own.streak + 1 if "kills" in more else 0
        if since is None or row.written_at.date() >= since:
            best = {
                "longest": max(own.counters.longest, more.pop("longest", 0)),
                "best_streak": max(own.counters.best_streak, own.streak),
            }
            sums = {name: getattr(own.counters, name) + value for name, value in more.items()}
            own.counters = replace(own.counters, **sums, **best)

    ordered = list_once(rows)
    for place, row in enumerate(ordered):
        if row.kind in (DeathKind.KILL, DeathKind.VEHICLE):
            is_counted = row.kind is DeathKind.KILL and row.distance <= 1000
            longest, xp = row.distance if is_counted else 0, compute_xp(row, ordered[:place])
            add(row.killer_id, row.killer_name, row, kills=1, metres=row.distance, longest=longest, xp=xp)
        is_suicide = row.kind in (DeathKind.MENU, DeathKind.FALL, DeathKind.SELF)
        add(row.victim_id, row.victim_name, row, **{"suicides" if is_suicide else "deaths": 1})
    return figures


def sum_figures(several: Sequence[dict[PlayerId, Figures]]) -> dict[PlayerId, Figures]:
    """Combine the figures of several servers: sums, the best of any, the latest name and streak."""
    summed: dict[PlayerId, Figures] = {}
    for figures in several:
        for player_id, own in figures.items():
            before = summed.get(player_id)
            if before is None:
                summed[player_id] = own
                continue
            one, two = before.counters, own.counters
            newest = max(before, own, key=lambda figures: figures.seen_at)
            counters = Counters(
                one.kills + two.kills,
                one.deaths + two.deaths,
                one.suicides + two.suicides,
                one.metres + two.metres,
                max(one.longest, two.longest),
                max(one.best_streak, two.best_streak),
                one.xp + two.xp,
            )
            summed[player_id] = replace(newest, counters=counters)
    return summed


def rank(figures: dict[PlayerId, Figures], board: str, minimum_kills: int) -> Iterator[tuple[Any, ...]]:
    """Yield rank, player, name, value and counters of all players with a rank."""
    value = VALUES[board]
    placed = [
        (-value(own.counters), own.counters.deaths, own.name, player_id)
        for player_id, own in figures.items()
        if value(own.counters) > 0 and own.counters.kills >= minimum_kills
    ]
    for place, (negative, _, name, player_id) in enumerate(sorted(placed), start=1):
        yield (place, player_id, name, float(-negative), figures[player_id].counters)


def tally(keys: Sequence[str], called: Mapping[PlayerId, str] | None = None) -> tuple[NamedCount, ...]:
    """Count keys, most frequent first, then by name."""
    counted = Counter(keys)
    names = {key: key if called is None else called[PlayerId(key)] for key in counted}
    ordered = sorted(counted, key=lambda key: (-counted[key], names[key], key))
    return tuple(NamedCount(names[key], counted[key]) for key in ordered)


@dataclass(slots=True)
class Town:
    """A guild's servers over a real database, which the bot reads.

    Attributes:
        is_told: True: the standings get the events of batches; False: they must notice the batches.
    """

    database: SafeDatabase
    servers: GameServerRepository
    imports: ImportRepository
    ingestion: IngestionRepository
    standings: Standings
    guild_id: GuildId
    is_told: bool = True
    logs: dict[ServerId, FakeDeathLogs] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=lambda: FakeClock(START + timedelta(days=60)))

    async def move_in(self) -> None:
        """Add two servers to a new guild."""
        self.guild_id = GuildId(next(fresh_guilds))
        for server_id in SERVER_IDS:
            scope = ServerScope(self.guild_id, server_id)
            server = GameServer(scope, server_id, "127.0.0.1", 22, "renter", EncryptedSecret(b"sealed"))
            await self.servers.insert_server(scope, server)
            self.logs[server_id] = FakeDeathLogs(lines_per_chunk=7)
            self.logs[server_id].append(FILE, b"")

    async def write(self, rows: Sequence[tuple[int, DeathRow]]) -> None:
        """Write rows like the game, and poll."""
        for server, row in rows:
            self.logs[SERVER_IDS[server]].append(FILE, render(row))
        events = EventDispatcher()
        if self.is_told:
            events.register(CountersStored, self.standings.on_counters_stored)
        live = LiveIngestion(
            self.ingestion, events, clock=self.clock, group_seconds=0, max_announce_age=timedelta(hours=1)
        )
        for server_id in SERVER_IDS:
            await live.poll(
                await self.find(server_id), self.logs[server_id], last_read_at=None, find_posted=Posted()
            )

    @property
    def statistics(self) -> StatisticsRepository:
        """The repository of the answers."""
        return StatisticsRepository(self.database, self.standings)

    async def look(self) -> None:
        """Read all standings, so that they stay in memory."""
        for since in PERIODS:
            await self.statistics.list_board(
                CoveredDeaths(self.guild_id, SERVER_IDS, since=since),
                board="kills",
                minimum_kills=0,
                limit=10,
                offset=0,
            )

    async def import_history(self, server_id: ServerId) -> None:
        """Import a server's history, for the first time or again."""
        history = HistoryImport(
            self.ingestion, self.imports, EventDispatcher(), clock=self.clock, batch_rows=5
        )
        server, logs = await self.find(server_id), self.logs[server_id]
        job = await history.prepare(server, logs)
        await history.run(server, logs, job, on_progress=_show_nobody)

    async def find(self, server_id: ServerId) -> GameServer:
        """Return a server as it is stored now."""
        server = await self.servers.find_server(ServerScope(self.guild_id, server_id))
        assert server is not None
        return server


async def _show_nobody(_progress: object) -> None:
    """Show no progress."""


@pytest.fixture(name="town")
def _town(
    database: SafeDatabase,
    servers: GameServerRepository,
    imports: ImportRepository,
    ingestion: IngestionRepository,
) -> Town:
    return Town(database, servers, imports, ingestion, Standings(database), GuildId(0))


async def assert_boards_agree(
    town: Town, server_ids: Sequence[ServerId], figures: dict[PlayerId, Figures], since: date | None
) -> None:
    """Check every board, page by page, with each player's own rank."""
    for board in VALUES:
        minimum = 2 if board == "kd" else 0
        expected = list(rank(figures, board, minimum))
        covered = CoveredDeaths(town.guild_id, server_ids, since)
        list_board = partial(town.statistics.list_board, covered, board=board, minimum_kills=minimum)
        pages = [await list_board(limit=3, offset=offset) for offset in range(0, len(expected) + 1, 3)]
        assert {page.total for page in pages} == {len(expected)}
        rows = [row for page in pages for row in page.rows]
        assert [(row.rank, row.player_id, row.name, row.value, row.counters) for row in rows] == expected
        places = {row.player_id: row for row in rows}
        for player_id in figures:
            found = await list_board(limit=1, offset=0, own=[player_id])
            assert found.own == places.get(player_id)


async def assert_stats_agree(
    town: Town,
    server_ids: Sequence[ServerId],
    figures: dict[PlayerId, Figures],
    rows: Sequence[DeathRow],
    since: date | None,
) -> None:
    """Check every player's figures, with weapon, nemesis and prey."""
    kills = [
        row
        for row in rows
        if row.kind in (DeathKind.KILL, DeathKind.VEHICLE)
        and (since is None or row.written_at.date() >= since)
    ]
    places = {player_id: place for place, player_id, *_ in rank(figures, "kills", 0)}
    for player_id, own in figures.items():
        stats = await town.statistics.find_stats(
            CoveredDeaths(town.guild_id, server_ids, since=since), (player_id,)
        )
        assert stats is not None
        assert (stats.name, stats.counters, stats.current_streak) == (own.name, own.counters, own.streak)
        assert (stats.rank, stats.ranked) == (places.get(player_id), len(places))
        assert stats.last_seen_at == own.seen_at.replace(tzinfo=UTC)
        killed = [row for row in kills if row.killer_id == player_id]
        died = [row for row in kills if row.victim_id == player_id]
        called = {player_id: own.name for player_id, own in figures.items()}
        expected = (
            tally([row.weapon for row in killed])[:1],
            tally([str(row.killer_id) for row in died], called)[:1],
            tally([row.victim_id for row in killed], called)[:1],
        )
        found = (stats.top_weapon, stats.nemesis, stats.prey)
        assert found == tuple(next(iter(tallied), None) for tallied in expected)


async def assert_everything_agrees(town: Town, written: Sequence[tuple[int, DeathRow]]) -> None:
    """Check all answers, for one server and for both, for all time and for days."""
    rows = [list_once([row for server, row in written if server == number]) for number in (0, 1)]
    for chosen in ((0,), (0, 1)):
        server_ids = [SERVER_IDS[number] for number in chosen]
        together = [row for number in chosen for row in rows[number]]
        for since in PERIODS:
            figures = sum_figures([count_server(rows[number], since) for number in chosen])
            present = {
                player_id: own
                for player_id, own in figures.items()
                if since is None or own.counters != Counters()
            }
            await assert_boards_agree(town, server_ids, present, since)
            await assert_stats_agree(town, server_ids, figures, together, since)
    await assert_names_agree(town, rows)


async def assert_names_agree(town: Town, rows: Sequence[Sequence[DeathRow]]) -> None:
    """Check that all players of the guild are known with kills, servers and all their names."""
    figures = [count_server(some, None) for some in rows]
    known = {player.player_id: player for player in await town.statistics.list_known_players(town.guild_id)}
    summed = sum_figures(figures)
    assert known.keys() == summed.keys()
    for player_id, own in summed.items():
        player: KnownPlayer = known[player_id]
        assert (player.name, player.kills) == (own.name, own.counters.kills)
        assert player.servers == tuple(
            server_id for server_id, counted in zip(SERVER_IDS, figures, strict=True) if player_id in counted
        )
        names = {row.victim_name for some in rows for row in some if row.victim_id == player_id}
        names |= {
            row.killer_name
            for some in rows
            for row in some
            if row.killer_id == player_id and row.kind.is_kill
        }
        assert set(player.names) == names


@FEW
@given(rows=ROWS, first=st.integers(0, 20), again=st.booleans(), is_told=st.booleans())
async def test_every_answer_is_what_a_count_by_hand_gives(
    town: Town, rows: list[tuple[int, DeathRow]], first: int, *, again: bool, is_told: bool
) -> None:
    """Late rows, equal rows, new names, two servers and an import before or after give the same figures.

    Questions in between and lost events of batches change nothing.
    """
    town.is_told = is_told
    await town.move_in()
    await town.write(rows[:first])
    await town.look()
    if not again:
        await town.import_history(SERVER_IDS[0])
    await town.write(rows[first:])
    if again:
        for server_id in SERVER_IDS:
            await town.import_history(server_id)
            await town.import_history(server_id)
    await assert_everything_agrees(town, rows)


async def test_importing_again_changes_no_figure(town: Town) -> None:
    """A second and a third import have the same figures, each in a new generation."""
    await town.move_in()
    rows = [
        _build_row(0, "Anna", victim, DeathKind.KILL, day=number % 3, second=number, metres=number * 10)
        for number, victim in enumerate(["Carl", "Dora", "Carl", "Emil", "Carl"])
    ]
    await town.write(rows)
    figures = count_server([row for _, row in rows], None)
    for generation in range(3):
        assert (await town.find(SERVER_IDS[0])).generation == generation
        await assert_boards_agree(town, SERVER_IDS[:1], figures, None)
        await town.import_history(SERVER_IDS[0])


@FEW
@given(rows=ROWS, limit=st.integers(1, 10))
async def test_latest_deaths_are_the_last_of_all_rows(
    town: Town, rows: list[tuple[int, DeathRow]], limit: int
) -> None:
    """The deaths are those of both servers or of one player, newest first, and not more than the limit."""
    await town.move_in()
    await town.write(rows)
    deaths = DeathRepository(town.statistics._database)
    once = [
        (SERVER_IDS[number], row)
        for number in (0, 1)
        for row in list_once([row for server, row in rows if server == number])
    ]
    for player_id in (None, build_player_id("Anna")):
        found = await deaths.list_recent(
            CoveredDeaths(town.guild_id, list(SERVER_IDS)), limit=limit, player_id=player_id
        )
        expected = [
            row.written_at
            for _, row in once
            if player_id is None or player_id in (row.killer_id, row.victim_id)
        ]
        assert [death.row.written_at for _, death in found] == sorted(expected, reverse=True)[:limit]
        assert {(server_id, death.row) for server_id, death in found} <= set(once)
