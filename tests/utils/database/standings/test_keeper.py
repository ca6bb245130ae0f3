"""Standings are never stale: each question compares them with the database and reads what differs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.fakes.clock import START
from utils.database.database import SafeDatabase
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository, TransactionUnit
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.shown import list_shown
from utils.database.standings.keeper import Standings
from utils.events import CountersStored, GuildLeft, ServerRemoved
from utils.models.deaths import Death
from utils.models.players import Counters, PlayerDay, PlayerRecord
from utils.models.scope import PlayerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer

TODAY = date(2025, 5, 1)
A, B = PlayerId("a"), PlayerId("b")


class World:
    """One server's counters, in the database and in memory."""

    def __init__(
        self, database: SafeDatabase, scope: ServerScope, make_player: Callable[..., PlayerRecord]
    ) -> None:
        self.database = database
        self.scope = scope
        self.make_player = make_player
        self.standings = Standings(database)
        self.ingestion = IngestionRepository(database, fences=lambda _: None)

    async def store(
        self,
        kills: int,
        *,
        player_id: PlayerId = A,
        day: date = TODAY,
        deaths: Sequence[Death] = (),
    ) -> CountersStored:
        """Write a player's kills as a batch of live ingestion does, and return what it would tell."""
        counters = Counters(kills=kills)
        player = replace(self.make_player(player_id), counters=counters)
        days = (PlayerDay(player_id, day, counters),)

        async def work(unit: TransactionUnit) -> int:
            await unit.insert_deaths(deaths)
            await unit.replace_players([player], generation=0)
            await unit.replace_days(days, generation=0)
            return await unit.append_notices([], created_at=START, changes_counters=True)

        batches = await self.ingestion.in_transaction(self.scope, work)
        return CountersStored(
            scope=self.scope,
            generation=0,
            batches=batches,
            deaths=tuple(deaths),
            players=(player,),
            days=days,
        )

    async def ask(self, since: date | None = None) -> dict[str, float]:
        """Return everybody's kills."""
        shown = await list_shown(self.database, self.scope.guild_id, None)
        standing = await self.standings.rank(
            self.scope.guild_id, shown, "kills", minimum_kills=0, since=since
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
    """The documents may be gone: what was told is taken over, as long as no batch is missing between."""
    await world.store(3)
    assert await world.ask(since) == {A: 3}
    event = await world.store(5)
    told = await world.store(7, player_id=B)
    for name in ("players", "player_days"):
        await world.database.unscoped(name).delete_many({})
    await world.standings.on_counters_stored(event)
    await world.standings.on_counters_stored(told)
    assert await world.ask(since) == {A: 5, B: 7}


@pytest.mark.parametrize("since", [None, TODAY])
async def test_batch_that_nobody_told_of_is_found_out(world: World, since: date | None) -> None:
    """Another process wrote it, or the event was lost: the next question reads it."""
    await world.store(3)
    assert await world.ask(since) == {A: 3}
    await world.store(5)
    assert await world.ask(since) == {A: 5}
    await world.store(6)
    await world.standings.on_counters_stored(await world.store(7))  # one is missing before it
    assert await world.ask(since) == {A: 7}


async def test_weapons_of_a_period_go_on_with_every_batch(
    world: World, make_death: Callable[..., Death]
) -> None:
    """Told or found out, each kill counts once; days before the period do not."""
    first, second, third = (make_death(world.scope, A, B, second=number) for number in range(3))
    early = make_death(world.scope, A, B, second=-86_400)
    day = first.row.written_at.date()
    weapon = first.row.weapon
    await world.store(2, deaths=[early, first], day=day)
    assert await world.list_weapons(day) == [(weapon, 1, "a")]
    await world.standings.on_counters_stored(await world.store(3, deaths=[second], day=day))
    assert await world.list_weapons(day) == [(weapon, 2, "a")]
    await world.store(4, deaths=[third], day=day)
    assert await world.list_weapons(day) == [(weapon, 3, "a")]
    assert await world.list_weapons(day - timedelta(days=1)) == [(weapon, 4, "a")]
    assert await world.list_weapons(day + timedelta(days=1)) == []


async def test_event_that_comes_late_changes_nothing(world: World) -> None:
    """What was read already is newer than what is told then."""
    late = await world.store(3)
    await world.store(5)
    assert await world.ask() == {A: 5}
    await world.standings.on_counters_stored(late)
    assert await world.ask() == {A: 5}


async def test_switched_generation_is_read_anew(world: World) -> None:
    """An import shows its counters with one write, and live batches of the old generation end."""
    old = await world.store(3)
    assert await world.ask() == {A: 3}
    player = replace(world.make_player(B), counters=Counters(kills=9))
    imports = ImportRepository(world.database, fences=lambda _: None)
    await imports.write_generation(world.scope, 1, players=[player])
    servers = world.database.unscoped("game_servers")
    await servers.update_one({"server_id": world.scope.server_id}, {"$set": {"generation": 1}})
    assert await world.ask() == {B: 9}
    await world.standings.on_counters_stored(replace(old, batches=old.batches + 1))
    assert await world.ask() == {B: 9}


async def test_longer_period_reads_further_back(world: World) -> None:
    """What is kept for a week does not answer for a month; a shorter period asks for nothing new."""
    before = TODAY - timedelta(days=29)
    await world.store(2, player_id=B, day=before)
    await world.store(3)
    assert await world.ask(TODAY) == {A: 3}
    assert await world.ask(before) == {A: 3, B: 2}
    await world.database.unscoped("player_days").delete_many({})
    assert await world.ask(TODAY) == {A: 3}


async def test_old_days_are_let_go(world: World) -> None:
    """Months later the days of a long-running bot are not those of its start."""
    await world.store(2, player_id=B)
    assert await world.ask(TODAY) == {B: 2}
    later = TODAY + timedelta(days=100)
    await world.standings.on_counters_stored(await world.store(3, day=later))
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
        await world.standings.on_guild_left(GuildLeft(guild_id=guild_id))
    else:
        await world.standings.on_server_removed(ServerRemoved(scope=world.scope))
    assert world.standings.rows == 0


async def test_memory_is_bounded(world: World, stranger: ServerScope) -> None:
    """Beyond the bound the guild that asked longest ago is let go, and read again when it asks."""
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
