"""Probes of Deadside.log at their limits: what opens a trouble, and what does not end it."""

import pytest

from tests.fakes.clock import START
from tests.fakes.deaths import SCOPE
from utils.models.game_log import LogCondition, LogReading, SelfCheck
from utils.models.health import ServerReading
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Finding, IncidentKey
from utils.models.servers import ConnectionState
from utils.models.texts import Moment, Number, text
from utils.telemetry.health.probes.logs import probe_aged_rules, probe_still_logs

OK, QUIET, STOPPED, UNKNOWN = (
    LogCondition.OK,
    LogCondition.QUIET,
    LogCondition.STOPPED,
    LogCondition.UNKNOWN,
)
STILL = IncidentKey(SCOPE.guild_id, IncidentKind.LOG_STILL, SCOPE.server_id)


def build_reading(
    log: LogReading | None, state: ConnectionState = ConnectionState.CONNECTED
) -> ServerReading:
    """Return how a server is read."""
    return ServerReading(SCOPE, "Mirny", state, START, log=log)


@pytest.mark.parametrize(
    ("condition", "was_well", "is_near", "is_open", "is_told"),
    [
        (OK, True, False, False, False),
        (QUIET, True, False, False, True),
        (STOPPED, True, False, False, True),
        (UNKNOWN, True, False, False, False),
        (QUIET, False, False, False, False),
        (STOPPED, True, True, False, False),
        (STOPPED, True, True, True, True),
        (UNKNOWN, True, False, True, True),
        (OK, True, False, True, False),
    ],
)
async def test_log_that_stands_still_is_told_to_its_guild(
    condition: LogCondition, *, was_well: bool, is_near: bool, is_open: bool, is_told: bool
) -> None:
    """A change from well is reported, but not around a restart; only a log that grows again ends it."""
    log = LogReading(condition=condition, was_well=was_well, is_near_restart=is_near, still_since=START)
    probe = probe_still_logs(lambda: [build_reading(log)], is_open=lambda key: is_open and key == STILL)
    (finding,) = await probe.look()
    said = text(
        "**{server}**: its log stood still from {moment} on.", server="Mirny", moment=Moment(START, "f")
    )
    assert (finding == Finding(STILL, CheckState.WARN, said)) is is_told
    assert (finding.state is CheckState.OK) is not is_told


@pytest.mark.parametrize(
    "reading",
    [
        build_reading(None),
        build_reading(
            LogReading(condition=STOPPED, was_well=True, is_near_restart=False), ConnectionState.PAUSED
        ),
    ],
)
async def test_server_that_is_not_followed_is_no_trouble(reading: ServerReading) -> None:
    """A paused server, and one whose log was never read, say nothing."""
    for is_open in (False, True):
        (finding,) = await probe_still_logs(
            lambda: [reading], is_open=lambda _, is_open=is_open: is_open
        ).look()
        assert finding.state is CheckState.OK


async def test_aged_rules_are_told_to_their_guild() -> None:
    """The sentence holds the two numbers."""
    log = LogReading(condition=OK, was_well=True, is_near_restart=False, check=SelfCheck(START, 40, 3))
    (finding,) = await probe_aged_rules(lambda: [build_reading(log)]).look()
    assert finding == Finding(
        IncidentKey(SCOPE.guild_id, IncidentKind.LOG_AGED, SCOPE.server_id),
        CheckState.WARN,
        text(
            "**{server}**: its Deadside.log says that only {online} of {kills} killers were online.",
            server="Mirny",
            online=Number(3),
            kills=Number(40),
        ),
    )
    for other in (None, LogReading(condition=OK, was_well=True, is_near_restart=False)):
        (finding,) = await probe_aged_rules(lambda other=other: [build_reading(other)]).look()
        assert finding.state is CheckState.OK
