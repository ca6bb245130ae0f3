"""Restarts are announced once, in time or never."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.storage import FakeServerStore, build_server
from utils.errors import StorageUnavailableError
from utils.events import EventDispatcher, NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.notices.restarts import RestartNotice
from utils.models.premium import TIERS, Tier
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.services.servers.restart_warnings import LATE_TIME, RestartWarnings, find_due_restart
from utils.tasks import TaskManager

MINUTE = timedelta(minutes=1)
RESTART = START + 30 * MINUTE
SERVER = replace(build_server(), restart_times=(f"{RESTART:%H:%M}",), restart_warning=10)


class Surroundings:
    """The channel, the tier and the storage of a guild.

    Attributes:
        announced: the stored notices by their restart.
        failures: raised by the next storing, after it is done.
    """

    def __init__(self) -> None:
        self.channel_id: ChannelId | None = ChannelId(7)
        self.missing: Tier | None = None
        self.announced: dict[datetime, RestartNotice] = {}
        self.failures: list[Exception] = []

    async def list_warned_servers(self) -> Sequence[ServerScope]:
        """Return the server."""
        return [SCOPE]

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel for events."""
        assert (scope, kind) == (SCOPE, ChannelKind.EVENTS)
        return self.channel_id

    async def find_missing_tier(self, guild_id: GuildId, kind: ChannelKind) -> Tier | None:
        """Return the tier that the guild lacks."""
        assert (guild_id, kind) == (SCOPE.guild_id, ChannelKind.EVENTS)
        return self.missing

    async def announce(self, scope: ServerScope, notice: RestartNotice) -> bool:
        """Store a notice once."""
        assert scope == SCOPE
        is_new = notice.restart_at not in self.announced
        self.announced.setdefault(notice.restart_at, notice)
        if self.failures:
            raise self.failures.pop(0)
        return is_new


class World:
    """The timer over a server that restarts in half an hour."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.around, self.store = clock, Surroundings(), FakeServerStore(SERVER)
        self.tasks, self.events = TaskManager(clock), EventDispatcher()
        self.queued: list[NoticesQueued] = []
        self.events.register(NoticesQueued, self.queued.append)
        self.warnings = RestartWarnings(
            self.around,
            self.around,
            servers=self.store,
            channels=self.around,  # type: ignore[arg-type] # without styles
            premium=self.around,  # type: ignore[arg-type] # without grants
            events=self.events,
            tasks=self.tasks,
            clock=clock,
        )

    async def pass_time(self, minutes: float) -> int:
        """Let the timer come every twenty seconds; return how many restarts were announced so far."""
        for _ in range(int(minutes * 3)):
            self.clock.move(20)
            await self.warnings.warn_all()
        return len(self.around.announced)


@pytest.fixture(name="world")
def _world(clock: FakeClock) -> World:
    return World(clock)


async def test_restart_is_announced_once_in_time(world: World) -> None:
    """Ten minutes before, and the next day again."""
    assert await world.pass_time(19) == 0
    assert await world.pass_time(2) == 1
    notice = world.around.announced[RESTART]
    assert (notice.server_name, notice.at, notice.restart_at) == (SERVER.name, RESTART - 10 * MINUTE, RESTART)
    assert await world.pass_time(30) == 1
    assert world.queued == [NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.EVENTS}))]
    world.clock.move(23 * 3_600)
    await world.pass_time(35)
    assert list(world.around.announced) == [RESTART, RESTART + timedelta(days=1)]


@pytest.mark.parametrize(
    ("late", "is_due"),
    [
        (timedelta(seconds=-1), False),
        (timedelta(), True),
        (LATE_TIME, True),
        (LATE_TIME + timedelta(seconds=1), False),
    ],
)
def test_late_start_announces_nothing(late: timedelta, *, is_due: bool) -> None:
    """People would be told a wrong time to get ready."""
    now = RESTART - 10 * MINUTE + late
    assert find_due_restart(SERVER, now=now) == (RESTART if is_due else None)
    assert find_due_restart(replace(SERVER, restart_warning=0), now=now) is None
    assert find_due_restart(replace(SERVER, restart_times=()), now=now) is None


async def test_each_of_two_restarts_within_the_warning_is_announced(world: World) -> None:
    """The second one is announced before the first one happens."""
    second = RESTART + 5 * MINUTE
    times = (f"{RESTART:%H:%M}", f"{second:%H:%M}")
    world.store.servers[SCOPE] = replace(SERVER, restart_times=times)
    assert await world.pass_time(29) == 2
    assert list(world.around.announced) == [RESTART, second]


@pytest.mark.parametrize("obstacle", ["channel", "tier", "paused", "removed"])
async def test_nothing_is_announced_without_a_channel_a_tier_or_the_server(
    world: World, obstacle: str
) -> None:
    """And nothing is made up for later."""
    if obstacle == "channel":
        world.around.channel_id = None
    elif obstacle == "tier":
        world.around.missing = TIERS[1]
    elif obstacle == "paused":
        world.store.servers[SCOPE] = replace(SERVER, is_paused=True)
    else:
        world.store.servers.clear()
    assert await world.pass_time(30) == 0


async def test_answer_that_is_lost_wakes_delivery_and_stores_nothing_twice(world: World) -> None:
    """A commit without an answer may have happened."""
    world.around.failures.append(StorageUnavailableError("away"))
    assert await world.pass_time(25) == 1
    assert len(world.queued) == 1
