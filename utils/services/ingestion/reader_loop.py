"""This loop looks up the server, reads one log and waits. It repeats until it is cancelled.

After every failure the loop stores a problem in the status and tries again. The delay depends on the kind of
failure:

* **Connecting.** The log source knows the obstacle and retries for all servers that it affects. The loop
  sleeps until the obstacle changes. If only a person can fix it (``is_lasting``), the bot tells the admins
  once for all affected servers. It also tells them of ``NoSshServerError``.
* **Reading, or the database.** Tried again by this loop alone, with backoff and jitter.
* **No logs, or none that may be read.** The admins are told, and the folders are searched again at a slow
  pace.
* **Any other exception** (a bug). The admins are told once, and it is tried again like a failed reading. If
  the same failure repeats, the loop stores the next chunk in parts and skips the line that fails
  (``poison.py``).

``reader_state.py`` lists the fields, and says who writes them.
"""

from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.errors import (
    HostKeyChangedError,
    KillfeedError,
    LoginRefusedError,
    LogsMissingError,
    NoSshServerError,
    RemoteError,
    RemotePermissionError,
    StorageError,
)
from utils.log_context import bind_log_context, draw_correlation_id
from utils.models.incident_kinds import IncidentKind
from utils.models.lasting_buttons import LastingButton
from utils.models.premium import Tier, compute_poll_seconds
from utils.models.problems import Problem
from utils.models.scope import ServerScope
from utils.models.server_buttons import build_accept_button, build_test_button
from utils.models.servers import ConnectionState, GameServer, Obstacle, is_at_host
from utils.models.texts import Command, Names, Text, Value, join, text
from utils.services.ingestion.log_reader import LogReader, ReadReport, ServerLook, Visit
from utils.services.ingestion.log_source import LogAccess
from utils.services.ingestion.poison import describe_failure
from utils.services.ingestion.poll_schedule import PollSchedule
from utils.services.ingestion.reader_state import Fault, ReaderStatus
from utils.services.ports import AdminNotifier, ServerStore
from utils.services.premium.tiers import PremiumService
from utils.tasks import Failure, capture
from utils.waiting import Signal

logger = get_logger(__name__)

READ_BACKOFF = Backoff(first_seconds=2, longest_seconds=20, jitter=1)
"""The bot must announce rows written during an outage within 30 s after it ends. Hence at most 20 s."""

IMPORT_BACKOFF = Backoff(first_seconds=60, longest_seconds=600)
"""For an import that keeps failing although lines are rejected: each try counts everything again."""

MISSING_LOGS_SECONDS = 60.0  # a person must create a missing folder, so poll slowly
LOOK_SECONDS = 300.0  # an unreported change is seen after at most this time
SHARED_LOOK_SECONDS = 60.0  # the same if another process may pause the server with its premium


@dataclass(frozen=True, slots=True)
class LoopDependencies:
    """Dependencies that all reader loops share.

    Attributes:
        minimum_poll_seconds: the shortest time between two polls, at any tier.
        look_seconds: how long a server is kept in memory if no change is reported.
    """

    servers: ServerStore
    logs: LogAccess
    premium: PremiumService
    notifier: AdminNotifier
    clock: Clock
    minimum_poll_seconds: float
    look_seconds: float = LOOK_SECONDS
    schedule: PollSchedule = field(default_factory=PollSchedule)
    errors: ErrorSink = field(default_factory=LoggedErrors)


class ReaderLoop:
    """The loop over one log of a server.

    Args:
        scope: the server.
        log: the log's name, used in task names and alert keys.
        reader: reads it.
    """

    def __init__(
        self, scope: ServerScope, log: str, reader: LogReader, dependencies: LoopDependencies
    ) -> None:
        self._scope = scope
        self._log = log
        self._reader = reader
        self._state = reader.state
        self._dependencies = dependencies
        self._clock = dependencies.clock
        self._name = str(scope.server_id)  # the server's display name after the first lookup
        self._look: ServerLook | None = None
        self._changes = 0  # number of changes reported so far
        self._woken = Signal()
        self._has_recalled = False

    @property
    def server_name(self) -> str:
        """The name of the server; its id before it was looked up."""
        return self._name

    @property
    def server(self) -> GameServer | None:
        """The server as it was looked up last; None before that."""
        return None if self._look is None else self._look.server

    def refresh(self) -> None:
        """Read the server's settings again before the next visit."""
        self._changes += 1

    def wake(self) -> None:
        """Read again now, with the current settings."""
        self.refresh()
        self._woken.set()

    async def run(self) -> None:
        """Read until cancelled, or until the server is removed."""
        self.refresh()
        while True:
            with bind_log_context(
                self._scope.guild_id,
                server_id=self._scope.server_id,
                correlation_id=draw_correlation_id("p"),
            ):
                turn = await capture(self._take_turn)
                if isinstance(turn, Failure):
                    await self._pause(self._clock.sleep(await self._after_surprise(turn.error)))
                elif not turn:
                    return

    async def _take_turn(self) -> bool:
        """Read once and wait. Return False if the server was removed."""
        found = await self._look_up()
        if found is None:
            return False
        look, tier = found
        delay = await self._visit(look, tier)
        logs = self._dependencies.logs
        if self._state.fault is not None and logs.find_obstacle(self._scope) is not None:
            await self._pause(logs.wait_for_way(self._scope, guild_limit=tier.servers))
        else:
            await self._pause(self._clock.sleep(delay))
        return True

    async def _look_up(self) -> tuple[ServerLook, Tier] | None:
        """Return the current server and its guild's tier; None if the server was removed."""
        while True:
            try:
                await self._reader.recall()
                await self._recall_alerts()
                look = await self._find_look()
                if look is None:
                    return None
                self._name = look.server.name
                return look, await self._dependencies.premium.get_tier(self._scope.guild_id)
            except StorageError as error:
                # do not save the health: the stored health may not be loaded yet
                fault, _ = self._note_failure(error, ConnectionState.RETRYING)
                await self._pause(self._clock.sleep(self._plan_retry(fault, 0.0)))

    async def _recall_alerts(self) -> None:
        """Take over the open alerts of an earlier process once, so that this loop can close them."""
        if not self._has_recalled:
            self._state.told |= await self._dependencies.notifier.list_reported(self._scope)
            self._has_recalled = True

    async def _find_look(self) -> ServerLook | None:
        """Return the server from memory; read it again after a reported change or after some minutes."""
        now, changes, known = self._clock.monotonic(), self._changes, self._look
        seconds = self._dependencies.look_seconds
        if known is not None and known.changes == changes and now - known.looked_at < seconds:
            return known
        server = await self._dependencies.servers.find_server(self._scope)
        self._look = None if server is None else ServerLook(server, now, changes)
        return self._look

    async def _find_current(self, look: ServerLook) -> GameServer:
        """Return the current server. It may have changed since this visit began."""
        if look.changes == self._changes:
            return look.server
        return await self._dependencies.servers.find_server(self._scope) or look.server

    async def _visit(self, look: ServerLook, tier: Tier) -> float:
        """Read the log once; return the seconds until the next visit."""
        dependencies = self._dependencies
        interval = compute_poll_seconds(tier, minimum_seconds=dependencies.minimum_poll_seconds)
        if look.server.is_paused:
            await self._rest()
            return interval
        find_current = partial(self._find_current, look)
        try:
            report = await self._reader.read(Visit(look, tier.servers, self._state.passes_over, find_current))
        except RemoteError as error:
            if isinstance(error, LogsMissingError | RemotePermissionError):
                return await self._after_failure(error, ConnectionState.NO_LOGS, interval)
            state = ConnectionState.REFUSED if error.is_lasting else ConnectionState.RETRYING
            return await self._after_failure(error, state, interval)
        except KillfeedError as error:
            return await self._after_failure(error, ConnectionState.RETRYING, interval)
        await self._after_success(report)
        return dependencies.schedule.compute_pause_seconds(
            self._scope.guild_id, now_seconds=self._clock.monotonic(), interval_seconds=interval
        )

    async def _rest(self) -> None:
        """Set the status to paused and forget the login."""
        self.refresh()
        if self._state.status.state is ConnectionState.PAUSED:
            return
        self._dependencies.logs.forget(self._scope)
        self._state.status = ReaderStatus(ConnectionState.PAUSED)
        await self._mend()
        logger.info("game server is paused", scope=str(self._scope), log=self._log)
        await self._try_to_save(is_urgent=True)

    async def _after_success(self, report: ReadReport) -> None:
        if report.is_history:
            self.refresh()
        before = self._state.status
        self._state.status = ReaderStatus(ConnectionState.CONNECTED, report.problem)
        if await self._mend():
            logger.info("game server is read again", scope=str(self._scope), log=self._log)
        if report.problem and report.problem != before.problem:
            logger.warning(
                "part of the logs is not read",
                scope=str(self._scope),
                log=self._log,
                problem=str(report.problem),
            )
        is_changed = before.state is not ConnectionState.CONNECTED or before.problem != report.problem
        await self._try_to_save(is_urgent=is_changed)

    async def _after_failure(self, error: KillfeedError, state: ConnectionState, interval: float) -> float:
        self.refresh()
        fault, is_news = self._note_failure(error, state)
        if state in (ConnectionState.REFUSED, ConnectionState.NO_LOGS) or isinstance(error, NoSshServerError):
            await self._tell_obstacle(error)
        elif not _may_pass(error):
            await self._tell_unread(_find_problem(error))
        delay = self._plan_retry(fault, interval)
        if is_news:
            await self._try_to_save(is_urgent=True)
        return delay

    async def _after_surprise(self, error: BaseException) -> float:
        """Record an unexpected exception, show it and alert the admins. Return the delay in seconds."""
        self.refresh()
        problem = Problem.SURPRISE.say(failure=describe_failure(error))
        fault, is_news = self._note_failure(error, ConnectionState.RETRYING, surprise=problem)
        await self._tell_unread(problem)
        delay = self._plan_retry(fault, 0.0)
        if is_news:
            await self._try_to_save(is_urgent=True)
        return delay

    def _note_failure(
        self, error: BaseException, state: ConnectionState, *, surprise: Text | None = None
    ) -> tuple[Fault, bool]:
        """Record the failure in the state. Also return whether the status changed."""
        self._dependencies.errors.report(error, where=self._find_where(ErrorSource.WATCH))
        status = ReaderStatus(state, surprise or _find_problem(error))
        fault, is_news, is_logged = self._state.fail(error, status, now=self._clock.monotonic())
        if is_logged:
            logger.warning(
                "game server is not read",
                scope=str(self._scope),
                log=self._log,
                problem=str(error if surprise is None else surprise),
                failures=fault.failures,
            )
        return fault, is_news

    async def _tell_unread(self, problem: Text) -> None:
        obstacle = self._dependencies.logs.find_obstacle(self._scope)
        names = (self._reader.describe(self._name),)
        await self._tell(obstacle, names, problem, IncidentKind.SERVER_LOGS)

    async def _tell_obstacle(self, error: KillfeedError) -> None:
        """Alert the admins, with the button that mends it; servers behind one obstacle share the alert."""
        obstacle = self._dependencies.logs.find_obstacle(self._scope)
        names: tuple[str, ...] = (self._name,)
        if obstacle is not None and obstacle.matter not in self._state.told:
            names = await self._name_neighbours()
        server_id = self._scope.server_id
        is_key = isinstance(error, HostKeyChangedError)
        button = build_accept_button(server_id) if is_key else build_test_button(server_id)
        problem = _find_problem(error)
        if isinstance(error, LoginRefusedError):
            edit = Command("admin server edit", "new_password:True")
            problem = join([problem, text("Enter a new password with {edit}.", edit=edit)])
        await self._tell(obstacle, names, problem, _choose_kind(error), button)

    async def _name_neighbours(self) -> tuple[str, ...]:
        """Return the names of the servers at this host; if they cannot be read, only that of this one."""
        guild_id, servers = self._scope.guild_id, self._dependencies.servers
        try:
            known = await servers.list_servers(guild_id)
        except StorageError as error:
            logger.info("an alert names one server alone", scope=str(self._scope), problem=str(error))
            self._dependencies.errors.report(error, where=self._find_where(ErrorSource.DATABASE))
            return (self._name,)
        own = next((server for server in known if server.scope == self._scope), None)
        if own is None:
            return (self._name,)
        return tuple(one.name for one in known if is_at_host(one, own) and not one.is_paused)

    async def _tell(
        self,
        obstacle: Obstacle | None,
        names: tuple[Value, ...],
        problem: Text,
        kind: IncidentKind,
        *buttons: LastingButton,
    ) -> None:
        matter = f"{self._log}:{self._scope}" if obstacle is None else obstacle.matter
        self._state.told.add(matter)
        said = text("**{servers}**: {problem}", servers=Names(names), problem=problem)
        await self._dependencies.notifier.notify(
            self._scope.guild_id, said, matter, buttons=buttons, kind=kind, server_id=self._scope.server_id
        )

    async def _mend(self) -> bool:
        """Clear the fault and its alerts. Return whether there was one."""
        had_failed, self._state.fault = self._state.fault is not None, None
        told, self._state.told = self._state.told, set()
        for matter in sorted(told):
            await self._dependencies.notifier.clear(self._scope.guild_id, matter)
        return had_failed

    def _plan_retry(self, fault: Fault, interval: float) -> float:
        """Return the seconds until this loop tries again, and show the time in the status."""
        if fault.last.state is ConnectionState.NO_LOGS:
            delay = max(interval, MISSING_LOGS_SECONDS)
        else:
            delay = max(interval, READ_BACKOFF.compute_seconds(fault.failures))
            if self._reader.is_importing and fault.vain_tries:
                delay = max(delay, IMPORT_BACKOFF.compute_seconds(fault.vain_tries))
        self._state.status = replace(fault.last, next_try_at=self._clock.now() + timedelta(seconds=delay))
        return delay

    async def _try_to_save(self, *, is_urgent: bool) -> None:
        try:
            await self._reader.save(is_urgent=is_urgent)
        except StorageError as error:
            logger.warning("health is not saved", scope=str(self._scope), problem=str(error))
            self._dependencies.errors.report(error, where=self._find_where(ErrorSource.DATABASE))

    def _find_where(self, source: ErrorSource) -> Where:
        host = None
        if self._look is not None:
            host = f"{self._look.server.host}:{self._look.server.port}"
        scope = self._scope
        return Where(
            source=source,
            guild_id=scope.guild_id,
            server_id=scope.server_id,
            task=f"read:{self._log}",
            host=host,
        )

    async def _pause(self, until: Coroutine[None, None, None]) -> None:
        """Wait for the next visit, or until woken."""
        await self._woken.wait_beside(until)
        self._woken.clear()


def _find_problem(error: BaseException) -> Text:
    """Return the text that users see. MongoDB's own message goes only to the bot's log."""
    if isinstance(error, StorageError):
        return (Problem.DATABASE_AWAY if error.may_pass else Problem.DATABASE_REFUSES).say()
    failure = describe_failure(error)
    return failure if isinstance(failure, Text) else Problem.SURPRISE.say(failure=failure)


def _choose_kind(error: KillfeedError) -> IncidentKind:
    """Return the kind of incident of an obstacle."""
    if isinstance(error, HostKeyChangedError):
        return IncidentKind.SERVER_HOSTKEY
    has_no_logs = isinstance(error, LogsMissingError | RemotePermissionError)
    return IncidentKind.SERVER_LOGS if has_no_logs else IncidentKind.SERVER_LOGIN


def _may_pass(error: KillfeedError) -> bool:
    """Tell whether the failure may pass without a person."""
    return error.may_pass if isinstance(error, StorageError) else isinstance(error, RemoteError)
