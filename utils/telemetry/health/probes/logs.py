"""Probes of Deadside.log: game servers that stand still, and rules that have aged."""

from collections.abc import Callable, Sequence

from utils.models.game_log import LogCondition, LogReading
from utils.models.health import ServerReading
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Finding, IncidentKey
from utils.models.servers import ConnectionState
from utils.models.texts import Moment, Number, Text, text
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.measuring import say_well

ListReadings = Callable[[], Sequence[ServerReading]]


def probe_still_logs(list_readings: ListReadings, *, is_open: Callable[[IncidentKey], bool]) -> Probe:
    """Return the probe of game servers whose log does not grow any more, or is gone.

    A server that never wrote while the bot looked, and one that starts again at about this time, is no
    trouble. A trouble that is known lasts until the log grows: neither a host that is away nor the hour of a
    restart ends it.
    """
    kind = IncidentKind.LOG_STILL

    async def look() -> Sequence[Finding]:
        found = []
        for one in list_readings():
            key = IncidentKey(one.scope.guild_id, kind, one.scope.server_id)
            if one.log is None or one.state is ConnectionState.PAUSED:
                continue
            if _is_still(one.log, is_open=is_open(key)):
                found.append(Finding(key, CheckState.WARN, _describe_still(one.name, one.log)))
        return found or say_well(kind, text("Every log that I know grows."))

    return Probe(kind=kind, look=look)


def probe_aged_rules(list_readings: ListReadings) -> Probe:
    """Return the probe of logs that do not tell any more who is online, compared with the death log."""
    kind = IncidentKind.LOG_AGED

    async def look() -> Sequence[Finding]:
        found = [
            Finding(
                IncidentKey(one.scope.guild_id, kind, one.scope.server_id),
                CheckState.WARN,
                text(
                    "**{server}**: its Deadside.log says that only {online} of {kills} killers were online.",
                    server=one.name,
                    online=Number(one.log.check.online),
                    kills=Number(one.log.check.kills),
                ),
            )
            for one in list_readings()
            if one.log is not None and one.log.check is not None and one.log.check.is_aged
        ]
        return found or say_well(kind, text("The logs agree with each other."))

    return Probe(kind=kind, look=look)


def _is_still(log: LogReading, *, is_open: bool) -> bool:
    if is_open:
        return log.condition is not LogCondition.OK
    return log.is_standing and log.was_well and not log.is_near_restart


def _describe_still(server_name: str, log: LogReading) -> Text:
    """Return a sentence that stays true in the message when the log has grown again."""
    if log.still_since is None:
        return text("**{server}**: its log stood still.", server=server_name)
    return text(
        "**{server}**: its log stood still from {moment} on.",
        server=server_name,
        moment=Moment(log.still_since, "f"),
    )
