"""The health checker: runs all probes every minute, and opens, escalates and ends incidents.

*Theory of operation.* A round starts every probe beside the others and waits for them, five seconds at most.
A probe that hangs is never started a second time: it is critical itself (``probe-stuck``), the others go on.
Each result goes through the hysteresis of its subject (``hysteresis.py``). A conclusion changes an incident
in memory; then it is stored, and people are told by a task of its own, so no round waits for Discord.

A probe that cannot know (it needs the database, and the database is away) changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSource, Where
from utils.errors import StorageError
from utils.incident_log import IncidentLog
from utils.models.health import CheckReport
from utils.models.incident_kinds import KINDS, ROUNDS_BEFORE_OPEN, IncidentKind
from utils.models.incidents import (
    WHOLE_BOT,
    CheckState,
    Finding,
    Incident,
    IncidentKey,
    IncidentMessage,
    Stage,
)
from utils.models.scope import GuildId
from utils.models.texts import Code, Text, plural, text
from utils.tasks import Failure, TaskManager, capture
from utils.telemetry.health.hysteresis import QUIET_SECONDS, Change, Streak
from utils.waiting import wait_for_first

ROUND_TASK = "health:round"
TELL_TASK = "health:tell"
ROUND_SECONDS = 60.0
PROBE_SECONDS = 5.0

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe.

    Attributes:
        look: returns a finding for each bad subject, or one that says that all is well.
        needs_database: it can't know anything while the database is away.
        is_shared: it sees the same in every process, so the process of the first shard alone tells people.
        when_stuck: its finding while it hangs; None: ``probe-stuck`` instead.
    """

    kind: IncidentKind
    look: Callable[[], Awaitable[Sequence[Finding]]]
    needs_database: bool = False
    is_shared: bool = False
    when_stuck: Finding | None = None


class IncidentTeller(Protocol):  # implemented by IncidentMessages
    """Tells people about incidents."""

    async def tell(self, incident: Incident, stage: Stage, said: Text | None) -> IncidentMessage | None:
        """Send a message about an incident to those who have to know, or edit the one that it has.

        Return the message that a guild's incident has now.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """


class TroubledGuilds(Protocol):  # implemented by ScopeIndexRepository
    """Lists the guilds with incidents."""

    async def list_guilds_with_incidents(self) -> Sequence[GuildId]:
        """Return every guild with an incident, open or not."""


@dataclass(eq=False, repr=False)
class HealthChecker:
    """Runs the probes, and keeps what they found.

    Args:
        process: what tells this process from others that run beside it; empty if there is only one.
        is_first: this process tells people of what every process sees.
    """

    probes: Sequence[Probe]
    incidents: IncidentLog
    guilds: TroubledGuilds
    teller: IncidentTeller
    tasks: TaskManager
    clock: Clock
    process: str = ""
    is_first: bool = True

    def __post_init__(self) -> None:
        self.checks: dict[IncidentKind, CheckReport] = {}
        self.checked_at: datetime | None = None
        self._started_at = self.clock.monotonic()
        self._streaks: dict[IncidentKey, Streak] = {}
        self._said: dict[IncidentKey, Text] = {}
        self._running: dict[IncidentKind, asyncio.Task[Sequence[Finding] | Failure]] = {}
        self._is_loaded = False
        self._shared = frozenset(probe.kind for probe in self.probes if probe.is_shared)

    async def run_round(self) -> None:
        """Run every probe once, draw the conclusions, store them, and begin to tell people."""
        await self._load()
        try:
            found = await self._look(self.probes)
        except asyncio.CancelledError:
            for running in self._running.values():
                running.cancel()
            raise
        for probe in self.probes:
            if (findings := found.get(probe.kind)) is not None:
                self._note_check(probe.kind, findings)
                self._judge(probe.kind, findings)
        stuck = self._find_stuck(found)
        self._note_check(IncidentKind.PROBE_STUCK, stuck)
        self._judge(IncidentKind.PROBE_STUCK, stuck)
        self.checked_at = self.clock.now()
        await self.incidents.write()
        self._begin_to_tell()

    async def open_at_once(self, findings: Collection[Finding]) -> None:
        """Open incidents without waiting for more rounds: the verification at the start is sure of them.

        Those that an earlier process opened go on.
        """
        await self._load()
        for finding in findings:
            if finding.state:
                key = self._own(finding.key)
                self._said[key] = finding.said
                if self.incidents.find(key) is None:
                    self._streaks[key] = Streak(bad=ROUNDS_BEFORE_OPEN, concluded=finding.state)
                    self._conclude(key, Change.OPENED, finding.state)

    async def look_once(self, kinds: Collection[IncidentKind]) -> Mapping[IncidentKind, Sequence[Finding]]:
        """Run some probes and return what they found, without any conclusion; some may not know in time."""
        return await self._look([probe for probe in self.probes if probe.kind in set(kinds)])

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget everything about a guild."""
        for kept in (self._streaks, self._said):
            for key in [key for key in kept if key.guild_id == guild_id]:
                del kept[key]

    # one round

    async def _load(self) -> None:
        """Take over the open incidents of an earlier process, once the database answers."""
        if self._is_loaded:
            return
        try:
            for guild_id in {WHOLE_BOT, *await self.guilds.list_guilds_with_incidents()}:
                await self.incidents.load(guild_id)
        except StorageError as error:
            logger.info("stored incidents are not known yet", problem=str(error))
            return
        self._is_loaded = True
        for key, incident in self.incidents.all_open.items():
            streak = self._streaks.get(key, Streak())
            if not streak.concluded:
                self._streaks[key] = replace(streak, concluded=incident.state)

    async def _look(self, probes: Sequence[Probe]) -> Mapping[IncidentKind, Sequence[Finding]]:
        """Run probes beside each other and return the results of those that know one."""
        for probe in probes:
            if probe.kind not in self._running:
                self._running[probe.kind] = asyncio.ensure_future(capture(partial(_run, probe)))
        await wait_for_first(_wait_for(self._running.values()), self.clock.sleep(PROBE_SECONDS))
        found: dict[IncidentKind, Sequence[Finding]] = {}
        for probe in probes:
            if not self._running[probe.kind].done():
                if probe.when_stuck is not None:
                    found[probe.kind] = (probe.when_stuck,)
                continue
            result = self._running.pop(probe.kind).result()
            if not isinstance(result, Failure):
                found[probe.kind] = result
            elif not isinstance(result.error, StorageError):
                self.tasks.errors.report(
                    result.error, where=Where(source=ErrorSource.TASK, task=ROUND_TASK, name=probe.kind.value)
                )
        return found

    def _find_stuck(self, found: Mapping[IncidentKind, Sequence[Finding]]) -> Sequence[Finding]:
        """Return a finding for each probe without a result, unless the database is the reason."""
        database = self.checks.get(IncidentKind.DATABASE_AWAY)
        is_away = database is not None and database.state is not CheckState.OK
        unknown = [probe for probe in self.probes if probe.kind not in found]
        stuck = [probe.kind for probe in unknown if not (probe.needs_database and is_away)]
        return [_describe_stuck(kind) for kind in stuck] or [
            Finding(
                IncidentKey(WHOLE_BOT, IncidentKind.PROBE_STUCK), CheckState.OK, text("Every check ends.")
            )
        ]

    def _note_check(self, kind: IncidentKind, findings: Sequence[Finding]) -> None:
        worst = max(findings, key=lambda one: one.state)
        before = self.checks.get(kind)
        is_same = before is not None and before.state is worst.state
        since = before.since if before is not None and is_same else self.clock.now()
        self.checks[kind] = CheckReport(worst.state, since, _summarise(worst, findings))

    def _judge(self, kind: IncidentKind, findings: Sequence[Finding]) -> None:
        """Follow the results of each subject of a check; a subject without a finding is well."""
        if kind in self._shared and not self.is_first:
            return
        bad = {self._own(one.key): one for one in findings if one.state}
        known = [key for key in self._streaks if key.kind is kind and self._is_own(key)]
        for key in {*bad, *known}:
            finding = bad.get(key)
            streak, change = self._streaks.get(key, Streak()).follow(
                CheckState.OK if finding is None else finding.state,
                rounds_before_open=KINDS[kind].rounds_before_open,
                may_conclude=self._may_conclude(kind),
            )
            if finding is not None:
                self._said[key] = finding.said
            if change is not None:
                self._conclude(key, change, streak.concluded)
            if streak.is_idle:
                self._streaks.pop(key, None)
                if self.incidents.find(key) is None:  # else the message about its end may repeat the sentence
                    self._said.pop(key, None)
            else:
                self._streaks[key] = streak

    def _may_conclude(self, kind: IncidentKind) -> bool:
        """Tell whether it is late enough, and the stored incidents are known (or will not be for a while)."""
        is_late = self.clock.monotonic() - self._started_at >= QUIET_SECONDS
        return is_late and (self._is_loaded or kind is IncidentKind.DATABASE_AWAY)

    def _conclude(self, key: IncidentKey, change: Change, state: CheckState) -> None:
        now, known = self.clock.now(), self.incidents.find(key)
        logger.warning(
            "an incident changes",
            change=change.value,
            kind=key.kind.value,
            subject=key.subject,
            guild=key.guild_id or None,
            sentence=str(self._said.get(key, "")),
        )
        match change:
            case Change.OPENED:
                begun = Incident(key, state, now) if known is None else replace(known, resolved_at=None)
                self.incidents.put(begun)
            case Change.ESCALATED if known is not None:
                self.incidents.put(known.escalate(now))
            case Change.ENDED if known is not None:
                ended = known.end(now)
                if ended.find_due_stage(now) is None:
                    self.incidents.finish(ended)
                else:
                    self.incidents.put(ended)

    def _own(self, key: IncidentKey) -> IncidentKey:
        """Return the key with the name of this process, if it concerns one process of several."""
        return replace(key, subject=f"{key.subject}{self._find_suffix(key)}")

    def _is_own(self, key: IncidentKey) -> bool:
        """Tell whether this process judges an incident, and not one beside it."""
        if key.kind in self._shared and not self.is_first:
            return False
        return key.subject.endswith(self._find_suffix(key))

    def _find_suffix(self, key: IncidentKey) -> str:
        return "" if key.guild_id != WHOLE_BOT or key.kind in self._shared else self.process

    # telling

    async def tell_due(self) -> None:
        """Begin to tell people what they do not know yet, for example when Discord is reached."""
        self._begin_to_tell()

    def _begin_to_tell(self) -> None:
        now = self.clock.now()
        is_due = any(one.find_due_stage(now) for one in self._list_told())
        if is_due and not self.tasks.is_running(TELL_TASK):
            self.tasks.start(TELL_TASK, self._tell_all)

    def _list_told(self) -> list[Incident]:
        """Return the open incidents that this checker tells; the others are told by those who met them."""
        return [
            one
            for key, one in self.incidents.all_open.items()
            if not KINDS[key.kind].is_reported and self._is_own(key)
        ]

    async def _tell_all(self) -> None:
        await self.tasks.for_each(TELL_TASK, [one.key for one in self._list_told()], self._tell)
        await self.incidents.write()

    async def _tell(self, key: IncidentKey) -> None:
        incident, now = self.incidents.find(key), self.clock.now()
        stage = None if incident is None else incident.find_due_stage(now)
        if incident is None or stage is None:
            return
        message = await self.teller.tell(incident, stage, self._said.get(key))
        current = self.incidents.find(key)
        if current is None:
            return
        if stage is Stage.ENDED:
            if not current.is_open:
                self.incidents.finish(current)
                self._said.pop(key, None)
        else:
            told = replace(current, told_state=incident.state, told_at=now, message=message)
            self.incidents.put(told)


def _describe_stuck(kind: IncidentKind) -> Finding:
    """Return the finding about a probe without a result; its sentence names the check."""
    said = text("The check {name} doesn't end, or fails.", name=Code(kind.value))
    return Finding(IncidentKey(WHOLE_BOT, IncidentKind.PROBE_STUCK, kind), CheckState.CRITICAL, said)


def _summarise(worst: Finding, findings: Sequence[Finding]) -> Text:
    """Return the sentence of a check; it names no game server, because the status file holds no names."""
    if worst.key.guild_id == WHOLE_BOT:
        return worst.said
    concerned = sum(one.state > CheckState.OK for one in findings)
    return plural("It concerns {count} game server.", "It concerns {count} game servers.", concerned)


async def _run(probe: Probe) -> Sequence[Finding]:
    return await probe.look()


async def _wait_for(running: Collection["asyncio.Task[Sequence[Finding] | Failure]"]) -> None:
    await asyncio.wait(running)
