"""Game servers side by side: each with its own players, weapons and days."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import pytest

from tests.fakes.figures import FakeCombatStore, FakeStatisticsStore
from tests.fakes.seasons import FIRST_DAY, build_season
from tests.fakes.storage import build_server
from tests.utils.services.players.test_coverage import ANN, BOB, GUILD, House
from utils.errors import NotFoundError
from utils.models.players import BoardRow, Counters, NamedCount
from utils.models.scope import PlayerId, ServerId
from utils.models.statistics import BoardRows, CoveredDeaths, Period, ServerFigures, WeaponRow
from utils.services.players.server_comparison import ServerComparisonService

NORTH, SOUTH, QUIET = ServerId("north"), ServerId("south"), ServerId("quiet")
MOSIN, SAIGA = WeaponRow("Mosin", 8, 90), WeaponRow("Saiga", 2, 20)


class FiguresByServer(FakeStatisticsStore):
    """Boards for each server.

    Attributes:
        boards: their rows, and ``since`` the first days that were asked for.
    """

    def __init__(self, boards: Mapping[tuple[ServerId, str], Sequence[BoardRow]]) -> None:
        super().__init__()
        self.boards = boards
        self.since: list[tuple[ServerId, date | None]] = []

    async def list_board(
        self,
        covered: CoveredDeaths,
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
        own: Sequence[PlayerId] = (),
    ) -> BoardRows:
        """Return the first row of the only server."""
        assert (minimum_kills, limit, offset, own) == (0, 1, 0, ())
        [server_id] = covered.server_ids
        self.since.append((server_id, covered.since))
        rows = tuple(self.boards.get((server_id, board), ()))
        return BoardRows(rows[:1], len(rows), summed=sum(row.value for row in rows))


class WeaponsByServer(FakeCombatStore):
    """The weapons of each server."""

    def __init__(self, rows: Mapping[ServerId, Sequence[WeaponRow]]) -> None:
        super().__init__()
        self.rows = rows

    async def list_weapons(self, covered: CoveredDeaths) -> Sequence[WeaponRow]:
        """Return the weapons of the only server."""
        [server_id] = covered.server_ids
        return self.rows.get(server_id, ())


def _rank(place: int, player_id: PlayerId, name: str, kills: int) -> BoardRow:
    return BoardRow(place, player_id, name, kills, Counters(kills=kills))


def _build(house: House) -> tuple[ServerComparisonService, FiguresByServer]:
    ann, bob = _rank(1, ANN, "Ann", 7), _rank(2, BOB, "Bob", 3)
    boards = FiguresByServer(
        {
            (NORTH, "kills"): [_rank(1, BOB, "Bob", 2)],
            (SOUTH, "kills"): [ann, bob],
            (SOUTH, "longest"): [replace(bob, value=310.0)],
        }
    )
    weapons = WeaponsByServer({NORTH: [replace(MOSIN, kills=2)], SOUTH: [MOSIN, SAIGA]})
    return ServerComparisonService(boards, weapons, house.coverage), boards


async def test_busiest_server_is_first_and_each_has_days_of_its_own() -> None:
    """A server without a kill is the last; today begins at the midnight of each server's zone."""
    house = House()
    house.servers.servers = [
        replace(build_server("Quiet", QUIET), timezone="UTC"),
        replace(build_server("North", NORTH), timezone="UTC"),
        replace(build_server("South", SOUTH), timezone="Europe/Berlin"),
    ]
    service, boards = _build(house)
    south = ServerFigures("South", 10, 2, NamedCount("Ann", 7), MOSIN, 310)
    north = ServerFigures("North", 2, 1, NamedCount("Bob", 2), replace(MOSIN, kills=2))
    assert await service.compare(GUILD, Period.TODAY) == [south, north, ServerFigures("Quiet")]
    today, tomorrow = date(2025, 5, 1), date(2025, 5, 2)
    assert dict(boards.since) == {QUIET: today, NORTH: today, SOUTH: tomorrow}
    boards.since.clear()
    assert await service.compare(GUILD, Period.ALL) == [south, north, ServerFigures("Quiet")]
    assert dict(boards.since) == dict.fromkeys((QUIET, NORTH, SOUTH))


async def test_season_compares_the_servers_that_it_covers_without_their_weapons() -> None:
    """Kills by weapon are not kept for as long as a season."""
    house = House()
    house.servers.servers = [build_server("North", NORTH), build_server("South", SOUTH)]
    service, boards = _build(house)
    with pytest.raises(NotFoundError, match="No season is running"):
        await service.compare(GUILD, Period.SEASON)
    house.seasons.seasons = {"1": build_season(GUILD, server_id=SOUTH)}
    south = ServerFigures("South", 10, 2, NamedCount("Ann", 7), None, 310)
    assert await service.compare(GUILD, Period.SEASON) == [south]
    assert boards.since == [(SOUTH, FIRST_DAY)] * 2


async def test_nothing_is_compared_without_a_server() -> None:
    """The answer says how to add one."""
    house = House()
    house.servers.servers = []
    service, _ = _build(house)
    with pytest.raises(NotFoundError):
        await service.compare(GUILD, Period.ALL)
