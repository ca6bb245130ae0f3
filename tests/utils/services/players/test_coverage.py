"""Servers, days and players of an answer, and the answers themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE, build_death, build_player_id, build_row
from tests.fakes.figures import (
    FakeCombatStore,
    FakeDeathStore,
    FakeHunterStore,
    FakeLink,
    FakeMemberLinks,
    FakePlaytimeStore,
    FakeStatisticsStore,
)
from tests.fakes.premium import build_premium
from tests.fakes.seasons import FakeSeasonStore
from tests.fakes.storage import build_server
from utils.errors import AmbiguousError, InvalidInputError, NotFoundError, NotLinkedError
from utils.models.players import BoardRow, Counters, KnownPlayer, NamedCount, NamedPlayer, PlayerStats
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId
from utils.models.servers import GameServer
from utils.models.statistics import (
    KD_MINIMUM_KILLS,
    Activity,
    Board,
    Comparison,
    Coverage,
    DayCount,
    Enemy,
    HourCount,
    Period,
    RankedPlaces,
    RecentDeath,
    Rival,
    Rivals,
    WeaponRow,
    WeaponTable,
)
from utils.models.texts import Text, text
from utils.services.players.combat import RIVALS, CombatService
from utils.services.players.coverage import CoverageService, StatisticsQuestion
from utils.services.players.player_names import PlayerNames
from utils.services.players.statistics import (
    BOARD_PAGE_ROWS,
    BoardPage,
    PlayerReport,
    StatisticsService,
)
from utils.services.seasons.running import RunningSeasons
from utils.tasks import TaskManager

GUILD = SCOPE.guild_id
ASKER, OTHER = MemberId(1), MemberId(2)
ANN, BOB = build_player_id("Ann"), build_player_id("Bob")
HERE = (SCOPE.server_id,)
NIGHT = datetime(2025, 5, 1, 23, 30, tzinfo=UTC)


@dataclass
class FakeGuildServers:
    """A guild's servers."""

    servers: list[GameServer] = field(default_factory=list)

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return the servers."""
        return [server for server in self.servers if server.scope.guild_id == guild_id]

    async def resolve(self, guild_id: GuildId, text: str | None) -> GameServer:
        """Return the server with that name or id."""
        for server in await self.list_servers(guild_id):
            if text in (server.name, server.scope.server_id):
                return server
        raise NotFoundError(Text("There is no such game server here."))


class House:
    """The services over storages of a test."""

    def __init__(self) -> None:
        self.store = FakeStatisticsStore(_know("Ann", 9), _know("Bob", 5), _know("Bobby", 1))
        self.combat_store = FakeCombatStore()
        self.hunters = FakeHunterStore()
        self.deaths = FakeDeathStore()
        self.links = FakeMemberLinks()
        self.servers = FakeGuildServers([build_server("Mirny")])
        clock = FakeClock(NIGHT)
        names = PlayerNames(self.store, self.servers, TaskManager(clock), clock=clock)
        self.seasons = FakeSeasonStore()
        seasons = RunningSeasons(self.seasons, build_premium(clock=clock))
        self.coverage = CoverageService(self.servers, names, self.links, seasons, clock=clock)
        self.statistics = StatisticsService(
            self.store, self.combat_store, self.hunters, FakePlaytimeStore(), self.coverage
        )
        self.combat = CombatService(self.combat_store, self.deaths, self.coverage, self.servers)


def _know(name: str, kills: int) -> KnownPlayer:
    return KnownPlayer(build_player_id(name), name, (name,), kills, NIGHT, HERE)


def build_stats(name: str) -> PlayerStats:
    """Return a player's figures."""
    return PlayerStats(
        player_id=build_player_id(name),
        name=name,
        counters=Counters(kills=3),
        current_streak=1,
        top_weapon=None,
        nemesis=None,
        prey=None,
        rank=1,
        ranked=5,
        last_seen_at=NIGHT,
        servers=HERE,
    )


COVERAGE = Coverage(GUILD, HERE, where="Mirny", today=date(2025, 5, 1))


@pytest.fixture(name="house")
def _house() -> House:
    return House()


@pytest.mark.parametrize(
    ("zones", "period", "today", "since"),
    [
        (["UTC"], Period.ALL, date(2025, 5, 1), None),
        (["UTC"], Period.TODAY, date(2025, 5, 1), date(2025, 5, 1)),
        (["Europe/Berlin"], Period.TODAY, date(2025, 5, 2), date(2025, 5, 2)),
        (["America/New_York"], Period.WEEK, date(2025, 5, 1), date(2025, 4, 25)),
        (["Europe/Berlin", "Asia/Tokyo"], Period.MONTH, date(2025, 5, 1), date(2025, 4, 2)),
    ],
)
async def test_days_are_those_of_the_servers_zone_or_of_utc_for_several(
    house: House, zones: list[str], period: Period, today: date, since: date | None
) -> None:
    """A period has its number of calendar days, today included."""
    house.servers.servers = [
        replace(build_server(f"S{number}", f"s{number}"), timezone=zone) for number, zone in enumerate(zones)
    ]
    ids = tuple(ServerId(f"s{number}") for number in range(len(zones)))
    where = "S0" if len(zones) == 1 else text("All servers")
    midnight = (
        datetime.combine(since, time(), ZoneInfo(zones[0] if len(zones) == 1 else "UTC")) if since else None
    )
    expected = Coverage(GUILD, ids, since, midnight, where=where, today=today, period=period)
    assert await house.coverage.choose(GUILD, None, period) == expected


async def test_named_server_is_covered_alone_and_a_guild_without_one_is_told(house: House) -> None:
    """Servers are chosen by name; without any server the answer says who can add one."""
    house.servers.servers.append(build_server("South", "south"))
    chosen = await house.coverage.choose(GUILD, "South")
    assert (chosen.server_ids, chosen.where) == ((ServerId("south"),), "South")
    with pytest.raises(NotFoundError):
        await house.coverage.choose(GUILD, "West")
    with pytest.raises(NotFoundError, match="/setup"):
        await house.coverage.choose(GuildId(99), None)


async def test_players_are_the_named_one_or_the_linked_ones(house: House) -> None:
    """The order is: the named player, the named member's players, the asker's own, with the main first."""
    house.links.links[GUILD, ASKER] = [FakeLink(BOB, "Bob"), FakeLink(ANN, "Ann")]
    house.links.links[GUILD, OTHER] = [FakeLink(ANN, "Ann")]
    find = house.coverage.find_players
    ann, bob = NamedPlayer(ANN, "Ann"), NamedPlayer(BOB, "Bob")
    assert await find(StatisticsQuestion(GUILD, ASKER, player="ann"), COVERAGE) == (ann,)
    assert await find(StatisticsQuestion(GUILD, ASKER, member_id=OTHER), COVERAGE) == (ann,)
    assert await find(StatisticsQuestion(GUILD, ASKER), COVERAGE) == (bob, ann)


async def test_who_is_not_linked_learns_how(house: House) -> None:
    """Without a player and a link the error has a hint; two subjects are refused."""
    find = house.coverage.find_players
    with pytest.raises(NotLinkedError, match="/link"):
        await find(StatisticsQuestion(GUILD, ASKER), COVERAGE)
    with pytest.raises(NotFoundError, match="<@2> hasn't linked a player yet"):
        await find(StatisticsQuestion(GUILD, ASKER, member_id=OTHER), COVERAGE)
    with pytest.raises(InvalidInputError, match="not both"):
        await find(StatisticsQuestion(GUILD, ASKER, player="Ann", member_id=OTHER), COVERAGE)
    with pytest.raises(AmbiguousError):
        await find(StatisticsQuestion(GUILD, ASKER, player="bo"), COVERAGE)


@pytest.mark.parametrize(
    ("period", "first"),
    [
        (Period.ALL, date(2025, 4, 2)),
        (Period.MONTH, date(2025, 4, 2)),
        (Period.WEEK, date(2025, 4, 25)),
    ],
)
async def test_report_has_the_days_of_its_period(house: House, period: Period, first: date) -> None:
    """The chart follows the period; that of all time has the last thirty days."""
    house.store.stats[(ANN,)] = build_stats("Ann")
    days = [DayCount(date(2025, 4, 1) + timedelta(days=number), Counters(kills=1)) for number in range(30)]
    house.store.days = days
    question = StatisticsQuestion(GUILD, ASKER, player="Ann", period=period)
    report = await house.statistics.get_stats(question)
    assert report.days == tuple(day for day in days if day.day >= first)
    assert (report.shown_days, report.hours) == ((date(2025, 5, 1) - first).days + 1, ())


async def test_report_knows_whom_the_asker_can_be_compared_with(house: House) -> None:
    """The asker's main player; their own figures need no comparison, and without a link there is none."""
    house.store.stats = {(ANN,): build_stats("Ann"), (BOB,): build_stats("Bob")}
    ask = StatisticsQuestion(GUILD, ASKER, player="Ann")
    unlinked = await house.statistics.get_stats(ask)
    house.links.links[GUILD, ASKER] = [FakeLink(BOB, "Bob")]
    other, own = [await house.statistics.get_stats(one) for one in (ask, StatisticsQuestion(GUILD, ASKER))]
    assert [(one.is_own, one.own_id) for one in (unlinked, other, own)] == [
        (False, None),
        (False, BOB),
        (True, BOB),
    ]


async def test_places_are_those_of_every_linked_player(house: House) -> None:
    """Players beyond the board are named; without a link the error says how to get one."""
    row = BoardRow(3, BOB, "Bob", 7, Counters(kills=7))
    house.store.rows = [row]
    with pytest.raises(NotLinkedError, match="/link"):
        await house.statistics.get_places(COVERAGE, Board.KD, ASKER)
    house.links.links[GUILD, ASKER] = [FakeLink(ANN, "Ann"), FakeLink(BOB, "Bob")]
    places = await house.statistics.get_places(COVERAGE, Board.KD, ASKER)
    assert places == RankedPlaces(Board.KD, (row,), ("Ann",), minimum_kills=KD_MINIMUM_KILLS)


async def test_report_has_the_figures_and_hours_of_today(house: House) -> None:
    """The chart of today is by hour, and its figures are those since midnight."""
    stats = build_stats("Ann")
    house.store.stats[(ANN,)] = stats
    house.store.days = [DayCount(date(2025, 5, 1), Counters(kills=9))]
    house.store.hours = [HourCount(7, Counters(kills=9))]
    report = await house.statistics.get_stats(
        StatisticsQuestion(GUILD, ASKER, player="Ann", period=Period.TODAY)
    )
    midnight = datetime(2025, 5, 1, tzinfo=UTC)
    covered = replace(COVERAGE, period=Period.TODAY, since=date(2025, 5, 1), since_at=midnight)
    assert report == PlayerReport(covered, stats, hours=(HourCount(7, Counters(kills=9)),))
    assert house.store.asked_stats == [((ANN,), date(2025, 5, 1))]


async def test_linked_players_are_asked_for_together(house: House) -> None:
    """The figures of a member's players are one sum."""
    house.links.links[GUILD, ASKER] = [FakeLink(BOB, "Bob"), FakeLink(ANN, "Ann")]
    house.store.stats[BOB, ANN] = build_stats("Bob")
    report = await house.statistics.get_stats(StatisticsQuestion(GUILD, ASKER))
    assert report.stats == build_stats("Bob")


async def test_player_never_seen_on_a_server_is_not_found_there(house: House) -> None:
    """The error says that the player has no figures on the named server."""
    with pytest.raises(NotFoundError, match="haven't played on that server"):
        await house.statistics.get_stats(StatisticsQuestion(GUILD, ASKER, player=ANN, server="Mirny"))


async def test_two_players_are_compared_and_one_is_not(house: House) -> None:
    """The answer has the figures of both and the kills both ways; the same player twice is refused."""
    house.store.stats = {(ANN,): build_stats("Ann"), (BOB,): build_stats("Bob")}
    house.combat_store.victims = {(ANN,): [Enemy(BOB, "Bob", 4)], (BOB,): [Enemy(ANN, "Ann", 2)]}
    assert await house.statistics.compare(GUILD, "ann", BOB, server=None) == (
        COVERAGE,
        Comparison(build_stats("Ann"), build_stats("Bob"), 4, 2),
    )
    with pytest.raises(InvalidInputError, match="same player"):
        await house.statistics.compare(GUILD, "ann", ANN, server=None)


async def test_board_is_read_page_by_page_with_the_askers_own_place(house: House) -> None:
    """A page has ten rows; K/D has a minimum of kills; the own row comes from the links."""
    store = house.store
    store.rows = [
        BoardRow(number + 1, PlayerId(str(number)), f"p{number}", 1.0, Counters()) for number in range(21)
    ]
    house.links.links[GUILD, ASKER] = [FakeLink(PlayerId("4"), "p4")]
    week = replace(COVERAGE, period=Period.WEEK, since=date(2025, 4, 25))
    last = await house.statistics.get_board(week, Board.KD, page=2, asker_id=ASKER)
    assert last == BoardPage(Board.KD, tuple(store.rows[20:]), 2, 21, store.rows[4])
    assert last.pages == 3
    await house.statistics.get_board(COVERAGE, Board.KILLS, page=0)
    assert store.asked == [
        ("kd", 10, BOARD_PAGE_ROWS, 20, date(2025, 4, 25), (PlayerId("4"),)),
        ("kills", 0, BOARD_PAGE_ROWS, 0, None, ()),
    ]


async def test_board_of_bounties_is_cut_into_pages_and_counts_from_a_moment(house: House) -> None:
    """The rows have their ranks; the own row is the best of the own players; the day begins in its zone."""
    rows = [
        BoardRow(rank, PlayerId(str(rank)), f"p{rank}", 100.0, Counters(), claims=1) for rank in range(1, 13)
    ]
    house.hunters.rows = rows
    house.links.links[GUILD, ASKER] = [FakeLink(PlayerId("9"), "p9"), FakeLink(PlayerId("4"), "p4")]
    house.servers.servers = [replace(build_server("Mirny"), timezone="Europe/Berlin")]
    today = await house.coverage.choose(GUILD, None, Period.TODAY)
    first = await house.statistics.get_board(today, Board.BOUNTIES, page=0)
    last = await house.statistics.get_board(today, Board.BOUNTIES, page=1, asker_id=ASKER)
    assert first == BoardPage(Board.BOUNTIES, tuple(rows[:10]), 0, 12)
    assert last == BoardPage(Board.BOUNTIES, tuple(rows[10:]), 1, 12, rows[3])
    midnight = datetime(2025, 5, 1, 22, tzinfo=UTC)
    assert house.hunters.asked == [(today.server_ids, date(2025, 5, 2), midnight)] * 2
    assert house.store.asked == []


async def test_weapons_are_everybodys_or_a_players(house: House) -> None:
    """The total is the sum of the listed rows; best users are added to the shown rows."""
    rows = [WeaponRow("Mosin", 8, 90), WeaponRow("AK", 2, 10)]
    house.combat_store.weapons = {(): rows, (ANN,): rows[:1]}
    house.combat_store.best = {"Mosin": NamedCount("Bob", 5)}
    assert await house.combat.get_weapons(COVERAGE) == WeaponTable(tuple(rows), 10)
    found = await house.combat.get_weapons_of(StatisticsQuestion(GUILD, ASKER, player="ann"))
    assert found == (COVERAGE, WeaponTable((rows[0],), 8), "Ann")
    house.links.links[GUILD, OTHER] = [FakeLink(ANN, "Ann")]
    assert await house.combat.get_weapons_of(StatisticsQuestion(GUILD, ASKER, member_id=OTHER)) == found
    assert await house.combat.add_best_users(COVERAGE, rows) == (
        WeaponRow("Mosin", 8, 90, "Bob", 5),
        rows[1],
    )


async def test_rivals_have_three_kills_and_both_sides(house: House) -> None:
    """Fewer kills make no rival; each side has at most ten."""
    house.combat_store.killers[(ANN,)] = [
        *(Enemy(PlayerId(f"k{number}"), f"k{number}", 5) for number in range(RIVALS + 1)),
        Enemy(BOB, "Bob", 2),
    ]
    house.combat_store.victims[(ANN,)] = [Enemy(BOB, "Bob", 3), Enemy(PlayerId("k0"), "k0", 1)]
    coverage, rivals = await house.combat.get_rivals(StatisticsQuestion(GUILD, ASKER, player="Ann"))
    nemeses = [Rival(PlayerId(f"k{number}"), f"k{number}", 0, 5) for number in range(RIVALS)]
    nemeses[0] = replace(nemeses[0], kills=1)
    assert (coverage, rivals) == (COVERAGE, Rivals("Ann", tuple(nemeses), (Rival(BOB, "Bob", 3, 2),)))
    house.links.links[GUILD, ASKER] = [FakeLink(ANN, "Ann")]
    assert (await house.combat.get_rivals(StatisticsQuestion(GUILD, ASKER)))[1] == replace(rivals, name="")


async def test_activity_is_everybodys_or_a_players(house: House) -> None:
    """The hours of the week are those of storage, with the player's name."""
    hours = list(range(168))
    house.combat_store.hours[(BOB,)] = hours
    assert await house.combat.get_activity(COVERAGE, None) == Activity((0,) * 168)
    assert await house.combat.get_activity(COVERAGE, "bob") == Activity(tuple(hours), "Bob")


async def test_latest_deaths_come_with_the_names_of_their_servers(house: House) -> None:
    """The deaths are those of all players or of one, up to the limit."""
    deaths = [build_death(build_row("Ann", "Bob", second=2)), build_death(build_row("Bob", "Bobby"))]
    house.deaths.deaths = [(SCOPE.server_id, death) for death in deaths]
    assert await house.combat.list_recent(COVERAGE, None, limit=1) == (RecentDeath("Mirny", deaths[0]),)
    assert await house.combat.list_recent(COVERAGE, "bobby", limit=9) == (RecentDeath("Mirny", deaths[1]),)
