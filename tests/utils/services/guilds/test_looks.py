"""The runner of looks: when a guild is looked at, and that one failing look stops no other."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from tests.fakes.clock import FakeClock, settle
from tests.fakes.deaths import SCOPE
from utils.errors import StorageUnavailableError
from utils.events import CountersStored, HistoryImported, LinksChanged, PlayerErased, ServerRemoved
from utils.models.scope import GuildId, MemberId
from utils.services.guilds.looks import PAUSE_SECONDS, ROUND_SECONDS, GuildLooks
from utils.tasks import TaskManager

GUILD, OTHER = SCOPE.guild_id, GuildId(99)
COUNTED = CountersStored(scope=SCOPE, generation=1, batches=1, deaths=(), players=(), days=())


@dataclass
class Watch:
    """Looks whose time the test decides."""

    clock: FakeClock = field(default_factory=FakeClock)
    seen: list[tuple[str, GuildId]] = field(default_factory=list)
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


BOTH = [("levels", GUILD), ("roles", GUILD)]


@pytest.fixture(name="watch")
def _watch() -> Watch:
    return Watch()


async def test_guilds_are_looked_at_when_the_bot_starts_each_half_hour_and_soon_after_an_event(
    watch: Watch,
) -> None:
    """An event waits for the next round over the noted guilds; many events ask for one look."""
    running = asyncio.create_task(watch.looks.run(lambda: [OTHER, GUILD]))
    await settle()
    assert watch.take_seen() == [*BOTH, ("levels", OTHER), ("roles", OTHER)]
    for event in (COUNTED, COUNTED):
        watch.looks.on_counters_stored(event)
    await watch.clock.advance(PAUSE_SECONDS)
    assert watch.take_seen() == BOTH
    await watch.clock.advance(PAUSE_SECONDS)
    assert watch.take_seen() == []
    for _ in range(round(ROUND_SECONDS / PAUSE_SECONDS)):
        await watch.clock.advance(PAUSE_SECONDS)
    assert watch.take_seen() == [*BOTH, ("levels", OTHER), ("roles", OTHER)]
    running.cancel()


async def test_each_change_of_counters_or_links_asks_for_a_look(watch: Watch) -> None:
    """Counters change by kills, imports, removals and erasures."""
    looks = watch.looks
    for note in (
        lambda: looks.on_history_imported(HistoryImported(scope=SCOPE)),
        lambda: looks.on_server_removed(ServerRemoved(scope=SCOPE)),
        lambda: looks.on_player_erased(PlayerErased(guild_id=GUILD)),
        lambda: looks.on_links_changed(LinksChanged(guild_id=GUILD, member_id=MemberId(1))),
    ):
        note()
        await looks.look_at_wanted()
        assert watch.take_seen() == BOTH
    looks.on_counters_stored(COUNTED)
    looks.forget_guild(GUILD)
    await looks.look_at_wanted()
    assert watch.take_seen() == []


async def test_guild_rests_a_hundred_times_as_long_as_a_look_took(watch: Watch) -> None:
    """Other guilds do not wait for it, and the event that came meanwhile is not lost."""
    watch.seconds = 2.0
    watch.looks.on_counters_stored(COUNTED)
    await watch.looks.look_at_wanted()
    watch.seconds = 0.0
    watch.looks.on_counters_stored(COUNTED)
    watch.looks.on_player_erased(PlayerErased(guild_id=OTHER))
    assert watch.take_seen() == BOTH
    watch.clock.move(199)
    await watch.looks.look_at_wanted()
    assert watch.take_seen() == [("levels", OTHER), ("roles", OTHER)]
    watch.clock.move(1)
    await watch.looks.look_at_wanted()
    assert watch.take_seen() == BOTH


async def test_guild_rests_half_an_hour_at_most(watch: Watch) -> None:
    """A look that waited for Discord in vain costs nothing, and days roll over in the meantime."""
    watch.seconds = 30.0
    watch.looks.on_counters_stored(COUNTED)
    await watch.looks.look_at_wanted()
    watch.seconds = 0.0
    watch.looks.on_counters_stored(COUNTED)
    watch.clock.move(ROUND_SECONDS - 1)
    await watch.looks.look_at_wanted()
    assert watch.take_seen() == BOTH
    watch.clock.move(1)
    await watch.looks.look_at_wanted()
    assert watch.take_seen() == BOTH


async def test_look_that_fails_stops_no_other_and_comes_again(watch: Watch) -> None:
    """While the database is away, the next look finds the same."""
    watch.is_away = True
    watch.looks.on_counters_stored(COUNTED)
    await watch.looks.look_at_wanted()
    watch.is_away = False
    await watch.looks.look_at_wanted()
    await watch.looks.look_at_wanted()
    assert watch.take_seen() == BOTH * 2
