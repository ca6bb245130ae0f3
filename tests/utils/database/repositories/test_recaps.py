"""Recaps in the database: the figures of a week, races, erased players, what is remembered."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from utils.composition.due_times import RestoredData, pass_over_recaps
from utils.database.core.database import Fence, SafeDatabase
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.combat import CombatRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.recaps import RecapRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.models.deaths import Death, DeathKind
from utils.models.guilds import ChannelKind
from utils.models.players import Counters, NamedCount, PlayerDay, PlayerRecord, sum_counters
from utils.models.recaps import (
    MOST_RECAPS,
    PlannedRecap,
    Recap,
    RecapBest,
    RecapFigures,
    RecapKind,
    RecapPlan,
    RecapServerFigures,
    RecapSettings,
    RecapSpan,
    RecapState,
    Rivalry,
)
from utils.models.scope import (
    ALL_SERVERS,
    ERASED_PLAYER_ID,
    ChannelId,
    GuildId,
    PlayerId,
    ServerScope,
)
from utils.models.servers import GameServer
from utils.models.sharding import Sharding
from utils.models.statistics import PlayerPlace
from utils.services.recaps.figures import RecapReader
from utils.services.recaps.notices import build_recap_notice

A, B, C, D = (PlayerId("0002" + letter * 28) for letter in "abcd")
DAILY, WEEKLY = RecapKind.DAILY, RecapKind.WEEKLY
MONDAY, SUNDAY = date(2025, 4, 28), date(2025, 5, 4)  # deaths are made from Wednesday noon on
WEEK = RecapSpan(WEEKLY, MONDAY, SUNDAY)
DUE_AT = datetime(2025, 5, 5, 9, tzinfo=UTC)
PLAN: RecapPlan = {WEEKLY: PlannedRecap(DUE_AT, WEEK)}
NEXT: RecapPlan = {
    WEEKLY: PlannedRecap(DUE_AT + timedelta(days=7), RecapSpan(WEEKLY, date(2025, 5, 5), date(2025, 5, 11)))
}
DAY, A_DAY = timedelta(days=1), 86_400
MakeDeath = Callable[..., Death]


def build_recap(guild_id: GuildId, **more: object) -> Recap:
    """Return the recap of the week."""
    values = {"kind": WEEKLY, "period": WEEK.key, "state": RecapState.POSTED, "at": DUE_AT, **more}
    return Recap(guild_id=guild_id, **values)  # type: ignore[arg-type]


@dataclass
class House:
    """A guild with two game servers, North and South."""

    database: SafeDatabase
    scope: ServerScope
    servers: tuple[GameServer, GameServer]
    make_player: Callable[..., PlayerRecord]

    def __post_init__(self) -> None:
        self.recaps = RecapRepository(self.database, fences=lambda _: None)
        self.guilds = GuildRepository(self.database)
        self.index = ScopeIndexRepository(self.database, Sharding())
        standings = Standings(self.database)
        statistics = StatisticsRepository(self.database, standings)
        self.reader = RecapReader(statistics, CombatRepository(self.database, standings), statistics)

    @property
    def guild_id(self) -> GuildId:
        """The guild."""
        return self.scope.guild_id

    async def store(self, scope: ServerScope, days: list[PlayerDay], deaths: list[Death]) -> None:
        """Write the days of players, their counters of all time, and deaths."""
        players = [
            replace(
                self.make_player(player_id, name=f"Player {player_id[-1]}"),
                counters=sum_counters(day.counters for day in days if day.player_id == player_id),
            )
            for player_id in {day.player_id for day in days}
        ]

        def work(unit: IngestionTransaction) -> None:
            unit.insert_deaths(deaths)
            unit.replace_players(players, generation=0)
            unit.replace_days(days, generation=0)
            unit.append_notices([], created_at=DUE_AT, changes_counters=True)

        ingestion = IngestionRepository(self.database, fences=lambda _: None)
        await ingestion.in_transaction(scope, work)

    async def set_channel(self, guild_id: GuildId) -> None:
        """Give a guild a news channel."""
        before = await self.guilds.get_settings(guild_id)
        after = replace(before, channels={ChannelKind.NEWS: ChannelId(5)})
        await self.guilds.write_settings(guild_id, before, after)

    async def finish(self, *named: PlayerId, recap: Recap | None = None) -> bool:
        """Tell the recap of the week."""
        figures = RecapFigures(kills=12, mvp=RecapBest(named[0], "Wolf", 12) if named else None)
        return await self.recaps.finish_recap(
            self.guild_id,
            recap or build_recap(self.guild_id, kills=12, killers=3),
            before=PLAN,
            after=NEXT,
            notice=build_recap_notice(self.guild_id, WEEK, figures, at=DUE_AT),
            named=named,
        )

    async def count(self, name: str) -> int:
        """Return how many documents a collection has."""
        return await self.database.unscoped(name).count_documents({})


@pytest.fixture(name="house")
async def _house(
    database: SafeDatabase,
    servers: GameServerRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
) -> House:
    north, south = replace(make_server(scope), name="North"), replace(make_server(neighbour), name="South")
    for server in (north, south):
        await servers.insert_server(server.scope, server)
    return House(database, scope, (north, south), make_player)


async def test_figures_of_a_week_are_those_counted_by_hand(house: House, make_death: MakeDeath) -> None:
    """Monday and Sunday count and no day beside them; rivals meet on both game servers."""
    north, south = (server.scope for server in house.servers)

    def list_deaths(
        scope: ServerScope, *kills: tuple[PlayerId, PlayerId, int], weapon: str = "AK-SU"
    ) -> list[Death]:
        return [
            make_death(scope, killer, victim, second=second, weapon=weapon)
            for killer, victim, second in kills
        ]

    sunday = 4 * A_DAY
    await house.store(
        north,
        [
            PlayerDay(A, MONDAY - DAY, Counters(kills=7, best_streak=50, longest=900, xp=90)),
            PlayerDay(A, MONDAY, Counters(kills=3, best_streak=3, longest=80, xp=30)),
            PlayerDay(A, SUNDAY, Counters(kills=1, best_streak=2, longest=120)),
            PlayerDay(B, SUNDAY, Counters(kills=2, deaths=3, best_streak=2, longest=300)),
            PlayerDay(B, SUNDAY + DAY, Counters(kills=90, best_streak=90, longest=950)),
        ],
        [
            *list_deaths(north, (A, B, 0), (A, B, 60), (A, B, 120), (B, A, 180), (B, A, sunday)),
            *list_deaths(north, (A, C, sunday + 60), weapon="Mosin"),
            *list_deaths(north, *((A, B, 5 * A_DAY + second) for second in range(5)), weapon="Late"),
            *list_deaths(north, *((ERASED_PLAYER_ID, D, 10 + second) for second in range(9)), weapon="Old"),
            *list_deaths(north, *((D, ERASED_PLAYER_ID, 30 + second) for second in range(9)), weapon="Old"),
            make_death(north, A, A, second=500, kind=DeathKind.FALL, weapon="falling"),
        ],
    )
    await house.store(
        south,
        [
            PlayerDay(C, SUNDAY, Counters(kills=4, best_streak=4, longest=60, xp=200)),
            PlayerDay(A, SUNDAY, Counters(kills=1)),
        ],
        [
            *list_deaths(south, *((C, A, 600 + second) for second in range(4)), weapon="Mosin"),
            *list_deaths(south, (A, C, 700), weapon="Mosin"),
        ],
    )
    figures = await house.reader.read(house.guild_id, house.servers, WEEK)
    anna, carl = "Player a", "Player c"
    assert replace(figures, weapon=None) == RecapFigures(
        kills=11,
        kills_before=7,
        killers=3,
        mvp=RecapBest(A, anna, 5),
        mvp_xp=PlayerPlace(120, 2, 2),
        longest=RecapBest(B, "Player b", 300),
        streak=RecapBest(C, carl, 4),
        rivalry=Rivalry(RecapBest(C, carl, 4), RecapBest(A, anna, 2)),
        servers=(
            RecapServerFigures("North", 6, 2, RecapBest(A, anna, 4)),
            RecapServerFigures("South", 5, 2, RecapBest(C, carl, 4)),
        ),
    )
    assert figures.weapon == NamedCount("Old", 18)  # kills of erased players stay kills
    assert figures.player_ids == {A, B, C}
    nobody = RecapSpan(DAILY, date(2025, 3, 1), date(2025, 3, 1))
    empty = RecapFigures(servers=(RecapServerFigures("North"), RecapServerFigures("South")))
    assert await house.reader.read(house.guild_id, house.servers, nobody) == empty
    assert await house.reader.read(house.guild_id, [], WEEK) == RecapFigures()


async def test_rivals_need_two_kills_each(house: House, make_death: MakeDeath) -> None:
    """Two kills of each other are a rivalry, and one kill back is none."""
    north = house.servers[0].scope
    many = [make_death(north, A, B, second=second) for second in range(9)]
    pairs = ((B, A), (C, D), (D, C))
    once = [make_death(north, *pair, second=20 + number) for number, pair in enumerate(pairs)]
    await house.store(north, [PlayerDay(one, SUNDAY, Counters()) for one in (A, B, C, D)], [*many, *once])
    assert (await house.reader.read(house.guild_id, house.servers, WEEK)).rivalry is None
    await house.store(north, [], [make_death(north, C, D, second=31), make_death(north, D, C, second=32)])
    found = (await house.reader.read(house.guild_id, house.servers, WEEK)).rivalry
    assert found == Rivalry(RecapBest(C, "Player c", 2), RecapBest(D, "Player d", 2))


async def test_two_processes_tell_a_recap_once(house: House) -> None:
    """One recap, one notice in the feed of the whole guild, one plan; the losers change nothing."""
    await house.recaps.put_plan(house.guild_id, PLAN)
    assert sorted(await asyncio.gather(*(house.finish() for _ in range(4)))) == [False, False, False, True]
    [entry] = await house.database.unscoped("outbox").find({}).to_list(None)
    assert (entry["server_id"], entry["channel_kind"], entry["type"]) == (ALL_SERVERS, "news", "recap")
    assert await house.recaps.list_recaps(house.guild_id) == (
        build_recap(house.guild_id, kills=12, killers=3),
    )
    assert await house.recaps.find_plan(house.guild_id) == NEXT
    assert await house.recaps.has_recap(house.guild_id, WEEKLY, WEEK.key)
    assert not await house.recaps.has_recap(house.guild_id, DAILY, WEEK.key)


async def test_days_that_were_told_are_not_told_again(house: House) -> None:
    """A moment that an admin moved to the same days moves the plan on, and nothing else."""
    await house.recaps.put_plan(house.guild_id, PLAN)
    assert await house.finish()
    await house.recaps.put_plan(house.guild_id, PLAN)
    assert await house.finish()
    assert (await house.count("recaps"), await house.count("outbox")) == (1, 1)
    assert await house.recaps.find_plan(house.guild_id) == NEXT


async def test_erased_player_is_in_no_recap(house: House) -> None:
    """Erased before: nothing is stored, so the figures are read again. Erased later: the name leaves."""
    await house.store(house.scope, [PlayerDay(A, SUNDAY, Counters(kills=12))], [])
    await house.recaps.put_plan(house.guild_id, PLAN)
    assert not await house.finish(A, B)
    assert (await house.count("recaps"), await house.count("outbox")) == (0, 0)
    assert await house.finish(A)
    erasures = ErasureRepository(house.database, fences=lambda _: None)
    await erasures.in_transaction(house.scope, lambda unit: unit.delete_figures(A))
    await erasures.erase_player(house.guild_id, A, ["Wolf"])
    [entry] = await house.database.unscoped("outbox").find({}).to_list(None)
    assert (entry["type"], "Wolf" in str(entry["notice"])) == ("recap", False)


async def test_guild_remembers_sixty_recaps(house: House) -> None:
    """The oldest one goes first."""
    for number in range(MOST_RECAPS + 1):
        await house.recaps.put_plan(house.guild_id, PLAN)
        recap = build_recap(house.guild_id, period=f"w{number:02}", at=DUE_AT + number * DAY)
        assert await house.finish(recap=recap)
    kept = await house.recaps.list_recaps(house.guild_id)
    assert (len(kept), kept[0].period, kept[-1].period) == (MOST_RECAPS, "w01", f"w{MOST_RECAPS}")


async def test_timer_finds_guilds_that_are_due(house: House, stranger: ServerScope) -> None:
    """They have a news channel, and a recap is due or none is planned; new settings take its moments away."""
    both = tuple(sorted((house.guild_id, stranger.guild_id)))
    await house.recaps.put_plan(house.guild_id, PLAN)
    assert await house.index.list_guilds_with_due_recaps(DUE_AT) == ()
    for guild_id in both:
        await house.set_channel(guild_id)
    assert await house.index.list_guilds_with_due_recaps(DUE_AT) == both
    await house.recaps.put_plan(stranger.guild_id, NEXT)
    assert await house.index.list_guilds_with_due_recaps(DUE_AT) == (house.guild_id,)
    assert await house.index.list_guilds_with_due_recaps(DUE_AT - DAY) == ()
    before = await house.guilds.get_settings(house.guild_id)
    assert before.recap == RecapSettings()
    after = replace(before, recap=RecapSettings(hour=20))
    await house.guilds.write_settings(house.guild_id, before, after)
    assert await house.guilds.get_settings(house.guild_id) == after
    assert await house.recaps.find_plan(house.guild_id) == {}
    assert await house.recaps.find_days(house.guild_id) == {WEEKLY: WEEK}
    assert await house.index.list_guilds_with_due_recaps(DUE_AT - DAY) == (house.guild_id,)


async def test_restore_passes_over_recaps_that_are_due(house: House, stranger: ServerScope) -> None:
    """They were posted before, so the next ones are planned from then on; others stay."""
    for guild_id, plan in ((house.guild_id, PLAN), (stranger.guild_id, NEXT)):
        await house.set_channel(guild_id)
        await house.recaps.put_plan(guild_id, plan)
    fence = Fence(0, 1, None)
    await house.database.unscoped("leases").insert_one({"_id": 0, "token": 1})
    data = RestoredData(house.database, fence, default_tier=1, now=DUE_AT, guild_id=None)
    await pass_over_recaps(data)
    assert await house.recaps.find_plan(house.guild_id) == {}
    assert await house.recaps.find_days(house.guild_id) == {}
    assert await house.recaps.find_plan(stranger.guild_id) == NEXT


async def test_another_time_zone_takes_the_moments_away(house: House) -> None:
    """The moments are those of the old clock, but the days stay. Another language changes neither."""
    before = await house.guilds.get_settings(house.guild_id)
    await house.recaps.put_plan(house.guild_id, PLAN)
    spoken = replace(before, language="fr")
    await house.guilds.write_settings(house.guild_id, before, spoken)
    assert await house.recaps.find_plan(house.guild_id) == PLAN
    moved = replace(spoken, timezone="Asia/Tokyo")
    await house.guilds.write_settings(house.guild_id, spoken, moved)
    assert await house.recaps.find_plan(house.guild_id) == {}
    assert await house.recaps.find_days(house.guild_id) == {WEEKLY: WEEK}
    assert not await house.finish()  # a timer that read the old plan
    assert await house.guilds.get_settings(house.guild_id) == moved
