"""Members' figures in memory are never stale: each question compares them with the database."""

from collections.abc import Callable, Sequence
from datetime import date

import pytest
from pymongo.client_session import ClientSession

from tests.fakes.clock import START
from utils.database.core.database import SafeDatabase
from utils.database.read_models.member_figures import MemberFigures
from utils.database.repositories.faction_figures import FactionFigureRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.events import CountersStored, ServerRemoved
from utils.models.deaths import Death
from utils.models.factions import MemberKill
from utils.models.players import Counters, PlayerDay
from utils.models.scope import PlayerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.statistics import CoveredDeaths

A, B = PlayerId("a"), PlayerId("b")
GROUP = [A, B]
DAY = date(2025, 4, 30)
APRIL, MAY = (date(2025, 4, 1), DAY), (date(2025, 5, 1), date(2025, 5, 31))
FIRST, SECOND = MemberKill(A, B, DAY), MemberKill(B, A, DAY)


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

    async def list_kills(self) -> list[MemberKill]:
        """Return the kills inside the group."""
        covered = CoveredDeaths(self.scope.guild_id, [self.scope.server_id])
        return sorted(
            await self.figures.list_kills_inside(covered, [GROUP], since=DAY, until=DAY),
            key=lambda one: one.killer_id,
        )

    async def sum(self) -> list[dict[PlayerId, int]]:
        """Return the players' kills of April and of May."""
        covered = CoveredDeaths(self.scope.guild_id, [self.scope.server_id])
        sums = await self.figures.sum_months(covered, [(APRIL, GROUP), (MAY, GROUP)])
        return [{player: one.kills for player, one in of_month.items()} for of_month in sums]

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
    """Kills of others and by oneself stay out; months without a new day stay as they are."""
    await world.store(("a", "b"), days=[_count(7)])
    assert (await world.list_kills(), await world.sum()) == ([FIRST], [{A: 7}, {}])
    told = await world.store(("b", "a"), ("a", "c"), ("c", "b"), ("b", "b"))
    world.memory.on_counters_stored(told)
    await world.lose("kills", "player_days")
    assert (await world.list_kills(), await world.sum()) == ([FIRST, SECOND], [{A: 7}, {}])


async def test_only_months_with_a_changed_day_are_read_again(world: World) -> None:
    """A late row of April leaves May alone."""
    await world.store(days=[_count(7), _count(2, MAY[0])])
    assert await world.sum() == [{A: 7}, {A: 2}]
    world.memory.on_counters_stored(await world.store(days=[_count(8)]))
    await world.lose("player_days")
    assert await world.sum() == [{}, {A: 2}]


async def test_batch_that_nobody_told_of_is_found_out(world: World) -> None:
    """A lost event, an erasure or another process costs a read and never a wrong answer."""
    await world.store(("a", "b"), days=[_count(1)])
    assert (await world.list_kills(), await world.sum()) == ([FIRST], [{A: 1}, {}])
    await world.store(("b", "a"), days=[_count(2)])
    later = await world.store(days=[_count(1, MAY[0])])
    world.memory.on_counters_stored(later)
    assert (await world.list_kills(), await world.sum()) == ([FIRST, SECOND], [{A: 2}, {A: 1}])


async def test_event_that_comes_late_changes_nothing(world: World) -> None:
    """A read after a batch holds its kills already."""
    late = await world.store(("a", "b"))
    assert await world.list_kills() == [FIRST]
    world.memory.on_counters_stored(late)
    assert await world.list_kills() == [FIRST]


async def test_batch_stored_during_a_read_counts_once(world: World) -> None:
    """A read shows one moment, so an event shows whether its kills are included."""
    events = []
    read = world.memory.kills.read

    async def read_late(
        scope: ServerScope, generation: int, group: frozenset[PlayerId], session: ClientSession
    ) -> tuple[MemberKill, ...]:
        events.append(await world.store(("b", "a")))
        return await read(scope, generation, group, session)

    await world.store(("a", "b"))
    world.memory.kills.read = read_late
    assert await world.list_kills() == [FIRST]
    world.memory.on_counters_stored(*events)
    await world.lose("kills")
    assert await world.list_kills() == [FIRST, SECOND]


async def test_switched_generation_is_read_anew(world: World) -> None:
    """An import shows its own sums."""
    await world.store(days=[_count(1)])
    assert await world.sum() == [{A: 1}, {}]
    await world.store(days=[_count(5)], generation=1)
    assert await world.sum() == [{A: 1}, {}]
    await world.database.unscoped("game_servers").update_one({}, {"$set": {"generation": 1}})
    assert await world.sum() == [{A: 5}, {}]


@pytest.mark.parametrize("is_guild", [False, True])
async def test_nothing_is_kept_of_what_is_gone(
    world: World, stranger: ServerScope, *, is_guild: bool
) -> None:
    """A removed server or a left guild takes its figures with it; those of others stay."""
    other = await _open(world.database, stranger, world.make_death, world.memory)
    await world.store(("a", "b"))
    assert (await world.list_kills(), await world.sum()) == ([FIRST], [{}, {}])
    assert (await other.list_kills(), await other.sum()) == ([], [{}, {}])
    assert (world.memory.kills.count, world.memory.months.count) == (2, 4)
    if is_guild:
        world.memory.forget_guild(world.scope.guild_id)
    else:
        world.memory.on_server_removed(ServerRemoved(scope=world.scope))
    assert (world.memory.kills.count, world.memory.months.count) == (1, 2)


async def test_memory_is_bounded(world: World, stranger: ServerScope) -> None:
    """Above the limit, what was asked for longest ago is dropped, and read again when it is needed."""
    memory = MemberFigures(world.database, most=1)
    world.figures = FactionFigureRepository(world.database, memory)
    other = await _open(world.database, stranger, world.make_death, memory)
    await world.store(("a", "b"), days=[_count(3)])
    await other.store(("b", "a"), days=[_count(4)])
    for _ in range(2):
        assert (await world.list_kills(), await world.sum()) == ([FIRST], [{A: 3}, {}])
        assert (await other.list_kills(), await other.sum()) == ([SECOND], [{A: 4}, {}])
        assert (memory.kills.count, memory.months.count) == (1, 1)
