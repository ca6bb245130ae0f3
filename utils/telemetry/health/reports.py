"""Reports: the health of the bot for people, from memory, so that it is known while the database is away."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from structlog import get_logger

from utils.clock import Clock
from utils.errors import StorageError
from utils.models.backups import BackupState
from utils.models.health import (
    BotHealth,
    CommandShare,
    GuildHealth,
    LeaseState,
    OutboxState,
    ServerReading,
)
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId
from utils.tallies import CommandTally
from utils.tasks import TaskManager
from utils.telemetry.health.checker import HealthChecker
from utils.waiting import wait_for_first

STORED_TASK = "health:stored"
STORED_SECONDS = 1.0
"""The answer to ``/admin health`` waits so long for what is in the database alone."""

FAILING_ERRORS = 3
SHOWN_TO_ADMINS = (IncidentKind.DATABASE_AWAY, IncidentKind.DATABASE_SLOW, IncidentKind.GATEWAY_DOWN)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """The part of the answer that is in the database alone; None where it does not answer."""

    leases: tuple[LeaseState, ...] | None = None
    errors: tuple[int, int] | None = None
    locales: Mapping[str, int] | None = None


@dataclass(eq=False, repr=False)
class HealthReports:
    """Says how the bot is.

    Args:
        list_readings: lists how every server is read.
        get_outbox: returns the posts that waited at the last check.
        list_leases: reads the leases of all shards.
        count_errors: reads how many groups of errors are open, and how many of them are new in 24 hours.
        count_locales: reads how often the bot was used in this month, by the locale of Discord.
        get_backups: returns the state of backups; None: another process makes them, or it is not known yet.
    """

    checker: HealthChecker
    tally: CommandTally
    tasks: TaskManager
    clock: Clock
    list_readings: Callable[[], Sequence[ServerReading]]
    get_outbox: Callable[[], OutboxState]
    list_leases: Callable[[], Awaitable[tuple[LeaseState, ...]]]
    count_errors: Callable[[], Awaitable[tuple[int, int]]]
    count_locales: Callable[[], Awaitable[Mapping[str, int]]]
    get_backups: Callable[[], BackupState | None]

    def __post_init__(self) -> None:
        self._stored, self._has_read = Stored(), asyncio.Event()

    def describe_guild(self, guild_id: GuildId) -> GuildHealth:
        """Return the health as the admins of a guild see it."""
        outbox, checks = self.get_outbox(), self.checker.checks
        servers = [one for one in self.list_readings() if one.scope.guild_id == guild_id]
        return GuildHealth(
            checked_at=self.checker.checked_at,
            checks={kind: checks[kind] for kind in SHOWN_TO_ADMINS if kind in checks},
            servers=tuple(servers),
            waiting=outbox.entries.get(guild_id, 0),
            oldest_seconds=outbox.oldest_seconds.get(guild_id, 0.0),
            commands=CommandShare(*self.tally.count_day(guild_id, self._hour)),
            backups=self.get_backups(),
            troubles=self.checker.incidents.list_open(guild_id),
        )

    async def describe_bot(self) -> BotHealth:
        """Return the health of the whole bot; it waits for the database for a moment alone."""
        outbox, reports = self.get_outbox(), self.tasks.list_reports()
        failing = [one for one in reports if one.failing_since and one.errors_in_a_row >= FAILING_ERRORS]
        stored = await self._read_stored()
        return BotHealth(
            checks=dict(self.checker.checks),
            waiting=sum(outbox.entries.values()),
            oldest_seconds=outbox.longest_seconds,
            commands=CommandShare(*self.tally.count_day_of_all(self._hour)),
            tasks=(len(reports), len(failing)),
            leases=stored.leases,
            errors=stored.errors,
            locales=stored.locales,
            troubles=self.checker.incidents.list_open(WHOLE_BOT),
        )

    @property
    def _hour(self) -> int:
        return int(self.clock.monotonic() // 3600)

    async def _read_stored(self) -> Stored:
        """Return what the database tells if it does so in time.

        A task of its own reads: an operation that was begun ends only when MongoDB answers, or much later.
        """
        if not self.tasks.is_running(STORED_TASK):
            self._stored, self._has_read = Stored(), asyncio.Event()
            self.tasks.start(STORED_TASK, partial(self._read, self._has_read))
        await wait_for_first(self._has_read.wait(), self.clock.sleep(STORED_SECONDS))
        return self._stored

    async def _read(self, has_read: asyncio.Event) -> None:
        try:
            self._stored = Stored(
                await self.list_leases(), await self.count_errors(), await self.count_locales()
            )
        except StorageError as error:
            logger.info("leases, errors and uses by language are not known", problem=str(error))
        finally:
            has_read.set()
