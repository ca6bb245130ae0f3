"""Figures from the real database against a naive recount of the same deaths."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.emptied import open_emptied
from tests.fakes.examples import choose_examples
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.combat import CombatRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.models.deaths import Death, DeathKind, DeathRow, LogFile
from utils.models.players import Counters, NamedCount
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.statistics import CoveredDeaths, Enemy, HourCount, WeaponRow
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id
from utils.services.ingestion.live_batch import add_months

GUILD, STRANGER = GuildId(42), GuildId(43)
SERVERS = (ServerId("aaaaaaaa"), ServerId("bbbbbbbb"), ServerId("cccccccc"))
START = datetime(2025, 4, 20)  # noqa: DTZ001 - a wall-clock time as written in a log
DAYS = 40
PLAYERS = tuple(PlayerId(letter) for letter in "abcdef")
NAMES = {player: f"Name {player}" for player in PLAYERS}
SINCE = date(2025, 5, 3)

rows = st.builds(
    lambda second, killer, victim, weapon, metres: (second, killer, victim, weapon, metres),
    st.integers(0, DAYS * 86_400 - 1),
    st.sampled_from([None, *PLAYERS]),
    st.sampled_from(PLAYERS),
    st.sampled_from(["AK-SU", "Mosin", "land_vehicle", "boat"]),
    st.integers(0, 1200),
)
worlds = st.tuples(*(st.lists(rows, max_size=25, unique_by=lambda row: row[0]) for _ in SERVERS))
Row = tuple[int, PlayerId | None, PlayerId, str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """A row and its server."""

    server_id: ServerId
    row: DeathRow


def build_row(raw: Row) -> DeathRow:
    """Return a row by the rules of the game."""
    second, killer, victim, weapon, metres = raw
    kind = DeathKind.KILL
    if killer is None:
        kind, weapon, metres = DeathKind.UNKNOWN, "", 1
    elif killer == victim:
        kind, weapon, metres = DeathKind.FALL, "falling", 0
    elif weapon in ("land_vehicle", "boat"):
        kind, metres = DeathKind.VEHICLE, 1
    return DeathRow(
        written_at=START + timedelta(seconds=second),
        kind=kind,
        killer_id=killer,
        killer_name=NAMES[killer] if killer else "",
        victim_id=victim,
        victim_name=NAMES[victim],
        weapon=weapon,
        distance=metres,
    )


async def fill(database: SafeDatabase, world: Sequence[Sequence[Row]]) -> list[Told]:
    """Store every server's rows with their counters; the generations of the servers differ."""
    told: list[Told] = []
    for number, (server_id, raws) in enumerate(zip(SERVERS, world, strict=True)):
        scope = ServerScope(GUILD, server_id)
        server = GameServer(
            scope, server_id, "host", 22, "renter", EncryptedSecret(b"x"), generation=number % 2
        )
        await GameServerRepository(database).insert_server(scope, server)
        deaths = [_build_death(scope, build_row(raw), offset) for offset, raw in enumerate(sorted(raws))]
        await _store(database, scope, deaths, generation=number % 2)
        told += [Told(server_id, death.row) for death in deaths]
    foreign = ServerScope(STRANGER, SERVERS[0])
    elsewhere = build_row((5, PLAYERS[0], PLAYERS[1], "AK-SU", 9))
    await _store(database, foreign, [_build_death(foreign, elsewhere, 0)], generation=0)
    return told


def _build_death(scope: ServerScope, row: DeathRow, offset: int) -> Death:
    death_id = compute_death_id(build_scope_prefix(scope), row)
    return Death(death_id, row, row.written_at.replace(tzinfo=UTC), LogFile("world_0", "x.csv"), offset)


async def _store(
    database: SafeDatabase, scope: ServerScope, deaths: Sequence[Death], *, generation: int
) -> None:
    counting = Counting()
    for death in deaths:
        counting.add(death)

    def store(unit: IngestionTransaction) -> None:
        unit.insert_deaths(deaths)
        unit.replace_months(counting.freeze_months(), generation=generation)

    await IngestionRepository(database, fences=lambda _: None).in_transaction(scope, store)
    await ImportRepository(database, fences=lambda _: None).write_generation(
        scope, generation, players=list(counting.freeze_players()), days=list(counting.freeze_days())
    )


def select_kills(told: Sequence[Told], servers: Sequence[ServerId], since: date | None) -> list[DeathRow]:
    """Return the kills that count."""
    return [
        one.row
        for one in told
        if one.server_id in servers
        and one.row.kind.is_kill
        and (since is None or one.row.written_at.date() >= since)
    ]


def recount_weapons(kills: Sequence[DeathRow]) -> tuple[WeaponRow, ...]:
    """Return the table of weapons."""
    metres: dict[str, list[int]] = defaultdict(list)
    for row in kills:
        metres[row.weapon].append(row.distance if row.counts_as_longest else 0)
    table = [WeaponRow(weapon, len(some), max(some)) for weapon, some in metres.items()]
    return tuple(sorted(table, key=lambda row: (-row.kills, row.weapon)))


def recount_board(
    told: Sequence[Told], servers: Sequence[ServerId], since: date | None, board: str
) -> list[tuple[int, str, float]]:
    """Return a whole board: place, name, value."""
    kills, deaths, suicides = Counter[PlayerId](), Counter[PlayerId](), Counter[PlayerId]()
    longest: dict[PlayerId, int] = defaultdict(int)
    for one in told:
        row = one.row
        if one.server_id not in servers or (since is not None and row.written_at.date() < since):
            continue
        if row.kind.is_suicide:
            suicides[row.victim_id] += 1
            continue
        deaths[row.victim_id] += 1
        if row.killer_id is not None:
            kills[row.killer_id] += 1
            metres = row.distance if row.counts_as_longest else 0
            longest[row.killer_id] = max(longest[row.killer_id], metres)
    values: dict[str, Callable[[PlayerId], float]] = {
        "kills": lambda player: kills[player],
        "deaths": lambda player: deaths[player],
        "kd": lambda player: round(kills[player] / max(deaths[player], 1), 2) if kills[player] >= 2 else 0,
        "suicides": lambda player: suicides[player],
        "longest": lambda player: longest[player],
    }
    value = values[board]
    ranked = sorted(
        (player for player in PLAYERS if value(player) > 0),
        key=lambda player: (-value(player), deaths[player], NAMES[player]),
    )
    return [(place, NAMES[player], float(value(player))) for place, player in enumerate(ranked, start=1)]


async def verify(database: SafeDatabase, told: Sequence[Told]) -> None:
    """Compare every answer with its recount, over one server, two and all, all time and a period."""
    for servers in (SERVERS[:1], SERVERS[1:], SERVERS):
        for since in (None, SINCE):
            await verify_weapons(database, told, servers, since)
            await verify_boards(database, told, servers, since)
            await verify_stats(database, told, servers, since)
        await verify_enemies(database, told, servers)
        await verify_hours_of_day(database, told, servers)


async def verify_weapons(
    database: SafeDatabase, told: Sequence[Told], servers: Sequence[ServerId], since: date | None
) -> None:
    """Compare the tables of all players and of each player, and the best users."""
    combat, kills = CombatRepository(database, Standings(database)), select_kills(told, servers, since)
    table = recount_weapons(kills)
    found = await combat.list_weapons(CoveredDeaths(GUILD, servers, since=since))
    assert tuple(replace(row, best_name="", best_kills=0) for row in found) == table
    for player in PLAYERS[:3]:
        own = recount_weapons([row for row in kills if row.killer_id == player])
        assert await combat.list_weapons_of(CoveredDeaths(GUILD, servers, since=since), [player]) == own
    users: dict[str, Counter[str]] = defaultdict(Counter)
    for row in kills:
        users[row.weapon][row.killer_name] += 1
    best: Mapping[str, NamedCount] = {row.weapon: NamedCount(row.best_name, row.best_kills) for row in found}
    if since is None:  # the table of a period has them already
        best = await combat.find_best_users(CoveredDeaths(GUILD, servers), [row.weapon for row in table])
    assert best.keys() == users.keys()
    for weapon, tallied in best.items():
        assert tallied.count == max(users[weapon].values()) == users[weapon][tallied.name]


async def verify_boards(
    database: SafeDatabase, told: Sequence[Told], servers: Sequence[ServerId], since: date | None
) -> None:
    """Compare every board, in pages of two, with each player's own place."""
    statistics = StatisticsRepository(database, Standings(database))
    for board in ("kills", "deaths", "kd", "suicides", "longest"):
        expected = recount_board(told, servers, since, board)
        shown: list[tuple[int, str, float]] = []
        for page in range(3):
            found = await statistics.list_board(
                CoveredDeaths(GUILD, servers, since=since),
                board=board,
                minimum_kills=2 if board == "kd" else 0,
                limit=2,
                offset=page * 2,
                own=[PLAYERS[page]],
            )
            shown += [(row.rank, row.name, row.value) for row in found.rows]
            mine = [place for place in expected if place[1] == NAMES[PLAYERS[page]]]
            own = [(found.own.rank, found.own.name, found.own.value)] if found.own else []
            assert (own, found.total) == (mine, len(expected))
        assert shown == expected


async def verify_stats(
    database: SafeDatabase, told: Sequence[Told], servers: Sequence[ServerId], since: date | None
) -> None:
    """Compare each player's tallies and rank."""
    kills = select_kills(told, servers, since)
    for player in PLAYERS[:2]:
        stats = await StatisticsRepository(database, Standings(database)).find_stats(
            CoveredDeaths(GUILD, servers, since=since), [player]
        )
        is_seen = any(
            player in (one.row.victim_id, one.row.killer_id) for one in told if one.server_id in servers
        )
        assert (stats is not None) == is_seen
        if stats is None:
            continue
        own = [row for row in kills if row.killer_id == player]
        died = [row for row in kills if row.victim_id == player]
        assert stats.counters.kills == len(own)
        assert stats.top_weapon == choose_most(row.weapon for row in own)
        assert stats.prey == choose_most(row.victim_name for row in own)
        assert stats.nemesis == choose_most(row.killer_name for row in died)
        board = recount_board(told, servers, since, "kills")
        ranks = [place for place, name, _ in board if name == NAMES[player]]
        assert ([stats.rank] if stats.rank else [], stats.ranked) == (ranks, len(board))


def choose_most(names: object) -> NamedCount | None:
    """Return the most frequent name; of equal ones the first in the alphabet."""
    counted = Counter(names)  # type: ignore[call-overload] # any names
    best = min(counted, key=lambda name: (-counted[name], name), default=None)
    return NamedCount(best, counted[best]) if best is not None else None


async def verify_enemies(database: SafeDatabase, told: Sequence[Told], servers: Sequence[ServerId]) -> None:
    """Compare killers, victims, pairs and hours."""
    combat, kills = CombatRepository(database, Standings(database)), select_kills(told, servers, None)
    a, b = PLAYERS[:2]
    pairs = Counter((row.killer_id, row.victim_id) for row in kills)
    killers = {Enemy(one, NAMES[one], pairs[one, a]) for one in PLAYERS if pairs[one, a]}
    victims = {Enemy(one, NAMES[one], pairs[a, one]) for one in PLAYERS if pairs[a, one]}
    assert set(await combat.list_enemies(CoveredDeaths(GUILD, servers), [a], "killer")) == killers
    assert set(await combat.list_enemies(CoveredDeaths(GUILD, servers), [a], "victim")) == victims
    assert await combat.count_kills(CoveredDeaths(GUILD, servers), a, b) == pairs[a, b]
    for player in (None, a):
        hours = [0] * 168
        for row in kills:
            if player in (None, row.killer_id):
                hours[row.written_at.weekday() * 24 + row.written_at.hour] += 1
        assert await combat.list_hours(CoveredDeaths(GUILD, servers), player) == tuple(hours)


async def verify_hours_of_day(
    database: SafeDatabase, told: Sequence[Told], servers: Sequence[ServerId]
) -> None:
    """Compare the hours of each of some days, of one player and of two together."""
    statistics = StatisticsRepository(database, Standings(database))
    rows = [one.row for one in told if one.server_id in servers]
    days = sorted({row.written_at.date() for row in rows})[:3]
    for day, players in ((day, players) for day in days for players in (PLAYERS[:1], PLAYERS[:2])):
        kills, deaths = Counter[int](), Counter[int]()
        for row in (row for row in rows if row.written_at.date() == day):
            kills[row.written_at.hour] += row.kind.is_kill and row.killer_id in players
            deaths[row.written_at.hour] += not row.kind.is_suicide and row.victim_id in players
        found = await statistics.list_hours_of_day(CoveredDeaths(GUILD, servers), players, day)
        assert found == tuple(
            HourCount(hour, Counters(kills=kills[hour], deaths=deaths[hour]))
            for hour in range(24)
            if kills[hour] or deaths[hour]
        )


@settings(
    max_examples=choose_examples(quick=4, deep=60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(world=worlds)
def test_every_figure_is_that_of_a_naive_recount(mongod_uri: str, world: Sequence[Sequence[Row]]) -> None:
    """For any rows on three servers all figures equal the recount, for all time and for a period."""

    async def run() -> None:
        connection = SafeMongoDBConnection(mongod_uri, database="test", clock=SystemClock())
        try:
            database = await open_emptied(connection)
            await verify(database, await fill(database, world))
        finally:
            await connection.close()

    asyncio.run(run())


async def test_guild_without_servers_has_no_figures(database: SafeDatabase) -> None:
    """Without servers all figures are empty."""
    combat = CombatRepository(database, Standings(database))
    assert await combat.list_weapons(CoveredDeaths(STRANGER, [])) == ()
    assert await combat.list_weapons(CoveredDeaths(STRANGER, [], since=SINCE)) == ()
    assert await combat.find_best_users(CoveredDeaths(STRANGER, []), ["AK-SU"]) == {}
    assert await combat.list_hours(CoveredDeaths(STRANGER, [])) == (0,) * 168


@pytest.fixture(name="counted")
async def _counted(database: SafeDatabase) -> Sequence[Told]:
    """Fill the database with a few rows on each server."""
    pair = PLAYERS[0], PLAYERS[1]
    world = [[(number * 7_000, *pair, "Mosin", 50 + number) for number in range(4)] for _ in SERVERS]
    return await fill(database, world)


@pytest.mark.usefixtures("counted")
async def test_months_grow_by_what_is_new(database: SafeDatabase) -> None:
    """Adding to a month sums kills and keeps the longest; another generation stays separate."""
    scope = ServerScope(GUILD, SERVERS[0])
    row = build_row((9, PLAYERS[0], PLAYERS[1], "Mosin", 999))
    counting = Counting()
    counting.add(_build_death(scope, row, 99))

    def add(unit: IngestionTransaction) -> None:
        for generation in (0, 5):
            add_months(unit, counting.freeze_months(), generation)

    await IngestionRepository(database, fences=lambda _: None).in_transaction(scope, add)
    found = await CombatRepository(database, Standings(database)).list_weapons(
        CoveredDeaths(GUILD, SERVERS[:1])
    )
    assert found == (WeaponRow("Mosin", 5, 999),)
