"""Members' figures in memory are never stale: each question compares them with the database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import pytest
from pymongo.client_session import ClientSession

from tests.fakes.clock import START
from utils.database.core.database import SafeDatabase
from utils.database.read_models.member_figures import Group, MemberFigures
from utils.database.read_models.member_tables import KillTable
from utils.database.repositories.faction_figures import FactionFigureRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.events import CountersStored, ServerRemoved
from utils.models.deaths import Death
from utils.models.factions import FactionSpan
from utils.models.players import Counters, PlayerDay
from utils.models.scope import MemberId, PlayerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.statistics import CoveredDeaths

A, B = PlayerId("a"), PlayerId("b")
DAY = date(2025, 4, 30)
MAY = (date(2025, 5, 1), date(2025, 5, 31))


def _span(player_id: PlayerId, first: date = DAY, last: date = DAY) -> FactionSpan:
    return FactionSpan("w", MemberId(1), player_id, first, last)


OF_A, OF_B = _span(A), _span(B)
APRIL_AND_MAY = (_span(A, date(2025, 4, 1)), _span(A, *MAY), _span(B, *MAY))


class World:
    """One server's kills and days, in the database and in memory."""

    def __init__(
        self,
        database: SafeDatabase,
        scope: ServerScope,
        make_death: Callable[..., Death],
        memory: MemberFigures,
    ) -> None:
        self.database = database
        self.scope = scope
        self.memory = memory
        self.make_death = make_death
        self.figures = FactionFigureRepository(database, memory)
        self.ingestion = IngestionRepository(database, fences=lambda _: None)
        self.second = 0

    async def store(
        self, *pairs: tuple[str, str], days: Sequence[PlayerDay] = (), generation: int = 0
    ) -> CountersStored:
        """Write kills and days like a batch of live ingestion, and return its event."""
        deaths = []
        for pair in pairs:
            deaths.append(self.make_death(self.scope, *pair, second=self.second))
            self.second += 1

        def work(unit: IngestionTransaction) -> int:
            unit.insert_deaths(deaths)
            unit.replace_days(days, generation=generation)
            return unit.append_notices([], created_at=START, changes_counters=True).batches

        batches = await self.ingestion.in_transaction(self.scope, work)
        return CountersStored(
            scope=self.scope,
            generation=generation,
            batches=batches,
            deaths=tuple(deaths),
            players=(),
            days=tuple(days),
        )

    async def count_kills(self, *spans: FactionSpan) -> dict[PlayerId, int]:
        """Return the kills inside the faction, of one day."""
        covered = CoveredDeaths(self.scope.guild_id, [self.scope.server_id])
        kills = await self.figures.count_kills_inside(covered, spans or (OF_A, OF_B))
        return {span.player_id: number for span, number in kills.items()}

    async def sum(self) -> list[int | None]:
        """Return the kills of the first player in April and in May, and of the second in May."""
        covered = CoveredDeaths(self.scope.guild_id, [self.scope.server_id])
        sums = await self.figures.sum_spans(covered, APRIL_AND_MAY)
        return [sums[span].kills if span in sums else None for span in APRIL_AND_MAY]

    async def lose(self, *names: str) -> None:
        """Take stored documents away, so that only memory has them."""
        for name in names:
            await self.database.unscoped(name).delete_many({})


def _count(kills: int, day: date = DAY) -> PlayerDay:
    return PlayerDay(A, day, Counters(kills=kills))


async def _open(
    database: SafeDatabase, scope: ServerScope, make_death: Callable[..., Death], memory: MemberFigures
) -> World:
    server = GameServer(scope, "North", "host", 22, "renter", EncryptedSecret(b"x"))
    await GameServerRepository(database).insert_server(scope, server)
    return World(database, scope, make_death, memory)


@pytest.fixture(name="world")
async def _world(database: SafeDatabase, scope: ServerScope, make_death: Callable[..., Death]) -> World:
    return await _open(database, scope, make_death, MemberFigures(database))


async def test_what_a_batch_tells_is_shown_without_reading_again(world: World) -> None:
    """Kills of others and by oneself stay out; days replace those that were kept."""
    await world.store(("a", "b"), days=[_count(7)])
    assert (await world.count_kills(), await world.sum()) == ({A: 1}, [7, None, None])
    days = [_count(8), _count(2, MAY[0]), PlayerDay(PlayerId("c"), DAY, Counters(kills=1))]
    told = await world.store(("b", "a"), ("a", "c"), ("c", "b"), ("b", "b"), days=days)
    world.memory.on_counters_stored(told)
    await world.lose("kills", "player_days")
    assert (await world.count_kills(), await world.sum()) == ({A: 1, B: 1}, [8, 2, None])


async def test_batch_that_nobody_told_of_is_found_out(world: World) -> None:
    """A lost event, an erasure or another process costs a read and never a wrong answer."""
    await world.store(("a", "b"), days=[_count(1)])
    assert (await world.count_kills(), await world.sum()) == ({A: 1}, [1, None, None])
    await world.store(("b", "a"), days=[_count(2)])
    later = await world.store(days=[_count(1, MAY[0])])
    world.memory.on_counters_stored(later)
    assert (await world.count_kills(), await world.sum()) == ({A: 1, B: 1}, [2, 1, None])


async def test_event_that_comes_late_changes_nothing(world: World) -> None:
    """A read after a batch holds its kills already."""
    late = await world.store(("a", "b"))
    assert await world.count_kills() == {A: 1}
    world.memory.on_counters_stored(late)
    assert await world.count_kills() == {A: 1}


@pytest.mark.parametrize("is_removed", [False, True])
async def test_batch_stored_during_a_read_counts_once(world: World, *, is_removed: bool) -> None:
    """A read shows one moment, and is followed by what came since; a server that was removed is not kept."""
    events = []
    read = world.memory.kills.read

    async def read_late(
        scope: ServerScope, generation: int, groups: Sequence[Group], session: ClientSession
    ) -> Mapping[Group, KillTable]:
        events.append(await world.store(("b", "a")))
        kills = await read(scope, generation, groups, session)
        world.memory.on_counters_stored(events[0])
        if is_removed:
            world.memory.on_server_removed(ServerRemoved(scope=scope))
        return kills

    await world.store(("a", "b"))
    world.memory.kills.read = read_late
    assert await world.count_kills() == {A: 1}
    assert world.memory.kills.count == (0 if is_removed else 1)
    world.memory.kills.read = read
    world.memory.on_counters_stored(*events)
    if not is_removed:
        await world.lose("kills")
    assert await world.count_kills() == {A: 1, B: 1}


async def test_only_those_who_join_are_read(world: World) -> None:
    """The days of the others stay in memory; the kills inside the faction are read again."""
    await world.store(("a", "b"), days=[_count(7), PlayerDay(B, DAY, Counters(kills=3))])
    covered = CoveredDeaths(world.scope.guild_id, [world.scope.server_id])
    assert await world.figures.sum_spans(covered, [OF_A]) == {OF_A: Counters(kills=7)}
    assert await world.count_kills(OF_A) == {}
    await world.database.unscoped("player_days").update_many({}, {"$set": {"days.0.kills": 9}})
    both = await world.figures.sum_spans(covered, [OF_A, OF_B])
    assert both == {OF_A: Counters(kills=7), OF_B: Counters(kills=9)}
    assert await world.count_kills(OF_A, OF_B) == {A: 1}


async def test_days_without_xp_are_read(world: World) -> None:
    """Days that were stored before XP was counted have none."""
    before = PlayerDay(A, DAY - timedelta(days=1), Counters(kills=1, xp=5))
    await world.store(days=[before, _count(7)])
    await world.database.unscoped("player_days").update_many({}, {"$unset": {"days.1.xp": ""}})
    covered, april = CoveredDeaths(world.scope.guild_id, [world.scope.server_id]), APRIL_AND_MAY[0]
    assert await world.figures.sum_spans(covered, [april]) == {april: Counters(kills=8, xp=5)}


async def test_switched_generation_is_read_anew(world: World) -> None:
    """An import shows its own sums."""
    await world.store(days=[_count(1)])
    assert await world.sum() == [1, None, None]
    await world.store(days=[_count(5)], generation=1)
    assert await world.sum() == [1, None, None]
    await world.database.unscoped("game_servers").update_one({}, {"$set": {"generation": 1}})
    assert await world.sum() == [5, None, None]


@pytest.mark.parametrize("is_guild", [False, True])
async def test_nothing_is_kept_of_what_is_gone(
    world: World, stranger: ServerScope, *, is_guild: bool
) -> None:
    """A removed server or a left guild takes its figures with it; those of others stay."""
    other = await _open(world.database, stranger, world.make_death, world.memory)
    await world.store(("a", "b"))
    assert (await world.count_kills(), await world.sum()) == ({A: 1}, [None, None, None])
    assert (await other.count_kills(), await other.sum()) == ({}, [None, None, None])
    assert (world.memory.kills.count, world.memory.days.count) == (2, 4)
    if is_guild:
        world.memory.forget_guild(world.scope.guild_id)
    else:
        world.memory.on_server_removed(ServerRemoved(scope=world.scope))
    assert (world.memory.kills.count, world.memory.days.count) == (1, 2)


async def test_memory_is_bounded(world: World, stranger: ServerScope) -> None:
    """Above the limit, what was asked for longest ago is dropped, and read again when it is needed."""
    memory = MemberFigures(world.database, most_days=30, most_kills=250)
    world.figures = FactionFigureRepository(world.database, memory)
    other = await _open(world.database, stranger, world.make_death, memory)
    await world.store(("a", "b"), days=[_count(3)])
    await other.store(("b", "a"), days=[_count(4)])
    for _ in range(2):
        assert (await world.count_kills(), await world.sum()) == ({A: 1}, [3, None, None])
        assert (await other.count_kills(), await other.sum()) == ({B: 1}, [4, None, None])
        assert (memory.kills.count, memory.kills.weight) == (1, 201)
        assert (memory.days.count, memory.days.weight) == (2, 25)
