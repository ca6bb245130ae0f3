"""Probes of Discord: are the shards connected, does Discord limit us, are commands answered."""

import logging
import math
from collections.abc import Callable, Sequence

from utils.clock import Clock
from utils.models.health import ShardConnection
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import Finding
from utils.models.texts import Number, Text, text
from utils.tallies import CommandTally, Recent
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.measuring import judge, say_well

REQUEST_LOGGERS = (
    "discord.http",
    "discord.webhook.async_",
)  # those of answers to interactions are the second
ANSWERED_WITH = ("has returned %s", "has returned status code %s")
LIMITED_GLOBALLY = "Global rate limit has been hit"
TOO_MANY, DENIED = 429, frozenset({401, 403})
LIMITED_ROUNDS, REFUSED_ROUNDS, COMMAND_ROUNDS = 5, 10, 15
LEAST_COMMANDS = 20


class ShardWatch:
    """Remembers since when each shard has no connection, and since when no heartbeat of it was answered.

    A heartbeat was answered when the latency is another one than before: it is a measured time.
    """

    def __init__(self, list_connections: Callable[[], Sequence[ShardConnection]], clock: Clock) -> None:
        self._list_connections = list_connections
        self._clock = clock
        self._open_at: dict[int, float] = {}
        self._latencies: dict[int, float] = {}
        self._answered_at: dict[int, float] = {}

    def look(self) -> Sequence[tuple[ShardConnection, float, float]]:
        """Return each connection, how long it is lost, and how long no heartbeat was answered, in seconds."""
        now, found = self._clock.monotonic(), []
        for one in self._list_connections():
            if one.is_open or one.shard not in self._open_at:
                self._open_at[one.shard] = now
            if not one.is_open or self._latencies.get(one.shard) != one.latency_seconds:
                self._latencies[one.shard], self._answered_at[one.shard] = one.latency_seconds, now
            lost = now - self._open_at[one.shard]
            found.append((one, lost, now - self._answered_at[one.shard]))
        return found


def probe_gateway(shards: ShardWatch) -> Probe:
    """Return the probe of the connections to the gateway."""
    kind = IncidentKind.GATEWAY_DOWN

    async def look() -> Sequence[Finding]:
        found, watched = [], shards.look()
        for one, lost, unanswered in watched:
            latency = one.latency_seconds if math.isfinite(one.latency_seconds) else 0.0
            said = _describe_connection(one, latency, is_alone=len(watched) == 1)
            finding = judge(
                kind,
                said,
                subject=str(one.shard),
                unconnected_seconds=lost,
                latency_seconds=latency if one.is_open else 0.0,
                unanswered_seconds=unanswered,
            )
            found.append(finding)
        return found or say_well(kind, text("The bot hasn't connected to Discord yet."))

    return Probe(kind=kind, look=look)


def _describe_connection(one: ShardConnection, latency: float, *, is_alone: bool) -> Text:
    """Return one sentence; a bot of one shard is not told of shards."""
    shard, answer = str(one.shard), Number(latency * 1000)
    if not one.is_open:
        return text("Not connected.") if is_alone else text("Shard {shard} is not connected.", shard=shard)
    if is_alone:
        return text("Connected; Discord answers in {latency} ms.", latency=answer)
    return text("Shard {shard} is connected; Discord answers in {latency} ms.", shard=shard, latency=answer)


class RefusalCounter(logging.Filter):
    """Counts the answers of Discord that lead to a lockout, of all requests of the process.

    The library has no hook for answers, but it logs each of them, for debugging. So its loggers for requests
    are switched to that level, and this filter of theirs counts, and holds back what was held back before.

    Attributes:
        limited: answers 429.
        limited_globally: those of them that limit every request.
        denied: answers 401 and 403.
    """

    def __init__(self) -> None:
        super().__init__()
        self.limited = 0
        self.limited_globally = 0
        self.denied = 0
        self._least_level = logging.WARNING

    def filter(self, record: logging.LogRecord) -> bool:
        """Count the answer that a record of the library tells of; let through what is logged anyway."""
        if record.levelno == logging.DEBUG and str(record.msg).endswith(ANSWERED_WITH):
            status = record.args[-1] if isinstance(record.args, tuple) else None
            self.limited += status == TOO_MANY
            self.denied += status in DENIED
        self.limited_globally += str(record.msg).startswith(LIMITED_GLOBALLY)
        return record.levelno >= self._least_level

    def attach(self) -> None:
        """Begin to count."""
        self._least_level = logging.getLogger("discord").getEffectiveLevel()
        for name in REQUEST_LOGGERS:
            logging.getLogger(name).addFilter(self)
            logging.getLogger(name).setLevel(logging.DEBUG)

    def detach(self) -> None:
        """Count no more."""
        for name in REQUEST_LOGGERS:
            logging.getLogger(name).removeFilter(self)
            logging.getLogger(name).setLevel(logging.NOTSET)


def probe_limits(refusals: RefusalCounter) -> Probe:
    """Return the probe of refused requests."""
    kind = IncidentKind.DISCORD_LIMITED
    limited = Recent(lambda: (refusals.limited, refusals.limited_globally), rounds=LIMITED_ROUNDS)
    refused = Recent(lambda: (refusals.limited + refusals.denied,), rounds=REFUSED_ROUNDS)

    async def look() -> Sequence[Finding]:
        (count, globally), (all_refused,) = limited.end_round(), refused.end_round()
        said = text(
            "Discord limited {limited} requests in 5 minutes and refused {refused} in 10 minutes.",
            limited=Number(count),
            refused=Number(all_refused),
        )
        return (judge(kind, said, limited=count, limited_globally=globally, refused=all_refused),)

    return Probe(kind=kind, look=look)


def probe_commands(commands: CommandTally) -> Probe:
    """Return the probe of the answers to commands."""
    kind = IncidentKind.COMMANDS_FAILING
    recent = Recent(lambda: (commands.answered, commands.failed), rounds=COMMAND_ROUNDS)

    async def look() -> Sequence[Finding]:
        answered, failed = recent.end_round()
        used = answered + failed
        said = text(
            "{answered} of {used} commands were answered in 15 minutes.",
            answered=Number(answered),
            used=Number(used),
        )
        share = answered / used if used >= LEAST_COMMANDS else 1.0
        return (judge(kind, said, answered_share=share),)

    return Probe(kind=kind, look=look)
