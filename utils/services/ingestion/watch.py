"""Watching: the loop over one game server - import what is waiting, then poll for ever.

Every failure ends in a sentence in the server's health and another try later. Which, depends on what failed:

* **Connecting.** The log source knows what is in the way (``Obstacle``) and tries for all servers behind it.
  The watch waits until that has changed, and costs nothing meanwhile. What only a person can mend
  (``RemoteError.is_lasting``) is told to the admins, once for all servers that suffer from it; so is
  what may need one (``NoSshServerError``).
* **Reading, or the database.** Tried again by this watch alone, with backoff and jitter.
* **No logs, or none that may be read.** Told to the admins, and looked for again at a slow pace.
* **Anything else**, also what nobody thought of. Told to the admins once, and tried again like a failed
  reading. When it comes back unchanged, what is read next is stored in parts, and the line that cannot be
  stored is passed over (``poison.py``).
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from structlog import get_logger

from utils.backoff import Backoff
from utils.errors import (
    KillfeedError,
    LogsMissingError,
    NoSshServerError,
    RemoteError,
    RemotePermissionError,
    StorageError,
)
from utils.models.deaths import DeathKind, LogFile
from utils.models.guilds import ChannelKind
from utils.models.notices.outbox import WAITING_MAXIMUM
from utils.models.premium import Tier, compute_poll_seconds
from utils.models.quantities import write_quantity
from utils.models.reading import Cursor, ImportJob, ImportProgress
from utils.models.scope import ServerScope
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.services.ingestion.live import PollOutcome
from utils.services.ingestion.poison import FAILURES_BEFORE, describe_failure, is_poison
from utils.services.ingestion.reading import HistoryLogs
from utils.services.ingestion.watch_rooms import WatchRooms, WatchSettings
from utils.tasks import Failure, capture
from utils.waiting import wait_for_first

logger = get_logger(__name__)

READ_BACKOFF = Backoff(first_seconds=2, longest_seconds=20, jitter=1)
"""What is written during an outage is to be announced within 30 s of its end."""

IMPORT_BACKOFF = Backoff(first_seconds=60, longest_seconds=600)
"""An import that still fails in the same way while lines are passed over: each try counts all anew."""

MISSING_LOGS_SECONDS = 60.0  # a folder that is not there appears by somebody's hand, not by itself
SAVE_HEALTH_SECONDS = 30.0  # the durable times of the last read and kill may lag this much behind
REFRESH_SECONDS = 60.0  # a change of the server by another process is noticed so late
LOG_SECONDS = 600.0  # a fault that stays the same is logged again after so long
LEFT_OUT = (
    "{} about {} had no room: {:,} others wait for their channel already, so I left them out. The statistics "
    "are complete. Choose fewer kinds of death with /admin server announce, or see why the channel is slow."
)
SURPRISE = "Reading failed unexpectedly ({}). I try again by myself; the log of the bot says where it failed."


@dataclass(frozen=True, slots=True)
class Known:
    """What a poll found and the next one need not read again: a quiet server costs no look at the database.

    Attributes:
        looked_at: when the server was read, in monotonic seconds.
    """

    server: GameServer
    cursors: Mapping[LogFile, Cursor]
    looked_at: float


class ServerWatch:
    """The loop over one game server; ``health`` is always readable."""

    def __init__(self, scope: ServerScope, rooms: WatchRooms, settings: WatchSettings) -> None:
        self.scope = scope
        self.health = ServerHealth(scope)
        self._rooms = rooms
        self._settings = settings
        self._name = str(scope.server_id)  # as people know it, once it was read
        self._failures = 0
        self._last_failure: tuple[ConnectionState, str] | None = None
        self._repeats = 0  # how often it came, each time the same
        self._is_importing = False  # when it failed
        self._may_be_poison = False
        self._saved_at = -SAVE_HEALTH_SECONDS
        self._logged_at = -LOG_SECONDS
        self._told_matter: str | None = None
        self._known: Known | None = None
        self._changes = 0  # told of so far
        self._looked_at = (0.0, 0)  # when the server was read, and after how many changes
        self._woken = asyncio.Event()

    @property
    def told_matter(self) -> str | None:
        """What the admins were told of that is not mended."""
        return self._told_matter

    def refresh(self) -> None:
        """The server's settings were changed: look at them before the next poll."""
        self._known = None
        self._changes += 1

    def wake(self) -> None:
        """Something was changed for this server: read again now, with its settings as they are."""
        self.refresh()
        self._rooms.logs.renew(self.scope)
        self._woken.set()

    def with_counts(self, stored: ServerHealth) -> ServerHealth:
        """Return the health as it is now, with the counts of lines as they are stored."""
        obstacle = self._rooms.logs.find_obstacle(self.scope)
        return replace(
            self.health,
            lines_read=stored.lines_read,
            lines_rejected=stored.lines_rejected,
            next_try_at=self.health.next_try_at if obstacle is None else obstacle.next_try_at,
        )

    async def run(self) -> None:
        """Watch until cancelled, or until the server is no longer there."""
        self.refresh()
        while True:
            turn = await capture(self._take_turn)
            if isinstance(turn, Failure):
                await self._pause(self._rooms.clock.sleep(await self._after_surprise(turn.error)))
            elif not turn:
                return

    async def _take_turn(self) -> bool:
        """Visit the server and wait for the next visit; tell whether it is still there."""
        found = await self._look_up()
        if found is None:
            return False
        delay = await self._visit(*found)
        if self._failures and self._rooms.logs.find_obstacle(self.scope) is not None:
            _, tier = found
            await self._pause(self._rooms.logs.wait_for_way(self.scope, guild_limit=tier.servers))
        else:
            await self._pause(self._rooms.clock.sleep(delay))
        return True

    async def _look_up(self) -> tuple[GameServer, Tier] | None:
        """Return the server as it is now and its guild's tier; None when it is no longer there."""
        while True:
            try:
                if self.health.last_read_at is None:
                    self.health = await self._rooms.servers.get_health(self.scope)
                server = await self._find_server()
                if server is None:
                    return None
                self._name = server.name
                return server, await self._rooms.premium.get_tier(self.scope.guild_id)
            except StorageError as error:
                # nothing is saved: what is stored of this server may not be known yet
                self._note_failure(error, ConnectionState.RETRYING)
                await self._pause(self._rooms.clock.sleep(self._plan_retry(0.0)))

    async def _find_server(self) -> GameServer | None:
        """Return the server as it is; what nobody told of is noticed a minute late."""
        now = self._rooms.clock.monotonic()
        if self._known is not None and now - self._known.looked_at < REFRESH_SECONDS:
            return self._known.server
        self._known = None
        self._looked_at = (now, self._changes)
        return await self._rooms.servers.find_server(self.scope)

    async def _visit(self, server: GameServer, tier: Tier) -> float:
        """Import or poll once; return seconds from then until the next visit."""
        interval = compute_poll_seconds(tier, minimum_seconds=self._settings.minimum_poll_seconds)
        if server.is_paused:
            await self._rest()
            return interval
        try:
            outcome = await self._read(server, tier)
        except RemoteError as error:
            if isinstance(error, LogsMissingError | RemotePermissionError):
                return await self._after_failure(error, ConnectionState.NO_LOGS, interval)
            state = ConnectionState.REFUSED if error.is_lasting else ConnectionState.RETRYING
            return await self._after_failure(error, state, interval)
        except KillfeedError as error:
            return await self._after_failure(error, ConnectionState.RETRYING, interval)
        await self._after_success(outcome)
        return self._rooms.schedule.compute_pause_seconds(
            self.scope.guild_id, now_seconds=self._rooms.clock.monotonic(), interval_seconds=interval
        )

    async def _rest(self) -> None:
        """Note that the server is paused, and keep nothing of its login; what was read stays known."""
        if self.health.state is ConnectionState.PAUSED:
            return
        self._rooms.logs.forget(self.scope)
        self.health = replace(self.health, state=ConnectionState.PAUSED, problem=None, next_try_at=None)
        await self._settle()
        logger.info("game server is paused", scope=str(self.scope))
        await self._try_to_save_health()

    async def _read(self, server: GameServer, tier: Tier) -> PollOutcome:
        known, self._known = self._known, None  # after a failure the next poll reads everything
        self._is_importing = False
        passes_over = self._may_be_poison and self._repeats >= FAILURES_BEFORE
        async with self._rooms.logs.open(server, guild_limit=tier.servers) as logs:
            folder = self._rooms.logs.get_log_folder(self.scope)
            if known is None and folder is not None:
                await self._rooms.places.settle(server, folder)
            job = None if known else await self._rooms.imports.find_import(self.scope)
            if job is not None:
                self._is_importing = True
                await self._import(server, logs, job, passes_over=passes_over)
                return PollOutcome()
            outcome = await self._rooms.live.poll(
                server,
                logs,
                last_read_at=self.health.last_read_at,
                find_posted=partial(self._find_posted, server),
                cursors=known.cursors if known else None,
                passes_over=passes_over,
            )
        looked_at, changes = self._looked_at
        if changes == self._changes:
            self._known = Known(server, outcome.cursors, looked_at)
        return outcome

    async def _find_posted(self, server: GameServer) -> frozenset[DeathKind]:
        """Return which deaths are posted as it is set now: this poll may have begun before a change."""
        if await self._rooms.channels.find_channel(self.scope, ChannelKind.KILLFEED) is None:
            return frozenset()
        _, changes = self._looked_at
        if changes != self._changes:
            server = await self._rooms.servers.find_server(self.scope) or server
        return server.posted_deaths

    async def _import(
        self, server: GameServer, logs: HistoryLogs, job: ImportJob, *, passes_over: bool
    ) -> None:
        self.health = replace(self.health, state=ConnectionState.CONNECTED, problem=None, next_try_at=None)

        async def show(progress: ImportProgress) -> None:
            await self._rooms.progress.show(server, job, progress)

        await self._rooms.history.run(server, logs, job, on_progress=show, passes_over=passes_over)
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
            next_try_at=None,
        )
        if await self._settle():
            logger.info("game server is read again", scope=str(self.scope))
        await self._tell_left_out(outcome)
        if outcome.problem and outcome.problem != before.problem:
            logger.warning("part of the logs is not read", scope=str(self.scope), problem=outcome.problem)
        is_changed = before.state is not ConnectionState.CONNECTED or before.problem != outcome.problem
        if is_changed or self._rooms.clock.monotonic() - self._saved_at >= SAVE_HEALTH_SECONDS:
            await self._try_to_save_health()

    async def _tell_left_out(self, outcome: PollOutcome) -> None:
        """Tell once that posts were left out, until posts are taken again."""
        guild_id, key = self.scope.guild_id, f"full:{self.scope}"
        if outcome.left_out:
            sentence = LEFT_OUT.format(write_quantity(outcome.left_out, "post"), self._name, WAITING_MAXIMUM)
            await self._rooms.notifier.notify(guild_id, sentence, key)
            logger.warning("posts are left out", scope=str(self.scope), posts=outcome.left_out)
        elif outcome.deaths:
            await self._rooms.notifier.clear(guild_id, key)

    async def _after_failure(self, error: KillfeedError, state: ConnectionState, interval: float) -> float:
        is_news = self._note_failure(error, state)
        if state in (ConnectionState.REFUSED, ConnectionState.NO_LOGS) or isinstance(error, NoSshServerError):
            await self._tell(str(error))
        elif not _may_pass(error):
            await self._tell(f"{self._name} is not read: {error}")
        delay = self._plan_retry(interval)
        if is_news:
            await self._try_to_save_health()
        return delay

    async def _after_surprise(self, error: BaseException) -> float:
        """Note, show and tell a failure that nobody thought of; return seconds until the next visit."""
        self.refresh()
        problem = SURPRISE.format(describe_failure(error))
        is_news = self._note_failure(error, ConnectionState.RETRYING, surprise=problem)
        await self._tell(f"{self._name} is not read: {problem}")
        delay = self._plan_retry(0.0)
        if is_news:
            await self._try_to_save_health()
        return delay

    def _note_failure(
        self, error: BaseException, state: ConnectionState, *, surprise: str | None = None
    ) -> bool:
        """Note it in the health, a surprise by its own sentence; return whether that says something new."""
        problem = surprise or str(error)
        self._failures += 1
        self._may_be_poison = is_poison(error)
        is_news = (self.health.state, self.health.problem) != (state, problem)
        failure = state, problem
        self._repeats = self._repeats + 1 if failure == self._last_failure else 1
        self._last_failure = failure
        self.health = replace(self.health, state=state, problem=problem, next_try_at=None)
        now = self._rooms.clock.monotonic()
        if self._repeats == 1 or now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            logger.warning(
                "game server is not read",
                scope=str(self.scope),
                problem=problem,
                failures=self._failures,
                exc_info=error if surprise else None,
            )
        return is_news

    async def _tell(self, sentence: str) -> None:
        """Tell the admins; servers that suffer from the same thing tell it once."""
        obstacle = self._rooms.logs.find_obstacle(self.scope)
        self._told_matter = f"watch:{self.scope}" if obstacle is None else obstacle.matter
        await self._rooms.notifier.notify(self.scope.guild_id, sentence, self._told_matter)

    async def _settle(self) -> bool:
        """Note that the faults are over; return whether there were any."""
        had_failed, self._failures = self._failures > 0, 0
        self._last_failure, self._repeats, self._may_be_poison = None, 0, False
        if self._told_matter is not None:
            await self._rooms.notifier.clear(self.scope.guild_id, self._told_matter)
            self._told_matter = None
        return had_failed

    def _plan_retry(self, interval: float) -> float:
        """Return seconds until this watch tries again by itself, and show the time in the health."""
        if self.health.state is ConnectionState.NO_LOGS:
            delay = max(interval, MISSING_LOGS_SECONDS)
        else:
            delay = max(interval, READ_BACKOFF.compute_seconds(self._failures))
            vain = self._repeats - FAILURES_BEFORE  # tries of an import that passed over what it could
            if self._is_importing and self._may_be_poison and vain > 0:
                delay = max(delay, IMPORT_BACKOFF.compute_seconds(vain))
        next_try_at = self._rooms.clock.now() + timedelta(seconds=delay)
        self.health = replace(self.health, next_try_at=next_try_at)
        return delay

    async def _try_to_save_health(self) -> None:
        try:
            await self._save_health()
        except StorageError as error:
            logger.warning("health is not saved", scope=str(self.scope), problem=str(error))

    async def _save_health(self) -> None:
        await self._rooms.servers.save_health(self.health)
        self._saved_at = self._rooms.clock.monotonic()

    async def _pause(self, until: Coroutine[None, None, None]) -> None:
        """Wait for the next visit, or until woken."""
        await wait_for_first(until, self._woken.wait())
        self._woken.clear()


def _may_pass(error: KillfeedError) -> bool:
    """Tell whether a failure ends by itself, as far as anybody knows."""
    return error.may_pass if isinstance(error, StorageError) else isinstance(error, RemoteError)


def _newest(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((moment for moment in (first, second) if moment is not None), default=None)
