"""``live``: from a line in the log file to the message in Discord, and what a quiet server costs."""

import asyncio
import random
from datetime import datetime, timedelta

from benchmarks.figures import Figure, compute_percentile
from benchmarks.town import MeasuredTown, now, running_town
from simulation.game_host.battle import Battle
from simulation.game_host.log_files import GameServerFiles
from simulation.posts import is_posted

NUMBER = 1
SAMPLES = {1.0: 40, 5.0: 20}  # samples by the seconds between two polls
QUIET_POLL_SECONDS = 0.25
QUIET_SECONDS = 24.0
FIRST_DAY = datetime(2025, 5, 1)  # noqa: DTZ001 - logs carry no zone


async def measure(_: int) -> list[Figure]:
    """Measure lag at two poll intervals, then the cost of silence."""
    figures: list[Figure] = []
    for interval, samples in SAMPLES.items():
        fresh, *lags = await measure_lags(interval, samples)
        name = f"line in the file to message in Discord, poll every {interval:g} s"
        figures += [
            Figure(f"{name}: p50", compute_percentile(lags, 0.5), "s", aim=interval / 2 + 0.2, digits=2),
            Figure(f"{name}: p99", compute_percentile(lags, 0.99), "s", aim=interval + 1, digits=2),
            Figure("  the first line of a new file", fresh, "s", digits=2),
        ]
    return figures + await measure_silence()


async def measure_lags(interval: float, samples: int) -> list[float]:
    """Return the lags of single deaths in seconds, each written at any moment between two polls.

    The first death begins a file in the middle of the day. The bot looks for new files at every 12th poll
    only.
    """
    chance = random.Random(1)
    async with running_town(poll_seconds=interval) as town:
        rows = filter(is_posted, Battle(NUMBER, start=FIRST_DAY + timedelta(days=1)).rows())
        files = await _begin(town)
        lags: list[float] = []
        for expected in range(1, samples + 2):
            await asyncio.sleep(chance.uniform(0, interval))
            began = now()
            files.append(next(rows))
            await town.world.wait_for_messages(town.community.feed, expected, within_seconds=60)
            lags.append(now() - began)
    return lags


async def measure_silence() -> list[Figure]:
    """Count the requests to the host while its game server writes nothing."""
    async with running_town(poll_seconds=QUIET_POLL_SECONDS) as town:
        await _begin(town)
        # past the first listings, which wait until the times of the folders are old enough
        await asyncio.sleep(3.0)
        before = town.host.requests.copy()
        await asyncio.sleep(QUIET_SECONDS)
        asked = town.host.requests - before
    polls = QUIET_SECONDS / QUIET_POLL_SECONDS
    return [
        # each poll asks for the file, every second one for its folder too, in the same round trip
        Figure("requests a poll of a quiet server", asked.total() / polls, "", aim=1.6, digits=2),
        Figure("reads of its logs", asked["read"], "", aim=0),
    ]


async def _begin(town: MeasuredTown) -> GameServerFiles:
    """Add a server with a day of history and wait until it is read."""
    town.write_history(NUMBER, rows=500, days=1)
    await town.add_server(NUMBER)
    await town.wait_for_import(NUMBER)
    return town.host.open_files(NUMBER)
