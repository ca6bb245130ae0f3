"""Each probe measures one thing and judges it by its limits."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock, settle
from tests.fakes.deaths import SCOPE, build_death, build_row
from utils.errors import StorageUnavailableError
from utils.events import DeathsStored
from utils.models.health import DirectState, OutboxState, ServerReading, ShardConnection
from utils.models.incidents import WHOLE_BOT, CheckState, Finding
from utils.models.scope import GuildId
from utils.models.servers import ConnectionState
from utils.tallies import ANSWERED, FAILED, REFUSED, CommandTally, Durations
from utils.tasks import TaskManager
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.probes import machine
from utils.telemetry.health.probes.database import (
    probe_answers,
    probe_clock,
    probe_members,
    probe_speed,
)
from utils.telemetry.health.probes.gateway import (
    REQUEST_LOGGERS,
    RefusalCounter,
    ShardWatch,
    probe_commands,
    probe_gateway,
    probe_limits,
)
from utils.telemetry.health.probes.machine import DiskUse, LoopLag, MemoryUse
from utils.telemetry.health.probes.work import (
    DirectProbe,
    OutboxProbe,
    ServerClocks,
    probe_hosts,
    probe_lease,
    probe_server_clocks,
    probe_tasks,
    probe_unread,
)

OK, WARN, CRITICAL = CheckState
GUILD = SCOPE.guild_id


async def judge(probe: Probe) -> CheckState:
    """Return the worst state that a probe finds."""
    return max(one.state for one in await probe.look())


@dataclass
class FakeInspection:
    """A database whose answers the test sets."""

    clock: FakeClock
    seconds: float = 0.0
    ahead: timedelta = timedelta()
    members: tuple[int, int] | None = None
    is_away: bool = False

    async def write_and_read(self) -> None:
        """Take some time, or fail."""
        if self.is_away:
            raise StorageUnavailableError("mongodb://host is away")
        self.clock.move(self.seconds)

    async def read_clock(self) -> datetime:
        """Return a time in the middle of the round trip."""
        self.clock.move(self.seconds / 2)
        theirs = self.clock.now() + self.ahead
        self.clock.move(self.seconds / 2)
        return theirs

    async def count_members(self) -> tuple[int, int] | None:
        """Return the members."""
        return self.members


async def test_database_is_away_when_a_write_fails_or_takes_too_long(clock: FakeClock) -> None:
    """Five seconds are the limit; the sentence holds no address."""
    database = FakeInspection(clock)
    probe = probe_answers(database, clock)
    assert await judge(probe) is OK
    database.seconds = 5.0
    assert await judge(probe) is CRITICAL
    database.is_away = True
    (finding,) = await probe.look()
    assert (finding.state, str(finding.said)) == (
        CRITICAL,
        "Storing something and reading it back failed (StorageUnavailableError).",
    )
    assert probe.when_stuck is not None
    assert probe.when_stuck.state is CRITICAL


@pytest.mark.parametrize(("seconds", "state"), [(0.24, OK), (0.26, WARN), (1.9, WARN), (2.1, CRITICAL)])
async def test_slow_operations_of_five_minutes_are_judged(seconds: float, state: CheckState) -> None:
    """One of twenty operations may take longer; older ones are forgotten after five rounds."""
    operations = Durations()
    probe = probe_speed(operations)
    for number in range(100):
        operations.note(seconds if number % 10 == 0 else 0.001)
    assert await judge(probe) is state
    for _ in range(4):
        await probe.look()
    for _ in range(100):
        operations.note(0.001)
    assert await judge(probe) is OK


@pytest.mark.parametrize(
    ("members", "state"), [(None, OK), ((3, 3), OK), ((2, 3), WARN), ((1, 3), CRITICAL), ((1, 2), CRITICAL)]
)
async def test_members_of_the_replica_set_are_judged(
    clock: FakeClock, members: tuple[int, int] | None, state: CheckState
) -> None:
    """A missing member is a warning, a missing majority is critical."""
    assert await judge(probe_members(FakeInspection(clock, members=members))) is state


@pytest.mark.parametrize(
    ("ahead", "trip", "state"),
    [(1.9, 0, OK), (2.1, 0, WARN), (-2.1, 0, WARN), (2.4, 1, OK), (10.1, 0, CRITICAL), (-11, 0, CRITICAL)],
)
async def test_clocks_may_differ_by_half_of_the_round_trip(
    clock: FakeClock, ahead: float, trip: float, state: CheckState
) -> None:
    """The clocks are compared in the middle of the round trip, with half of it allowed for."""
    database = FakeInspection(clock, seconds=trip, ahead=timedelta(seconds=ahead))
    assert await judge(probe_clock(database, clock)) is state


async def test_lost_connection_is_a_warning_after_a_minute_and_critical_after_five(clock: FakeClock) -> None:
    """Every shard is judged by itself, also one that was never connected."""
    shards = [ShardConnection(0, is_open=True, latency_seconds=0.1), ShardConnection(1, False, float("nan"))]
    probe = probe_gateway(ShardWatch(lambda: shards, clock))
    states = []
    for number in range(6):
        shards[0] = ShardConnection(0, is_open=True, latency_seconds=0.1 + number / 100)
        found = {one.key.subject: one.state for one in await probe.look()}
        states.append((found["0"], found["1"]))
        clock.move(60)
    assert states == [(OK, OK), *[(OK, WARN)] * 4, (OK, CRITICAL)]
    assert [str(one.said) for one in await probe.look()] == [
        "Shard 0 is connected; Discord answers in 150 ms.",
        "Shard 1 is not connected.",
    ]


async def test_slow_and_unanswered_heartbeats_are_a_warning(clock: FakeClock) -> None:
    """A latency that stays the same for ninety seconds was not measured again."""
    shards = [ShardConnection(0, is_open=True, latency_seconds=2.1)]
    probe = probe_gateway(ShardWatch(lambda: shards, clock))
    assert await judge(probe) is WARN
    assert [str(one.said) for one in await probe.look()] == ["Connected; Discord answers in 2,100 ms."]
    shards[0] = ShardConnection(0, is_open=True, latency_seconds=0.1)
    assert await judge(probe) is OK
    clock.move(91)
    assert await judge(probe) is WARN
    clock.move(209)
    assert await judge(probe) is CRITICAL


async def test_refused_requests_are_counted_by_the_words_of_the_library(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Ten limited requests are a warning, and so is one global limit; 5,000 refusals are critical."""
    counter = RefusalCounter()
    probe = probe_limits(counter)
    counter.attach()
    try:
        requests, answers = map(logging.getLogger, REQUEST_LOGGERS)
        for _ in range(9):
            requests.debug("%s %s with %s has returned %s", "POST", "/x", None, 429)
        assert await judge(probe) is OK
        answers.debug("Webhook ID %s with %s %s has returned status code %s", 1, "POST", "/x", 429)
        assert await judge(probe) is WARN
        for _ in range(10):
            await probe.look()
        assert await judge(probe) is OK
        requests.warning("Global rate limit has been hit. Retrying in %.2f seconds.", 1)
        assert await judge(probe) is WARN
        for status in (200, 401, 403, 404, 500):
            for _ in range(2_499 if status in {401, 403} else 9_999):
                answers.debug("Webhook ID %s with %s %s has returned status code %s", 1, "POST", "/x", status)
        assert await judge(probe) is WARN
        for _ in range(2):
            requests.debug("%s %s with %s has returned %s", "POST", "/x", None, 403)
        assert await judge(probe) is CRITICAL
    finally:
        counter.detach()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert not requests.isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize(
    ("answered", "failed", "state"),
    [(0, 19, OK), (19, 1, OK), (18, 2, WARN), (17, 4, WARN), (15, 5, CRITICAL), (0, 20, CRITICAL)],
)
async def test_share_of_answered_commands_is_judged(answered: int, failed: int, state: CheckState) -> None:
    """Fewer than twenty commands tell nothing; a refusal is an answer."""
    tally = CommandTally()
    probe = probe_commands(tally)
    for outcome, count in ((ANSWERED, answered // 2), (REFUSED, answered - answered // 2), (FAILED, failed)):
        for _ in range(count):
            tally.note("stats", outcome)
    assert await judge(probe) is state


async def test_task_that_fails_three_times_is_a_warning_and_a_critical_one_later_critical(
    clock: FakeClock,
) -> None:
    """A critical task is critical after ten minutes of failing; a task that succeeded is well."""
    tasks, is_broken = TaskManager(clock), True

    async def work() -> None:
        if is_broken:
            raise RuntimeError("broken")

    async def idle() -> None:
        await clock.sleep(10_000)

    tasks.start("boards:refresh", work, interval_seconds=60)
    tasks.start("read:deaths:42/a", work, is_critical=True)
    tasks.start("idle", idle, is_critical=True)
    probe = probe_tasks(tasks.list_reports, clock)
    await settle()
    assert await judge(probe) is OK
    for _ in range(3):
        await clock.advance(60)
    assert {one.key.subject: one.state for one in await probe.look()} == {
        "boards:refresh": WARN,
        "read:deaths:42/a": WARN,
    }
    await clock.advance(600)
    assert {one.key.subject: one.state for one in await probe.look()} == {
        "boards:refresh": WARN,
        "read:deaths:42/a": CRITICAL,
    }
    is_broken = False
    await clock.advance(600)
    assert await judge(probe) is OK
    await tasks.stop()


@pytest.mark.parametrize(("late", "state"), [(0.2, OK), (0.3, WARN), (2.5, CRITICAL)])
async def test_late_event_loop_is_judged_by_the_last_minute(
    clock: FakeClock, late: float, state: CheckState
) -> None:
    """The lag is what a sleep takes too long; an old minute tells nothing."""
    lag = LoopLag(clock)
    probe, running = machine.probe_event_loop(lag), asyncio.ensure_future(lag.run())
    await settle()
    for _ in range(20):
        await clock.advance(machine.LAG_STEP_SECONDS + late)
    assert await judge(probe) is state
    await clock.advance(machine.LAG_STEP_SECONDS)
    assert await judge(probe) is OK
    running.cancel()


@pytest.mark.parametrize(
    ("use", "state"),
    [
        (MemoryUse(), OK),
        (MemoryUse(79, 100), OK),
        (MemoryUse(80, 100), WARN),
        (MemoryUse(90, 100), CRITICAL),
    ],
)
async def test_memory_is_judged_where_it_can_be_read(use: MemoryUse, state: CheckState) -> None:
    """The share of the limit counts; where the system does not tell, nothing is wrong."""
    assert await judge(machine.probe_memory(lambda: use)) is state


def test_memory_limit_is_that_of_the_cgroup_if_there_is_one(tmp_path: Path) -> None:
    """Both versions of cgroups are read, and a cgroup without a limit leaves that of the machine."""
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (cgroup / "killfeed").mkdir(parents=True)
    assert machine.read_memory(proc, cgroup) == MemoryUse()
    (proc / "self" / "statm").write_text("9 5 1\n")
    (proc / "meminfo").write_text("MemTotal:  2000 kB\n")
    (proc / "self" / "cgroup").write_text("0::/killfeed\n")
    (cgroup / "memory.max").write_text("max\n")
    use = machine.read_memory(proc, cgroup)
    assert use.limit == 2_048_000
    assert use.resident is not None
    assert use.resident % 5 == 0
    (cgroup / "killfeed" / "memory.max").write_text("1000000\n")
    assert machine.read_memory(proc, cgroup).limit == 1_000_000


GB = 10**9


@pytest.mark.parametrize(
    ("total", "free", "state"),
    [
        (100 * GB, 11 * GB, OK),
        (100 * GB, 9 * GB, WARN),
        (10 * GB, 1.9 * GB, WARN),
        (100 * GB, 2.9 * GB, CRITICAL),
        (4 * GB, 0.4 * GB, CRITICAL),
    ],
)
async def test_space_of_each_disk_is_judged_by_share_and_size(
    total: float, free: float, state: CheckState
) -> None:
    """The worse of the two decides; a folder is named by its key, not by its path."""
    probe = machine.probe_disks([("data_dir", Path("/secret"))], lambda _: DiskUse(int(total), int(free), 1))
    (finding,) = await probe.look()
    assert (finding.key.subject, finding.state) == ("data_dir", state)
    assert "secret" not in str(finding.said)


async def test_disk_of_a_missing_folder_is_that_of_the_folder_above(tmp_path: Path) -> None:
    """A backup directory may be made later."""
    use, missing = machine.read_disk(tmp_path), machine.read_disk(tmp_path / "a" / "b")
    assert use is not None
    assert missing is not None
    assert use.device == missing.device


@pytest.mark.parametrize(("devices", "state"), [([], WARN), ([1], WARN), ([1, 2], OK), ([None], WARN)])
async def test_backups_on_the_disk_of_the_data_are_a_warning(
    devices: list[int | None], state: CheckState
) -> None:
    """One directory on another disk is enough; one that is away does not count."""
    found = {Path(str(number)): one for number, one in enumerate(devices)}

    def read(folder: Path) -> DiskUse | None:
        device = found.get(folder, 1)
        return None if device is None else DiskUse(1, 1, device)

    assert await judge(machine.probe_backup_disk(Path("data"), tuple(found), read)) is state


async def test_starts_are_counted_over_processes(tmp_path: Path, clock: FakeClock) -> None:
    """Three starts in ten minutes are a warning, six are critical; old ones and a torn file do not count."""
    folder, states = tmp_path / "status", []
    probe = machine.probe_starts(folder, clock)
    for _ in range(7):
        machine.note_start(folder, clock.now())
        states.append(await judge(probe))
        clock.move(60)
    assert states == [OK, OK, WARN, WARN, WARN, CRITICAL, CRITICAL]
    clock.move(3_600)
    assert await judge(probe) is OK
    assert len(machine.read_starts(folder)) == 7
    (folder / machine.STARTS_NAME).write_text("[1", "utf-8")
    assert await judge(probe) is OK


@pytest.mark.parametrize(
    ("fits", "has_key", "state"),
    [(None, False, OK), (True, True, OK), (True, False, WARN), (False, True, CRITICAL)],
)
async def test_secret_key_is_judged(*, fits: bool | None, has_key: bool, state: CheckState) -> None:
    """Without stored logins no key is needed."""

    async def ask() -> bool | None:
        return fits

    assert await judge(machine.probe_secret_key(lambda: has_key, ask)) is state


@pytest.mark.parametrize(("seconds", "state"), [(9, OK), (10, WARN), (15, CRITICAL)])
async def test_lease_that_is_renewed_late_is_judged(
    clock: FakeClock, seconds: float, state: CheckState
) -> None:
    """A lease is over after twenty seconds."""
    renewed_at = clock.monotonic()
    clock.move(seconds)
    assert await judge(probe_lease(lambda: renewed_at, clock)) is state


async def test_host_that_is_away_for_three_guilds_is_a_warning() -> None:
    """Two guilds may share a mistake; the finding names no host and no guild."""
    away = {"a1": frozenset(map(GuildId, (1, 2))), "b2": frozenset(map(GuildId, (1, 2, 3)))}
    (finding,) = await probe_hosts(lambda: away).look()
    assert (finding.state, finding.key.guild_id, finding.key.subject) == (WARN, WHOLE_BOT, "b2")


@pytest.mark.parametrize(
    ("seconds", "interval", "is_explained", "state"),
    [
        (299, 5, False, OK),
        (300, 5, False, WARN),
        (3_600, 5, False, CRITICAL),
        (3_600, 5, True, OK),
        (500, 60, False, OK),
        (600, 60, False, WARN),
    ],
)
async def test_unread_server_is_reported_to_its_guild(
    clock: FakeClock, *, seconds: float, interval: float, is_explained: bool, state: CheckState
) -> None:
    """Ten polls and five minutes have to pass, and another alert must not say the reason already."""
    state_now = ConnectionState.REFUSED if is_explained else ConnectionState.RETRYING
    reading = ServerReading(SCOPE, "Mirny", state_now, clock.now())
    probe = probe_unread(lambda: [reading], interval_seconds=interval, clock=clock)
    clock.move(seconds)
    (finding,) = await probe.look()
    assert finding.state is state
    if state:
        assert (finding.key.guild_id, finding.key.subject) == (GUILD, SCOPE.server_id)


@pytest.mark.parametrize(
    ("minutes", "rows", "state"), [(5, 20, OK), (7, 20, WARN), (-6, 20, WARN), (60, 19, OK)]
)
async def test_server_with_a_wrong_clock_or_zone_is_reported_to_its_guild(
    clock: FakeClock, minutes: float, rows: int, state: CheckState
) -> None:
    """The median of the last twenty live rows counts; a few late rows change nothing."""
    clocks = ServerClocks(clock)
    at = clock.now() - timedelta(minutes=minutes)
    deaths = tuple(build_death(build_row("a", "b", second=number))._replace(at=at) for number in range(rows))
    clocks.on_deaths_stored(DeathsStored(scope=SCOPE, deaths=deaths))
    probe = probe_server_clocks(clocks, lambda _: "Mirny", interval_seconds=30)
    assert await judge(probe) is state
    clocks.forget_guild(GUILD)
    assert clocks.offsets == {}


@pytest.mark.parametrize(
    ("seconds", "states"), [(59, {}), (60, {0: WARN}), (600, {0: CRITICAL, 42: CRITICAL})]
)
async def test_old_posts_are_reported_to_owners_and_at_critical_to_their_guild(
    seconds: float, states: dict[int, CheckState]
) -> None:
    """The guild learns of it when it lasts."""

    async def read() -> OutboxState:
        return OutboxState({GuildId(42): 7}, {GuildId(42): seconds})

    outbox = OutboxProbe(read)
    found: list[Finding] = [one for one in await outbox.build().look() if one.state]
    assert {int(one.key.guild_id): one.state for one in found} == states
    assert outbox.state.longest_seconds == seconds


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (DirectState(3, 299), OK),
        (DirectState(3, 300), WARN),
        (DirectState(3, 1800), CRITICAL),
        (DirectState(3, 20, is_resting=True), WARN),
    ],
)
async def test_old_direct_messages_and_a_rest_are_reported(state: DirectState, expected: CheckState) -> None:
    """A member's own limits are no trouble, because the state leaves them out."""

    async def read() -> DirectState:
        return state

    direct = DirectProbe(read)
    assert await judge(direct.build()) is expected
    assert direct.state == state
