"""``load``: one process with more and more game servers: its CPU and memory, and the lag of its messages.

There are a hundred communities. Every server has a login and a folder of its own, is polled every 5 seconds,
and has one kill every 10 seconds. Then the kills stop, and the polls of quiet servers are measured. The
simulated Discord (which keeps Discord's limits), the host and mongod run beside the bot on the same cores.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import accumulate, count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, compute_percentile
from benchmarks.host import HostProcess, name_user
from benchmarks.importing import running_database
from benchmarks.processes import Cost, read_cost, read_resident_megabytes
from simulation.bot_process import BotProcess, run_bot
from simulation.discord import SimulatedDiscord
from simulation.game_host.battle import Battle
from simulation.game_host.log_files import GameServerFiles
from simulation.game_host.run_log import BattleLog
from utils.clock import SystemClock
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.servers import GameServerRepository
from utils.models.deaths import DeathRow
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.servers import Credentials, GameServer
from utils.secrets import SecretBox
from utils.tasks import beside

GUILDS = 100
SIZES = (1, 10, 100, 500, 1_000)
AIMED_AT = 500
POLL_SECONDS = 5.0
KILL_SECONDS = 10.0
LINE_SECONDS = 3.5  # as 18 lines a minute
SETTLE_SECONDS = 30.0  # time for the listings of folders after a connection
LOGINS_A_SECOND = 20  # the bot's own limit for one host
MEASURED_SECONDS = 60.0
DRAIN_SECONDS = 30.0
QUIET_SECONDS = 60.0
HOST = "127.0.0.1"
CLOCK = SystemClock()


@dataclass(slots=True)
class Load:
    """Servers under load.

    Attributes:
        written: the time at which each kill was written, by the name of its victim; no name is used twice.
        origins: the folder of its server, by the same name.
        game_logs: Deadside.log of each server, if there is one.
    """

    world: SimulatedDiscord
    bot: BotProcess
    host: HostProcess
    files: Sequence[GameServerFiles]
    written: dict[str, float] = field(default_factory=dict)
    origins: dict[str, Path] = field(default_factory=dict)
    game_logs: Sequence[BattleLog] = ()
    numbers: Iterator[int] = field(default_factory=count)

    async def play(self, seconds: float) -> None:
        """Write kills and lines of Deadside.log for some seconds, at different moments for each server."""
        async with beside(self._live):
            await self._fight(seconds)

    async def _live(self) -> None:
        """Write lines of Deadside.log until cancelled."""
        while True:
            for log in self.game_logs:
                log.write_until(CLOCK.now())
                await asyncio.sleep(LINE_SECONDS / len(self.game_logs))
            await asyncio.sleep(0 if self.game_logs else LINE_SECONDS)

    async def _fight(self, seconds: float) -> None:
        chance = random.Random(1)
        starts = sorted((chance.uniform(0, KILL_SECONDS), files) for files in self.files)
        rows = Battle(1, start=CLOCK.now().replace(tzinfo=None)).rows()
        began = CLOCK.monotonic()
        for turn in range(int(seconds / KILL_SECONDS)):
            for start, files in starts:
                await asyncio.sleep(max(0.0, began + turn * KILL_SECONDS + start - CLOCK.monotonic()))
                self._write(files, next(rows))

    def _write(self, files: GameServerFiles, row: DeathRow) -> None:
        now = CLOCK.now()
        victim = f"Victim{next(self.numbers)}x"
        files.append(row._replace(written_at=now.replace(tzinfo=None, microsecond=0), victim_name=victim))
        self.written[victim] = now.timestamp()
        self.origins[victim] = files.folder

    def find_arrivals(self) -> dict[str, float]:
        """Return when each kill was announced, by the name of its victim, in the order of the messages."""
        arrivals: dict[str, float] = {}
        for request in self.world.journal.requests_to("POST", "/channels/{channel_id}/messages"):
            if request.status != 200:
                continue
            for victim in re.findall(r"Victim\d+x", str(request.body)):
                if victim in self.written:
                    arrivals.setdefault(victim, request.at)
        return arrivals

    def count_refusals(self) -> int:
        """Return how many requests met a limit of Discord's."""
        return sum(request.status == 429 for request in self.world.journal.requests)


async def measure(rows: int) -> list[Figure]:
    """Measure every number of servers; ``rows`` is not used."""
    del rows
    figures: list[Figure] = []
    memory: dict[int, float] = {}
    for size in SIZES:
        async with running_load(size) as load:
            await load.play(SETTLE_SECONDS + size / LOGINS_A_SECOND)
            memory[size], some = await _measure_one(load, size)
            figures += some
    added = (memory[SIZES[-1]] - memory[SIZES[0]]) * 1024 / (SIZES[-1] - SIZES[0])
    return [*figures, Figure("memory of the bot for each added server", added, "KB", aim=300)]


async def _measure_one(load: Load, size: int) -> tuple[float, list[Figure]]:
    """Return the memory of the bot, and all figures."""
    title = f"{size:,} servers"
    costs = await _measure_costs(load, title, is_aim=size == AIMED_AT)
    memory = read_resident_megabytes(load.bot.pid)
    await asyncio.sleep(DRAIN_SECONDS)
    arrivals = load.find_arrivals()
    lags = [at - load.written[victim] for victim, at in arrivals.items()]
    is_aim = size == AIMED_AT
    lag_aim = POLL_SECONDS + 1 if is_aim else None
    asked = await load.host.count_requests()
    await asyncio.sleep(QUIET_SECONDS)
    requests = (await load.host.count_requests()) - asked
    return memory, [
        *costs,
        Figure(f"{title}: memory of the bot", memory, "MB", aim=350 if is_aim else None),
        Figure(f"{title}: lag p50", compute_percentile(lags, 0.5), "s", digits=2),
        Figure(f"{title}: lag p99", compute_percentile(lags, 0.99), "s", aim=lag_aim, digits=2),
        Figure(f"{title}: most kills on their way", _find_most_waiting(load.written, arrivals), ""),
        Figure(f"{title}: kills not announced", len(load.written) - len(arrivals), "", aim=0),
        Figure(f"{title}: requests over Discord's limits", load.count_refusals(), ""),
        Figure(f"{title}: requests a quiet poll", requests / _count_polls(size), "", aim=1.6, digits=2),
    ]


async def _measure_costs(load: Load, title: str, *, is_aim: bool) -> list[Figure]:
    """Write kills, and return the CPU, memory and requests that they take."""
    pids = [load.bot.pid, load.bot.read_mongod().pid]
    before, sent = [read_cost(pid) for pid in pids], len(load.world.journal.requests)
    load.written.clear()
    await load.play(MEASURED_SECONDS)
    bot, database = (_compute_share(one, read_cost(pid)) for one, pid in zip(before, pids, strict=True))
    requests = (len(load.world.journal.requests) - sent) / MEASURED_SECONDS
    return [
        Figure(f"{title}: CPU of the bot", bot * 100, "%", aim=60 if is_aim else None, digits=1),
        Figure(f"{title}: CPU of mongod", database * 100, "%", digits=1),
        Figure(f"{title}: requests to Discord a second", requests, "", digits=1),
    ]


def _find_most_waiting(written: Mapping[str, float], arrivals: Mapping[str, float]) -> int:
    """Return how many kills were written and not announced at the worst moment."""
    changes = sorted([(at, 1) for at in written.values()] + [(at, -1) for at in arrivals.values()])
    return max(accumulate(change for _, change in changes))


def _count_polls(size: int) -> float:
    return size * QUIET_SECONDS / POLL_SECONDS


def _compute_share(before: Cost, after: Cost) -> float:
    return (after.cpu_seconds - before.cpu_seconds) / (after.at - before.at)


@asynccontextmanager
async def running_load(size: int, *, has_game_logs: bool = False) -> AsyncIterator[Load]:
    """Run a bot with this many game servers until the end of the block, on request with both logs."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        (folder / "host").mkdir()
        async with (
            SimulatedDiscord() as world,
            HostProcess(folder / "host", folders=[name_user(number) for number in range(size)]) as host,
        ):
            files = await settle(world, host, folder, size)
            logs = [
                BattleLog(one.logs, Battle(number), seed=number, start=CLOCK.now())
                for number, one in enumerate(files if has_game_logs else ())
            ]
            settings = {"polling": {"min_interval_seconds": POLL_SECONDS}}
            async with run_bot(folder, world, settings=settings) as bot:
                yield Load(world, bot, host, files, game_logs=logs)


async def settle(
    world: SimulatedDiscord, host: HostProcess, folder: Path, size: int
) -> list[GameServerFiles]:
    """Store the servers as their admins would have added them, with a log that has begun."""
    secrets = SecretBox.load("", folder / "data")
    guilds = [world.create_guild(f"Community {number}") for number in range(min(GUILDS, size))]
    channels = [world.create_channel(guild, "killfeed") for guild in guilds]
    files: list[GameServerFiles] = []
    async with running_database(folder / "data") as database:
        servers, settings = GameServerRepository(database), GuildRepository(database)
        for guild, channel in zip(guilds, channels, strict=True):
            before = GuildSettings(GuildId(guild.id))
            after = replace(before, channels={ChannelKind.KILLFEED: ChannelId(channel.id)})
            await settings.write_settings(before.guild_id, before, after)
        for number in range(size):
            scope = ServerScope(GuildId(guilds[number % len(guilds)].id), ServerId(f"s{number:07}"))
            server = GameServer(
                scope=scope,
                name=f"Server {number}",
                host=HOST,
                port=host.port,
                username=name_user(number),
                secret=secrets.encrypt(scope, Credentials(host.password)),
                number=number,
                host_key=host.host_key,
                added_at=CLOCK.now() - timedelta(days=1),
            )
            await servers.insert_server(scope, server)
            one = GameServerFiles(folder / "host" / server.username, host=HOST, number=number)
            one.append(next(Battle(number).rows())._replace(written_at=CLOCK.now().replace(tzinfo=None)))
            files.append(one)
    return files
