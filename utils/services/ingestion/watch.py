"""Watching: the loop over one game server - import what is waiting, then poll for ever.

Every failure of the host or the database ends in a sentence in the server's health and another try later;
what only a person can mend (``RemoteError.is_lasting``) is told to the admins and not tried again until
somebody changed something.
"""

import asyncio
import random
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import KillfeedError, LogsMissingError, RemoteError, StorageError
from utils.models.guilds import ChannelKind
from utils.models.premium import Tier, compute_poll_seconds
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion, PollOutcome
from utils.services.ingestion.reading import DeathLogTail, HistoryLogs
from utils.services.premium import PremiumService

logger = get_logger(__name__)

LONGEST_RETRY_SECONDS = 120.0
SAVE_HEALTH_SECONDS = 30.0  # the durable time of the last read may lag this much behind


class WatchedLogs(DeathLogTail, HistoryLogs, Protocol):
    """A server's logs, opened."""


class LogAccess(Protocol):
    """Opens the logs of game servers; remembers between polls what it knows of each."""

    def open(self, server: GameServer, *, guild_limit: int) -> AbstractAsyncContextManager[WatchedLogs]:
        """Lend the logs of a server for one poll or one import.

        Raises:
            RemoteError: the host, the login or the folder is not as it should be.
        """

    def forget(self, scope: ServerScope) -> None:
        """Drop what is remembered of a server."""


class WatchedServers(Protocol):
    """Storage of servers and of how reading them goes."""

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return the server as it is now."""

    async def get_health(self, scope: ServerScope) -> ServerHealth:
        """Return the stored health; defaults for a server never read."""

    async def save_health(self, health: ServerHealth) -> None:
        """Store state, problem and times; the counts of lines are kept by ingestion."""


class ImportJobs(Protocol):
    """Storage of imports under way."""

    async def find_import(self, scope: ServerScope) -> ImportJob | None:
        """Return the import under way, if any."""


class ChannelFinder(Protocol):
    """Which channel of a kind a server posts to."""

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the server's own, else the guild's, else none."""


class AdminNotifier(Protocol):
    """Tells the admins of a guild something once, until it is cleared."""

    async def notify(self, guild_id: GuildId, sentence: str, key: str) -> None:
        """Tell, unless this key was told and not cleared."""

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """The fault is over: the next one is told again."""


class ProgressReporter(Protocol):
    """Shows people how an import goes."""

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Take the newest progress; must not hold up the import."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How often to read, and what is news."""

    minimum_poll_seconds: float
    max_announce_age: timedelta


@dataclass(frozen=True, slots=True)
class WatchRooms:
    """The rooms a watch works with."""

    servers: WatchedServers
    imports: ImportJobs
    logs: LogAccess
    live: LiveIngestion
    history: HistoryImport
    channels: ChannelFinder
    premium: PremiumService
    notifier: AdminNotifier
    progress: ProgressReporter
    clock: Clock


def compute_retry_seconds(failures: int, interval_seconds: float, jitter: float) -> float:
    """Return seconds until the next try of a host that failed: doubled each time, up to two minutes.

    ``jitter`` from 0 to 1 spreads the tries, so that a returning hoster meets no storm of logins.
    """
    delay = min(max(interval_seconds, 1.0) * 2.0 ** min(failures - 1, 10), LONGEST_RETRY_SECONDS)
    return max(interval_seconds, delay * (0.75 + 0.5 * jitter))


class ServerWatch:
    """The loop over one game server; ``health`` is always readable."""

    def __init__(self, scope: ServerScope, rooms: WatchRooms, settings: WatchSettings) -> None:
        self.scope = scope
        self.health = ServerHealth(scope)
        self._rooms = rooms
        self._settings = settings
        self._failures = 0
        self._saved_at = -SAVE_HEALTH_SECONDS
        self._woken = asyncio.Event()
        self._is_stopped_by_fault = False

    def wake(self) -> None:
        """Something was changed for this server: read again now, with its settings as they are."""
        self._is_stopped_by_fault = False
        self._rooms.logs.forget(self.scope)
        self._woken.set()

    def with_counts(self, stored: ServerHealth) -> ServerHealth:
        """Return the health as it is now, with the counts of lines as they are stored."""
        return replace(self.health, lines_read=stored.lines_read, lines_rejected=stored.lines_rejected)

    async def run(self) -> None:
        """Watch until cancelled, or until the server is no longer there."""
        while (found := await self._look_up()) is not None:
            began = self._rooms.clock.monotonic()
            delay = await self._visit(*found)
            spent = self._rooms.clock.monotonic() - began
            await self._pause(max(0.0, delay - spent))

    async def _look_up(self) -> tuple[GameServer, Tier] | None:
        """Return the server as it is now and its guild's tier; None when it is no longer there."""
        while True:
            try:
                if self.health.last_read_at is None:
                    self.health = await self._rooms.servers.get_health(self.scope)
                server = await self._rooms.servers.find_server(self.scope)
                if server is None:
                    return None
                return server, await self._rooms.premium.get_tier(self.scope.guild_id)
            except StorageError as error:
                # nothing is saved: what is stored of this server may not be known yet
                self._note_failure(error, ConnectionState.RETRYING)
                await self._pause(self._compute_retry(1.0))

    async def _visit(self, server: GameServer, tier: Tier) -> float:
        """Import or poll once; return seconds until the next visit."""
        interval = compute_poll_seconds(tier, minimum_seconds=self._settings.minimum_poll_seconds)
        if server.is_paused:
            await self._rest()
            return interval
        try:
            outcome = await self._read(server, tier)
        except RemoteError as error:
            if isinstance(error, LogsMissingError):
                return await self._after_failure(error, ConnectionState.NO_LOGS, interval)
            state = ConnectionState.REFUSED if error.is_lasting else ConnectionState.RETRYING
            return await self._after_failure(error, state, interval)
        except KillfeedError as error:
            return await self._after_failure(error, ConnectionState.RETRYING, interval)
        await self._after_success(outcome)
        return interval

    async def _rest(self) -> None:
        """Note that the server is paused, and keep nothing of its login; what was read stays known."""
        if self.health.state is ConnectionState.PAUSED:
            return
        self._rooms.logs.forget(self.scope)
        self.health = replace(self.health, state=ConnectionState.PAUSED, problem=None)
        if self._failures:
            self._failures = 0
            await self._rooms.notifier.clear(self.scope.guild_id, self._notice_key)
        logger.info("game server is paused", scope=str(self.scope))
        await self._try_to_save_health()

    async def _read(self, server: GameServer, tier: Tier) -> PollOutcome:
        async with self._rooms.logs.open(server, guild_limit=tier.servers) as logs:
            job = await self._rooms.imports.find_import(self.scope)
            if job is not None:
                await self._import(server, logs, job)
                return PollOutcome()
            channel = await self._rooms.channels.find_channel(self.scope, ChannelKind.KILLFEED)
            return await self._rooms.live.poll(
                server, logs, last_read_at=self.health.last_read_at, has_channel=channel is not None
            )

    async def _import(self, server: GameServer, logs: HistoryLogs, job: ImportJob) -> None:
        self.health = replace(self.health, state=ConnectionState.CONNECTED, problem=None)

        async def show(progress: ImportProgress) -> None:
            await self._rooms.progress.show(server, job, progress)

        await self._rooms.history.run(server, logs, job, on_progress=show)
        # sizes were fixed when the job began: what came after that is judged by the time since then
        self.health = replace(self.health, last_read_at=self.health.last_read_at or job.started_at)
        await self._save_health()

    async def _after_success(self, outcome: PollOutcome) -> None:
        now = self._rooms.clock.now()
        before = self.health
        lag = before.lag_seconds
        if outcome.deaths and before.last_read_at is not None:
            lag = max(0.0, (now - before.last_read_at).total_seconds())  # the clock may have been set back
        self.health = replace(
            before,
            state=ConnectionState.CONNECTED,
            problem=outcome.problem,
            last_read_at=now,
            last_kill_at=_newest(before.last_kill_at, outcome.newest_at),
            lag_seconds=lag,
        )
        if self._failures:
            self._failures = 0
            await self._rooms.notifier.clear(self.scope.guild_id, self._notice_key)
            logger.info("game server is read again", scope=str(self.scope))
        if outcome.problem and outcome.problem != before.problem:
            logger.warning("part of the logs is not read", scope=str(self.scope), problem=outcome.problem)
        is_changed = (
            before.state is not ConnectionState.CONNECTED
            or before.problem != outcome.problem
            or outcome.deaths > 0
        )
        if is_changed or self._rooms.clock.monotonic() - self._saved_at >= SAVE_HEALTH_SECONDS:
            await self._try_to_save_health()

    async def _after_failure(self, error: KillfeedError, state: ConnectionState, interval: float) -> float:
        self._note_failure(error, state)
        if state in (ConnectionState.REFUSED, ConnectionState.NO_LOGS):
            await self._rooms.notifier.notify(self.scope.guild_id, str(error), self._notice_key)
        await self._try_to_save_health()
        self._is_stopped_by_fault = state is ConnectionState.REFUSED
        return self._compute_retry(interval)

    def _note_failure(self, error: KillfeedError, state: ConnectionState) -> None:
        self._failures += 1
        self.health = replace(self.health, state=state, problem=str(error))
        logger.warning(
            "game server is not read", scope=str(self.scope), problem=str(error), failures=self._failures
        )

    def _compute_retry(self, interval: float) -> float:
        return compute_retry_seconds(self._failures, interval, random.random())  # noqa: S311 - spreads retries

    @property
    def _notice_key(self) -> str:
        return f"watch:{self.scope}"

    async def _try_to_save_health(self) -> None:
        try:
            await self._save_health()
        except StorageError as error:
            logger.warning("health is not saved", scope=str(self.scope), problem=str(error))

    async def _save_health(self) -> None:
        await self._rooms.servers.save_health(self.health)
        self._saved_at = self._rooms.clock.monotonic()

    async def _pause(self, seconds: float) -> None:
        """Wait for the next visit, or until woken; a refused server waits for a person alone."""
        waiting = asyncio.ensure_future(self._woken.wait())
        sleeping = asyncio.ensure_future(self._rooms.clock.sleep(seconds))
        wanted = {waiting} if self._is_stopped_by_fault else {waiting, sleeping}
        try:
            await asyncio.wait(wanted, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            sleeping.cancel()
        self._woken.clear()


def _newest(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((moment for moment in (first, second) if moment is not None), default=None)
