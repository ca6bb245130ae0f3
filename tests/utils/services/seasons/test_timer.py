"""The timer of seasons: what is due is done once, over a guild in memory."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.fakes.bounties import GUILD, NORTH, SOUTH
from tests.fakes.clock import START
from tests.fakes.deaths import build_player_id
from tests.fakes.seasons import LAST_DAY, build_season
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import put_settings
from utils.events import NoticesQueued, SeasonChanged
from utils.models.factions import Faction, FactionPeriod, FactionRow
from utils.models.guilds import ChannelKind
from utils.models.links import Link
from utils.models.notices.notice import compute_event_id
from utils.models.notices.seasons import SeasonNotice, SeasonPlace
from utils.models.players import BoardRow, Counters, PlayerDay
from utils.models.scope import ALL_SERVERS, ERASED_PLAYER_ID, ChannelId, MemberId, ServerScope
from utils.models.seasons import FROZEN_ROWS, SEASON_BOARDS, Season, SeasonResult, SeasonState
from utils.models.servers import ServerHealth
from utils.models.statistics import Board
from utils.services.seasons.notices import build_season_notice
from utils.services.seasons.timer import SeasonTimer

END = datetime(2025, 5, 5, tzinfo=UTC)  # the last day is over, on servers that have UTC
HOUR = timedelta(hours=1)
ANNA = MemberId(1)
ROWS = [
    BoardRow(place, build_player_id(f"P{place}"), f"P{place}", 200.0 - place, Counters(kills=200 - place))
    for place in range(1, 121)
]


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    shelf = Shelf()
    shelf.servers.servers = {NORTH.scope: NORTH, SOUTH.scope: SOUTH}
    shelf.statistics.rows = list(ROWS)
    return shelf


@pytest.fixture(name="timer")
def _timer(shelf: Shelf) -> SeasonTimer:
    shelf.build_services()
    return shelf.season_timer


def put(shelf: Shelf, *seasons: Season) -> None:
    """Store seasons."""
    shelf.seasons.seasons = {one.season_id: one for one in seasons}


async def move_to(shelf: Shelf, timer: SeasonTimer, at: datetime) -> list[SeasonState]:
    """Let the timer come at a moment, and return the states of all seasons."""
    shelf.clock.move((at - shelf.clock.now()).total_seconds())
    await timer.move_all()
    return [one.state for one in shelf.seasons.seasons.values()]


async def add_factions(shelf: Shelf) -> None:
    """Add a faction with kills before, in and after the season, and one without a kill."""
    wolf = build_player_id("Wolf")
    shelf.factions.links = shelf.links
    await shelf.links.put_proven(GUILD, Link(GUILD, ANNA, wolf, "Wolf", START), at=START)
    for faction_id, name, tag in (("w", "Wolves", "WLF"), ("b", "Bears", "BRS")):
        founded = START - timedelta(days=30)
        shelf.factions.factions[faction_id] = Faction(
            GUILD, faction_id, name, name.casefold(), tag, is_open=True, founded_at=founded
        )
    shelf.factions.periods = [FactionPeriod("w", ANNA, START - timedelta(days=30))]
    shelf.faction_days.days = [
        PlayerDay(wolf, day, Counters(kills=kills))
        for day, kills in ((date(2025, 5, 1), 100), (date(2025, 5, 2), 3), (LAST_DAY, 4), (END.date(), 50))
    ]


async def read_servers(shelf: Shelf, *, at: datetime) -> None:
    """Note that both servers were read."""
    for server in (NORTH, SOUTH):
        await shelf.servers.save_health(ServerHealth(server.scope, last_read_at=at))


async def test_season_goes_its_way_and_is_told_once(shelf: Shelf, timer: SeasonTimer) -> None:
    """Planned, running, closing, closed: with the first hundred rows of each board and one notice."""
    await put_settings(shelf.guilds, GUILD, channels={ChannelKind.NEWS: ChannelId(5)})
    told: list[object] = []
    shelf.events.register(NoticesQueued, told.append)
    put(shelf, build_season(GUILD, first_day=date(2025, 5, 2), state=SeasonState.PLANNED))
    await add_factions(shelf)
    states = [
        await move_to(shelf, timer, START),
        await move_to(shelf, timer, datetime(2025, 5, 2, tzinfo=UTC)),
        await move_to(shelf, timer, END),
        await move_to(shelf, timer, END + HOUR),
    ]
    await read_servers(shelf, at=END + HOUR)
    states += [await move_to(shelf, timer, END + 2 * HOUR), await move_to(shelf, timer, END + 3 * HOUR)]
    assert [state for [state] in states] == ["planned", "running", "closing", "closing", "closed", "closed"]
    [season] = shelf.seasons.seasons.values()
    assert (season.closing_at, season.closed_at, season.last_day) == (END, END + 2 * HOUR, LAST_DAY)
    results = shelf.seasons.results
    boards = [board for board in SEASON_BOARDS if board not in (Board.BOUNTIES, Board.FACTIONS)]
    assert {key: len(one.rows) for key, one in results.items()} == {
        ("1", board): FROZEN_ROWS if board in boards else 0 for board in SEASON_BOARDS
    }
    wolves = FactionRow(1, "w", "Wolves", "WLF", 7)
    assert results["1", Board.FACTIONS] == SeasonResult("1", Board.FACTIONS, factions=(wolves,))
    assert shelf.statistics.asked[0] == ("kills", 0, FROZEN_ROWS, 0, date(2025, 5, 2), ())
    players = [
        SeasonPlace(board, row.rank, row.name, round(row.value) * 100) for board in boards for row in ROWS[:3]
    ]
    assert shelf.seasons.notices == [
        SeasonNotice(
            event_id=compute_event_id(f"{GUILD};season;1"),
            server_name="",
            at=END + 2 * HOUR,
            season="Spring",
            game_server="",
            places=(*players, SeasonPlace(Board.FACTIONS, 1, "Wolves", 700)),
        )
    ]
    queued = NoticesQueued(scope=ServerScope(GUILD, ALL_SERVERS), kinds=frozenset({ChannelKind.NEWS}))
    assert told == [queued]


async def test_results_are_kept_after_a_day_even_if_a_server_is_away(
    shelf: Shelf, timer: SeasonTimer
) -> None:
    """A guild without a news channel gets no post."""
    put(shelf, build_season(GUILD))
    assert await move_to(shelf, timer, END) == ["closing"]
    assert await move_to(shelf, timer, END + 24 * HOUR - timedelta(seconds=1)) == ["closing"]
    assert await move_to(shelf, timer, END + 24 * HOUR) == ["closed"]
    assert (len(shelf.seasons.results), shelf.seasons.notices) == (len(SEASON_BOARDS), [])


async def test_bot_that_was_away_does_everything_later(shelf: Shelf, timer: SeasonTimer) -> None:
    """A season that should have begun and ended meanwhile waits for the servers from its return on."""
    put(shelf, build_season(GUILD, state=SeasonState.PLANNED))
    back = END + 72 * HOUR
    assert await move_to(shelf, timer, back) == ["closing"]
    await read_servers(shelf, at=back - HOUR)
    assert await move_to(shelf, timer, back + HOUR) == ["closing"]
    await read_servers(shelf, at=back + HOUR)
    assert await move_to(shelf, timer, back + HOUR) == ["closed"]


async def test_next_season_waits_until_the_one_before_is_over_everywhere(
    shelf: Shelf, timer: SeasonTimer
) -> None:
    """One zone has the next day already, but at most one season of all servers is running."""
    shelf.servers.servers[SOUTH.scope] = replace(SOUTH, timezone="Pacific/Auckland")
    following = build_season(
        GUILD, "2", "Summer", first_day=date(2025, 5, 5), last_day=None, state=SeasonState.PLANNED
    )
    put(shelf, build_season(GUILD), following)
    assert await move_to(shelf, timer, END - timedelta(seconds=1)) == ["running", "planned"]
    assert await move_to(shelf, timer, END) == ["closing", "running"]


async def test_seasons_of_two_servers_go_their_own_ways(shelf: Shelf, timer: SeasonTimer) -> None:
    """Each has the calendar of its server; that of a removed server is gone without results."""
    shelf.servers.servers[SOUTH.scope] = replace(SOUTH, timezone="America/New_York")
    north, south, gone = (
        build_season(GUILD, season_id, server_id=server_id)
        for season_id, server_id in (
            ("1", NORTH.scope.server_id),
            ("2", SOUTH.scope.server_id),
            ("3", "gone0000"),
        )
    )
    put(shelf, north, south, gone)
    assert await move_to(shelf, timer, END) == ["closing", "running", "cancelled"]
    assert await move_to(shelf, timer, END + 4 * HOUR) == ["closing", "closing", "cancelled"]


async def test_server_that_leaves_takes_its_days_along(shelf: Shelf, timer: SeasonTimer) -> None:
    """A season of all servers goes on with the others, and without any it still ends."""
    put(shelf, build_season(GUILD))
    del shelf.servers.servers[SOUTH.scope]
    assert await move_to(shelf, timer, END) == ["closing"]
    await shelf.servers.save_health(ServerHealth(NORTH.scope, last_read_at=END))
    assert await move_to(shelf, timer, END + HOUR) == ["closed"]
    assert shelf.hunters.asked[-1][0] == (NORTH.scope.server_id,)
    shelf.servers.servers.clear()
    put(shelf, build_season(GUILD, state=SeasonState.CLOSING, closing_at=END))
    assert await move_to(shelf, timer, END + 2 * HOUR) == ["closed"]


async def test_guild_without_the_tier_is_passed_over(shelf: Shelf) -> None:
    """Its seasons stay as they are, and go on when the tier is back."""
    put(shelf, build_season(GUILD))
    shelf.build_services(tier=1)
    assert await move_to(shelf, shelf.season_timer, END) == ["running"]
    shelf.build_services(tier=2)
    assert await move_to(shelf, shelf.season_timer, END) == ["closing"]


@pytest.mark.parametrize("call", ["list_seasons", "change_season", "close_season"])
async def test_away_database_delays_a_season(shelf: Shelf, timer: SeasonTimer, call: str) -> None:
    """Nothing is decided, and the next round does it."""
    closing = build_season(GUILD, state=SeasonState.CLOSING, closing_at=END)
    running = build_season(GUILD, "2", server_id=NORTH.scope.server_id)
    put(shelf, closing if call == "close_season" else running)
    shelf.seasons.broken = {call}
    before = dict(shelf.seasons.seasons)
    await move_to(shelf, timer, END + 24 * HOUR)
    assert (shelf.seasons.seasons, shelf.seasons.results) == (before, {})
    shelf.seasons.broken = set()
    await move_to(shelf, timer, END + 24 * HOUR)
    assert shelf.seasons.seasons != before


async def test_step_whose_commit_gets_no_answer_is_told(shelf: Shelf, timer: SeasonTimer) -> None:
    """It may have happened, so those who wait for it look; delivery looks into its outbox."""
    await put_settings(shelf.guilds, GUILD, channels={ChannelKind.NEWS: ChannelId(5)})
    told: list[object] = []
    for event in (SeasonChanged, NoticesQueued):
        shelf.events.register(event, told.append)
    put(shelf, build_season(GUILD, state=SeasonState.CLOSING, closing_at=END))
    shelf.clock.move((END + 24 * HOUR - START).total_seconds())
    shelf.seasons.unanswered = {"close_season"}
    await timer.move_all()
    queued = NoticesQueued(scope=ServerScope(GUILD, ALL_SERVERS), kinds=frozenset({ChannelKind.NEWS}))
    assert told == [queued, SeasonChanged(guild_id=GUILD)]
    assert (len(shelf.seasons.notices), len(shelf.seasons.results)) == (1, len(SEASON_BOARDS))
    await timer.move_all()
    assert len(shelf.seasons.notices) == 1


def test_erased_player_is_not_told() -> None:
    """Only their row stays, in the results."""
    rows = (replace(ROWS[0], player_id=ERASED_PLAYER_ID), *ROWS[1:])
    result = SeasonResult("1", Board.KD, (replace(rows[0], value=2.35), replace(rows[1], value=1.15)))
    factions = SeasonResult("1", Board.FACTIONS)
    notice = build_season_notice(build_season(GUILD), [result, factions], game_server="North", at=END)
    assert (notice.places, notice.game_server) == ((SeasonPlace(Board.KD, 2, "P2", 115),), "North")
