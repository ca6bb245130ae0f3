"""``import``: a history over SFTP into the real mongod, compared with bare inserts of the same documents.

The import is measured alone, then in the whole bot: from the form of a new server, with questions meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pymongo import WriteConcern

from benchmarks.figures import Figure, compute_median
from benchmarks.host import PASSWORD, USERNAME, HostProcess
from benchmarks.processes import read_peak_megabytes
from benchmarks.town import MeasuredTown, running_town
from simulation.game_host.battle import Battle
from simulation.game_host.log_files import WORLD, GameServerFiles
from utils.clock import SystemClock
from utils.commandline.running import relax_garbage_collection
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import ensure_indexes
from utils.database.core.operations import Document
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.events import EventDispatcher
from utils.models.reading import ImportProgress
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import Credentials, GameServer
from utils.secrets import SecretBox
from utils.services.ingestion.history import HistoryImport
from utils.sftp.access import DeathLogAccess
from utils.sftp.login import PoolLimits
from utils.sftp.pool import SftpConnectionPool

SCOPE = ServerScope(GuildId(1), ServerId("benchmrk"))
NUMBER = 1
TRIALS = 3
BARE_BATCH = 5_000
USUAL_ROWS = 500  # a day
ASK_SECONDS = 0.05
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Trial:
    """One import and the bare inserts after it, in rows per second."""

    imported: float
    bare: float

    @property
    def share(self) -> float:
        """The speed of the import, as a part of the speed of the bare inserts."""
        return self.imported / self.bare


async def measure(rows: int) -> list[Figure]:
    """Import the histories of a busy and of a usual server, with one file a day."""
    relax_garbage_collection()  # the bot does the same
    figures: list[Figure] = []
    tries = range(TRIALS if rows <= 200_000 else 1)
    for name, rows_per_day in (("busy days", 5_000), ("usual days", USUAL_ROWS)):
        trials = [await run_trial(rows, rows_per_day) for _ in tries]
        imported = compute_median(trial.imported for trial in trials)
        ratio = compute_median(trial.share for trial in trials)
        title = f"import of {rows:,} rows, {name} ({rows_per_day:,} rows a file)"
        figures += [
            Figure(title, imported, "rows/s", aim=20_000, is_least=True),
            Figure("  bare insert_many of the same", compute_median(t.bare for t in trials), "rows/s"),
            Figure("  share of the bare inserts", ratio, "", aim=0.5, is_least=True, digits=2),
        ]
    whole = [await run_whole_trial(rows) for _ in tries]
    ratio = compute_median(trial.share for trial, _ in whole)
    return [
        *figures,
        Figure("share from the form to the right /stats", ratio, "", aim=0.4, is_least=True, digits=2),
        Figure("  most memory of the bot's process", max(peak for _, peak in whole), "MB", aim=250),
    ]


async def run_whole_trial(rows: int) -> tuple[Trial, float]:
    """Add a server to the whole bot, ask until ``/stats`` is right; return the bot's most memory as well."""
    async with running_town() as town:
        town.write_history(NUMBER, rows=rows, days=max(1, rows // USUAL_ROWS))
        fighter = Battle(NUMBER).fighters[0]
        kills = count_kills(town.host.open_files(NUMBER).deathlogs / WORLD, fighter.id)
        began = time.perf_counter()
        await town.add_server(NUMBER)
        while await ask_kills(town, fighter.name) != f"{kills:,}":
            pass
        whole = time.perf_counter() - began
        peak = read_peak_megabytes(town.bot.pid)
        connection = SafeMongoDBConnection(town.bot.mongodb_uri, database=town.bot.database, clock=CLOCK)
        try:
            bare = await time_bare_inserts(await connection.open())
        finally:
            await connection.close()
    return Trial(rows / whole, rows / bare), peak


def count_kills(folder: Path, player_id: PlayerId) -> int:
    """Return the number of kills of a player, counted from the logs, without suicides."""
    lines = (line for path in folder.iterdir() for line in path.read_text("ascii").splitlines())
    rows = (line.split(";") for line in lines)
    return sum(row[2] == player_id != row[4] for row in rows)


async def ask_kills(town: MeasuredTown, name: str) -> str:
    """Ask for a player after a moment, as a new member, and return the shown kills."""
    await asyncio.sleep(ASK_SECONDS)
    asker = town.world.add_member(town.community.guild, "asker")
    reply = await asker.ask(town.community.office, "/stats", player=name)
    return next((field["value"] for field in reply.embed["fields"] if field["name"] == "Kills"), "")


async def run_trial(rows: int, rows_per_day: int) -> Trial:
    """Import once into a fresh mongod, then insert the same documents bare."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        write_history(folder / "host", rows=rows, rows_per_day=rows_per_day)
        async with HostProcess(folder / "host") as host, running_database(folder / "data") as database:
            imported = await time_import(database, folder / "data", host)
            bare = await time_bare_inserts(database)
    return Trial(rows / imported, rows / bare)


def write_history(folder: Path, *, rows: int, rows_per_day: int) -> None:
    """Write a server's logs."""
    files = GameServerFiles(folder, number=NUMBER)
    Battle().write_files(files.deathlogs / WORLD, rows=rows, days=max(1, rows // rows_per_day))


@asynccontextmanager
async def running_database(data_dir: Path) -> AsyncIterator[SafeDatabase]:
    """Run the bot's own mongod with its indexes until the end of the block."""
    mongod = EmbeddedMongod(data_dir, clock=CLOCK)
    connection = SafeMongoDBConnection(await mongod.start(), database="killfeed", clock=CLOCK)
    try:
        database = await connection.open()
        await ensure_indexes(database)
        yield database
    finally:
        await connection.close()
        await mongod.stop()


async def time_import(database: SafeDatabase, data_dir: Path, host: HostProcess) -> float:
    """Return the seconds from the begin of an import until its figures are shown."""
    secrets = SecretBox.load("", data_dir)
    server = GameServer(
        scope=SCOPE,
        name="Benchmark",
        host="127.0.0.1",
        port=host.port,
        username=USERNAME,
        secret=secrets.encrypt(SCOPE, Credentials(PASSWORD)),
        number=NUMBER,
        host_key=host.host_key,
    )
    await GameServerRepository(database).insert_server(SCOPE, server)
    store = IngestionRepository(database, fences=lambda _: None)
    history = HistoryImport(
        store, ImportRepository(database, fences=lambda _: None), EventDispatcher(), clock=CLOCK
    )
    pool = SftpConnectionPool(PoolLimits(), clock=CLOCK)
    try:
        began = time.perf_counter()
        async with DeathLogAccess(pool, secrets, clock=CLOCK).open(server, guild_limit=1) as logs:
            job = await history.prepare(server, logs)
            await history.run(server, logs, job, on_progress=_ignore)
        return time.perf_counter() - began
    finally:
        await pool.aclose()


async def time_bare_inserts(database: SafeDatabase) -> float:
    """Return the seconds that ``insert_many`` alone takes for the documents the import has stored."""
    documents = [document async for document in database.unscoped("kills").find().sort("_id")]
    for name in ("kills", "players", "player_days"):
        await database.unscoped(name).drop()
    await ensure_indexes(database)
    kills = database.unscoped("kills").with_options(write_concern=WriteConcern("majority"))
    batches: list[list[Document]] = [
        documents[start : start + BARE_BATCH] for start in range(0, len(documents), BARE_BATCH)
    ]
    began = time.perf_counter()
    for batch in batches:
        await kills.insert_many(batch, ordered=False)
    return time.perf_counter() - began


async def _ignore(progress: ImportProgress) -> None:
    del progress
