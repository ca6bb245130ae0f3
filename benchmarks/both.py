"""``both``: the cost of ``Deadside.log`` beside the death logs: a first read, and hundreds of servers.

A first read is that of a whole bot at rest with one game server, whose log becomes a long one of another run.
The load is that of ``load`` with and without the second log.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from pymongo import MongoClient

from benchmarks.figures import Figure, compute_median, compute_percentile
from benchmarks.host import HostProcess, name_user
from benchmarks.load import (
    CLOCK,
    DRAIN_SECONDS,
    LOGINS_A_SECOND,
    MEASURED_SECONDS,
    POLL_SECONDS,
    QUIET_SECONDS,
    SETTLE_SECONDS,
    Load,
    running_load,
    settle,
)
from benchmarks.processes import read_cost
from simulation.bot_process import BotProcess, run_bot
from simulation.discord import SimulatedDiscord
from simulation.game_host.battle import Battle
from simulation.game_host.run_log import NAME, BattleLog

SERVERS = 500
QUIET_REQUESTS = 2.6  # 2.2 round trips: half of the polls send two requests together
MEGABYTES = 10
TRIALS = 3
STEP = timedelta(hours=1)
LOOK_SECONDS = 0.1
REST_SECONDS = 10.0
READ_SECONDS = 120.0


async def measure(rows: int) -> list[Figure]:
    """Measure first reads and the load; ``rows`` is not used."""
    del rows
    cost = compute_median([await _time_first_read() for _ in range(TRIALS)])
    alone, both = [await _measure_load(has_game_logs=has_game_logs) for has_game_logs in (False, True)]
    return [
        Figure(f"CPU of a first read of {MEGABYTES} MB", cost, "s", aim=3, digits=1),
        *_name(alone, "death logs alone"),
        *_name(both, "both logs"),
        Figure("CPU of the bot, both in times of one", both[0].value / alone[0].value, "", aim=1.5, digits=2),
        Figure("requests of a quiet poll of both", both[-1].value, "", aim=QUIET_REQUESTS, digits=2),
    ]


async def _time_first_read() -> float:
    """Return the CPU seconds that a bot at rest needs for the long log of another run."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        (folder / "host").mkdir()
        async with (
            SimulatedDiscord() as world,
            HostProcess(folder / "host", folders=[name_user(0)]) as host,
        ):
            [files] = await settle(world, host, folder, 1)
            written = _write_run(files.logs, seed=1)
            async with run_bot(folder, world) as bot:
                await _wait_until_read(bot, len(written))
                await asyncio.sleep(REST_SECONDS)  # its start goes on for a while
                started = read_cost(bot.pid)
                await asyncio.sleep(REST_SECONDS)
                before = read_cost(bot.pid)
                written = _write_run(files.logs, seed=2, size=MEGABYTES * 2**20)
                await _wait_until_read(bot, len(written))
                after = read_cost(bot.pid)
    at_rest = (before.cpu_seconds - started.cpu_seconds) / (before.at - started.at)
    return after.cpu_seconds - before.cpu_seconds - at_rest * (after.at - before.at)


def _write_run(logs: Path, *, seed: int, size: int = 0) -> bytes:
    """Write the first minute of a run, or a log of at least ``size`` bytes; return it."""
    with TemporaryDirectory(prefix="benchmark-run-") as name:
        moment = CLOCK.now() - timedelta(days=20)
        log = BattleLog(Path(name), Battle(seed), seed=seed, start=moment)
        moment += timedelta(minutes=1)
        log.write_until(moment)
        path = Path(name, NAME)
        written = path.read_bytes()
        while len(written) < size:  # a restart begins a new file, so their texts are put together
            moment += STEP
            before = path.stat().st_size
            log.write_until(moment)
            content = path.read_bytes()
            written += content[before:] if len(content) > before else b""
    logs.mkdir(parents=True, exist_ok=True)
    new = logs / "new"
    new.write_bytes(written)
    new.replace(logs / NAME)  # at once, so that it is read at once
    return written


async def _wait_until_read(bot: BotProcess, size: int) -> None:
    with MongoClient[dict[str, object]](bot.mongodb_uri) as client:
        states = client[bot.database]["log_state"]
        async with asyncio.timeout(READ_SECONDS):
            while True:
                found = states.find_one({})
                if found is not None and found["offset"] == size:
                    return
                await asyncio.sleep(LOOK_SECONDS)


async def _measure_load(*, has_game_logs: bool) -> list[Figure]:
    async with running_load(SERVERS, has_game_logs=has_game_logs) as load:
        await load.play(SETTLE_SECONDS + SERVERS / LOGINS_A_SECOND)
        pids = [load.bot.pid, load.bot.read_mongod().pid]
        before = [read_cost(pid) for pid in pids]
        load.written.clear()
        await load.play(MEASURED_SECONDS)
        after = [read_cost(pid) for pid in pids]
        cpu, database = [
            100 * (new.cpu_seconds - old.cpu_seconds) / (new.at - old.at)
            for old, new in zip(before, after, strict=True)
        ]
        await asyncio.sleep(DRAIN_SECONDS)
        return [
            Figure("CPU of the bot", cpu, "%", digits=1),
            Figure("CPU of mongod", database, "%", digits=1),
            *_measure_lags(load),
            Figure("requests a quiet poll", await _count_quiet(load), "", digits=2),
        ]


def _measure_lags(load: Load) -> list[Figure]:
    arrivals = load.find_arrivals()
    lags = [at - load.written[victim] for victim, at in arrivals.items()]
    return [
        Figure("lag of a kill p50", compute_percentile(lags, 0.5), "s", digits=2),
        Figure("lag of a kill p99", compute_percentile(lags, 0.99), "s", digits=2),
    ]


async def _count_quiet(load: Load) -> float:
    """Return the requests to the host of one poll of a server whose logs do not grow."""
    asked = await load.host.count_requests()
    await asyncio.sleep(QUIET_SECONDS)
    polls = SERVERS * QUIET_SECONDS / POLL_SECONDS
    return (await load.host.count_requests() - asked) / polls


def _name(figures: list[Figure], what: str) -> list[Figure]:
    """Return figures with what was measured before their names."""
    return [
        Figure(f"{SERVERS} servers, {what}: {one.name}", one.value, one.unit, digits=one.digits)
        for one in figures
    ]
