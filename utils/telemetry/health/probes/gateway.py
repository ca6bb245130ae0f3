"""Probes of Discord: are the shards connected, does Discord limit us, are commands answered."""

import logging
import math
from collections.abc import Callable, Sequence

from utils.clock import Clock
from utils.models.health import ShardConnection
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import Finding
from utils.models.texts import Number, text
from utils.tallies import CommandTally, Recent
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.measuring import judge, say_well

LIBRARY_LOGGER = "discord.http"
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
        found = []
        for one, lost, unanswered in shards.look():
            latency = one.latency_seconds if math.isfinite(one.latency_seconds) else 0.0
            if one.is_open:
                said = text(
                    "Shard {shard} is connected, with {latency} ms.",
                    shard=str(one.shard),
                    latency=Number(latency * 1000),
                )
            else:
                said = text("Shard {shard} has no connection.", shard=str(one.shard))
            finding = judge(
                kind,
                said,
                subject=str(one.shard),
                unconnected_seconds=lost,
                latency_seconds=latency if one.is_open else 0.0,
                unanswered_seconds=unanswered,
            )
            found.append(finding)
        return found or say_well(kind, text("No shard yet."))

    return Probe(kind=kind, look=look)


class RateLimitCounter(logging.Handler):
    """Counts the answers 429 of Discord: the library reports each as a warning of its logger.

    Attributes:
        limited: all of them.
        limited_globally: those that limit every request.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.limited = 0
        self.limited_globally = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record of the library."""
        words = str(record.msg)
        self.limited += words.startswith("We are being rate limited")
        self.limited_globally += words.startswith("Global rate limit")

    def attach(self) -> None:
        """Begin to count."""
        logging.getLogger(LIBRARY_LOGGER).addHandler(self)

    def detach(self) -> None:
        """Count no more."""
        logging.getLogger(LIBRARY_LOGGER).removeHandler(self)


def probe_limits(limits: RateLimitCounter, count_refused: Callable[[], int]) -> Probe:
    """Return the probe of refused requests; ``count_refused`` counts the answers 401 and 403."""
    kind = IncidentKind.DISCORD_LIMITED
    limited = Recent(lambda: (limits.limited, limits.limited_globally), rounds=LIMITED_ROUNDS)
    refused = Recent(lambda: (limits.limited + count_refused(),), rounds=REFUSED_ROUNDS)

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
