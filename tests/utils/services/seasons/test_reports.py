"""The answers about seasons, and the days of ``period:season``, over a guild in memory."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.fakes.bounties import ADMIN, GUILD, NORTH, SOUTH
from tests.fakes.deaths import build_player_id
from tests.fakes.seasons import FIRST_DAY, LAST_DAY, build_season
from tests.fakes.small_bot import Shelf
from utils.errors import AmbiguousError, NotFoundError, TierRequiredError, UserFacingError
from utils.interactions.services import Services
from utils.models.factions import Faction, FactionPeriod, FactionRow
from utils.models.links import Link, LinkState
from utils.models.players import BoardRow, Counters
from utils.models.seasons import Season, SeasonResult, SeasonState
from utils.models.statistics import Board, Coverage, Period
from utils.services.players.coverage import ALL_SERVERS

TODAY = date(2025, 5, 1)
ROWS = tuple(
    BoardRow(place, build_player_id(f"P{place}"), f"P{place}", 9.0 - place, Counters())
    for place in range(1, 5)
)
BERLIN_SOUTH = replace(SOUTH, timezone="Europe/Berlin")


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    shelf = Shelf()
    shelf.servers.servers = {NORTH.scope: NORTH, SOUTH.scope: BERLIN_SOUTH}
    shelf.statistics.rows = list(ROWS)
    return shelf


@pytest.fixture(name="services")
def _services(shelf: Shelf) -> Services:
    return shelf.build_services()


def put(shelf: Shelf, *seasons: Season) -> None:
    """Store seasons."""
    shelf.seasons.seasons = {one.season_id: one for one in seasons}


def build_own() -> tuple[Season, Season]:
    """Return the running seasons of two servers."""
    return (
        build_season(GUILD, server_id=NORTH.scope.server_id),
        build_season(GUILD, "2", "South's", server_id=SOUTH.scope.server_id, last_day=None),
    )


async def test_period_is_the_running_season_of_all_servers(shelf: Shelf, services: Services) -> None:
    """Its days for all of them, and for one of them by its own calendar."""
    put(shelf, build_season(GUILD))
    every = await services.coverage.choose(GUILD, None, Period.SEASON)
    south = await services.coverage.choose(GUILD, "South", Period.SEASON)
    assert every == Coverage(
        guild_id=GUILD,
        server_ids=(NORTH.scope.server_id, SOUTH.scope.server_id),
        where=ALL_SERVERS,
        today=TODAY,
        period=Period.SEASON,
        season="Spring",
        since=FIRST_DAY,
        since_at=datetime(2025, 4, 28, tzinfo=UTC),
        until=LAST_DAY,
        until_at=datetime(2025, 5, 5, tzinfo=UTC),
    )
    assert south == replace(
        every,
        server_ids=(SOUTH.scope.server_id,),
        where="South",
        since_at=datetime(2025, 4, 27, 22, tzinfo=UTC),
        until_at=datetime(2025, 5, 4, 22, tzinfo=UTC),
    )


async def test_period_asks_which_server_where_several_have_a_season(shelf: Shelf, services: Services) -> None:
    """A single season needs no question."""
    north, south = build_own()
    put(shelf, north, south)
    with pytest.raises(AmbiguousError) as asked:
        await services.coverage.choose(GUILD, None, Period.SEASON)
    ids = [server.scope.server_id for server in (NORTH, SOUTH)]
    assert (asked.value.typed, [key for key, _ in asked.value.choices]) == (None, ids)
    chosen = await services.coverage.choose(GUILD, "South", Period.SEASON)
    assert (chosen.season, chosen.server_ids, chosen.until) == ("South's", (ids[1],), date(2026, 4, 28))
    put(shelf, north)
    assert (await services.coverage.choose(GUILD, None, Period.SEASON)).where == "North"
    with pytest.raises(NotFoundError, match=r"No season is running right now. /season list shows all"):
        await services.coverage.choose(GUILD, "South", Period.SEASON)


async def test_period_without_a_season_or_its_tier_is_refused(shelf: Shelf, services: Services) -> None:
    """A planned season and one that is over are none."""
    put(
        shelf,
        build_season(GUILD, state=SeasonState.PLANNED),
        build_season(GUILD, "2", state=SeasonState.CLOSED),
    )
    with pytest.raises(NotFoundError, match="No season is running right now"):
        await services.coverage.choose(GUILD, None, Period.SEASON)
    with pytest.raises(TierRequiredError, match="/season needs tier 2"):
        await shelf.build_services(tier=1).coverage.choose(GUILD, None, Period.SEASON)


async def test_report_is_about_the_running_the_next_or_the_last_season(
    shelf: Shelf, services: Services
) -> None:
    """In this order; with its first three players once it has begun."""
    over = build_season(GUILD, "1", "Old", first_day=date(2025, 1, 1), state=SeasonState.CLOSED)
    planned = build_season(GUILD, "2", "Next", first_day=date(2025, 6, 1), state=SeasonState.PLANNED)
    later = build_season(GUILD, "3", "Later", first_day=date(2025, 9, 1), state=SeasonState.PLANNED)
    running = build_season(GUILD, "4")
    shelf.seasons.results = {("1", Board.KILLS): SeasonResult("1", Board.KILLS, ROWS[2:])}
    shown = []
    for seasons in ((over,), (over, planned, later), (over, planned, later, running)):
        put(shelf, *seasons)
        report = await services.season_reports.describe(GUILD, "", None)
        shown.append((report.season, report.where, report.today, report.rows))
    assert shown == [
        (over, ALL_SERVERS, TODAY, ROWS[2:]),
        (planned, ALL_SERVERS, TODAY, ()),
        (running, ALL_SERVERS, TODAY, ROWS[:3]),
    ]
    assert (await services.season_reports.describe(GUILD, "later", "North")).season == later
    put(shelf)
    with pytest.raises(NotFoundError, match=r"There's no season yet. An admin can start one with /season"):
        await services.season_reports.describe(GUILD, "", None)


async def test_report_asks_which_server_where_several_have_a_season(shelf: Shelf, services: Services) -> None:
    """The chosen server has one season."""
    put(shelf, *build_own())
    with pytest.raises(AmbiguousError) as asked:
        await services.season_reports.describe(GUILD, "", None)
    [_, (south, label)] = sorted(asked.value.choices)
    assert (south, label) == (SOUTH.scope.server_id, "South")
    assert (await services.season_reports.describe(GUILD, "", south)).season.name == "South's"


async def test_results_are_those_of_the_last_season_that_was_closed(shelf: Shelf, services: Services) -> None:
    """With the asker's own row; a season without results is refused in words."""
    closed = {"state": SeasonState.CLOSED, "closed_at": datetime(2025, 4, 1, tzinfo=UTC)}
    first, second = build_season(GUILD, "1", "First", **closed), build_season(GUILD, "2", "Second", **closed)
    put(shelf, first, second, build_season(GUILD, "3", "Now"))
    shelf.seasons.results = {
        (key, Board.KILLS): SeasonResult(key, Board.KILLS, rows)
        for key, rows in (("1", ROWS), ("2", ROWS[:1]))
    }
    reports = services.season_reports
    standing = await reports.get_results(GUILD, "", Board.KILLS, None, asker_id=ADMIN)
    assert (standing.season, standing.result.rows, standing.own, standing.is_linked) == (
        second,
        ROWS[:1],
        None,
        False,
    )
    link = Link(GUILD, ADMIN, ROWS[1].player_id, "P2", datetime(2025, 1, 1, tzinfo=UTC))
    await shelf.links.put_proven(GUILD, replace(link, state=LinkState.PENDING), at=link.linked_at)
    own = [
        (await reports.get_results(GUILD, name, Board.KILLS, None, asker_id=ADMIN)).own
        for name in ("first", "second")
    ]
    assert own == [ROWS[1], None]
    for name, board, said in (
        ("now", Board.KILLS, "**Now** isn't over yet. /season info shows how it stands."),
        ("first", Board.KD, "**First** has no results for this board."),
    ):
        with pytest.raises(UserFacingError) as refused:
            await reports.get_results(GUILD, name, board, None, asker_id=ADMIN)
        assert str(refused.value) == said
    put(shelf, build_season(GUILD))
    with pytest.raises(NotFoundError, match=r"No season has results yet. /season info shows how"):
        await reports.get_results(GUILD, "", Board.KILLS, None, asker_id=ADMIN)


async def test_results_of_factions_have_the_row_of_the_askers_one(shelf: Shelf, services: Services) -> None:
    """It is the faction that they are in now; a season from before the board was kept has none."""
    closed = {"state": SeasonState.CLOSED, "closed_at": datetime(2025, 4, 1, tzinfo=UTC)}
    put(shelf, build_season(GUILD, **closed))
    wolves, bears = FactionRow(1, "w", "Wolves", "WLF", 9), FactionRow(2, "b", "Bears", "BRS", 3)
    result = SeasonResult("1", Board.FACTIONS, factions=(wolves, bears))
    reports = services.season_reports
    with pytest.raises(UserFacingError, match="has no results for this board"):
        await reports.get_results(GUILD, "", Board.FACTIONS, None, asker_id=ADMIN)
    shelf.seasons.results = {("1", Board.FACTIONS): result}
    founded = datetime(2025, 1, 1, tzinfo=UTC)
    shelf.factions.factions = {"b": Faction(GUILD, "b", "Bears", "bears", "BRS", True, founded)}
    shelf.factions.periods = [FactionPeriod("b", ADMIN, founded)]
    standing = await reports.get_results(GUILD, "", Board.FACTIONS, None, asker_id=ADMIN)
    assert (standing.result, standing.own, standing.own_faction) == (result, None, bears)
    shelf.factions.periods = []
    standing = await reports.get_results(GUILD, "", Board.FACTIONS, None, asker_id=ADMIN)
    assert standing.own_faction is None


async def test_list_names_winners_and_places(shelf: Shelf, services: Services) -> None:
    """A season may be of a game server that was removed."""
    gone = build_season(
        GUILD, "2", server_id="gone0000", first_day=date(2025, 1, 1), state=SeasonState.CLOSED
    )
    put(shelf, build_season(GUILD), gone)
    shelf.seasons.results = {("2", Board.KILLS): SeasonResult("2", Board.KILLS, ROWS)}
    found = await services.season_reports.list_all(GUILD)
    assert ([one.season_id for one in found.seasons], found.winners) == (["1", "2"], {"2": ROWS[0]})
    assert {key: str(place) for key, place in found.places.items()} == {
        "": "All servers",
        "gone0000": "a removed server",
    }
