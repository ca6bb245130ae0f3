"""``care``: the care for the data of ten communities: its backups, verifications and restores.

The bot is the whole bot with its own MongoDB. While it makes a backup, each game server has a kill a second
and members use a command a second. Aims in seconds are those of a million kills, in proportion to this
run's kills.
"""

import asyncio
import re
import resource
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.answers import Times, ask_everything
from benchmarks.figures import Figure, compute_percentile
from benchmarks.processes import read_cost, read_resident_megabytes
from benchmarks.town import IMPORT_SECONDS, now
from simulation.game_host.battle import Battle
from simulation.game_host.log_files import WORLD
from simulation.starts import PROJECT
from simulation.town import Community, Town, open_town
from utils.backup.archive import list_archives
from utils.backup.backups import ignore
from utils.backup.child import work_in_child
from utils.clock import SystemClock
from utils.composition.verification import FULL_JOB, dump_counts, verify_quickly
from utils.database.core.database import SafeDatabase
from utils.database.documents.money_documents import build_ledger_document
from utils.database.process.connection import SafeMongoDBConnection
from utils.models.money import Change, LedgerKind, LedgerRow
from utils.models.scope import MemberId
from utils.models.verification import DeathCounts
from utils.services.verification.full import DAYS, is_due_on
from utils.tasks import beside

CLOCK = SystemClock()
MILLION = 1_000_000
COMMUNITIES = 10
DAYS_OF_HISTORY = 200
LEDGER_SHARE, ROWS_OF_MEMBER = 0.2, 20  # rows of the ledger for each kill
ALONE_SECONDS = 30.0
LOOK_SECONDS = 0.1
PAUSE_SECONDS = 1.0  # between two commands
STEADY_SECONDS = 10.0  # the start of a process and of MongoDB
CALL_SECONDS = 1_800.0
ANSWER_AIM_MS, MORE_MEGABYTES, MORE_LAG_SECONDS = 500.0, 50.0, 1.0
START_AIM, NIGHT_CPU_AIM, VERIFY_AIM, RESTORE_AIM, GUILD_AIM = 10.0, 60.0, 240.0, 300.0, 120.0
BACKUP_AIM, PROOF_AIM, BACKUP_CPU_AIM = 60.0, 180.0, 20.0


@dataclass(eq=False)
class Life:
    """The load beside a backup: kills in the logs, and commands of members.

    Attributes:
        times: how long the commands took.
        megabytes: the most memory of the bot.
        written: the moment of each kill, by the name of its victim.
    """

    town: Town
    communities: Sequence[Community]
    fighters: tuple[str, str]
    times: Times = field(default_factory=Times)
    megabytes: float = 0.0
    written: dict[str, float] = field(default_factory=dict)

    async def write(self) -> None:
        """Write a kill for each game server every second."""
        rows = Battle(99, start=CLOCK.now().replace(tzinfo=None)).rows()
        for number in count():
            victim, at = f"Victim{number}x", CLOCK.now()
            files = self.town.host.open_files(number % COMMUNITIES + 1)
            row = next(rows)._replace(written_at=at.replace(tzinfo=None, microsecond=0), victim_name=victim)
            files.append(row)
            self.written[victim] = at.timestamp()
            await asyncio.sleep(1 / COMMUNITIES)

    async def ask(self) -> None:
        """Use every command again and again in the first community."""
        while True:
            await ask_everything(
                self.town.world,
                self.communities[0],
                self.fighters,
                self.times,
                pause_seconds=PAUSE_SECONDS,
            )

    async def watch(self) -> None:
        """Look at the memory of the bot."""
        while True:
            self.megabytes = max(self.megabytes, read_resident_megabytes(self.town.bot.pid))
            await asyncio.sleep(LOOK_SECONDS)

    def find_lags(self) -> list[float]:
        """Return the seconds from the log to the channel, of the kills that were posted."""
        arrivals: dict[str, float] = {}
        for request in self.town.world.journal.requests_to("POST", "/channels/{channel_id}/messages"):
            for victim in re.findall(r"Victim\d+x", str(request.body)):
                arrivals.setdefault(victim, request.at)
        return [arrivals[victim] - at for victim, at in self.written.items() if victim in arrivals]

    def find_answer_ms(self) -> float:
        """Return the milliseconds in which 95 of 100 commands without a chart were answered."""
        return compute_percentile(self.times.list_plain(), 0.95) * 1000


async def measure(rows: int) -> list[Figure]:
    """Measure everything once, over ``rows`` kills."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        async with open_town(Path(name)) as town:
            communities = [town.found(f"Community {number}") for number in range(1, COMMUNITIES + 1)]
            owner = communities[0].admin
            town.bot.configure(discord={"owner_ids": [owner.user.id]})
            fighters = write_histories(town, rows)
            share = rows / MILLION
            async with town.bot.running():
                for number, community in enumerate(communities, 1):
                    await community.set_channel()
                    await community.fill_in_server(f"Server {number}", number=number)
                    await community.wait_for_import(f"Server {number}", IMPORT_SECONDS)
                async with opened(town) as database:
                    await fill_ledgers(database, communities, int(rows * LEDGER_SHARE))
                    figures = await measure_backup(town, communities, fighters, share)
                    figures += await measure_verifications(town, database, share)
            return figures + await measure_calls(town, communities[0], share)


def write_histories(town: Town, rows: int) -> tuple[str, str]:
    """Write a history for each community; return two of the most active players of the first one."""
    battles = [Battle(number, players=20_000) for number in range(1, COMMUNITIES + 1)]
    for number, battle in enumerate(battles, 1):
        folder = town.host.open_files(number).deathlogs / WORLD
        battle.write_files(folder, rows=rows // COMMUNITIES, days=DAYS_OF_HISTORY)
    first, second = battles[0].fighters[:2]
    return first.name, second.name


@asynccontextmanager
async def opened(town: Town) -> AsyncIterator[SafeDatabase]:
    """Open the database of the bot that runs."""
    connection = SafeMongoDBConnection(town.bot.mongodb_uri, database=town.bot.database, clock=CLOCK)
    try:
        yield await connection.open()
    finally:
        await connection.close()


async def fill_ledgers(database: SafeDatabase, communities: Sequence[Community], rows: int) -> None:
    """Store wallets with their ledgers in every community."""
    for community in communities:
        guild, ledger, wallets = {"guild_id": int(community.guild.id)}, [], []
        for member in range(1, rows // COMMUNITIES // ROWS_OF_MEMBER + 1):
            for number in range(1, ROWS_OF_MEMBER + 1):
                change = Change(MemberId(member), LedgerKind.ADMIN, 5, f"{member}:{number}", CLOCK.now())
                ledger.append(build_ledger_document(LedgerRow(change, number, 5 * number)) | guild)
            balance = 5 * ROWS_OF_MEMBER
            wallets.append({"member_id": member, "balance": balance, "rows": ROWS_OF_MEMBER} | guild)
        await database.unscoped("ledger").insert_many(ledger)
        await database.unscoped("wallets").insert_many(wallets)


async def measure_backup(
    town: Town, communities: Sequence[Community], fighters: tuple[str, str], share: float
) -> list[Figure]:
    """Measure a backup that an owner asks for, with its trial, beside kills and commands."""
    alone, meanwhile = (Life(town, communities, fighters) for _ in range(2))
    async with beside(alone.write), beside(alone.ask), beside(alone.watch):
        await asyncio.sleep(ALONE_SECONDS)
    before, began = read_cost(town.bot.pid), now()
    async with beside(meanwhile.write), beside(meanwhile.ask), beside(meanwhile.watch):
        reply = await communities[0].ask("/admin backup now")
        await town.world.until(lambda: "Backup made" in str(reply.embed), CALL_SECONDS, "the backup")
        took = now() - began
    cpu = read_cost(town.bot.pid).cpu_seconds - before.cpu_seconds
    [archive] = list_archives(town.bot.data_dir / "backups")
    manifest = archive.manifest
    taken = (manifest.finished_at - manifest.started_at).total_seconds()
    p99 = [compute_percentile(life.find_lags(), 0.99) for life in (alone, meanwhile)]
    return [
        Figure(f"backup of {manifest.deaths:,} deaths, taken", taken, "s", BACKUP_AIM * share),
        Figure(
            "  with its file check and trial", took, "s", (BACKUP_AIM + PROOF_AIM) * share + STEADY_SECONDS
        ),
        Figure("  is proven (1: yes)", archive.proven_at is not None, "", 1, is_least=True),
        Figure("  CPU of the bot, with its kills and commands", cpu, "s", digits=1),
        Figure("  more memory of the bot", meanwhile.megabytes - alone.megabytes, "MB", MORE_MEGABYTES),
        Figure("  commands alone, p95", alone.find_answer_ms(), "ms"),
        Figure("  commands meanwhile, p95", meanwhile.find_answer_ms(), "ms", ANSWER_AIM_MS),
        Figure("  from the log to the channel alone, p99", p99[0], "s", digits=1),
        Figure(
            "  from the log to the channel meanwhile, p99", p99[1], "s", p99[0] + MORE_LAG_SECONDS, digits=1
        ),
    ]


async def measure_verifications(town: Town, database: SafeDatabase, share: float) -> list[Figure]:
    """Measure the verification of a start, and that of a night: a seventh of the game servers."""
    [archive] = list_archives(town.bot.data_dir / "backups")
    expected, kept = archive.manifest.deaths_by_server, archive.manifest.communities
    began = now()
    report = await database.call(partial(verify_quickly, database.operations, expected=expected, kept=kept))
    quick = now() - began
    order = {
        "uri": town.bot.mongodb_uri,
        "database": town.bot.database,
        "expected": dump_counts(expected),
        "kept": kept.dump(),
        "day": choose_day(expected),
        "also": [],
        "is_gentle": True,
    }
    before, began = measure_children(), now()
    command = (sys.executable, str(PROJECT / "bot.py"), "child")
    night = await work_in_child(command, FULL_JOB, order, show=ignore)
    took, cpu = now() - began, measure_children() - before
    name = f"verification of a night, {night['deaths']:,} deaths: CPU"
    return [
        Figure("verification of a start", quick, "s", START_AIM, digits=1),
        Figure("  faults", len(report.findings), "", 0),
        Figure(name, cpu, "s", NIGHT_CPU_AIM * share, digits=1),
        Figure("  from its begin to its end", took, "s"),
        Figure("  faults", len(night["findings"]), "", 0),
    ]


def choose_day(expected: DeathCounts) -> int:
    """Return a day on which about a seventh of the game servers is due."""
    wanted = len(expected) / DAYS
    return min(range(DAYS), key=lambda day: abs(sum(is_due_on(one, day) for one in expected) - wanted))


def measure_children() -> float:
    """Return the CPU seconds of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def measure_calls(town: Town, community: Community, share: float) -> list[Figure]:
    """Measure calls of the command line while the bot is stopped; each starts MongoDB itself."""
    guild = ("--guild", str(community.guild.id))
    calls = (
        ("verify", ("verify",), VERIFY_AIM),
        ("restore of one community of ten", ("restore", "latest", *guild, "--yes"), GUILD_AIM),
        ("restore of everything", ("restore", "latest", "--yes"), RESTORE_AIM),
    )
    figures = []
    for name, arguments, aim in calls:
        began = time.perf_counter()
        code = await call(town, *arguments)
        took = time.perf_counter() - began
        figures.append(Figure(f"call: {name}", took, "s", aim * share + STEADY_SECONDS))
        figures.append(Figure("  exit code", code, "", 0))
    return figures


async def call(town: Town, *arguments: str) -> int:
    """Make a call of ``bot.py`` and return its exit code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bot.py", *arguments, "--config", str(town.bot.config_path)),
        cwd=PROJECT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(CALL_SECONDS):
        return await process.wait()
