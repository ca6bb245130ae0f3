"""``outage``: the host of many game servers is away for ten minutes; how soon every kill is then posted.

The games go on: each server has one kill every 10 seconds, as in ``load``. The simulated Discord keeps
Discord's limits.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import Figure, compute_percentile
from benchmarks.load import CLOCK, LOGINS_A_SECOND, SETTLE_SECONDS, Load, running_load

SERVERS = 100
AWAY_SECONDS = 600.0
PATIENCE_SECONDS = 120.0


async def measure(rows: int) -> list[Figure]:
    """Measure one outage; ``rows`` is not used."""
    del rows
    async with running_load(SERVERS) as load:
        await load.play(SETTLE_SECONDS + SERVERS / LOGINS_A_SECOND)
        load.written.clear()
        load.host.go_away()
        await load.play(AWAY_SECONDS)
        load.host.come_back()
        returned_at = CLOCK.now().timestamp()
        arrivals = await _wait_for_all(load)
        waits = [max(0.0, at - returned_at) for at in arrivals.values()]
    title = f"{SERVERS} servers, {AWAY_SECONDS / 60:.0f} minutes away"
    return [
        Figure(f"{title}: kills written meanwhile", len(load.written), ""),
        Figure(f"{title}: from the return to the message p50", compute_percentile(waits, 0.5), "s", digits=1),
        Figure(f"{title}: from the return to the last message", max(waits), "s", aim=30, digits=1),
        Figure(f"{title}: kills not announced", len(load.written) - len(arrivals), "", aim=0),
        Figure(f"{title}: kills announced before an older one", _count_disorder(load, arrivals), "", aim=0),
    ]


async def _wait_for_all(load: Load) -> dict[str, float]:
    """Return when each kill was announced, without the kills that are not announced in time."""
    began = CLOCK.monotonic()
    while CLOCK.monotonic() - began < PATIENCE_SECONDS:
        arrivals = load.find_arrivals()
        if len(arrivals) == len(load.written):
            break
        await asyncio.sleep(1)
    return arrivals


def _count_disorder(load: Load, arrivals: Iterable[str]) -> int:
    """Return how many kills were posted after a later kill of the same server."""
    newest: dict[Path, float] = {}
    late = 0
    for victim in arrivals:
        origin, at = load.origins[victim], load.written[victim]
        late += at < newest.get(origin, 0.0)
        newest[origin] = max(at, newest.get(origin, 0.0))
    return late
