"""Probes of the bot's work: tasks, the lease, game hosts and servers, posts that wait."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

from utils.clock import Clock
from utils.events import DeathsStored
from utils.models.health import DirectState, OutboxState, ServerReading
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Finding, IncidentKey
from utils.models.scope import GuildId, ServerScope
from utils.models.texts import Number, Span, Text, plural, text
from utils.tasks import TaskReport
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.measuring import judge, say_well

UNREAD_INTERVALS = 10
CLOCK_ROWS = 20


def probe_tasks(list_reports: Callable[[], Sequence[TaskReport]], clock: Clock) -> Probe:
    """Return the probe of background tasks that fail again and again."""
    kind = IncidentKind.TASK_FAILING

    async def look() -> Sequence[Finding]:
        now, found = clock.monotonic(), []
        for report in list_reports():
            if report.failing_since is None:
                continue
            seconds = now - report.failing_since if report.is_critical else 0.0
            said = plural(
                "{task} failed {count} time in a row.",
                "{task} failed {count} times in a row.",
                report.errors_in_a_row,
                task=report.name,
            )
            found.append(
                judge(
                    kind,
                    said,
                    subject=report.name,
                    errors_in_a_row=report.errors_in_a_row,
                    failing_seconds=seconds,
                )
            )
        return [one for one in found if one.state] or say_well(kind, text("No task keeps failing."))

    return Probe(kind=kind, look=look)


def probe_lease(get_renewed_at: Callable[[], float], clock: Clock) -> Probe:
    """Return the probe of the lease; ``get_renewed_at`` returns when it was renewed last, monotonic."""
    kind = IncidentKind.LEASE_LATE

    async def look() -> Sequence[Finding]:
        seconds = clock.monotonic() - get_renewed_at()
        said = text("The lease was renewed {count} s ago.", count=Number(seconds))
        return (judge(kind, said, seconds=seconds),)

    return Probe(kind=kind, look=look)


def probe_hosts(list_away: Callable[[], Mapping[str, frozenset[GuildId]]]) -> Probe:
    """Return the probe of hosts that are away for several guilds; ``list_away`` names no host."""
    kind = IncidentKind.HOST_AWAY

    async def look() -> Sequence[Finding]:
        found = [
            judge(
                kind,
                plural(
                    "A game host is away for {count} community.",
                    "A game host is away for {count} communities.",
                    len(guilds),
                ),
                subject=host,
                guilds=len(guilds),
            )
            for host, guilds in list_away().items()
        ]
        return [one for one in found if one.state] or say_well(
            kind, text("No game host is away for several communities.")
        )

    return Probe(kind=kind, look=look)


def probe_unread(
    list_readings: Callable[[], Sequence[ServerReading]], *, interval_seconds: float, clock: Clock
) -> Probe:
    """Return the probe of game servers that are not read.

    Args:
        list_readings: lists how the servers are read.
        interval_seconds: the shortest time between two polls, by the configuration. At any tier ten polls
            are five minutes at most.
        clock: the clock.
    """
    kind, began_at = IncidentKind.SERVER_UNREAD, clock.now()

    async def look() -> Sequence[Finding]:
        now, found = clock.now(), []
        for one in list_readings():
            seconds = (now - (one.last_read_at or began_at)).total_seconds()
            if one.is_explained or seconds < UNREAD_INTERVALS * interval_seconds:
                continue
            said = text("**{server}** hasn't been read for {span}.", server=one.name, span=_measure(seconds))
            scope = one.scope
            found.append(judge(kind, said, subject=scope.server_id, guild_id=scope.guild_id, seconds=seconds))
        return [one for one in found if one.state] or say_well(kind, text("I can read every game server."))

    return Probe(kind=kind, look=look)


@dataclass(eq=False, slots=True)
class ServerClocks:
    """How far the times of the newest rows of each game server are from the moments they were read.

    Attributes:
        offsets: seconds, of the last live rows.
        stored: all live deaths since the start.
    """

    clock: Clock
    stored: int = 0
    offsets: dict[ServerScope, deque[float]] = field(default_factory=dict)

    def on_deaths_stored(self, event: DeathsStored) -> None:
        """Note the offsets of new live deaths."""
        now = self.clock.now()
        self.stored += len(event.deaths)
        known = self.offsets.setdefault(event.scope, deque(maxlen=CLOCK_ROWS))
        known.extend((now - death.at).total_seconds() for death in event.deaths[-CLOCK_ROWS:])

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the servers of a guild."""
        for scope in [scope for scope in self.offsets if scope.guild_id == guild_id]:
            del self.offsets[scope]


def probe_server_clocks(
    clocks: ServerClocks, find_name: Callable[[ServerScope], str | None], *, interval_seconds: float
) -> Probe:
    """Return the probe of the clocks and zones of game servers.

    Args:
        clocks: the offsets.
        find_name: returns the name of a server that is read; None for others.
        interval_seconds: the longest time between two polls, which a row may be old.
    """
    kind = IncidentKind.SERVER_CLOCK

    async def look() -> Sequence[Finding]:
        found = []
        for scope, offsets in clocks.offsets.items():
            name = find_name(scope)
            if name is None or len(offsets) < CLOCK_ROWS:
                continue
            middle = median(offsets)
            beyond = max(middle - interval_seconds, -middle)
            said = text(
                "The times in the log of **{server}** are {span} off.",
                server=name,
                span=_measure(abs(middle)),
            )
            found.append(judge(kind, said, subject=scope.server_id, guild_id=scope.guild_id, seconds=beyond))
        return [one for one in found if one.state] or say_well(kind, text("No server's times are off."))

    return Probe(kind=kind, look=look)


@dataclass(eq=False, slots=True)
class OutboxProbe:
    """The probe of posts that wait; it keeps what it found for the metrics.

    Attributes:
        read: reads the outbox.
        state: the latest result.
    """

    read: Callable[[], Awaitable[OutboxState]]
    state: OutboxState = field(default_factory=OutboxState)

    def build(self) -> Probe:
        """Return the probe."""
        return Probe(kind=IncidentKind.OUTBOX_OLD, look=self._look, needs_database=True)

    async def _look(self) -> Sequence[Finding]:
        self.state = await self.read()
        kind, found = IncidentKind.OUTBOX_OLD, []
        for guild_id, seconds in self.state.oldest_seconds.items():
            said = text("The oldest post has waited for {span}.", span=_measure(seconds))
            finding = judge(kind, said, subject=str(guild_id), seconds=seconds)
            if finding.state:
                found.append(finding)
            if finding.state is CheckState.CRITICAL:
                found.append(Finding(IncidentKey(guild_id, kind), CheckState.CRITICAL, said))
        said = plural(
            "{count} post waits, not for long.",
            "{count} posts wait, not for long.",
            sum(self.state.entries.values()),
        )
        return found or (Finding(IncidentKey(WHOLE_BOT, kind), CheckState.OK, said),)


@dataclass(eq=False, slots=True)
class DirectProbe:
    """The probe of direct messages; it keeps what it found for the metrics.

    Attributes:
        read: reads how many wait.
        state: the latest result.
    """

    read: Callable[[], Awaitable[DirectState]]
    state: DirectState = field(default_factory=DirectState)

    def build(self) -> Probe:
        """Return the probe."""
        return Probe(kind=IncidentKind.DIRECT_OLD, look=self._look, needs_database=True)

    async def _look(self) -> Sequence[Finding]:
        self.state = await self.read()
        seconds, is_resting = self.state.oldest_seconds, self.state.is_resting
        said = text("The oldest direct message has waited for {span}.", span=_measure(seconds))
        found = judge(IncidentKind.DIRECT_OLD, said, seconds=seconds, resting=is_resting)
        return (found,) if found.state else say_well(IncidentKind.DIRECT_OLD, self._count())

    def _count(self) -> Text:
        return plural(
            "{count} direct message waits, not for long.",
            "{count} direct messages wait, not for long.",
            self.state.waiting,
        )


def _measure(seconds: float) -> Span:
    return Span(timedelta(seconds=seconds))
