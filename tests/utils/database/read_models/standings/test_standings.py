"""Standings are never stale: each question compares them with the database and reads the difference."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START
from tests.fakes.examples import choose_examples
from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Operations
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.shown import list_shown
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.events import CountersStored, ServerRemoved
from utils.models.deaths import Death
from utils.models.players import Counters, PlayerDay, PlayerRecord
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.statistics import CoveredDeaths

TODAY = date(2025, 5, 1)
A, B = PlayerId("a"), PlayerId("b")
P = ParamSpec("P")
T = TypeVar("T")


class NotingOperations(Operations):
    """Records the last operation."""

    last = ""

    def run(self, operation: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation."""
        self.last = operation
        return super().run(operation, method, *args, **kwargs)


class BusyDatabase(SafeDatabase):
    """A database in which something happens right after the batches were counted.

    Attributes:
        meanwhile: the actions, one for each count.
    """

    def __init__(self, database: SafeDatabase) -> None:
        super().__init__(database._database, sessions=database._sessions, clock=database.clock)
        self.operations = self.noting = NotingOperations(database._database.delegate, clock=database.clock)
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []

    async def call(self, operation: Callable[[], T]) -> T:
        """Run an operation, then the next action."""
        result = await super().call(operation)
        if self.noting.last == "cursors.find" and self.meanwhile:
            await self.meanwhile.pop(0)()
        return result


class World:
    """One server's counters, in the database and in memory."""

    def __init__(
        self, database: SafeDatabase, scope: ServerScope, make_player: Callable[..., PlayerRecord]
    ) -> None:
        self.database = database
        self.scope = scope
        self.make_player = make_player
        self.busy = BusyDatabase(database)
        self.standings = Standings(self.busy)
        self.ingestion = IngestionRepository(database, fences=lambda _: None)

    async def store(
        self,
        kills: int,
        *,
        player_id: PlayerId = A,
        day: date = TODAY,
        deaths: Sequence[Death] = (),
    ) -> CountersStored:
        """Write a player's kills like a batch of live ingestion, and return its event."""
        counters = Counters(kills=kills)
        player = replace(self.make_player(player_id), counters=counters)
        days = (PlayerDay(player_id, day, counters),)

        def work(unit: IngestionTransaction) -> int:
            unit.insert_deaths(deaths)
            unit.replace_players([player], generation=0)
            unit.replace_days(days, generation=0)
            return (unit.append_notices([], created_at=START, changes_counters=True)).batches

        batches = await self.ingestion.in_transaction(self.scope, work)
        return CountersStored(
            scope=self.scope,
            generation=0,
            batches=batches,
            deaths=tuple(deaths),
            players=(player,),
            days=days,
        )

    async def tell(self, *events: CountersStored) -> None:
        """Dispatch events of batches."""
        for event in events:
            self.standings.on_counters_stored(event)

    async def ask(self, since: date | None = None, until: date | None = None) -> dict[str, float]:
        """Return the kills of all players."""
        shown = await list_shown(self.database, self.scope.guild_id, None)
        standing = await self.standings.rank(
            self.scope.guild_id, shown, "kills", minimum_kills=0, since=since, until=until
        )
        players = standing.get_players(standing.ranking.players.tolist())
        return dict(zip(players, standing.ranking.values.tolist(), strict=True))

    async def list_weapons(self, since: date = TODAY) -> list[tuple[str, int, str]]:
        """Return weapons with kills and best users."""
        shown = await list_shown(self.database, self.scope.guild_id, None)
        rows = await self.standings.list_weapons(self.scope.guild_id, shown, since)
        return [(row.weapon, row.kills, row.best_name) for row in rows]


@pytest.fixture(name="world")
async def _world(
    database: SafeDatabase, scope: ServerScope, make_player: Callable[..., PlayerRecord]
) -> World:
    server = GameServer(scope, "North", "host", 22, "renter", EncryptedSecret(b"x"))
    await GameServerRepository(database).insert_server(scope, server)
    return World(database, scope, make_player)


@pytest.mark.parametrize("since", [None, TODAY])
async def test_what_a_batch_tells_is_shown_without_reading_again(world: World, since: date | None) -> None:
    """Events replace reads as long as no batch is missing between them, even if the documents are gone."""
    await world.store(3)
    assert await world.ask(since) == {A: 3}
    event = await world.store(5)
    told = await world.store(7, player_id=B)
    for name in ("players", "player_days"):
        await world.database.unscoped(name).delete_many({})
    world.standings.on_counters_stored(event)
    world.standings.on_counters_stored(told)
    assert await world.ask(since) == {A: 5, B: 7}


@pytest.mark.parametrize("since", [None, TODAY])
async def test_batch_that_nobody_told_of_is_found_out(world: World, since: date | None) -> None:
    """Another process wrote the batch, or its event was lost; the next question reads it."""
    await world.store(3)
    assert await world.ask(since) == {A: 3}
    await world.store(5)
    assert await world.ask(since) == {A: 5}
    await world.store(6)
    world.standings.on_counters_stored(await world.store(7))  # the event of the batch before it is missing
    assert await world.ask(since) == {A: 7}


async def test_weapons_of_a_period_go_on_with_every_batch(
    world: World, make_death: Callable[..., Death]
) -> None:
    """With an event or without, each kill counts once; days before the period do not count."""
    first, second, third = (make_death(world.scope, A, B, second=number) for number in range(3))
    early = make_death(world.scope, A, B, second=-86_400)
    day = first.row.written_at.date()
    weapon = first.row.weapon
    await world.store(2, deaths=[early, first], day=day)
    assert await world.list_weapons(day) == [(weapon, 1, "a")]
    world.standings.on_counters_stored(await world.store(3, deaths=[second], day=day))
    assert await world.list_weapons(day) == [(weapon, 2, "a")]
    await world.store(4, deaths=[third], day=day)
    assert await world.list_weapons(day) == [(weapon, 3, "a")]
    assert await world.list_weapons(day - timedelta(days=1)) == [(weapon, 4, "a")]
    assert await world.list_weapons(day + timedelta(days=1)) == []


async def test_days_of_a_season_stay_in_memory_until_they_are_over_a_year_old(
    world: World, make_death: Callable[..., Death]
) -> None:
    """Batches of months later go on with the same rows; only what no season can have is dropped."""
    day = make_death(world.scope, A, B).row.written_at.date()
    first = day.replace(day=1) - timedelta(days=1)
    await world.store(2, day=first)
    await world.store(3, day=day)
    assert await world.ask(first, first) == {A: 2}
    for name in ("players", "player_days"):
        await world.database.unscoped(name).delete_many({})
    for number, (days, kept) in enumerate([(90, {A: 5}), (340, {A: 5}), (460, {})]):
        later = make_death(world.scope, A, B, second=days * 86_400)
        event = await world.store(7, player_id=B, day=day + timedelta(days=days), deaths=[later])
        for name in ("players", "player_days"):
            await world.database.unscoped(name).delete_many({})
        world.standings.on_counters_stored(event)
        assert (number, await world.ask(first, day)) == (number, kept)


async def test_event_that_comes_late_changes_nothing(world: World) -> None:
    """The figures in memory are newer than a late event."""
    late = await world.store(3)
    await world.store(5)
    assert await world.ask() == {A: 5}
    world.standings.on_counters_stored(late)
    assert await world.ask() == {A: 5}


@pytest.mark.parametrize("is_read", [False, True])
async def test_batch_stored_between_question_and_answer_counts_once(
    world: World, make_death: Callable[..., Death], *, is_read: bool
) -> None:
    """A read shows one moment, so an event shows whether its kills are included."""
    first, second = (make_death(world.scope, A, B, second=number) for number in range(2))
    day, weapon = first.row.written_at.date(), first.row.weapon
    events: list[CountersStored] = []

    async def store() -> None:
        events.append(await world.store(2, deaths=[second], day=day))

    await world.store(1, deaths=[first], day=day)
    world.busy.meanwhile = [store] if is_read else [_do_nothing, store]
    assert await world.list_weapons(day) == [(weapon, 2 if is_read else 1, "a")]
    await world.tell(*events)
    for name in ("players", "kills"):
        await world.database.unscoped(name).delete_many({})
    assert await world.list_weapons(day) == [(weapon, 2, "a")]
    assert await world.ask() == {A: 2}


async def _do_nothing() -> None:
    """Do nothing."""


async def test_player_who_is_new_since_the_totals_were_read_has_his_name_on_the_board_of_days(
    world: World,
) -> None:
    """All parts of an answer show one moment, from memory or from a read."""
    statistics = StatisticsRepository(world.database, world.standings)
    await world.store(3)
    assert await world.ask() == {A: 3}
    world.busy.meanwhile = [lambda: world.store(5, player_id=B)]
    board = await statistics.list_board(
        CoveredDeaths(world.scope.guild_id, [world.scope.server_id], since=TODAY),
        board="kills",
        minimum_kills=0,
        limit=5,
        offset=0,
    )
    assert [(row.name, row.value) for row in board.rows] == [("b", 5), ("a", 3)]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["all time", "days", "weapons"]),
        st.lists(st.sampled_from(["told", "told late", "lost"]), max_size=2),  # stored before the question
        st.integers(0, 2),  # stored during the answer
    ),
    min_size=1,
    max_size=4,
)
fresh_guilds = count(1000)


class Story:
    """One server that stores kills one by one, and the questions between them."""

    def __init__(self, world: World, make_death: Callable[..., Death]) -> None:
        self.world = world
        self.make_death = make_death
        self.killers: list[PlayerId] = []
        self.untold: list[CountersStored] = []

    async def store(self, how: str) -> None:
        """Store a kill; dispatch its event now, later or never."""
        killer, number = PlayerId("abc"[len(self.killers) * 2 // 3 % 3]), len(self.killers)
        death = self.make_death(self.world.scope, killer, "x", second=number)
        self.killers.append(killer)
        kills, day = self.killers.count(killer), death.row.written_at.date()
        event = await self.world.store(kills, player_id=killer, day=day, deaths=[death])
        if how == "told":
            await self.tell()
            await self.world.tell(event)
        elif how == "told late":
            self.untold.append(event)

    async def tell(self) -> None:
        """Dispatch the events that are still missing."""
        await self.world.tell(*self.untold)
        self.untold.clear()

    async def ask(self, question: str) -> dict[str, float]:
        """Return the kills of all players, or their sum."""
        day = self.make_death(self.world.scope, A, B).row.written_at.date()
        if question == "weapons":
            return {"all": float(sum(kills for _, kills, _ in await self.world.list_weapons(day)))}
        return await self.world.ask(None if question == "all time" else day)

    def count(self, question: str, kills: int) -> dict[str, float]:
        """Return the right answer after a number of kills."""
        return {"all": float(kills)} if question == "weapons" else dict(Counter(self.killers[:kills]))


@settings(
    max_examples=choose_examples(quick=12, deep=100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
async def test_every_answer_is_that_of_a_moment_whatever_is_stored_meanwhile(
    world: World, make_death: Callable[..., Death], steps: list[tuple[str, list[str], int]]
) -> None:
    """With events now, late or never, each answer has every earlier kill, and each kill once."""
    scope = ServerScope(GuildId(next(fresh_guilds)), ServerId("aaaaaaaa"))
    server = GameServer(scope, "North", "host", 22, "renter", EncryptedSecret(b"x"))
    await GameServerRepository(world.database).insert_server(scope, server)
    story = Story(World(world.database, scope, world.make_player), make_death)
    for question, stored, meanwhile in steps:
        for how in stored:
            await story.store(how)
        before = len(story.killers)
        story.world.busy.meanwhile = [lambda: story.store("told late")] * meanwhile
        answer = await story.ask(question)
        story.world.busy.meanwhile.clear()
        assert answer in [story.count(question, kills) for kills in range(before, len(story.killers) + 1)]
        await story.tell()
    for question in ("all time", "days", "weapons"):
        assert await story.ask(question) == story.count(question, len(story.killers))


async def test_switched_generation_is_read_anew(world: World) -> None:
    """An import switches its counters with one write; live batches of the old generation end."""
    old = await world.store(3)
    assert await world.ask() == {A: 3}
    player = replace(world.make_player(B), counters=Counters(kills=9))
    imports = ImportRepository(world.database, fences=lambda _: None)
    await imports.write_generation(world.scope, 1, players=[player])
    servers = world.database.unscoped("game_servers")
    await servers.update_one({"server_id": world.scope.server_id}, {"$set": {"generation": 1}})
    assert await world.ask() == {B: 9}
    world.standings.on_counters_stored(replace(old, batches=old.batches + 1))
    assert await world.ask() == {B: 9}


async def test_longer_period_reads_further_back(world: World) -> None:
    """Days of a week do not answer for a month; a shorter period needs no new read."""
    before = TODAY - timedelta(days=29)
    await world.store(2, player_id=B, day=before)
    await world.store(3)
    assert await world.ask(TODAY) == {A: 3}
    assert await world.ask(before) == {A: 3, B: 2}
    await world.database.unscoped("player_days").delete_many({})
    assert await world.ask(TODAY) == {A: 3}


async def test_old_days_are_let_go(world: World) -> None:
    """After months a long-running bot does not keep the days of its start."""
    await world.store(2, player_id=B)
    assert await world.ask(TODAY) == {B: 2}
    later = TODAY + timedelta(days=100)
    world.standings.on_counters_stored(await world.store(3, day=later))
    await world.database.unscoped("player_days").delete_many({})
    assert await world.ask(later - timedelta(days=29)) == {A: 3}


@pytest.mark.parametrize("is_guild", [False, True])
async def test_nothing_is_kept_of_what_is_gone(world: World, *, is_guild: bool) -> None:
    """A removed server or a left guild takes its rows with it."""
    await world.store(3)
    await world.ask(TODAY)
    guild_id = world.scope.guild_id
    assert world.standings.rows == 2
    if is_guild:
        world.standings.forget_guild(guild_id)
    else:
        world.standings.on_server_removed(ServerRemoved(scope=world.scope))
    assert world.standings.rows == 0


async def test_memory_is_bounded(world: World, stranger: ServerScope) -> None:
    """Above the limit, the guild with the oldest question is dropped, and read again when it asks."""
    await GameServerRepository(world.database).insert_server(
        stranger, GameServer(stranger, "South", "host", 22, "renter", EncryptedSecret(b"x"))
    )
    world.standings = Standings(world.database, max_rows=1)
    other = World(world.database, stranger, world.make_player)
    other.standings = world.standings
    await world.store(3)
    await other.store(4)
    for _ in range(2):
        assert await world.ask() == {A: 3}
        assert await other.ask() == {A: 4}
        assert world.standings.rows == 1
