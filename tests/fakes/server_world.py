"""One game server in memory, and the scheduler that reads it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import FILE, SCOPE, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, FakeSharedUnit
from tests.fakes.premium import build_premium
from tests.fakes.server_loops import (
    FakeChannelFinder,
    FakeLogAccess,
    FakeNotifier,
    FakeProgressReporter,
)
from tests.fakes.storage import FakeServerStore, build_server
from utils.events import EventDispatcher
from utils.models.scope import GuildId
from utils.services.ingestion.death_log_reader import (
    DEATH_LOG,
    DeathLogDependencies,
    DeathLogReader,
)
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.log_reader import LogReader
from utils.services.ingestion.poll_schedule import PollSchedule
from utils.services.ingestion.reader_loop import (
    LOOK_SECONDS,
    LoopDependencies,
)
from utils.services.ingestion.scheduler import ServerScheduler
from utils.services.premium.tiers import PremiumService
from utils.services.servers.log_places import LogPlaces
from utils.tasks import run_together

T = TypeVar("T")

MAX_AGE = timedelta(minutes=60)


@dataclass
class World:
    """One server and everything for its reading."""

    tier: int = 4
    minimum_seconds: float = 5
    clock: FakeClock = field(default_factory=FakeClock)
    servers: FakeServerStore = field(default_factory=lambda: FakeServerStore(build_server()))
    store: FakeIngestionStore = field(default_factory=FakeIngestionStore)
    access: FakeLogAccess = field(default_factory=lambda: FakeLogAccess(FakeDeathLogs()))
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    progress: FakeProgressReporter = field(default_factory=FakeProgressReporter)
    channels: FakeChannelFinder = field(default_factory=FakeChannelFinder)
    premium: PremiumService | None = None
    max_age: timedelta = MAX_AGE
    look_seconds: float = LOOK_SECONDS
    schedule: PollSchedule = field(default_factory=PollSchedule)

    def build(self, **others: LogReader) -> ServerScheduler:
        """Return a scheduler like that of a new process; it may read other logs as well."""
        events = EventDispatcher()
        deaths = DeathLogDependencies(
            servers=self.servers,
            imports=self.store,
            logs=self.access,
            places=LogPlaces(self.servers, self.store),
            live=LiveIngestion(
                self.store, events, clock=self.clock, group_seconds=0, max_announce_age=self.max_age
            ),
            history=HistoryImport(self.store, self.store, events, clock=self.clock),
            channels=self.channels,
            notifier=self.notifier,
            progress=self.progress,
            max_announce_age=self.max_age,
            clock=self.clock,
        )
        loops = LoopDependencies(
            servers=self.servers,
            logs=self.access,
            premium=self.premium or build_premium(self.tier, self.clock),
            notifier=self.notifier,
            clock=self.clock,
            minimum_poll_seconds=self.minimum_seconds,
            look_seconds=self.look_seconds,
            schedule=self.schedule,
        )
        return ServerScheduler(SCOPE, {DEATH_LOG: DeathLogReader(SCOPE, deaths), **others}, loops)

    @property
    def visits(self) -> int:
        """The number of openings at the host."""
        return len(self.access.opened)

    def append(self, *names: tuple[str, str], second: float = 0) -> None:
        """Let the game server write deaths."""
        rows = [build_row(*pair, second=second + number) for number, pair in enumerate(names)]
        self.access.logs.append(FILE, render(*rows))

    async def pause(self, number: int) -> float:
        """Return the seconds of a pause, counted from 1, once the loop has begun it."""
        await until(lambda: len(self.clock.slept) >= number)
        return self.clock.slept[number - 1]

    async def pass_pauses(self, count: int) -> list[float]:
        """Let ``count`` pauses pass and return their seconds."""
        await self.pause(1)
        begun = len(self.clock.slept)
        for number in range(begun, begun + count):
            self.clock.move(self.clock.slept[number - 1])
            await self.pause(number + 1)
        return self.clock.slept[begun:]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition while no time passes."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - fakes set no events
            await asyncio.sleep(0)


@asynccontextmanager
async def running(scheduler: ServerScheduler) -> AsyncIterator["asyncio.Task[None]"]:
    """Run the loops of a server during a block."""
    task = asyncio.create_task(run_together([loop.run for loop in scheduler.loops.values()]))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class PoisonStore(FakeIngestionStore):
    """Fails to store deaths of one player.

    Attributes:
        failure: the error that it raises.
    """

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure

    async def in_shared_transaction(
        self, guild_ids: Collection[GuildId], work: Callable[[FakeSharedUnit], T], *, repeats: bool = True
    ) -> T:
        """Fail where a death of that player would be stored."""

        def fail(unit: FakeSharedUnit) -> T:
            result = work(unit)
            if "Poison" in {death.row.victim_name for death in unit.data.deaths.values()}:
                raise self.failure
            return result

        return await super().in_shared_transaction(guild_ids, fail, repeats=repeats)
