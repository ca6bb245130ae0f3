"""Seasons in the database: figures of their days, races, kills of the process, erasures."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.combat import CombatRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.seasons import SeasonRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import StorageUnavailableError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.deaths import Death
from utils.models.factions import FactionRow
from utils.models.notices.notice import Notice
from utils.models.players import BoardRow, Counters, NamedCount, PlayerDay, PlayerRecord, sum_counters
from utils.models.scope import (
    ALL_SERVERS,
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    MemberId,
    PlayerId,
    ServerScope,
)
from utils.models.seasons import MOST_SEASONS, Season, SeasonResult, SeasonState
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.sharding import Sharding
from utils.models.statistics import Board, CoveredDeaths
from utils.services.seasons.notices import build_season_notice

A, B = PlayerId("0002" + "a" * 28), PlayerId("0002" + "b" * 28)
NOW = datetime(2026, 12, 7, 2, tzinfo=UTC)
FACTIONS = (FactionRow(1, "1001", "Wolves", "WLF", 9),)
FIRST, LAST = date(2026, 9, 29), date(2026, 12, 6)
ENTRY = AuditEntry(NOW, MemberId(1), AuditAction.SEASON_END, AuditFacts())


def build(guild_id: GuildId, season_id: str = "1", **more: object) -> Season:
    """Return a closing season."""
    values = {"state": SeasonState.CLOSING, "closing_at": NOW - timedelta(hours=1), **more}
    return Season(
        guild_id=guild_id,
        season_id=season_id,
        name="Winter",
        first_day=FIRST,
        last_day=LAST,
        **values,  # type: ignore[arg-type]
    )


@dataclass
class House:
    """A guild with one game server and its counters."""

    database: SafeDatabase
    scope: ServerScope
    make_player: Callable[..., PlayerRecord]

    def __post_init__(self) -> None:
        self.seasons = SeasonRepository(self.database, fences=lambda _: None)
        self.statistics = StatisticsRepository(self.database, Standings(self.database))
        self.ingestion = IngestionRepository(self.database, fences=lambda _: None)

    @property
    def guild_id(self) -> GuildId:
        """The guild."""
        return self.scope.guild_id

    async def store(self, *days: PlayerDay) -> None:
        """Write the days of players, and their counters of all time."""
        names = {day.player_id for day in days}
        players = [
            replace(
                self.make_player(player_id),
                counters=sum_counters(day.counters for day in days if day.player_id == player_id),
            )
            for player_id in names
        ]

        def work(unit: IngestionTransaction) -> None:
            unit.replace_players(players, generation=0)
            unit.replace_days(days, generation=0)
            unit.append_notices([], created_at=NOW, changes_counters=True)

        await self.ingestion.in_transaction(self.scope, work)

    async def list_rows(self, board: Board) -> tuple[BoardRow, ...]:
        """Return the rows of a board over the season."""
        covered = CoveredDeaths(self.guild_id, [self.scope.server_id], since=FIRST, until=LAST)
        found = await self.statistics.list_board(
            covered, board=board.value, minimum_kills=0, limit=100, offset=0
        )
        return found.rows

    async def close(self, season: Season, rows: Sequence[BoardRow]) -> bool:
        """Close a season with the rows of one board and its notice."""

        def build_notice(kept: Sequence[SeasonResult]) -> Notice:
            return build_season_notice(season, kept, game_server="", at=NOW)

        return await self.seasons.close_season(
            self.guild_id,
            season,
            replace(season, state=SeasonState.CLOSED, closed_at=NOW),
            [
                SeasonResult(season.season_id, Board.KILLS, tuple(rows)),
                SeasonResult(season.season_id, Board.FACTIONS, factions=FACTIONS),
            ],
            server_ids=[self.scope.server_id],
            build_notice=build_notice,
            at=NOW,
        )

    async def count(self, name: str) -> int:
        """Return how many documents a collection has."""
        return await self.database.unscoped(name).count_documents({})


@pytest.fixture(name="house")
async def _house(
    database: SafeDatabase, scope: ServerScope, make_player: Callable[..., PlayerRecord]
) -> House:
    server = GameServer(scope, "North", "host", 22, "renter", EncryptedSecret(b"x"))
    await GameServerRepository(database).insert_server(scope, server)
    return House(database, scope, make_player)


def day(player_id: PlayerId, at: date, kills: int, **more: int) -> PlayerDay:
    """Return the counters of a day."""
    return PlayerDay(player_id, at, Counters(kills=kills, **more))


async def test_season_that_began_in_the_past_is_the_sum_of_its_days(house: House) -> None:
    """Over four months: the first and the last day count, and no day beside them."""
    one = timedelta(days=1)
    await house.store(
        day(A, FIRST - one, 50, best_streak=50, longest=900),
        day(A, FIRST, 1, deaths=2, best_streak=1, longest=100),
        day(A, date(2026, 10, 31), 2, best_streak=3, longest=300),
        day(A, date(2026, 11, 1), 4, deaths=1, best_streak=2, longest=200),
        day(A, LAST, 8, best_streak=2),
        day(A, LAST + one, 70, best_streak=70, longest=990),
        day(B, LAST, 9, deaths=1, best_streak=9, longest=250),
        day(B, LAST + one, 99),
    )
    mine = Counters(kills=15, deaths=3, longest=300, best_streak=3)
    rows = {board: await house.list_rows(board) for board in (Board.KILLS, Board.KD, Board.STREAK)}
    assert [(row.player_id, row.value) for row in rows[Board.KILLS]] == [(A, 15), (B, 9)]
    assert [(row.player_id, row.value) for row in rows[Board.KD]] == [(B, 9), (A, 5)]
    assert [(row.player_id, row.value) for row in rows[Board.STREAK]] == [(B, 9), (A, 3)]
    assert rows[Board.KILLS][0].counters == mine
    covered = CoveredDeaths(house.guild_id, [house.scope.server_id], since=FIRST, until=LAST)
    stats = await house.statistics.find_stats(covered, [A])
    assert stats is not None
    assert (stats.counters, stats.rank, stats.ranked) == (mine, 1, 2)
    days = await house.statistics.list_days(covered, [A], since=FIRST)
    assert [one.day for one in days] == [FIRST, date(2026, 10, 31), date(2026, 11, 1), LAST]


async def test_weapons_and_rivals_of_a_season_are_those_of_its_days(
    house: House, make_death: Callable[..., Death]
) -> None:
    """Kills of the day before and of the day after do not count."""
    kills = [
        make_death(house.scope, A, victim, second=number + days * 86_400, weapon=weapon)
        for days, victim, weapon, count in ((-1, B, "SVD", 3), (0, "c", "AK", 2), (1, B, "SVD", 3))
        for number in range(count)
    ]
    day_of_two = kills[3].row.written_at.date()

    def work(unit: IngestionTransaction) -> None:
        unit.insert_deaths(kills)

    await house.ingestion.in_transaction(house.scope, work)
    await house.store(day(A, day_of_two, 2))
    covered = CoveredDeaths(house.guild_id, [house.scope.server_id], since=day_of_two, until=day_of_two)
    stats = await house.statistics.find_stats(covered, [A])
    assert stats is not None
    assert (stats.top_weapon, stats.prey and stats.prey.count) == (NamedCount("AK", 2), 2)
    weapons = await CombatRepository(house.database, Standings(house.database)).list_weapons_of(covered, [A])
    assert [(row.weapon, row.kills) for row in weapons] == [("AK", 2)]


async def test_late_rows_count_until_the_results_are_kept(house: House) -> None:
    """A row that is late by hours is in the results; one that comes later changes the figures alone."""
    await house.seasons.insert_season(house.guild_id, build(house.guild_id))
    await house.store(day(A, LAST, 3))
    assert [row.value for row in await house.list_rows(Board.KILLS)] == [3]
    await house.store(day(A, LAST, 4), day(B, FIRST, 1))
    assert await house.close(build(house.guild_id), await house.list_rows(Board.KILLS))
    await house.store(day(A, LAST, 5), day(B, FIRST, 9))
    assert [row.value for row in await house.list_rows(Board.KILLS)] == [9, 5]
    result = await house.seasons.find_result(house.guild_id, "1", Board.KILLS)
    assert result is not None
    assert [(row.name, row.value) for row in result.rows] == [(A, 4), (B, 1)]
    assert await house.seasons.list_winners(house.guild_id) == {"1": result.rows[0]}
    assert await house.seasons.find_result(house.guild_id, "1", Board.KD) is None


async def test_end_cancel_and_timer_at_one_moment_have_one_winner(house: House) -> None:
    """Each of them saw the same season; the losers change nothing and leave no entry in the audit."""
    winners = set()
    for number in range(8):
        season = build(house.guild_id, str(number), state=SeasonState.RUNNING, closing_at=None)
        await house.seasons.insert_season(house.guild_id, season)
        others = (
            replace(season, last_day=LAST - timedelta(days=1)),
            replace(season, state=SeasonState.CANCELLED),
            replace(season, state=SeasonState.CLOSING, closing_at=NOW),
        )
        done = await asyncio.gather(
            *(
                house.seasons.change_season(
                    house.guild_id, season, after, entry=ENTRY if number % 3 else None
                )
                for after in others
            )
        )
        assert sorted(done) == [False, False, True]
        winner = others[done.index(True)]
        assert await house.seasons.find_season(house.guild_id, str(number)) == winner
        winners.add(done.index(True))
    assert await house.count("audit") == 5
    assert winners <= {0, 1, 2}


async def test_two_processes_close_a_season_once(house: House) -> None:
    """One result and one notice, in the feed of the whole guild."""
    season = build(house.guild_id)
    await house.seasons.insert_season(house.guild_id, season)
    await house.store(day(A, LAST, 3))
    rows = await house.list_rows(Board.KILLS)
    assert sorted(await asyncio.gather(*(house.close(season, rows) for _ in range(4)))) == [
        *[False] * 3,
        True,
    ]
    assert (await house.count("season_results"), await house.count("outbox")) == (2, 1)
    [entry] = await house.database.unscoped("outbox").find({}).to_list(None)
    assert (entry["server_id"], entry["channel_kind"], entry["type"]) == (ALL_SERVERS, "news", "season")


async def test_process_that_dies_while_it_closes_a_season_leaves_nothing(house: House) -> None:
    """Its state, its results and its notice are one transaction; the next process does all of it."""
    season = build(house.guild_id)
    await house.seasons.insert_season(house.guild_id, season)
    await house.store(day(A, LAST, 3))
    rows = await house.list_rows(Board.KILLS)

    def die(kept: Sequence[SeasonResult]) -> Notice:
        raise StorageUnavailableError(f"gone before the notice about {len(kept)} boards")

    with pytest.raises(StorageUnavailableError):
        await house.seasons.close_season(
            house.guild_id,
            season,
            replace(season, state=SeasonState.CLOSED, closed_at=NOW),
            [SeasonResult("1", Board.KILLS, rows)],
            server_ids=[house.scope.server_id],
            build_notice=die,
            at=NOW,
        )
    assert await house.seasons.list_seasons(house.guild_id) == (season,)
    assert await house.count("season_results") == 0
    assert await house.close(season, rows)
    assert (await house.count("season_results"), await house.count("outbox")) == (2, 1)


async def test_erased_player_is_erased_in_results_and_while_they_are_kept(house: House) -> None:
    """Their row stays without id and name, also in results that were read before the erasure."""
    await house.store(day(A, LAST, 3), day(B, LAST, 2))
    rows = await house.list_rows(Board.KILLS)
    for season_id in ("1", "2"):
        await house.seasons.insert_season(house.guild_id, build(house.guild_id, season_id))
    await house.close(build(house.guild_id), rows)
    erasures = ErasureRepository(house.database, fences=lambda _: None)
    await erasures.in_transaction(house.scope, lambda unit: unit.delete_figures(A))
    await erasures.erase_player(house.guild_id, A, [A])
    await house.close(build(house.guild_id, "2"), rows)
    expected = (replace(rows[0], player_id=ERASED_PLAYER_ID, name=ERASED_NAME), rows[1])
    for season_id in ("1", "2"):
        result = await house.seasons.find_result(house.guild_id, season_id, Board.KILLS)
        assert result == SeasonResult(season_id, Board.KILLS, expected)
        factions = await house.seasons.find_result(house.guild_id, season_id, Board.FACTIONS)
        assert factions == SeasonResult(season_id, Board.FACTIONS, factions=FACTIONS)
    told = await house.database.unscoped("outbox").find({}).sort("sequence").to_list(None)
    assert [[place["name"] for place in one["notice"]["places"]] for one in told] == [[B, "Wolves"]] * 2


async def test_full_guild_loses_its_oldest_closed_season(house: House, database: SafeDatabase) -> None:
    """Cancelled ones go first; without a closed one there is no room, and nothing is stored."""
    guild_id = house.guild_id
    for number in range(MOST_SEASONS - 1):
        await house.seasons.insert_season(
            guild_id, build(guild_id, f"{number:02}", state=SeasonState.RUNNING)
        )
    gone = build(guild_id, "cancelled", state=SeasonState.CANCELLED)
    assert await house.seasons.insert_season(guild_id, gone)
    assert await house.seasons.insert_season(guild_id, build(guild_id, "50"), entry=ENTRY)
    assert await house.seasons.find_season(guild_id, "cancelled") is None
    assert not await house.seasons.insert_season(guild_id, build(guild_id, "51"), entry=ENTRY)
    assert (await house.count("audit"), len(await house.seasons.list_seasons(guild_id))) == (1, MOST_SEASONS)
    assert await house.close(build(guild_id, "50"), [])
    assert await house.seasons.insert_season(guild_id, build(guild_id, "51"))
    kept = {one.season_id for one in await house.seasons.list_seasons(guild_id)}
    assert ("50" in kept, "51" in kept, await house.count("season_results")) == (False, True, 0)
    assert database is house.database


async def test_timer_finds_guilds_with_open_seasons(house: House, stranger: ServerScope) -> None:
    """The index names the guilds; a season that is closed or cancelled needs no timer."""
    index = ScopeIndexRepository(house.database, Sharding())
    assert await index.list_guilds_with_seasons() == ()
    for guild_id in (house.guild_id, stranger.guild_id):
        await house.seasons.insert_season(guild_id, build(guild_id))
    other = build(stranger.guild_id)
    both = tuple(sorted((house.guild_id, stranger.guild_id)))
    assert await index.list_guilds_with_seasons() == both
    await house.seasons.change_season(stranger.guild_id, other, replace(other, state=SeasonState.CANCELLED))
    assert await index.list_guilds_with_seasons() == (house.guild_id,)
    assert await house.seasons.list_seasons(stranger.guild_id) == ()
    assert [one.season_id for one in await house.seasons.list_seasons(house.guild_id)] == ["1"]
