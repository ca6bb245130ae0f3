"""Figures, boards and names over one and several servers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.repositories.deaths import DeathRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.models.deaths import Death, DeathKind
from utils.models.players import (
    BoardRow,
    Counters,
    KnownPlayer,
    NamedCount,
    PlayerDay,
    PlayerRecord,
    PlayerStats,
    WeaponCount,
)
from utils.models.scope import GuildId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.statistics import BoardRows, CoveredDeaths, DayCount

A, B, C = PlayerId("a"), PlayerId("b"), PlayerId("c")
NOON = datetime(2025, 4, 30, 12, tzinfo=UTC)


@pytest.fixture(name="world")
async def _world(
    servers: GameServerRepository,
    imports: ImportRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    stranger: ServerScope,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
    make_death: Callable[..., Death],
) -> None:
    """Fill two servers of a guild and one of another; each shows generation 1, and generation 0 is wrong."""
    weapons = (WeaponCount("AK-SU", 1, 90), WeaponCount("Mosin", 2, 50))
    anna = make_player(A, name="Anna", kills=12, deaths=3, suicides=1, metres=300, longest=90, best_streak=5)
    second = make_player(A, name="Anna Two", kills=5, deaths=1, longest=120, best_streak=2, seen=9)
    figures = {
        scope: [
            replace(anna, weapons=weapons),
            make_player(B, name="Bert", kills=12, deaths=2, longest=100, best_streak=4),
            make_player(C, name="Carl", deaths=9),
        ],
        neighbour: [replace(second, weapons=weapons)],
        stranger: [make_player(A, name="Foreign", kills=1000)],
    }
    for one, players in figures.items():
        await servers.insert_server(one, make_server(one, generation=1))
        await imports.write_generation(one, 0, players=[make_player(A, name="Stale", kills=500)])
        days = [
            PlayerDay(A, date(2025, 4, 30), Counters(kills=2, best_streak=2)),
            PlayerDay(A, date(2025, 5, 1), Counters(kills=1, deaths=1, longest=50)),
            PlayerDay(B, date(2025, 5, 2), Counters(kills=3)),
        ]
        await imports.write_generation(one, 1, players=players, days=days)
        deaths = [
            make_death(one, A, B, second=1),
            make_death(one, A, B, second=2, weapon="Mosin"),
            make_death(one, A, C, second=3, weapon="Mosin", name="Anna"),
            make_death(one, C, A, second=4, name="Carl Two"),
            make_death(one, None, A, second=5, kind=DeathKind.UNKNOWN, weapon=""),
            make_death(one, A, A, second=6, kind=DeathKind.FALL, weapon="falling"),
            make_death(one, B, A, second=7, kind=DeathKind.VEHICLE, weapon="boat"),
            make_death(one, C, A, second=3, name="Carl One"),
        ]

        def store(unit: IngestionTransaction, deaths: list[Death] = deaths) -> None:
            unit.insert_deaths(deaths)

        await ingestion.in_transaction(one, store)


@pytest.mark.usefixtures("world")
async def test_figures_of_one_server_are_its_own(
    statistics: StatisticsRepository, scope: ServerScope
) -> None:
    """Counters, tallies and rank of the shown generation; ties in kills go to fewer deaths."""
    assert await statistics.find_stats(CoveredDeaths(scope.guild_id, [scope.server_id]), [A]) == PlayerStats(
        player_id=A,
        name="Anna",
        counters=Counters(kills=12, deaths=3, suicides=1, metres=300, longest=90, best_streak=5),
        current_streak=0,
        top_weapon=NamedCount("Mosin", 2),
        nemesis=NamedCount("Carl", 2),
        prey=NamedCount("Bert", 2),
        rank=2,
        ranked=2,
        last_seen_at=NOON,
        servers=(scope.server_id,),
    )


@pytest.mark.usefixtures("world")
async def test_figures_of_several_servers_are_summed(
    statistics: StatisticsRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """Counters are summed; best values, name and streak are those of the best or latest server."""
    both = [scope.server_id, neighbour.server_id]
    assert await statistics.find_stats(CoveredDeaths(scope.guild_id, both), [A]) == PlayerStats(
        player_id=A,
        name="Anna Two",
        counters=Counters(kills=17, deaths=4, suicides=1, metres=300, longest=120, best_streak=5),
        current_streak=9,
        top_weapon=NamedCount("Mosin", 4),
        nemesis=NamedCount("Carl", 4),
        prey=NamedCount("Bert", 4),
        rank=1,
        ranked=2,
        last_seen_at=NOON.replace(second=9),
        servers=(scope.server_id, neighbour.server_id),
    )


async def test_counters_of_many_players_are_summed_at_once(
    statistics: StatisticsRepository, world: None, scope: ServerScope, neighbour: ServerScope
) -> None:
    """They are those of the boards, over servers and for a span of days; a player without rows is absent."""
    del world
    both = CoveredDeaths(scope.guild_id, (scope.server_id, neighbour.server_id))
    found = await statistics.sum_of_players(both, {A, B, PlayerId("unknown")})
    assert found == {
        A: Counters(kills=17, deaths=4, suicides=1, longest=120, best_streak=5),
        B: Counters(kills=12, deaths=2, longest=100, best_streak=4),
    }
    late = replace(both, since=date(2025, 5, 1))
    assert await statistics.sum_of_players(late, {A}) == {A: Counters(kills=2, deaths=2, longest=50)}


@pytest.mark.usefixtures("world")
async def test_player_nobody_saw_has_no_figures_and_one_without_kills_no_rank(
    statistics: StatisticsRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """Missing figures and ranks are None, not zero."""
    guild_id = scope.guild_id
    assert await statistics.find_stats(CoveredDeaths(guild_id, [neighbour.server_id]), [C]) is None
    assert await statistics.find_stats(CoveredDeaths(guild_id, []), [A]) is None
    assert await statistics.find_stats(CoveredDeaths(GuildId(99), [scope.server_id]), [A]) is None
    stats = await statistics.find_stats(CoveredDeaths(guild_id, [scope.server_id]), [C])
    assert stats is not None
    assert (stats.rank, stats.ranked, stats.counters.deaths) == (None, 2, 9)


@pytest.mark.usefixtures("world")
async def test_period_counts_its_days_alone(
    statistics: StatisticsRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """Figures and ranks of a period come from its days; a player without days there has zeros."""
    both = [scope.server_id, neighbour.server_id]
    stats = await statistics.find_stats(CoveredDeaths(scope.guild_id, both, since=date(2025, 5, 1)), [A])
    assert stats is not None
    assert (stats.counters, stats.rank, stats.ranked) == (Counters(kills=2, deaths=2, longest=50), 2, 2)
    assert (stats.top_weapon, stats.nemesis, stats.prey) == (None, None, None)
    found = await statistics.list_board(
        CoveredDeaths(scope.guild_id, both, since=date(2025, 4, 30)),
        board="kills",
        minimum_kills=0,
        limit=5,
        offset=0,
    )
    assert ([(row.rank, row.name, row.value) for row in found.rows], found.total) == (
        [(1, "Bert", 6.0), (2, "Anna Two", 6.0)],
        2,
    )


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("board", "expected"),
    [
        ("kills", [(1, "Anna Two", 17.0), (2, "Bert", 12.0)]),
        ("deaths", [(1, "Carl", 9.0), (2, "Anna Two", 4.0), (3, "Bert", 2.0)]),
        ("kd", [(1, "Bert", 6.0), (2, "Anna Two", 4.25)]),
        ("streak", [(1, "Anna Two", 5.0), (2, "Bert", 4.0)]),
        ("longest", [(1, "Anna Two", 120.0), (2, "Bert", 100.0)]),
        ("suicides", [(1, "Anna Two", 1.0)]),
    ],
)
async def test_board_ranks_players_summed_over_servers(
    statistics: StatisticsRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    board: str,
    expected: list[tuple[int, str, float]],
) -> None:
    """Only players with a value have a rank; the first places and each own row equal those of the page."""
    guild_id, both, minimum = (
        scope.guild_id,
        [scope.server_id, neighbour.server_id],
        10 if board == "kd" else 0,
    )
    found = await statistics.list_board(
        CoveredDeaths(guild_id, both), board=board, minimum_kills=minimum, limit=10, offset=0
    )
    shown = [(row.rank, row.name, row.value) for row in found.rows]
    assert (shown, found.total, found.own) == (expected, len(expected), None)
    assert found.summed == pytest.approx(sum(value for _, _, value in expected))
    first = await statistics.find_first_places(
        CoveredDeaths(guild_id, both), board=board, minimum_kills=minimum, limit=2
    )
    assert [*first.items()] == [(row.player_id, row.rank) for row in found.rows[:2]]
    for row in found.rows:
        own = await statistics.list_board(
            CoveredDeaths(guild_id, both),
            board=board,
            minimum_kills=minimum,
            limit=0,
            offset=0,
            own=[row.player_id],
        )
        assert own == BoardRows((), found.total, row, found.summed)


@pytest.mark.usefixtures("world")
async def test_page_and_own_place_are_found_wherever_they_are(
    statistics: StatisticsRepository, scope: ServerScope
) -> None:
    """A page has the total; a page after the end is empty; an own row does not depend on the page."""
    guild_id, here = scope.guild_id, [scope.server_id]

    async def page(offset: int, *own: PlayerId, minimum_kills: int = 0) -> BoardRows:
        return await statistics.list_board(
            CoveredDeaths(guild_id, here),
            board="kills",
            minimum_kills=minimum_kills,
            limit=1,
            offset=offset,
            own=own,
        )

    bert = BoardRow(1, B, "Bert", 12.0, Counters(kills=12, deaths=2, longest=100, best_streak=4))
    second = Counters(kills=12, deaths=3, suicides=1, metres=300, longest=90, best_streak=5)
    anna = BoardRow(2, A, "Anna", 12.0, second)
    assert await page(1) == BoardRows((anna,), 2, summed=24)
    assert await page(2) == BoardRows((), 2, summed=24)
    assert await page(0, A) == BoardRows((bert,), 2, anna, 24)
    assert await page(1, A, B) == BoardRows((anna,), 2, bert, 24)
    assert await page(0, C) == BoardRows((bert,), 2, summed=24)
    assert await page(0, A, minimum_kills=13) == BoardRows((), 0)


@pytest.mark.parametrize("since", [None, date(2025, 5, 1)], ids=["all time", "period"])
async def test_players_with_equal_figures_stand_by_name(
    statistics: StatisticsRepository,
    servers: GameServerRepository,
    imports: ImportRepository,
    scope: ServerScope,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
    since: date | None,
) -> None:
    """With equal kills fewer deaths come first, then names, independent of ids, also in a period."""
    names = {"1": ("Zoe", 1), "2": ("Adam", 1), "3": ("Mia", 0), "4": ("Adam", 1)}
    players = [make_player(key, name=name, kills=5, deaths=deaths) for key, (name, deaths) in names.items()]
    days = [PlayerDay(one.player_id, date(2025, 5, 1), one.counters) for one in players]
    await servers.insert_server(scope, make_server(scope))
    await imports.write_generation(scope, 0, players=players, days=days, months=[])
    pages = [
        await statistics.list_board(
            CoveredDeaths(scope.guild_id, [scope.server_id], since=since),
            board="kills",
            minimum_kills=0,
            limit=2,
            offset=offset,
            own=[PlayerId("4")],
        )
        for offset in (0, 2)
    ]
    shown = [(row.rank, row.name, row.player_id) for page in pages for row in page.rows]
    assert shown == [(1, "Mia", "3"), (2, "Adam", "2"), (3, "Adam", "4"), (4, "Zoe", "1")]
    assert [page.own and page.own.rank for page in pages] == [3, 3]


@pytest.mark.usefixtures("world")
async def test_players_of_one_person_are_summed_and_ranked_as_one(
    statistics: StatisticsRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """Counters are summed over the players, the name is the latest one, and the rank counts them once."""
    stats = await statistics.find_stats(
        CoveredDeaths(scope.guild_id, [scope.server_id, neighbour.server_id]), [B, A, C]
    )
    assert stats is not None
    assert (stats.player_id, stats.name, stats.also) == (A, "Anna Two", ("Bert", "Carl"))
    assert stats.counters == Counters(kills=29, deaths=15, suicides=1, metres=300, longest=120, best_streak=5)
    assert (stats.current_streak, stats.rank, stats.ranked) == (9, 1, 1)


@pytest.mark.usefixtures("world")
async def test_days_are_summed_and_start_where_asked(
    statistics: StatisticsRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """A chart gets each day once, summed over servers and players."""
    both = [scope.server_id, neighbour.server_id]
    assert await statistics.list_days(
        CoveredDeaths(scope.guild_id, both), [A, B], since=date(2025, 5, 1)
    ) == (
        DayCount(date(2025, 5, 1), Counters(kills=2, deaths=2, longest=50)),
        DayCount(date(2025, 5, 2), Counters(kills=6)),
    )


@pytest.mark.usefixtures("world")
async def test_board_of_days_is_shown_while_the_players_of_its_generation_are_deleted(
    database: SafeDatabase, statistics: StatisticsRepository, scope: ServerScope
) -> None:
    """A question during the end of an import gets an answer, even if the names are already deleted."""
    await database.unscoped("players").delete_many({})
    board = await statistics.list_board(
        CoveredDeaths(scope.guild_id, [scope.server_id], since=date(2025, 4, 1)),
        board="kills",
        minimum_kills=0,
        limit=5,
        offset=0,
    )
    assert [(row.rank, row.player_id, row.name, row.value) for row in board.rows] == [
        (1, B, "", 3),
        (2, A, "", 3),
    ]


async def test_board_of_nothing_is_empty(statistics: StatisticsRepository) -> None:
    """A guild without servers, or a server without players, has empty boards."""
    board = statistics.list_board(
        CoveredDeaths(GuildId(1), []), board="kills", minimum_kills=0, limit=5, offset=0
    )
    assert await board == BoardRows()


@pytest.mark.usefixtures("world")
async def test_known_players_are_merged_over_servers_best_known_first(
    statistics: StatisticsRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """A player has all their names, the newest first; other guilds and generations do not count."""
    anna = KnownPlayer(
        A,
        "Anna Two",
        ("Anna Two", "Anna"),
        17,
        NOON.replace(second=9),
        (scope.server_id, neighbour.server_id),
    )
    bert = KnownPlayer(B, "Bert", ("Bert",), 12, NOON, (scope.server_id,))
    carl = KnownPlayer(C, "Carl", ("Carl",), 0, NOON, (scope.server_id,))
    assert await statistics.list_known_players(scope.guild_id) == (anna, bert, carl)
    quick = statistics.search_players
    assert await quick(scope.guild_id, "NNA T", limit=5) == (
        KnownPlayer(A, "Anna Two", ("Anna Two",), 5, NOON.replace(second=9), (neighbour.server_id,)),
    )
    assert [player.name for player in await quick(scope.guild_id, "", limit=5)] == [
        "Anna Two",
        "Bert",
        "Carl",
    ]
    assert await quick(scope.guild_id, ".*", limit=5) == ()
    assert await quick(GuildId(99), "a", limit=5) == ()


@pytest.mark.usefixtures("world")
async def test_latest_deaths_come_newest_first(
    database: SafeDatabase, scope: ServerScope, neighbour: ServerScope
) -> None:
    """The deaths are those of all chosen servers, or of one player as killer or victim."""
    deaths = DeathRepository(database)
    both = [scope.server_id, neighbour.server_id]
    found = await deaths.list_recent(CoveredDeaths(scope.guild_id, both), limit=3)
    assert [(server, death.row.written_at.second) for server, death in found] == [
        (scope.server_id, 7),
        (neighbour.server_id, 7),
        (scope.server_id, 6),
    ]
    of_c = await deaths.list_recent(CoveredDeaths(scope.guild_id, [scope.server_id]), limit=9, player_id=C)
    assert [(death.row.killer_id, death.row.victim_id, death.row.written_at.second) for _, death in of_c] == [
        (C, A, 4),
        (C, A, 3),
        (A, C, 3),
    ]
    assert await deaths.list_recent(CoveredDeaths(GuildId(99), both), limit=3) == ()


async def test_latest_deaths_are_the_latest_though_the_clock_was_set_back(
    ingestion: IngestionRepository,
    database: SafeDatabase,
    scope: ServerScope,
    make_death: Callable[..., Death],
) -> None:
    """After the clock was set back, the later rows show earlier times."""
    hour = timedelta(hours=1)
    first = [make_death(scope, A, B, second=second) for second in range(1800, 3600, 60)]
    shown = [make_death(scope, A, B, second=second) for second in range(0, 1200, 60)]
    second = [one._replace(at=one.at + hour, ordered_at=first[-1].row.written_at) for one in shown]

    def insert(unit: IngestionTransaction) -> None:
        unit.insert_deaths([*first, *second])

    await ingestion.in_transaction(scope, insert)
    deaths = DeathRepository(database)
    for player_id in (None, A, B):
        found = await deaths.list_recent(
            CoveredDeaths(scope.guild_id, [scope.server_id]), limit=5, player_id=player_id
        )
        assert [death for _, death in found] == second[:-6:-1]
