"""A game server that stands still: from the lines of its log to the message of its admins."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START, settle
from tests.fakes.deaths import SCOPE
from tests.fakes.game_log import SERVER, GameLogWorld, write_noise, write_start
from tests.fakes.incidents import FakeIncidentStore
from utils.incident_log import IncidentLog
from utils.models.health import ServerReading
from utils.models.incident_kinds import KINDS, ROUNDS_BEFORE_END, IncidentKind
from utils.models.incidents import Incident, IncidentKey, IncidentMessage, Stage
from utils.models.scope import ChannelId, GuildId
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.models.texts import Text
from utils.services.presence.log_conditions import read_log
from utils.tasks import TaskManager
from utils.telemetry.health.checker import HealthChecker
from utils.telemetry.health.hysteresis import QUIET_SECONDS
from utils.telemetry.health.probes.logs import probe_still_logs

MESSAGE = IncidentMessage(ChannelId(7), 99)


@dataclass
class FakeTeller:
    """Records the messages, and those that were edited."""

    told: list[tuple[Stage, IncidentMessage | None]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def tell(self, incident: Incident, stage: Stage, said: Text | None) -> IncidentMessage | None:
        """Record a message."""
        self.said.append(str(said))
        self.told.append((stage, incident.message))
        return MESSAGE


class Story:
    """A game server, its reader and the health checker of a bot that is killed now and then."""

    def __init__(self, server: GameServer = SERVER) -> None:
        self.world, self.server = GameLogWorld(), server
        self.store, self.teller = FakeIncidentStore(), FakeTeller()
        self.state = ConnectionState.CONNECTED
        self.world.log.append(write_start(START) + write_noise(START))
        self.start_bot()

    def start_bot(self) -> None:
        """Let a process begin: nothing is in its memory."""
        clock = self.world.clock
        self.incidents = IncidentLog(self.store, clock=clock)
        self.tasks = TaskManager(clock)
        self.world.reader = self.world.build_reader()
        probe = probe_still_logs(self.list_readings, is_open=self.is_open)
        self.checker = HealthChecker([probe], self.incidents, self, self.teller, self.tasks, clock)

    def is_open(self, key: IncidentKey) -> bool:
        """Tell whether an incident lasts."""
        known = self.incidents.find(key)
        return known is not None and known.is_open

    async def list_guilds_with_incidents(self) -> Sequence[GuildId]:
        """Return every guild with a stored incident."""
        return [SCOPE.guild_id] if self.store.stored else []

    def list_readings(self) -> Sequence[ServerReading]:
        """Return how the server is read."""
        health = self.world.reader.add_health(ServerHealth(SCOPE, self.state))
        log = read_log(self.server, health, now=self.world.now)
        return [ServerReading(SCOPE, "Mirny", self.state, self.world.now, log=log)]

    async def pass_minutes(self, minutes: int, *, writes: bool = False, reads: bool = True) -> None:
        """Let a minute and a round of health pass, again and again."""
        for _ in range(minutes):
            if writes:
                self.world.log.append(write_noise(self.world.now))
            if reads:
                await self.world.poll(60)
            else:
                self.world.clock.move(60)
            await self.checker.run_round()
            await settle()

    @property
    def stages(self) -> list[Stage]:
        """Return the stages of the messages to the admins."""
        return [stage for stage, _ in self.teller.told]


async def test_server_that_stands_still_is_told_once_and_edited_when_it_is_back() -> None:
    """A restart of the bot tells nothing again, a host that is away ends nothing; the message is edited."""
    story = Story()
    await story.pass_minutes(int(QUIET_SECONDS / 60) + 2, writes=True)
    await story.pass_minutes(14)
    assert story.stages == []
    await story.pass_minutes(5)
    assert story.stages == [Stage.OPENED]
    story.start_bot()
    await story.pass_minutes(8)
    story.state = ConnectionState.RETRYING
    await story.pass_minutes(8, reads=False)
    story.state = ConnectionState.CONNECTED
    assert story.stages == [Stage.OPENED]
    await story.pass_minutes(ROUNDS_BEFORE_END + 1, writes=True)
    assert story.teller.told[1:] == [(Stage.ENDED, MESSAGE)]
    since = f"{START + timedelta(minutes=5):%d %B %Y, %H:%M} UTC"
    assert story.teller.said == [f"**Mirny**: its log stood still from {since} on."] * 2
    assert KINDS[IncidentKind.LOG_STILL].is_edited
    assert not any(one.is_open for one in story.store.stored.values())


@pytest.mark.parametrize("is_near", [True, False])
async def test_stopped_server_is_told_unless_it_restarts_at_that_time(*, is_near: bool) -> None:
    """A restart is not reported; a server that does not come back is reported ten minutes later."""
    at = START + timedelta(minutes=12)
    server = replace(SERVER, restart_times=(f"{at:%H:%M}",) if is_near else ())
    story = Story(server)
    await story.pass_minutes(10, writes=True)
    story.world.log.data = None
    await story.pass_minutes(10)
    assert story.stages == ([] if is_near else [Stage.OPENED])
    await story.pass_minutes(10)
    assert story.stages == [Stage.OPENED]


async def test_server_that_never_wrote_while_the_bot_looked_is_no_news() -> None:
    """An admin may add a server that is switched off."""
    story = Story()
    await story.pass_minutes(40)
    assert story.stages == []
