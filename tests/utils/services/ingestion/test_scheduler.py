"""The scheduler of a game server: poll times, effects of failures, and stored health."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.fakes.clock import START
from tests.fakes.deaths import FILE, SCOPE, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore
from tests.fakes.premium import FakePremiumStore
from tests.fakes.server_loops import (
    FakeNotifier,
)
from tests.fakes.server_world import PoisonStore, World, running, until
from tests.fakes.storage import FakeServerStore, build_server
from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostKeyChangedError,
    HostUnreachableError,
    InvalidInputError,
    InvalidSecretError,
    KillfeedError,
    LoginRefusedError,
    LogsMissingError,
    NoSshServerError,
    RemoteError,
    RemotePermissionError,
    RemoteTimeoutError,
    SecretError,
    StorageError,
    StorageUnavailableError,
    TooManyConnectionsError,
)
from utils.models.deaths import DeathKind, LogFile
from utils.models.incident_kinds import IncidentKind
from utils.models.lasting_buttons import LastingButton
from utils.models.notices.deaths import DeathNotice
from utils.models.premium import TIERS
from utils.models.problems import Problem
from utils.models.reading import Chunk, Cursor, ImportJob, digest_head
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import ConnectionState, GameServer, Obstacle, ServerHealth
from utils.models.texts import Text, text
from utils.services.ingestion.death_log_reader import (
    SAVE_HEALTH_SECONDS,
    describe_left_out,
)
from utils.services.ingestion.poison import FAILURES_BEFORE
from utils.services.ingestion.reader_loop import (
    LOOK_SECONDS,
    MISSING_LOGS_SECONDS,
    READ_BACKOFF,
    SHARED_LOOK_SECONDS,
)
from utils.services.ingestion.reader_state import LOG_SECONDS
from utils.services.premium.tiers import PremiumService

REFUSALS = (
    LoginRefusedError(text("The host refused the login.")),
    HostKeyChangedError(text("The host shows another key."), offered="ssh-ed25519 B"),
    HandshakeRefusedError(text("No common algorithm.")),
    InvalidSecretError(text("That is no key.")),
)
PASSING = (
    HostUnreachableError(text("No route.")),
    ConnectionLostError(text("The host hung up.")),
    RemoteTimeoutError(text("No answer.")),
    TooManyConnectionsError(text("All busy.")),
    StorageUnavailableError("away"),
)
PROBLEMS = (
    SecretError(text("other key")),
    StorageError("MongoDB refused the operation."),
    InvalidInputError(text("Several game servers lie here.")),
)


def show(error: Exception) -> str:
    """Return the text of a failure for people."""
    if isinstance(error, StorageUnavailableError):
        return "My database isn't answering. I'll try again."
    if isinstance(error, StorageError):
        return "My database refuses these kills. I'll keep trying; the bot's owner can see why in the log."
    return str(error)


def alert(error: Exception) -> str:
    """Return the alert about a failure."""
    more = " Enter a new password with /admin server edit new_password:True."
    return f"**Mirny**: {error}{more if isinstance(error, LoginRefusedError) else ''}"


@pytest.fixture(name="world")
def _world() -> World:
    return World()


@pytest.mark.parametrize(
    ("tier", "minimum", "seconds"),
    [*((tier.level, 5, tier.poll_seconds) for tier in TIERS), (0, 45, 45), (0, 0.2, 0.2), (4, 4.9, 4.9)],
)
async def test_server_is_read_as_often_as_the_tier_says(tier: int, minimum: float, seconds: float) -> None:
    """The interval is the larger of minimum and tier; a minimum under five seconds counts alone."""
    world = World(tier=tier, minimum_seconds=minimum)
    async with running(world.build()):
        assert await world.pass_pauses(2) == [seconds] * 2
    assert world.visits >= 2
    assert set(world.access.limits) == {TIERS[tier].servers}


async def test_growth_is_news_and_health_tells_of_it(world: World) -> None:
    """Rows that are appended between two reads are announced; health has the lag."""
    world.append(("A", "B"))
    world.store.data.cursors[FILE] = Cursor(FILE, len(world.access.logs.files[FILE]), b"")
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        world.append(("A", "C"), second=3)
        await world.pass_pauses(1)
    assert [notice.victim_name for notice in world.store.data.notices] == ["C"]
    assert scheduler.health == ServerHealth(
        SCOPE,
        state=ConnectionState.CONNECTED,
        last_read_at=START + timedelta(seconds=5),
        lag_seconds=5,
    )


@pytest.mark.fault
@pytest.mark.parametrize("hours", [-5, -0.5, 0.5, 5])
async def test_growth_is_stored_once_and_news_when_the_machines_clock_is_set(
    world: World, hours: float
) -> None:
    """After a step back all rows are news.

    After a step far forward the gap looks long, and only the newest are.
    """
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        world.append(("A", "B"))
        await world.pass_pauses(1)
        world.clock.set_wall(hours * 3600)
        world.append(("A", "Early"), second=60)
        world.append(("A", "Late"), second=3700)
        await world.pass_pauses(2)
    announced = [notice.victim_name for notice in world.store.data.notices]
    assert announced == (["B", "Late"] if hours > 1 else ["B", "Early", "Late"])
    assert len(world.store.data.deaths) == 3
    assert scheduler.health.lag_seconds == max(0, 5 + hours * 3600)


async def test_deaths_are_stored_silently_when_no_channel_is_set(world: World) -> None:
    """A kill without a channel counts and is never announced later."""
    world.channels.channel_id = None
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        world.append(("A", "B"))
        await world.pass_pauses(1)
    assert (len(world.store.data.deaths), world.store.data.notices) == (1, [])


@pytest.mark.parametrize("change", ["kind", "channel"])
async def test_what_is_switched_off_while_a_poll_is_on_its_way_is_not_posted(
    world: World, change: str
) -> None:
    """A kill that is written after the change is judged by the changed settings."""

    class SlowLogs(FakeDeathLogs):
        """An admin changes a setting after the poll began, and then the game writes another row."""

        async def read_on(
            self, cursors: Mapping[LogFile, Cursor], held: Collection[LogFile] = ()
        ) -> AsyncGenerator[Chunk, None]:
            """Yield the new chunks."""
            if cursors:
                switch_off()
                world.append(("A", "B"), second=1)
            async for chunk in super().read_on(cursors, held):
                yield chunk

    def switch_off() -> None:
        if change == "channel":
            world.channels.channel_id = None
            return
        world.servers.servers[SCOPE] = replace(build_server(), silenced=frozenset({DeathKind.KILL}))
        scheduler.refresh()

    world.access.logs = SlowLogs()
    world.access.logs.append(FILE, render(build_row("C", "D", second=0)))
    async with running(scheduler := world.build()):
        await world.pass_pauses(1)
    posted = [notice.killer_name for notice in world.store.data.notices if isinstance(notice, DeathNotice)]
    assert (len(world.store.data.deaths), posted) == (2, ["C"])


@pytest.mark.parametrize(("age_minutes", "seconds"), [(60, SAVE_HEALTH_SECONDS), (600, 300), (6, 30)])
async def test_health_is_saved_every_few_minutes_when_nothing_changes(
    age_minutes: float, seconds: float
) -> None:
    """The time of the last read may lag a little in the database, as news go, and never in the status."""
    world = World(max_age=timedelta(minutes=age_minutes))
    scheduler = world.build()
    polls = int(2 * seconds / 5)
    async with running(scheduler):
        await world.pass_pauses(polls + 1)
        assert scheduler.health.last_read_at == START + timedelta(seconds=5 * (polls + 1))
    saved = [health.last_read_at for health in world.servers.saved]
    assert saved == [START + timedelta(seconds=seconds * number) for number in range(3)]


async def test_health_is_saved_at_once_when_something_changes(world: World) -> None:
    """A failure and the recovery are stored at once; the time of a kill may wait."""
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        world.append(("A", "B"))
        await world.pass_pauses(1)
        world.access.failures.append(HostUnreachableError(text("No route.")))
        await world.pass_pauses(2)
    assert [(health.state, health.problem) for health in world.servers.saved] == [
        (ConnectionState.CONNECTED, None),
        (ConnectionState.RETRYING, text("No route.")),
        (ConnectionState.CONNECTED, None),
    ]


async def test_logs_that_are_passed_over_are_told_and_do_not_slow_the_rest(world: World) -> None:
    """Health names unreadable logs as long as they are unreadable, and polls go on."""
    scheduler = world.build()
    world.access.logs.problems = [text("No permission for that file.")]
    async with running(scheduler):
        pauses = await world.pass_pauses(2)
        world.access.logs.problems.clear()
        pauses += await world.pass_pauses(2)
    assert pauses == [5] * 4
    assert [(health.state, health.problem) for health in world.servers.saved] == [
        (ConnectionState.CONNECTED, text("No permission for that file.")),
        (ConnectionState.CONNECTED, None),
    ]


@pytest.mark.parametrize("minutes", [50, 70])
async def test_last_read_survives_a_restart(world: World, minutes: int) -> None:
    """Rows of an absence below an hour are news; after a longer one only the newest rows are."""
    world.append(("A", "B"))
    async with running(world.build()):
        await world.pause(1)
    world.store.data.notices.clear()
    world.append(("A", "Early"), second=60)
    world.append(("A", "Late"), second=3700)
    world.clock.move(minutes * 60)
    scheduler = world.build()
    assert scheduler.health.last_read_at is None
    pauses = len(world.clock.slept)
    async with running(scheduler):
        await world.pause(pauses + 1)
    announced = [notice.victim_name for notice in world.store.data.notices]
    assert announced == (["Early", "Late"] if minutes < 60 else ["Late"])


async def test_import_comes_first_and_later_bytes_are_news(world: World) -> None:
    """A waiting import runs without posts; rows after its end are announced by the next poll."""
    world.append(("A", "Old"))
    job = ImportJob(0, START, {FILE: len(world.access.logs.files[FILE])})
    await world.store.begin_import(SCOPE, job)
    world.append(("A", "New"), second=9)
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        assert (world.store.data.job, world.store.data.notices) == (None, [])
        assert [death.row.victim_name for death in world.store.data.deaths.values()] == ["Old"]
        assert scheduler.health.last_read_at == START
        world.servers.servers[SCOPE] = replace(build_server(), generation=1)
        await world.pass_pauses(1)
    assert [notice.victim_name for notice in world.store.data.notices] == ["New"]
    name, shown_job, last = world.progress.shown[-1]
    assert (name, shown_job, last.is_done, last.rows) == ("Mirny", job, True, 1)


async def test_import_goes_on_when_the_host_comes_back(world: World) -> None:
    """An import that failed in the middle stays stored, and is tried again like any read."""
    world.append(("A", "Old"))
    await world.store.begin_import(SCOPE, ImportJob(0, START, {FILE: len(world.access.logs.files[FILE])}))
    world.access.failures.append(ConnectionLostError(text("The host hung up.")))
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        assert (scheduler.health.state, scheduler.health.problem) == (
            ConnectionState.RETRYING,
            text("The host hung up."),
        )
        await world.pass_pauses(1)
    assert world.store.data.job is None
    assert len(world.store.data.deaths) == 1
    assert scheduler.health.state is ConnectionState.CONNECTED


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
async def test_refused_server_is_told_once_and_left_alone_until_woken(
    world: World, error: RemoteError
) -> None:
    """A failure that only a person can fix is not tried again, because hosters ban repeated failed logins."""
    world.access.failures += [error] * 3
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: scheduler.health.state is ConnectionState.REFUSED)
        for _ in range(3):
            await world.clock.advance(100_000)
        assert (world.visits, scheduler.health.problem) == (1, error.said)
        scheduler.wake()
        await until(lambda: world.visits == 2)
        await world.clock.advance(100_000)
        assert (world.visits, world.notifier.told) == (2, [alert(error)])
    assert world.access.renewed == [SCOPE]


async def test_mended_server_is_read_on_and_told_again_at_the_next_fault(world: World) -> None:
    """Once all is well the alert is closed, and the next failure is a new alert."""
    refused = REFUSALS[0]
    world.access.failures.append(refused)
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: scheduler.health.state is ConnectionState.REFUSED)
        scheduler.wake()
        await world.pause(1)
        assert scheduler.health.state is ConnectionState.CONNECTED
        world.access.failures.append(refused)
        world.clock.move(5)
        await until(lambda: scheduler.health.state is ConnectionState.REFUSED)
    assert world.notifier.told == [alert(refused)] * 2


async def test_each_matter_of_a_fault_that_changed_is_told_again_at_the_next_one(world: World) -> None:
    """A corrected login may reveal missing logs; once all is well both alerts are closed."""
    refused, missing = REFUSALS[0], LogsMissingError(text("No death logs found."))
    scheduler = world.build()
    for _ in range(2):
        world.access.failures += [refused, missing]
        async with running(scheduler):
            await until(lambda: scheduler.health.state is ConnectionState.REFUSED)
            scheduler.wake()
            await until(lambda: scheduler.health.state is ConnectionState.NO_LOGS)
            scheduler.wake()
            await until(lambda: scheduler.health.state is ConnectionState.CONNECTED)
            assert scheduler.list_told() == frozenset()
    assert world.notifier.told == [alert(refused), alert(missing)] * 2


@pytest.mark.parametrize(("error", "label"), [(REFUSALS[1], "Accept key"), (REFUSALS[0], "Test again")])
async def test_alert_has_the_button_that_mends_its_matter(
    world: World, error: RemoteError, label: str
) -> None:
    """A changed host key can be accepted, everything else is tested again."""
    world.access.failures.append(error)
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: scheduler.health.state is ConnectionState.REFUSED)
    [button] = world.notifier.buttons
    assert isinstance(button, LastingButton)
    assert (str(button.label), button.argument) == (label, SCOPE.server_id)


async def test_alert_names_every_server_at_the_host(world: World) -> None:
    """Servers behind one obstacle share the alert; paused ones and those of other hosts are left out."""
    own = world.servers.servers[SCOPE]
    for name, change in {
        "Kamensk": {},
        "Paused": {"is_paused": True},
        "Elsewhere": {"port": 2022},
    }.items():
        scope = replace(SCOPE, server_id=ServerId(name))
        world.servers.servers[scope] = replace(own, scope=scope, name=name, **change)
    world.access.obstacle = Obstacle("host", None)
    world.access.failures.append(REFUSALS[1])
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: bool(world.notifier.told))
    assert world.notifier.told == [f"**Mirny, Kamensk**: {REFUSALS[1]}"]


async def test_servers_that_suffer_from_the_same_thing_tell_it_once(world: World) -> None:
    """25 servers with the same changed host key cause one alert."""
    world.access.failures += [REFUSALS[1]] * 2
    first, second = world.build(), world.build()
    async with running(first), running(second):
        await until(lambda: world.visits == 2 and second.health.state is ConnectionState.REFUSED)
        assert first.health.state is ConnectionState.REFUSED
    assert world.notifier.told == [alert(REFUSALS[1])]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (REFUSALS[0], IncidentKind.SERVER_LOGIN),
        (REFUSALS[1], IncidentKind.SERVER_HOSTKEY),
        (LogsMissingError(text("There are no logs.")), IncidentKind.SERVER_LOGS),
        (RuntimeError("a bug"), IncidentKind.SERVER_LOGS),
    ],
)
async def test_alert_of_a_server_is_an_incident_of_its_kind(
    world: World, failure: Exception, kind: IncidentKind
) -> None:
    """The kind names the runbook, and lets a later process know the alert."""
    world.access.failures.append(failure)
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: bool(world.notifier.kinds))
    assert world.notifier.kinds == [kind]


async def test_alert_of_an_earlier_process_is_closed_when_the_log_is_read(world: World) -> None:
    """The next fault after a restart is reported again, because the first read closed the old alert."""
    await world.notifier.notify(SCOPE.guild_id, text("An earlier process said so."), "login:1")
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: scheduler.health.state is ConnectionState.CONNECTED)
    await world.notifier.notify(SCOPE.guild_id, text("It failed again."), "login:1")
    assert world.notifier.told == ["An earlier process said so.", "It failed again."]


async def test_wake_is_not_lost_when_it_comes_during_a_visit(world: World) -> None:
    """After a wake during a visit, the next visit follows at once."""

    class WakingNotifier(FakeNotifier):
        """The login is corrected as soon as the alert is sent."""

        async def notify(
            self,
            guild_id: GuildId,
            sentence: Text,
            key: str,
            *,
            buttons: Sequence[LastingButton] = (),
            **_: object,
        ) -> None:
            """Wake the server."""
            del guild_id, sentence, key, buttons
            scheduler.wake()

    world.notifier = WakingNotifier()
    world.access.failures.append(REFUSALS[0])
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: scheduler.health.state is ConnectionState.CONNECTED)
    assert world.visits == 2


async def test_several_wakes_in_a_pause_are_one_visit(world: World) -> None:
    """Several wakes in a pause lead to one visit; the next visit has its usual time."""
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: world.visits == 1)
        await world.clock.advance(0)
        for _ in range(3):
            scheduler.wake()
        await until(lambda: world.visits == 2)
        for _ in range(10):
            await world.clock.advance(0)
        assert world.visits == 2
        assert world.clock.slept == [5, 5]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
async def test_passing_fault_is_tried_again_ever_less_often(world: World, error: KillfeedError) -> None:
    """Failures that may pass are not reported, and are tried again after at most twenty seconds."""
    world.access.failures += [error] * 7
    scheduler = world.build()
    async with running(scheduler):
        pauses = [await world.pause(1), *await world.pass_pauses(6)]
        assert (scheduler.health.state, str(scheduler.health.problem)) == (
            ConnectionState.RETRYING,
            show(error),
        )
        assert scheduler.health.next_try_at == world.clock.now() + timedelta(seconds=pauses[-1])
        assert world.notifier.told == []
        await world.pass_pauses(2)
        assert (scheduler.health.state, scheduler.health.next_try_at) == (ConnectionState.CONNECTED, None)
    bounds = [max(5, READ_BACKOFF.compute_seconds(failures, lambda: 1)) for failures in range(1, 8)]
    assert bounds == [5, 5, 8, 16, 20, 20, 20]
    assert all(5 <= pause <= bound for pause, bound in zip(pauses, bounds, strict=True))
    assert world.clock.slept[-1] == 5


async def test_host_that_is_no_ssh_server_is_told_once_and_tried_again(world: World) -> None:
    """A page in place of the host may pass, or stay until an admin corrects the port."""
    page = NoSshServerError(text("Something else answers there."))
    world.access.failures += [page] * 3
    scheduler = world.build()
    async with running(scheduler):
        await world.pass_pauses(1)
        assert scheduler.health.state is ConnectionState.RETRYING
        await world.pass_pauses(3)
        assert scheduler.health.state is ConnectionState.CONNECTED
        assert world.notifier.told == [alert(page)]
        world.access.failures.append(page)
        await world.pass_pauses(2)
    assert world.notifier.told == [alert(page)] * 2


async def test_server_behind_a_host_that_is_away_waits_for_it_without_a_try(world: World) -> None:
    """There is no poll, timer or log line; another task finds out when the host is back, and wakes all."""
    world.access.failures.append(HostUnreachableError(text("No route.")))
    next_try_at = START + timedelta(seconds=9)
    world.access.obstacle = Obstacle("host", next_try_at)
    scheduler = world.build()
    async with running(scheduler):
        await until(lambda: scheduler.health.state is ConnectionState.RETRYING)
        for _ in range(3):
            await world.clock.advance(100_000)
        assert (world.visits, world.clock.slept) == (1, [])
        assert (await scheduler.get_health()).next_try_at == next_try_at
        world.access.clear()
        await world.pause(1)
        assert (scheduler.health.state, world.visits) == (ConnectionState.CONNECTED, 2)


async def test_same_fault_is_logged_and_saved_once_and_again_after_ten_minutes(world: World) -> None:
    """A host that fails for a day does not fill the log; each record has the id of its poll."""
    world.access.failures += [ConnectionLostError(text("The host hung up."))] * 200
    with capture_logs(processors=[merge_contextvars]) as logs:
        async with running(world.build()):
            await world.pass_pauses(20)
            early = len([one for one in logs if one["event"] == "game server is not read"])
            while world.clock.monotonic() < 1000 + LOG_SECONDS + 40:
                await world.pass_pauses(1)
    unread = [one for one in logs if one["event"] == "game server is not read"]
    assert {(one["guild"], one["server"], one["id"][:2]) for one in unread} == {
        (SCOPE.guild_id, SCOPE.server_id, "p-")
    }
    assert len({one["id"] for one in unread}) == 2
    faults = [one["problem"] for one in unread]
    assert (early, faults) == (1, ["The host hung up."] * 2)
    assert [health.problem for health in world.servers.saved] == [text("The host hung up.")]


@pytest.mark.parametrize(
    "missing",
    [LogsMissingError(text("No death logs found.")), RemotePermissionError(text("May not read the folder."))],
)
async def test_missing_logs_are_told_and_looked_for_at_a_slow_pace(
    world: World, missing: RemoteError
) -> None:
    """A person has to create the folder, so the bot checks every minute; there is one alert."""
    world.access.failures += [missing] * 3
    scheduler = world.build()
    async with running(scheduler):
        assert [await world.pause(1), *await world.pass_pauses(2)] == [MISSING_LOGS_SECONDS] * 3
        assert (scheduler.health.state, scheduler.health.problem) == (ConnectionState.NO_LOGS, missing.said)
        await world.pass_pauses(1)
        assert scheduler.health.state is ConnectionState.CONNECTED
    assert (world.notifier.told, world.visits) == ([alert(missing)], 4)


async def test_server_whose_logs_another_one_reads_is_not_read(world: World) -> None:
    """If two servers have the same logs, the younger one stores no death and warns, until it is alone."""
    first = replace(build_server("Main", "main"), log_folder="/one/deathlogs")
    world.servers = FakeServerStore(first, build_server())
    world.access.log_folder = "/one/deathlogs"
    world.append(("A", "B"))
    scheduler = world.build()
    async with running(scheduler):
        assert await world.pause(1) == MISSING_LOGS_SECONDS
        assert scheduler.health.state is ConnectionState.NO_LOGS
        assert world.notifier.told == [f"**Mirny**: {scheduler.health.problem}"]
        assert "“Main” already uses these logs, so I don't read “Mirny”" in world.notifier.told[0]
        assert world.store.data.deaths == {}
        del world.servers.servers[first.scope]
        await world.pass_pauses(1)
        assert scheduler.health.state is ConnectionState.CONNECTED
        assert len(world.store.data.deaths) == 1


async def test_logs_that_are_found_in_another_folder_are_held_against_other_servers_at_once(
    world: World,
) -> None:
    """Nothing is read from the new folder before the check, even if the last poll succeeded."""
    first = replace(build_server("Main", "main"), log_folder="/two/deathlogs")
    world.servers = FakeServerStore(first, build_server())
    world.access.log_folder = "/one/deathlogs"
    scheduler = world.build()
    async with running(scheduler):
        await world.pass_pauses(1)
        assert scheduler.health.state is ConnectionState.CONNECTED
        world.access.log_folder = "/two/deathlogs"
        world.append(("A", "B"))
        await world.pass_pauses(1)
        assert scheduler.health.state is ConnectionState.NO_LOGS
    assert world.store.data.deaths == {}


async def test_database_outage_during_a_poll_is_waited_out(world: World) -> None:
    """A batch that could not be stored is read again, and then announced."""
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        world.append(("A", "B"))
        world.store.outages = 1
        await world.pass_pauses(1)
        assert (scheduler.health.state, world.store.data.deaths) == (ConnectionState.RETRYING, {})
        await world.pass_pauses(1)
    assert [notice.victim_name for notice in world.store.data.notices] == ["B"]


async def test_stored_health_is_kept_when_it_cannot_be_read_at_the_start(world: World) -> None:
    """A short outage at the start does not lose the time of the last read."""
    stored = ServerHealth(SCOPE, ConnectionState.CONNECTED, last_read_at=START - timedelta(minutes=5))
    world.servers.saved.append(stored)
    world.servers.failures += [StorageUnavailableError("away")]
    world.access.failures += [HostUnreachableError(text("No route."))]
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        assert (world.servers.saved, world.visits) == ([stored], 0)
        assert (scheduler.health.state, str(scheduler.health.problem)) == (
            ConnectionState.RETRYING,
            show(StorageUnavailableError()),
        )
        await world.pass_pauses(1)
    assert world.servers.saved[-1].last_read_at == stored.last_read_at
    assert world.servers.saved[-1].problem == text("No route.")


async def test_reading_goes_on_when_health_cannot_be_saved(world: World) -> None:
    """A failed save of the health does not stop the reading."""

    class ForgetfulStore(FakeServerStore):
        """Saves no health."""

        async def save_health(self, health: ServerHealth) -> None:
            """Fail."""
            del health
            raise StorageUnavailableError("away")

    world.servers = ForgetfulStore(build_server())
    scheduler = world.build()
    async with running(scheduler):
        await world.pass_pauses(2)
    assert (world.visits, scheduler.health.state) == (3, ConnectionState.CONNECTED)


async def test_loop_ends_when_the_server_is_removed(world: World) -> None:
    """A removed server has no loop."""
    scheduler = world.build()
    async with running(scheduler) as task:
        await world.pause(1)
        world.servers.servers.clear()
        scheduler.refresh()
        await world.clock.advance(5)
        await task
    assert world.visits == 1


@pytest.mark.parametrize("seconds", [LOOK_SECONDS, SHARED_LOOK_SECONDS])
async def test_removal_nobody_told_of_is_noticed_within_minutes(world: World, seconds: float) -> None:
    """Polls in between go on from what the last look has shown, without another one."""
    world.look_seconds, polls = seconds, int(seconds / 5)
    async with running(world.build()) as task:
        await world.pause(1)
        world.append(("A", "B"))
        await world.pass_pauses(polls - 1)
        assert (world.servers.calls.count("find_server"), world.visits) == (1, polls)
        assert len(world.store.data.deaths) == 1
        world.servers.servers.clear()
        await world.clock.advance(5)
        await task
    assert (world.servers.calls.count("find_server"), world.visits) == (2, polls)


async def test_changed_server_is_read_with_its_new_settings(world: World) -> None:
    """Each visit uses the server as it is stored then."""
    async with running(scheduler := world.build()):
        await world.pause(1)
        changed = replace(build_server(), host="203.0.113.9")
        world.servers.servers[SCOPE] = changed
        scheduler.refresh()
        await world.pass_pauses(1)
    assert world.access.opened == [build_server(), changed]


async def test_paused_server_is_not_read_until_there_is_room_again(world: World) -> None:
    """A paused server is shown as paused, has no open login, and is read again after the pause."""
    world.append(("A", "B"))
    async with running(scheduler := world.build()):
        await world.pause(1)
        read_at = scheduler.health.last_read_at
        await world.servers.set_paused(SCOPE, is_paused=True)
        scheduler.refresh()
        await world.pass_pauses(3)
        assert (scheduler.health.state, scheduler.health.last_read_at) == (ConnectionState.PAUSED, read_at)
        assert (world.visits, world.access.forgotten) == (1, [SCOPE])
        assert [health.state for health in world.servers.saved][-1] is ConnectionState.PAUSED
        saved = len(world.servers.saved)
        world.append(("A", "C"), second=50)
        await world.pass_pauses(1)
        assert (len(world.servers.saved), world.visits) == (saved, 1)
        await world.servers.set_paused(SCOPE, is_paused=False)
        await world.pass_pauses(1)
        assert (scheduler.health.state, world.visits) == (ConnectionState.CONNECTED, 2)
    assert len(world.store.data.deaths) == 2


async def test_pause_settles_a_fault_and_the_next_one_is_told_again(world: World) -> None:
    """A pause closes the alert."""
    world.access.failures += [LogsMissingError(text("none here")), LogsMissingError(text("none here"))]
    async with running(world.build()):
        await world.pause(1)
        await world.servers.set_paused(SCOPE, is_paused=True)
        await world.pass_pauses(1)
        await world.servers.set_paused(SCOPE, is_paused=False)
        await world.pass_pauses(1)
    assert world.notifier.told == ["**Mirny**: none here"] * 2


async def test_tier_that_cannot_be_read_is_waited_for(world: World) -> None:
    """The tier cannot be read, so the server waits and is not polled at the rate of another tier."""
    store = FakePremiumStore()
    store.failures.append(StorageUnavailableError("away"))
    world.premium = PremiumService(store, default_tier=4, clock=world.clock)
    async with running(world.build()):
        await world.pause(1)
        assert world.visits == 0
        await world.pass_pauses(1)
        assert world.visits == 1


@pytest.mark.parametrize(("needed", "seconds"), [(1, 4), (3, 2), (9, 1)])
async def test_slow_host_is_read_at_the_moments_of_its_guild(
    world: World, needed: float, seconds: float
) -> None:
    """A host that answers within the interval is polled at every interval, and only once."""

    class SlowStore(FakeIngestionStore):
        """Takes time for each poll."""

        async def find_import(self, scope: object) -> None:
            """Let time pass."""
            del scope
            world.clock.move(needed)

    world.store = SlowStore()
    async with running(world.build()):
        assert await world.pause(1) == seconds


async def test_servers_of_a_guild_are_read_at_the_same_moments(world: World) -> None:
    """So the servers' posts for one channel go into one message, whenever the servers were added."""
    async with running(world.build()):
        assert await world.pause(1) == 5
        world.clock.move(1)
        async with running(world.build()):
            assert await world.pause(2) == 4


async def test_counts_of_lines_come_from_the_storage(world: World) -> None:
    """The state comes from the scheduler, the counts come from ingestion."""
    scheduler = world.build()
    async with running(scheduler):
        await world.pause(1)
        world.servers.saved.append(ServerHealth(SCOPE, lines_read=7, lines_rejected=2))
        assert await scheduler.get_health() == replace(scheduler.health, lines_read=7, lines_rejected=2)
        assert scheduler.health.state is ConnectionState.CONNECTED


@pytest.mark.parametrize("error", PROBLEMS, ids=lambda error: type(error).__name__)
async def test_problem_that_may_need_a_person_is_told_once_and_tried_again(
    world: World, error: KillfeedError
) -> None:
    """The status shows such a problem, even if it is neither the host's nor an outage of the database."""
    world.access.failures += [error] * 4
    scheduler = world.build()
    async with running(scheduler):
        await world.pass_pauses(3)
        assert (scheduler.health.state, str(scheduler.health.problem)) == (
            ConnectionState.RETRYING,
            show(error),
        )
        assert world.notifier.told == [f"**Mirny**: {show(error)}"]
        await world.pass_pauses(1)
        assert scheduler.health.state is ConnectionState.CONNECTED


@pytest.mark.parametrize("place", ["find_server", "open"])
async def test_failure_that_nobody_thought_of_is_shown_told_once_and_waited_out(
    world: World, place: str
) -> None:
    """The loop goes on with growing pauses, and recovers afterwards."""
    failures = [OverflowError("date value out of range")] * 6

    class BrokenServers(FakeServerStore):
        """Fails for a while when a server is read."""

        async def find_server(self, scope: ServerScope) -> GameServer | None:
            """Fail first."""
            if failures:
                raise failures.pop()
            return await super().find_server(scope)

    if place == "open":
        world.access.failures += failures  # type: ignore[arg-type]
    else:
        world.servers = BrokenServers(build_server())
    scheduler = world.build()
    async with running(scheduler):
        pauses = [await world.pause(1), *await world.pass_pauses(4)]
        assert scheduler.health.state is ConnectionState.RETRYING
        assert scheduler.health.problem == Problem.SURPRISE.say(failure="OverflowError")
        assert scheduler.health.next_try_at == world.clock.now() + timedelta(seconds=pauses[-1])
        assert len(world.notifier.told) == 1
        assert str(scheduler.health.problem) in world.notifier.told[0]
        assert max(pauses) <= READ_BACKOFF.longest_seconds
        await world.pass_pauses(2)
        assert (scheduler.health.state, scheduler.health.problem) == (ConnectionState.CONNECTED, None)


POISONED = [("Ann", "Bob"), ("Ann", "Poison"), ("Bob", "Ann"), ("Cid", "Poison"), ("Ann", "Cid")]


@pytest.mark.parametrize("is_import", [False, True])
@pytest.mark.parametrize("failure", [OverflowError("too large"), StorageError("MongoDB refused.")])
async def test_rows_that_cannot_be_stored_are_passed_over_after_five_failures(
    failure: Exception, *, is_import: bool
) -> None:
    """The lines are stored, shown and counted as rejected; the other rows are stored as deaths."""
    world = World(store=PoisonStore(failure))
    world.access.logs.lines_per_chunk = 100
    world.append(*POISONED)
    world.store.data.cursors[FILE] = Cursor(FILE)
    if is_import:
        world.store.data.job = ImportJob(0, START, {FILE: len(world.access.logs.files[FILE])})
    scheduler = world.build()
    async with running(scheduler):
        await world.pass_pauses(FAILURES_BEFORE - 1)
        assert scheduler.health.state is ConnectionState.RETRYING
        assert world.store.data.deaths == {}
        await world.pass_pauses(1)
        assert (scheduler.health.state, scheduler.health.problem) == (ConnectionState.CONNECTED, None)
        world.append(("Bob", "Ann"), second=60)
        await world.pass_pauses(1)
    data = world.store.data
    names = [death.row.victim_name for death in data.deaths.values()]
    assert names == ["Bob", "Ann", "Cid", "Ann"]
    assert (data.lines_read, data.lines_rejected) == (6, 2)
    assert [(str(line.reason), ";Poison;" in line.line) for line in data.rejected] == [
        (f"could not be stored ({type(failure).__name__})", True)
    ] * 2
    assert data.cursors[FILE].offset == len(world.access.logs.files[FILE])
    assert data.cursors[FILE].head == digest_head(world.access.logs.files[FILE][:256])
    assert len(world.notifier.told) == 1


async def test_outage_of_the_database_is_never_taken_for_poison(world: World) -> None:
    """Every row is stored in the end, however long the outage lasts."""
    world.append(*POISONED)
    world.store.outages = 3 * FAILURES_BEFORE
    scheduler = world.build()
    async with running(scheduler):
        await world.pass_pauses(3 * FAILURES_BEFORE)
    assert (len(world.store.data.deaths), world.store.data.rejected) == (5, [])


@pytest.mark.parametrize(
    "failures", [(), (ConnectionLostError(text("The host hung up.")),), (SecretError(text("other key")),)]
)
async def test_import_is_stored_in_whole_batches_after_failures_that_are_no_poison(
    world: World, failures: tuple[KillfeedError, ...]
) -> None:
    """Many failures of the host or of the login do not make the next line suspicious."""
    world.append(*[("Ann", "Bob")] * 6)
    world.access.logs.lines_per_chunk = 1
    world.access.failures = [*failures] * (FAILURES_BEFORE + 1)
    world.store.data.job = ImportJob(0, START, {FILE: len(world.access.logs.files[FILE])})
    scheduler = world.build()
    async with running(scheduler):
        await world.pass_pauses(FAILURES_BEFORE + 1)
    assert (len(world.store.data.deaths), world.store.transactions) == (6, 3)


async def test_posts_without_room_are_told_once_until_there_is_room_again(world: World) -> None:
    """The deaths are stored and counted."""
    world.store.data.notices_maximum = 2
    world.store.data.cursors[FILE] = Cursor(FILE)
    world.append(*[("Ann", "Bob")] * 3)
    scheduler = world.build()
    told = [str(describe_left_out(count, "Mirny")) for count in (1, 2)]
    async with running(scheduler):
        await world.pass_pauses(1)
        assert (len(world.store.data.deaths), len(world.store.data.notices)) == (3, 2)
        world.append(("Ann", "Bob"), ("Ann", "Bob"), second=10)
        await world.pass_pauses(1)
        assert world.notifier.told == told[:1]
        world.store.data.notices.clear()
        world.append(("Ann", "Bob"), second=20)
        await world.pass_pauses(1)
        world.append(("Ann", "Bob"), ("Ann", "Bob"), ("Bob", "Ann"), second=30)
        await world.pass_pauses(1)
    assert world.notifier.told == told
    assert len(world.store.data.deaths) == 9


@pytest.mark.parametrize(
    "error",
    [OverflowError("sum"), StorageError("MongoDB refused the operation.")],
    ids=["surprise", "refused"],
)
async def test_import_whose_counting_fails_again_and_again_backs_off_to_minutes(
    world: World, error: Exception
) -> None:
    """No line can be skipped for it. It is shown, causes one alert, and is not counted every few seconds."""

    class BrokenStore(FakeIngestionStore):
        """Fails to store counters until the test ends that."""

        is_broken = True

        async def write_generation(self, *args: Any, **fields: Any) -> None:
            """Fail."""
            if self.is_broken:
                raise error
            await super().write_generation(*args, **fields)

    world.store = store = BrokenStore()
    world.append(("A", "B"))
    store.data.job = ImportJob(0, START, {FILE: len(world.access.logs.files[FILE])})
    scheduler = world.build()
    async with running(scheduler):
        pauses = [await world.pause(1), *await world.pass_pauses(9)]
        assert max(pauses[:5]) <= READ_BACKOFF.longest_seconds
        assert pauses[5:] == [60, 120, 240, 480, 600]
        assert scheduler.health.state is ConnectionState.RETRYING
        assert len(world.notifier.told) == 1
        store.is_broken = False
        await world.pass_pauses(1)
        assert (scheduler.health.state, scheduler.health.problem) == (ConnectionState.CONNECTED, None)
