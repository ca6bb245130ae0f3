"""The death log's reader: runs a waiting import or polls, and knows which deaths to post."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.models.deaths import LogFile
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.notices.outbox import WAITING_MAXIMUM
from utils.models.reading import Cursor, ImportJob, ImportProgress
from utils.models.scope import ServerScope
from utils.models.servers import ConnectionState, GameServer, PostedDeaths, ServerHealth
from utils.models.texts import Command, Number, Text, plural
from utils.services.ingestion.history import HistoryImport, ImportJobs
from utils.services.ingestion.live import LiveIngestion, PollOutcome
from utils.services.ingestion.log_reader import ReadReport, ServerLook, Visit
from utils.services.ingestion.log_source import DeathLogs, LogAccess
from utils.services.ingestion.reader_state import ReaderState, ReaderStatus
from utils.services.ports import AdminNotifier, ChannelFinder, ServerStore
from utils.services.servers.log_places import LogPlaces

logger = get_logger(__name__)

DEATH_LOG = "deaths"
LEFT_OUT_SECONDS = 60.0  # between two looks at logs that a catch-up could not read
SAVE_HEALTH_SECONDS = 300.0  # stored times may be this much out of date
AGE_PART = 12  # and at most by this part of the age of news, which depends on them
REMOVED = ImportProgress(0, 0, 0, 0, 0, 0.0, is_done=True, is_removed=True)


class ProgressReporter(Protocol):  # implemented by ImportMessages
    """Shows the progress of an import."""

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Take the newest progress; it must not delay the import."""


@dataclass(frozen=True, slots=True)
class DeathLogDependencies:
    """Dependencies that the readers of all death logs share."""

    servers: ServerStore
    imports: ImportJobs
    logs: LogAccess
    places: LogPlaces
    live: LiveIngestion
    history: HistoryImport
    channels: ChannelFinder
    notifier: AdminNotifier
    progress: ProgressReporter
    max_announce_age: timedelta
    clock: Clock

    @property
    def save_seconds(self) -> float:
        """How much the stored times may be out of date."""
        return min(SAVE_HEALTH_SECONDS, self.max_announce_age.total_seconds() / AGE_PART)


@dataclass(frozen=True, slots=True)
class _KnownServer:
    """Cached data from the last poll, so a quiet poll needs no database read."""

    look: ServerLook
    folder: str | None
    cursors: Mapping[LogFile, Cursor]
    left_out: ImportJob | None = None


@dataclass(frozen=True, slots=True)
class _Times:
    """Times of the last read (same fields as ``ServerHealth``)."""

    last_read_at: datetime | None = None
    lag_seconds: float | None = None


class DeathLogReader:
    """Reads the death logs of one game server.

    Attributes:
        is_importing: the last visit was one to history.
    """

    state: ReaderState
    is_importing: bool

    def __init__(self, scope: ServerScope, dependencies: DeathLogDependencies) -> None:
        self._scope = scope
        self._dependencies = dependencies
        self._clock = dependencies.clock
        self.state = ReaderState()
        self._times = _Times()
        self._known: _KnownServer | None = None
        self.is_importing = False
        self._saved_at = self._looked_at = -math.inf
        self._is_full_told = False

    def describe(self, server_name: str) -> str:
        """Return the server's name. By a server's log, people mean its death log."""
        return server_name

    def add_health(self, health: ServerHealth) -> ServerHealth:
        """Return the health of the server, with the state and times of this log."""
        status, times = self.state.status, self._times
        return replace(
            health,
            state=status.state,
            problem=status.problem,
            next_try_at=status.next_try_at,
            last_read_at=times.last_read_at,
            lag_seconds=times.lag_seconds,
        )

    def list_told(self) -> frozenset[str]:
        """Return the keys of the alerts that are still open."""
        return frozenset(self.state.told | ({self._full_matter} if self._is_full_told else set()))

    @property
    def _full_matter(self) -> str:
        return f"full:{self._scope}"

    async def recall(self) -> None:
        """Load the stored health, unless the log was read already."""
        if self._times.last_read_at is None:
            stored = await self._dependencies.servers.get_health(self._scope)
            self.state.status = ReaderStatus(stored.state, stored.problem)
            self._times = _Times(stored.last_read_at, stored.lag_seconds)

    async def save(self, *, is_urgent: bool) -> None:
        """Store the health; if it did not change, only every few minutes."""
        now = self._clock.monotonic()
        if is_urgent or now - self._saved_at >= self._dependencies.save_seconds:
            await self._dependencies.servers.save_health(self.add_health(ServerHealth(self._scope)))
            self._saved_at = now

    async def read(self, visit: Visit) -> ReadReport:
        """Run the waiting import, else poll."""
        known, self._known = self._known, None  # after a failure the next poll reads everything
        self.is_importing = False
        dependencies, server = self._dependencies, visit.look.server
        async with dependencies.logs.open(server, guild_limit=visit.guild_limit) as logs:
            folder = dependencies.logs.get_log_folder(self._scope)
            if known is not None and (known.look is not visit.look or known.folder != folder):
                known = None
            if known is None and folder is not None:
                await dependencies.places.note_folder(server, folder)
            job = None if known else await dependencies.imports.find_import(self._scope)
            if job is not None and job.is_waiting:
                job = await dependencies.history.prepare_waiting(server, logs, job)
            left_out = known.left_out if known else await dependencies.imports.find_left_out(self._scope)
            if job is None and left_out is not None:
                job = await self._look_at_left_out(server, logs, left_out)
            if job is not None:
                self.is_importing = True
                await self._import(server, logs, job, passes_over=visit.passes_over)
                if not job.keeps_last_read:  # else the poll goes on as if the replaced database did
                    self._note_read(PollOutcome())
                return ReadReport(is_history=True)
            outcome = await dependencies.live.poll(
                server,
                logs,
                last_read_at=self._times.last_read_at,
                find_posted=partial(self._find_posted, visit),
                cursors=known.cursors if known else None,
                held=left_out.ends if left_out else (),
                passes_over=visit.passes_over,
            )
        self._known = _KnownServer(visit.look, folder, outcome.cursors, left_out)
        self._note_read(outcome)
        await self._tell_left_out(server, outcome)
        return ReadReport(outcome.problem)

    async def _look_at_left_out(
        self, server: GameServer, logs: DeathLogs, left_out: ImportJob
    ) -> ImportJob | None:
        """Return the catch-up with logs that could not be read before, if one of them can be read now."""
        now = self._clock.monotonic()
        if now - self._looked_at < LEFT_OUT_SECONDS:
            return None
        self._looked_at = now
        return await self._dependencies.history.prepare_left_out(server, logs, left_out)

    async def _find_posted(self, visit: Visit) -> PostedDeaths:
        """Return the deaths that are posted by the current settings."""
        channels, scope = self._dependencies.channels, self._scope
        channel_id = await channels.find_channel(scope, ChannelKind.KILLFEED)
        if channel_id is None:
            return PostedDeaths()
        posted = (await visit.find_current()).posted_deaths
        style = await channels.find_style(scope.guild_id, channel_id)
        return replace(posted, delay=style.delay, min_distance=style.min_distance)

    async def _import(
        self, server: GameServer, logs: DeathLogs, job: ImportJob, *, passes_over: bool
    ) -> None:
        self.state.status = ReaderStatus(ConnectionState.CONNECTED)

        async def show(progress: ImportProgress) -> None:
            await self._dependencies.progress.show(server, job, progress)

        await self._dependencies.history.run(server, logs, job, on_progress=show, passes_over=passes_over)
        # the import stops at the old sizes; rows after them are judged by the job's start time
        self._times = replace(self._times, last_read_at=self._times.last_read_at or job.started_at)
        await self.save(is_urgent=True)

    def _note_read(self, outcome: PollOutcome) -> None:
        """Note that the log was read just now, and how late its newest rows came."""
        now, before = self._clock.now(), self._times
        lag = before.lag_seconds
        if outcome.deaths and before.last_read_at is not None:
            lag = max(0.0, (now - before.last_read_at).total_seconds())  # the clock may have been set back
        self._times = _Times(now, lag)

    async def _tell_left_out(self, server: GameServer, outcome: PollOutcome) -> None:
        """Alert the admins once when posts are dropped. Clear the alert when there is room again."""
        notifier, guild_id = self._dependencies.notifier, self._scope.guild_id
        if outcome.left_out:
            self._is_full_told = True
            said = describe_left_out(outcome.left_out, server.name)
            await notifier.notify(guild_id, said, self._full_matter, kind=IncidentKind.CHANNEL_UNUSABLE)
            logger.warning("posts are left out", scope=str(self._scope), posts=outcome.left_out)
        elif outcome.deaths:
            self._is_full_told = False
            await notifier.clear(guild_id, self._full_matter)

    async def note_removal(self) -> None:
        """Show in the progress message of an import that it ends here."""
        job = await self._dependencies.imports.find_import(self._scope)
        server = await self._dependencies.servers.find_server(self._scope)
        if job is not None and server is not None:
            await self._dependencies.progress.show(server, job, REMOVED)


def describe_left_out(posts: int, server_name: str) -> Text:
    """Return the alert for a channel that has no room for more posts."""
    return plural(
        "I left out {count} post about {server}: {waiting} others are still waiting for that channel. The "
        "stats are complete. Choose fewer kinds of death with {announce}, or see why "
        "the channel is slow.",
        "I left out {count} posts about {server}: {waiting} others are still waiting for that channel. The "
        "stats are complete. Choose fewer kinds of death with {announce}, or see why "
        "the channel is slow.",
        posts,
        server=server_name,
        waiting=Number(WAITING_MAXIMUM),
        announce=Command("admin server announce"),
    )
