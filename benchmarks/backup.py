"""``backup``: a backup of an imported history, and its restore on trial, beside a process that writes.

Aims in seconds, megabytes and CPU are those of a million rows, in proportion to the rows of this run.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, compute_percentile
from benchmarks.host import HostProcess
from benchmarks.importing import CLOCK, USUAL_ROWS, running_database, time_import, write_history
from benchmarks.processes import read_resident_megabytes
from simulation.starts import PROJECT
from utils.backup.backups import BackupManager, BackupPlan
from utils.backup.lease import BackupLease
from utils.backup.steps import do_not_pause
from utils.backup.verification import BackupVerifier
from utils.commandline.running import relax_garbage_collection
from utils.database.archives.snapshot import SnapshotSource
from utils.database.archives.trial import TrialPlace
from utils.database.core.database import SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.process.mongod_process import ProcessFile
from utils.database.repositories.leases import LeaseRepository
from utils.database.units.money_unit import book_change
from utils.models.backups import BackupReason
from utils.models.money import Change, LedgerKind
from utils.models.scope import GuildId, MemberId
from utils.tasks import beside

MILLION = 1_000_000
LOOK_SECONDS = 0.05
PAUSE_SECONDS = 0.02
BACKUP_SECONDS, BACKUP_MEGABYTES, BACKUP_CPU_SECONDS, PROOF_SECONDS = 60.0, 110.0, 20.0, 180.0
STEADY_SECONDS = 5.0  # for the start of a child process and of a mongod
MORE_MEGABYTES, TRIAL_MEGABYTES, LAG_MILLISECONDS = 50.0, 700.0, 100.0


@dataclass(eq=False)
class Watcher:
    """Looks at this process and at those of a trial, again and again.

    Attributes:
        scratch: the folder of the trial.
        lags: how late the event loop came to each look, in milliseconds.
        own_megabytes: the most memory of this process.
        trial_megabytes: the most memory of the child process and its mongod together.
    """

    scratch: Path
    lags: list[float] = field(default_factory=lambda: [0.0])
    own_megabytes: float = 0.0
    trial_megabytes: float = 0.0

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LOOK_SECONDS)
            self.lags.append((time.perf_counter() - began - LOOK_SECONDS) * 1000)
            self.own_megabytes = max(self.own_megabytes, read_megabytes("self"))
            trial = sum(read_megabytes(pid) for pid in self._list_trial())
            self.trial_megabytes = max(self.trial_megabytes, trial)

    def _list_trial(self) -> list[str]:
        folders = list(self.scratch.glob("*"))
        found = [ProcessFile.read(folder / "process.json") for folder in folders]
        return [folder.name for folder in folders] + [str(one.pid) for one in found if one is not None]


def read_megabytes(pid: str) -> float:
    """Return the resident memory of a process, 0 if it has ended."""
    with suppress(RuntimeError, OSError):
        return read_resident_megabytes(pid)
    return 0.0


async def measure(rows: int) -> list[Figure]:
    """Import a history, back it up while a wallet is booked, and restore it on trial."""
    relax_garbage_collection()  # the bot does the same
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        write_history(folder / "host", rows=rows, rows_per_day=USUAL_ROWS)
        async with HostProcess(folder / "host") as host, running_database(folder / "data") as database:
            await time_import(database, folder / "data", host)
            return await measure_backup(database, folder, rows / MILLION)


async def measure_backup(database: SafeDatabase, folder: Path, share: float) -> list[Figure]:
    """Measure one backup and its trial; ``share`` is the part of a million rows."""
    bookings: list[float] = []
    manager, watcher = build_manager(database, folder), Watcher(folder / "scratch")
    alone = await time_bookings(database)
    before, cpu, began = read_megabytes("self"), time.process_time(), time.perf_counter()
    async with booking(database, bookings), beside(watcher.watch):
        made = await manager.make(BackupReason.BY_HAND)
        took, used = time.perf_counter() - began, time.process_time() - cpu
    more, lags = watcher.own_megabytes - before, watcher.lags
    manager.verifier.free_memory = lambda: None
    began = time.perf_counter()
    async with beside(watcher.watch):
        proven = await manager.verify(made.backup.id)
        tried = time.perf_counter() - began
    return [
        Figure(
            f"backup of {made.backup.deaths:,} deaths, with its file check",
            took,
            "s",
            BACKUP_SECONDS * share,
            digits=1,
        ),
        Figure("  size", made.backup.stored_bytes / 1e6, "MB", BACKUP_MEGABYTES * share, digits=1),
        Figure("  CPU of the process, with the bookings", used, "s", BACKUP_CPU_SECONDS * share, digits=1),
        Figure("  more memory of the process", more, "MB", MORE_MEGABYTES),
        Figure("  lag of the event loop, p99", compute_percentile(lags, 0.99), "ms", LAG_MILLISECONDS),
        Figure("  a booking meanwhile, p50", compute_percentile(bookings, 0.5), "ms"),
        Figure("  a booking alone, p50", compute_percentile(alone, 0.5), "ms"),
        Figure("  a booking meanwhile, p99", compute_percentile(bookings, 0.99), "ms"),
        Figure(
            "file check and trial",
            tried,
            "s",
            PROOF_SECONDS * share + STEADY_SECONDS,
            digits=1,
        ),
        Figure("  is proven (1: yes)", proven.unproven is None, "", 1, is_least=True),
        Figure("  memory of the trial", watcher.trial_megabytes, "MB", TRIAL_MEGABYTES),
    ]


def build_manager(database: SafeDatabase, folder: Path) -> BackupManager:
    """Return a manager of backups that makes no trial at first, as on a machine with little memory."""
    plan = BackupPlan(
        home=folder / "backups", others=(), hour_utc=4, every_hours=24, keep_days=7, bot_version="benchmark"
    )
    verifier = BackupVerifier(
        TrialPlace(folder / "scratch", None, "", database.name),
        command=(sys.executable, str(PROJECT / "bot.py"), "child"),
        key_check=lambda _: None,
        clock=CLOCK,
        free_memory=lambda: 0,
    )
    leases = LeaseRepository(database, shard_count=1)
    return BackupManager(
        plan,
        SnapshotSource(database, is_embedded=True),
        lease=BackupLease(leases, instance_id="benchmark", clock=CLOCK),
        verifier=verifier,
        go_first=do_not_pause,
        clock=CLOCK,
    )


async def time_bookings(database: SafeDatabase) -> list[float]:
    """Return the milliseconds of bookings while nothing else goes on."""
    bookings: list[float] = []
    async with booking(database, bookings):
        await asyncio.sleep(2)
    return bookings


@asynccontextmanager
async def booking(database: SafeDatabase, bookings: list[float]) -> AsyncIterator[None]:
    """Book emeralds during the block, and append the milliseconds of each booking."""
    async with beside(partial(keep_booking, database, bookings)):
        yield


async def keep_booking(database: SafeDatabase, bookings: list[float]) -> None:
    """Book emeralds until cancelled."""
    while True:
        began = time.perf_counter()
        change = Change(MemberId(1), LedgerKind.ADMIN, 1, str(began), CLOCK.now(), "")
        await database.in_transaction(partial(book, change=change))
        bookings.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)


def book(transaction: Transaction, *, change: Change) -> None:
    """Book a change in a guild of the benchmark."""
    book_change(transaction, GuildId(1), change)
