"""The runner of looks: when a guild is looked at, and that a slow or failing look stops no other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock, settle
from tests.fakes.deaths import SCOPE
from utils.errors import StorageUnavailableError
from utils.events import (
    CountersStored,
    FactionChanged,
    HistoryImported,
    LinksChanged,
    PlayerErased,
    RolesChanged,
    SeasonChanged,
    ServerRemoved,
)
from utils.models.scope import GuildId, MemberId
from utils.services.guilds.looks import GUILDS_AT_ONCE, PAUSE_SECONDS, ROUND_SECONDS, GuildLooks
from utils.tasks import TaskManager

GUILD, OTHER = SCOPE.guild_id, GuildId(99)
COUNTED = CountersStored(scope=SCOPE, generation=1, batches=1, deaths=(), players=(), days=())


@dataclass
class Watch:
    """Looks whose time the test decides."""

    clock: FakeClock = field(default_factory=FakeClock)
    guilds: Sequence[GuildId] = ()
    seen: list[tuple[str, GuildId]] = field(default_factory=list)
    slow: dict[GuildId, asyncio.Event] = field(default_factory=dict)
    seconds: float = 0.0
    is_away: bool = False

    def __post_init__(self) -> None:
        """Build the looks."""
        tasks = TaskManager(self.clock)
        self.looks = GuildLooks(
            {"levels": self.look_at_levels, "roles": self.look_at_roles}, tasks=tasks, clock=self.clock
        )

    async def look_at_levels(self, guild_id: GuildId, *, now: datetime) -> None:
        """Take the time that the test says, or fail."""
        assert now == self.clock.now()
        self.clock.move(self.seconds)
        self.seen.append(("levels", guild_id))
        if guild_id in self.slow:
            await self.slow[guild_id].wait()
        if self.is_away:
            raise StorageUnavailableError("away")

    async def look_at_roles(self, guild_id: GuildId, *, now: datetime) -> None:
        """Look at once."""
        del now
        self.seen.append(("roles", guild_id))

    def take_seen(self) -> list[tuple[str, GuildId]]:
        """Return what was looked at since the last call."""
        seen, self.seen = self.seen, []
        return seen

    async def see_next_round(self) -> list[tuple[str, GuildId]]:
        """Let the next round come, and return what was looked at since the last call."""
        await self.clock.advance(PAUSE_SECONDS)
        return self.take_seen()

    async def run(self) -> None:
        """Look at guilds until the test ends."""
        await self.looks.run(lambda: self.guilds)


BOTH = [("levels", GUILD), ("roles", GUILD)]
BOTH_OF_OTHER = [("levels", OTHER), ("roles", OTHER)]


@pytest.fixture(name="watch")
async def _watch() -> AsyncIterator[Watch]:
    watch = Watch()
    running = asyncio.create_task(watch.run())
    await settle()
    yield watch
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_guilds_are_looked_at_when_the_bot_starts_each_half_hour_and_soon_after_an_event() -> None:
    """An event waits for the next round over the noted guilds; many events ask for one look."""
    watch = Watch(guilds=[OTHER, GUILD])
    running = asyncio.create_task(watch.run())
    await settle()
    assert sorted(watch.take_seen()) == sorted([*BOTH, *BOTH_OF_OTHER])
    for event in (COUNTED, COUNTED):
        watch.looks.on_counters_stored(event)
    assert await watch.see_next_round() == BOTH
    assert await watch.see_next_round() == []
    for _ in range(round(ROUND_SECONDS / PAUSE_SECONDS)):
        await watch.clock.advance(PAUSE_SECONDS)
    assert sorted(watch.take_seen()) == sorted([*BOTH, *BOTH_OF_OTHER])
    running.cancel()


async def test_each_change_of_what_a_look_reads_asks_for_one(watch: Watch) -> None:
    """Counters change by kills, imports, removals and erasures; the look comes within a minute."""
    assert PAUSE_SECONDS < 60
    looks = watch.looks
    for note in (
        lambda: looks.on_history_imported(HistoryImported(scope=SCOPE)),
        lambda: looks.on_server_removed(ServerRemoved(scope=SCOPE)),
        lambda: looks.on_player_erased(PlayerErased(guild_id=GUILD)),
        lambda: looks.on_links_changed(LinksChanged(guild_id=GUILD, member_id=MemberId(1))),
        lambda: looks.on_season_changed(SeasonChanged(guild_id=GUILD)),
        lambda: looks.on_faction_changed(FactionChanged(guild_id=GUILD)),
        lambda: looks.on_roles_changed(RolesChanged(guild_id=GUILD)),
    ):
        note()
        assert await watch.see_next_round() == BOTH
    looks.on_counters_stored(COUNTED)
    looks.forget_guild(GUILD)
    assert await watch.see_next_round() == []


async def test_guild_rests_a_hundred_times_as_long_as_a_look_took(watch: Watch) -> None:
    """Other guilds do not wait for it, and the event that came meanwhile is not lost."""
    watch.seconds = 2.0
    watch.looks.on_counters_stored(COUNTED)
    assert await watch.see_next_round() == BOTH
    watch.seconds = 0.0
    watch.looks.on_counters_stored(COUNTED)
    watch.looks.on_player_erased(PlayerErased(guild_id=OTHER))
    assert await watch.see_next_round() == BOTH_OF_OTHER
    for _ in range(round(200 / PAUSE_SECONDS) - 2):
        assert await watch.see_next_round() == []
    assert await watch.see_next_round() == BOTH


async def test_guild_rests_half_an_hour_at_most(watch: Watch) -> None:
    """A look that waited for Discord in vain costs nothing, and days roll over in the meantime."""
    watch.seconds = 30.0
    watch.looks.on_counters_stored(COUNTED)
    assert await watch.see_next_round() == BOTH
    watch.seconds = 0.0
    watch.looks.on_counters_stored(COUNTED)
    for _ in range(round(ROUND_SECONDS / PAUSE_SECONDS) - 1):
        assert await watch.see_next_round() == []
    assert await watch.see_next_round() == BOTH


async def test_look_that_fails_stops_no_other_and_comes_again(watch: Watch) -> None:
    """While the database is away, the next look finds the same."""
    watch.is_away = True
    watch.looks.on_counters_stored(COUNTED)
    assert await watch.see_next_round() == BOTH
    watch.is_away = False
    assert await watch.see_next_round() == BOTH
    assert await watch.see_next_round() == []


async def test_slow_guild_delays_no_other_and_is_not_looked_at_twice_at_once(watch: Watch) -> None:
    """Its features keep their order, and what happened there during the look leads to one more look."""
    watch.slow[GUILD] = asyncio.Event()
    watch.guilds = [GUILD]
    watch.looks.on_counters_stored(COUNTED)
    assert await watch.see_next_round() == [("levels", GUILD)]
    for _ in range(3):
        watch.looks.on_counters_stored(COUNTED)
        watch.looks.on_player_erased(PlayerErased(guild_id=OTHER))
        assert await watch.see_next_round() == BOTH_OF_OTHER
    watch.slow.pop(GUILD).set()
    await settle()
    assert watch.take_seen() == [("roles", GUILD)]
    await watch.clock.advance(ROUND_SECONDS)
    assert watch.take_seen() == BOTH


async def test_few_guilds_are_looked_at_at_a_time() -> None:
    """The other ones wait; one that the bot has left in the meantime is not looked at."""
    guilds = [GuildId(number) for number in range(1, GUILDS_AT_ONCE + 4)]
    watch = Watch(guilds=guilds, slow={one: asyncio.Event() for one in guilds})
    running = asyncio.create_task(watch.run())
    await settle()
    first = guilds[:GUILDS_AT_ONCE]
    assert watch.take_seen() == [("levels", one) for one in first]
    waiting, left, last = guilds[GUILDS_AT_ONCE:]
    watch.looks.forget_guild(left)
    watch.slow[first[0]].set()
    await settle()
    assert watch.take_seen() == [("roles", first[0]), ("levels", waiting)]
    watch.slow[waiting].set()
    await settle()
    assert watch.take_seen() == [("roles", waiting), ("levels", last)]
    running.cancel()


async def test_same_problem_of_many_guilds_is_logged_once_a_round() -> None:
    """The log would say the same for each guild while the database is away."""
    guilds = [GuildId(number) for number in range(1, 3 * GUILDS_AT_ONCE)]
    watch = Watch(guilds=guilds, is_away=True)
    with capture_logs() as entries:
        running = asyncio.create_task(watch.run())
        await settle()
        assert len(watch.take_seen()) == 2 * len(guilds)
        assert [one["times"] for one in entries if "problem" in one] == [1]
        await watch.clock.advance(PAUSE_SECONDS)
    assert [one["times"] for one in entries if "problem" in one] == [1, 2]
    running.cancel()


async def test_guild_that_waited_when_the_looks_were_cut_short_has_its_turn_afterwards() -> None:
    """The task begins again after an error."""
    watch = Watch(guilds=[GUILD], slow={GUILD: asyncio.Event()})
    first = asyncio.create_task(watch.run())
    await settle()
    first.cancel()
    watch.slow.clear()
    second = asyncio.create_task(watch.run())
    await settle()
    assert watch.take_seen() == [("levels", GUILD), *BOTH]
    second.cancel()
