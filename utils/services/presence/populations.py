"""Answers ``/server population``: how many players there were in the course of time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from utils.clock import Clock
from utils.models.game_log import SAMPLE_TIME, PopulationSample, floor_sample
from utils.models.populations import PopulationPeriod, PopulationReport
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import choose_zone
from utils.models.texts import Value
from utils.services.players.coverage import name_servers
from utils.services.servers.game_servers import GameServerService, list_chosen


class PopulationStore(Protocol):  # implemented by GameLogRepository
    """Reads of samples."""

    async def list_samples(self, scope: ServerScope, *, since: datetime) -> Sequence[PopulationSample]:
        """Return the samples of a server since a moment, oldest first."""


class PopulationService:
    """Says how many players were on the game servers of a guild."""

    def __init__(self, store: PopulationStore, servers: GameServerService, *, clock: Clock) -> None:
        self._store = store
        self._servers = servers
        self._clock = clock

    async def describe(
        self, guild_id: GuildId, server: str | None, period: PopulationPeriod
    ) -> PopulationReport:
        """Return the numbers of the named server, or of all servers of the guild together.

        Raises:
            NotFoundError, AmbiguousError: there is no server, or none with this name.
        """
        servers = await list_chosen(self._servers, guild_id, server)
        now = self._clock.now()
        until = floor_sample(now)
        samples = [await self._store.list_samples(one.scope, since=until - period.length) for one in servers]
        zone = choose_zone(servers)
        where = name_servers(servers)
        sums = sum_samples(one for some in samples for one in some)
        return build_report(sums, where=where, period=period, until=until, zone=zone)


def sum_samples(samples: Iterable[PopulationSample]) -> list[tuple[datetime, float, int]]:
    """Return each time with the players in the game and the peak, over all servers, oldest first.

    An hour that was folded counts as the samples that it stands for, so it weighs as much as they did.
    """
    online, peaks = defaultdict[datetime, float](float), defaultdict[datetime, int](int)
    for one in samples:
        for at in one.list_times():
            online[at] += one.mean
            peaks[at] += one.peak
    return [(at, online[at], peaks[at]) for at in sorted(online)]


def build_report(
    sums: Sequence[tuple[datetime, float, int]],
    *,
    where: Value,
    period: PopulationPeriod,
    until: datetime,
    zone: ZoneInfo,
) -> PopulationReport:
    """Return the course and its figures; a step without a sample stays a gap."""
    steps: list[list[float]] = [[] for _ in range(period.steps)]
    hours = defaultdict[int, list[float]](list)
    since = until - period.length
    for at, online, _ in sums:
        step = int((at - since) / period.step)
        if 0 <= step < len(steps):
            steps[step].append(online)
        hours[at.astimezone(zone).hour].append(online)
    peak = max(sums, key=lambda one: one[2], default=None)
    is_new = bool(sums) and until - sums[-1][0] <= 2 * SAMPLE_TIME
    return PopulationReport(
        where=where,
        period=period,
        since=since,
        course=tuple(_average(some) for some in steps),
        now=round(sums[-1][1]) if is_new else None,
        average=_average([online for _, online, _ in sums]),
        peak=peak[2] if peak else None,
        peak_at=peak[0] if peak else None,
        busiest_hour=max(hours, key=lambda hour: (_average(hours[hour]) or 0.0, -hour), default=None),
        zone=zone.key,
    )


def _average(counts: Sequence[float]) -> float | None:
    return sum(counts) / len(counts) if counts else None
