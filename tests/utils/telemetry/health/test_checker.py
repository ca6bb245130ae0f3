"""The health checker: incidents open, escalate and end, and people learn of each of that once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tests.fakes.clock import FakeClock, settle
from tests.fakes.incidents import FakeIncidentStore
from utils.errors import DeliveryDelayedError, StorageUnavailableError
from utils.incident_log import IncidentLog
from utils.models.incident_kinds import KINDS, IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Finding, Incident, IncidentKey, Stage
from utils.models.scope import GuildId
from utils.models.texts import Text, text
from utils.tasks import TaskManager
from utils.telemetry.health.checker import PROBE_SECONDS, ROUND_SECONDS, HealthChecker, Probe
from utils.telemetry.health.hysteresis import QUIET_SECONDS

OK, WARN, CRITICAL = CheckState
GUILD = GuildId(42)
SLOW, AWAY = IncidentKind.DATABASE_SLOW, IncidentKind.DATABASE_AWAY
MEMORY, UNREAD = IncidentKind.MEMORY, IncidentKind.SERVER_UNREAD
PROBED = [kind for kind in IncidentKind if not KINDS[kind].is_reported and kind != "probe-stuck"]


def find(kind: IncidentKind, state: CheckState, subject: str = "", guild_id: GuildId = WHOLE_BOT) -> Finding:
    """Build a finding."""
    return Finding(IncidentKey(guild_id, kind, subject), state, text("So it is."))


@dataclass
class FakeTeller:
    """Records what people learn; while Discord is away, every message fails."""

    told: list[tuple[str, Stage]] = field(default_factory=list)
    is_away: bool = False

    async def tell(self, incident: Incident, stage: Stage, said: Text | None) -> None:
        """Record a message."""
        del said
        if self.is_away:
            raise DeliveryDelayedError("Discord is away")
        self.told.append((f"{incident.key.kind.value}:{incident.key.subject}", stage))


class World:
    """A checker with probes that find what the test sets.

    Attributes:
        found: the findings of the probe of a kind; an error is raised; an event is waited for.
        begun: the kinds of all probes that were begun.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.store, self.teller, self.tasks = FakeIncidentStore(), FakeTeller(), TaskManager(clock)
        self.found: dict[IncidentKind, Sequence[Finding] | Exception | asyncio.Event] = {}
        self.begun: list[IncidentKind] = []

    def build(self, *probes: Probe, process: str = "", is_first: bool = True) -> HealthChecker:
        """Build the checker of a process over what earlier processes stored."""
        log = IncidentLog(self.store, clock=self.clock)
        return HealthChecker(
            probes, log, self, self.teller, self.tasks, self.clock, process=process, is_first=is_first
        )

    async def list_guilds_with_incidents(self) -> Sequence[GuildId]:
        """Return every guild with a stored incident."""
        return sorted({key.guild_id for key, _ in self.store.stored})

    def probe(self, kind: IncidentKind, **options: bool) -> Probe:
        """Build the probe of a kind."""
        return Probe(kind=kind, look=self._look_for(kind), **options)

    def _look_for(self, kind: IncidentKind) -> Callable[[], Awaitable[Sequence[Finding]]]:
        async def look() -> Sequence[Finding]:
            self.begun.append(kind)
            found = self.found.get(kind, ())
            if isinstance(found, asyncio.Event):
                await found.wait()
                return [find(kind, OK)]
            if isinstance(found, Exception):
                raise found
            return found or [find(kind, OK)]

        return look

    async def pass_quiet_time(self) -> None:
        """Let the first minutes pass."""
        await self.clock.advance(QUIET_SECONDS)

    async def run(self, checker: HealthChecker, rounds: int = 1) -> None:
        """Run rounds; a probe that hangs takes its whole time."""
        for _ in range(rounds):
            running = asyncio.ensure_future(checker.run_round())
            await settle()
            if not running.done():
                await self.clock.advance(PROBE_SECONDS)
            await running
            await settle()
            await self.clock.advance(ROUND_SECONDS)


@pytest.fixture(name="world")
def _world(clock: FakeClock) -> World:
    return World(clock)


@pytest.mark.parametrize("kind", PROBED)
async def test_incident_of_each_kind_opens_escalates_and_ends_and_is_told_once(
    world: World, kind: IncidentKind
) -> None:
    """Bad rounds open it, critical ones escalate it, good ones end it; people get three messages."""
    checker = world.build(world.probe(kind))
    await world.run(checker)
    await world.pass_quiet_time()
    world.found[kind] = [find(kind, WARN)]
    await world.run(checker, KINDS[kind].rounds_before_open + 3)
    world.found[kind] = [find(kind, CRITICAL)]
    await world.run(checker, 4)
    assert checker.checks[kind].state is CRITICAL
    world.found[kind] = ()
    await world.run(checker, 7)
    assert [stage for _, stage in world.teller.told] == [Stage.OPENED, Stage.ESCALATED, Stage.ENDED]
    (stored,) = world.store.stored.values()
    assert (stored.key.kind, stored.state, stored.is_open) == (kind, CRITICAL, False)


async def test_flapping_check_tells_nothing_and_shows_its_state(world: World) -> None:
    """Two bad rounds of three are not enough, but the status shows them."""
    checker = world.build(world.probe(MEMORY))
    await world.pass_quiet_time()
    for _ in range(6):
        world.found[MEMORY] = [find(MEMORY, CRITICAL)]
        await world.run(checker, 2)
        assert checker.checks[MEMORY].state is CRITICAL
        world.found[MEMORY] = ()
        await world.run(checker)
    assert (world.teller.told, world.store.stored) == ([], {})


async def test_nothing_is_concluded_in_the_first_minutes(world: World) -> None:
    """A trouble of the start opens an incident only if it lasts."""
    checker = world.build(world.probe(MEMORY))
    world.found[MEMORY] = [find(MEMORY, CRITICAL)]
    await world.run(checker, 3)
    assert world.teller.told == []
    await world.run(checker)
    assert world.teller.told == [("memory:", Stage.OPENED)]


async def test_hanging_probe_is_critical_itself_and_the_others_go_on(world: World) -> None:
    """A probe that hangs is begun once, and reported under the name of its check."""
    hanging = asyncio.Event()
    world.found[MEMORY] = hanging
    world.found[SLOW] = [find(SLOW, WARN)]
    checker = world.build(world.probe(MEMORY), world.probe(SLOW))
    await world.pass_quiet_time()
    await world.run(checker, 3)
    assert world.begun == [MEMORY, SLOW, SLOW, SLOW]
    assert sorted(world.teller.told) == [
        ("database-slow:", Stage.OPENED),
        ("probe-stuck:memory", Stage.OPENED),
    ]
    stuck = checker.checks[IncidentKind.PROBE_STUCK]
    assert (stuck.state, str(stuck.said)) == (CRITICAL, "The check memory doesn't end, or fails.")
    hanging.set()
    await world.run(checker, 6)
    assert ("probe-stuck:memory", Stage.ENDED) in world.teller.told


async def test_failing_probe_is_stuck_unless_it_needs_the_database_that_is_away(world: World) -> None:
    """While the database is away its probes know nothing, and nothing is reported about them."""
    clock = IncidentKind.CLOCK_SKEW
    checker = world.build(world.probe(AWAY), world.probe(clock, needs_database=True), world.probe(MEMORY))
    world.found = {
        AWAY: [find(AWAY, CRITICAL)],
        clock: StorageUnavailableError("away"),
        MEMORY: RuntimeError("broken"),
    }
    await world.pass_quiet_time()
    await world.run(checker, 3)
    assert sorted(world.teller.told) == [
        ("database-away:", Stage.OPENED),
        ("probe-stuck:memory", Stage.OPENED),
    ]


async def test_database_away_is_told_from_memory_and_stored_afterwards(world: World) -> None:
    """No message waits for the database, and what it missed is stored when it is back."""
    checker = world.build(world.probe(AWAY))
    world.store.is_away = True
    world.found[AWAY] = [find(AWAY, CRITICAL)]
    await world.pass_quiet_time()
    await world.run(checker, 2)
    assert (world.teller.told, world.store.stored) == ([("database-away:", Stage.OPENED)], {})
    world.store.is_away = False
    world.found[AWAY] = ()
    await world.run(checker, 6)
    assert world.teller.told[1:] == [("database-away:", Stage.ENDED)]
    assert [one.is_open for one in world.store.stored.values()] == [False]


async def test_restart_tells_nothing_again_and_later_the_end(world: World) -> None:
    """The next process goes on with the open incidents of the one before, those of guilds included."""
    kinds = [world.probe(MEMORY), world.probe(UNREAD)]
    first = world.build(*kinds)
    world.found[MEMORY] = [find(MEMORY, WARN)]
    world.found[UNREAD] = [find(UNREAD, WARN, "k3v9x0aa", GUILD)]
    await world.pass_quiet_time()
    await world.run(first, 4)
    told = [("memory:", Stage.OPENED), ("server-unread:k3v9x0aa", Stage.OPENED)]
    assert sorted(world.teller.told) == told
    second = world.build(*kinds)
    await world.run(second, 6)
    assert sorted(world.teller.told) == told
    world.found = {}
    await world.run(second, 6)
    ends = [("memory:", Stage.ENDED), ("server-unread:k3v9x0aa", Stage.ENDED)]
    assert sorted(world.teller.told[2:]) == ends


async def test_message_that_did_not_arrive_is_tried_in_the_next_round(world: World) -> None:
    """People do not learn of a trouble that ended before; the message of an end is sent later."""
    checker = world.build(world.probe(MEMORY))
    world.found[MEMORY] = [find(MEMORY, WARN)]
    world.teller.is_away = True
    await world.pass_quiet_time()
    await world.run(checker, 4)
    world.found[MEMORY] = ()
    await world.run(checker, 6)
    world.teller.is_away = False
    await world.run(checker, 2)
    assert world.teller.told == []
    world.found[MEMORY] = [find(MEMORY, WARN)]
    await world.run(checker, 4)
    world.found[MEMORY] = ()
    world.teller.is_away = True
    await world.run(checker, 6)
    second = world.build(world.probe(MEMORY))
    world.teller.is_away = False
    await world.run(second, 9)
    assert world.teller.told == [("memory:", Stage.OPENED), ("memory:", Stage.ENDED)]


async def test_processes_beside_each_other_tell_what_is_theirs(world: World) -> None:
    """The process of the first shard tells a shared trouble, and each process tells its own."""
    kinds = [world.probe(AWAY, is_shared=True), world.probe(MEMORY)]
    first = world.build(*kinds, process="@0")
    second = world.build(*kinds, process="@2", is_first=False)
    world.found = {AWAY: [find(AWAY, CRITICAL)], MEMORY: [find(MEMORY, WARN)]}
    await world.pass_quiet_time()
    for checker in (first, second):
        await world.run(checker, 4)
    third = world.build(*kinds, process="@2", is_first=False)
    await world.run(third, 4)
    assert sorted(world.teller.told) == [
        ("database-away:", Stage.OPENED),
        ("memory:@0", Stage.OPENED),
        ("memory:@2", Stage.OPENED),
    ]


async def test_verification_of_the_start_opens_incidents_at_once(world: World) -> None:
    """The start is sure of what it found; a second start tells nothing again, and later rounds end it."""
    first = world.build(world.probe(MEMORY))
    await first.open_at_once([find(MEMORY, CRITICAL), find(SLOW, OK)])
    await first.tell_due()
    await settle()
    assert world.teller.told == [("memory:", Stage.OPENED)]
    checker = world.build(world.probe(MEMORY))
    await checker.open_at_once([find(MEMORY, CRITICAL)])
    await world.run(checker)
    assert len(world.teller.told) == 1
    await world.pass_quiet_time()
    await world.run(checker, 6)
    assert world.teller.told[1:] == [("memory:", Stage.ENDED)]


async def test_guild_that_the_bot_left_is_forgotten(world: World) -> None:
    """Nothing about a guild stays in memory."""
    checker = world.build(world.probe(UNREAD))
    world.found[UNREAD] = [find(UNREAD, WARN, "k3v9x0aa", GUILD)]
    await world.pass_quiet_time()
    await world.run(checker, 3)
    checker.forget_guild(GUILD)
    checker.incidents.forget_guild(GUILD)
    world.found = {}
    await world.run(checker, 6)
    assert [stage for _, stage in world.teller.told] == [Stage.OPENED]


async def test_single_look_concludes_nothing_and_leaves_out_what_is_not_known_in_time(world: World) -> None:
    """The verification of a start asks some probes, and does not wait for one that hangs."""
    checker = world.build(world.probe(MEMORY), world.probe(SLOW), world.probe(UNREAD))
    world.found = {MEMORY: [find(MEMORY, CRITICAL)], SLOW: asyncio.Event()}
    looking = asyncio.ensure_future(checker.look_once([MEMORY, SLOW]))
    await settle()
    await world.clock.advance(PROBE_SECONDS)
    assert await looking == {MEMORY: [find(MEMORY, CRITICAL)]}
    assert (world.begun, checker.checks, world.store.stored) == ([MEMORY, SLOW], {}, {})
