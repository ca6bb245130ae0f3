"""The manager of backups: over a real MongoDB, with places on the disk and time that the test moves."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.bot.process import until
from tests.fakes.backups import write_archive
from tests.fakes.clock import START, FakeClock
from utils.backup.archive import Archive, list_archives
from utils.backup.backups import CHECK_SECONDS, FIRST_CHECK_SECONDS, BackupManager, BackupPlan
from utils.backup.lease import BackupLease
from utils.backup.verification import PROOF_BYTES, BackupVerifier
from utils.database.archives.snapshot import Snapshot, SnapshotSource
from utils.database.archives.trial import TrialPlace
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.repositories.leases import BACKUP_LEASE, LeaseRepository
from utils.errors import ArchiveRefusedError, BackupBusyError, BackupError, SnapshotGoneError
from utils.models.backups import BackupProgress, BackupReason

LITTLE_MEMORY = PROOF_BYTES - 1
CHILD = (sys.executable, "-c", "import sys, utils.commandline.child as one; sys.exit(one.work_as_child())")
"""The call ``bot.py child`` without the bot around it, which takes 3 s of CPU to load."""


class Setup:
    """A manager of backups with parts for a test to change.

    Attributes:
        free_bytes: the free bytes of the disk.
        free_memory: those of the machine.
    """

    def __init__(self, folder: Path, database: SafeDatabase, clock: FakeClock) -> None:
        self.home, self.other = folder / "backups", folder / "other"
        self.clock, self.database = clock, database
        self.free_bytes = 10**12
        self.free_memory: int | None = LITTLE_MEMORY
        self.key = "00"
        self.leases = LeaseRepository(database, shard_count=1)
        self.scratch = folder / "scratch"
        self.manager = self.build()

    def build(self, source: SnapshotSource | None = None, *, every_hours: int = 24) -> BackupManager:
        """Return a manager over the parts."""
        plan = BackupPlan(
            home=self.home,
            others=(self.other,),
            hour_utc=4,
            every_hours=every_hours,
            keep_days=7,
            bot_version="killfeed-bot 1.0",
        )
        verifier = BackupVerifier(
            TrialPlace(self.scratch, None, "", "test"),
            command=CHILD,
            key_check=lambda _: self.key,
            clock=self.clock,
            free_memory=lambda: self.free_memory,
        )
        return BackupManager(
            plan,
            source or SnapshotSource(self.database, is_embedded=False),
            lease=BackupLease(self.leases, instance_id="bot", clock=self.clock),
            verifier=verifier,
            go_first=self.go_first,
            clock=self.clock,
            measure_free=lambda _: self.free_bytes,
        )

    def count_backups(self) -> int:
        """Count the backups of the place on this machine, which is made by the first one."""
        return len(list_archives(self.home)) if self.home.exists() else 0

    async def go_first(self) -> None:
        """Wait for no command."""

    async def fill(self) -> None:
        """Store a few documents in the database."""
        await self.insert("schema", {"_id": "data", "version": MIGRATIONS.newest})
        await self.insert("kills", *({"_id": number, "guild_id": 7} for number in range(50)))
        await self.insert("outbox", {"_id": 1, "guild_id": 7})

    async def insert(self, name: str, *documents: dict[str, object]) -> None:
        """Store documents."""
        await self.database.run(name, self.database.unscoped(name).insert_many(documents))


@pytest.fixture(name="setup")
async def _setup(tmp_path: Path, database: SafeDatabase, clock: FakeClock) -> Setup:
    """Return a manager over a database with a few documents, with another place beside its own."""
    setup = Setup(tmp_path, database, clock)
    setup.other.mkdir()
    await setup.fill()
    return setup


async def test_backup_is_taken_proven_and_copied(setup: Setup) -> None:
    """One call does all of it, with a real child process, and shows its progress."""
    setup.free_memory = None
    shown: list[BackupProgress] = []
    outcome = await setup.manager.make(BackupReason.BY_HAND, show=shown.append)
    backup = outcome.backup
    assert (outcome.unproven, outcome.problems) == (None, ())
    assert (backup.deaths, backup.data_version, backup.reason) == (
        50,
        MIGRATIONS.newest,
        BackupReason.BY_HAND,
    )
    assert (backup.checked_at, backup.proven_at) == (START, START)
    assert backup.places == (str(setup.home), str(setup.other))
    assert [step.value for step in dict.fromkeys(one.step for one in shown)] == [
        *("taking", "checking", "loading", "comparing", "copying")
    ]
    [archive] = list_archives(setup.other)
    assert "outbox" not in archive.manifest.collections
    assert json.loads((archive.path / "proof.json").read_text())["where"] == "a scratch mongod"
    assert await setup.manager.list_backups() == [backup]
    assert list(setup.scratch.iterdir()) == []
    held = await setup.database.unscoped("leases").find_one({"_id": BACKUP_LEASE})
    assert held is not None
    assert held["instance_id"] == ""


async def test_little_memory_means_a_file_check_alone(setup: Setup) -> None:
    """A machine without the memory for a trial gets a backup that is checked, with the reason."""
    outcome = await setup.manager.make(BackupReason.DAILY)
    assert str(outcome.unproven) == (
        "It isn't proven: a trial needs 700 MB of free memory, and 699 MB are free."
    )
    assert (outcome.backup.checked_at, outcome.backup.proven_at) == (START, None)


async def test_old_backups_go_when_a_new_one_is_proven_alone(setup: Setup) -> None:
    """Nothing is deleted for a backup that is not proven."""
    old = [write_archive(setup.home, START - timedelta(days=days)).id for days in (20, 30, 40)]
    await setup.manager.make(BackupReason.DAILY)
    assert {one.id for one in list_archives(setup.home)} > set(old)
    setup.free_memory = None
    await setup.manager.make(BackupReason.DAILY)
    assert len(list_archives(setup.home)) == 2
    assert len(list_archives(setup.other)) == 2


async def test_one_backup_is_made_at_a_time(setup: Setup) -> None:
    """A second one is refused in this process, and while another process holds the lease."""
    began = asyncio.Event()
    task = asyncio.create_task(setup.manager.make(BackupReason.DAILY, show=lambda _: began.set()))
    await began.wait()
    with pytest.raises(BackupBusyError, match="right now"):
        await setup.manager.make(BackupReason.BY_HAND)
    with pytest.raises(BackupBusyError, match="Another process"):
        await setup.build().make(BackupReason.BY_HAND) if await occupy(setup) else None
    await task
    assert len(list_archives(setup.home)) == 1


async def occupy(setup: Setup) -> bool:
    """Let another process hold the lease."""
    await setup.database.run(
        "leases",
        setup.database.unscoped("leases").update_one({"_id": BACKUP_LEASE}, {"$set": {"instance_id": "x"}}),
    )
    return True


async def test_cut_off_work_of_a_dead_process_is_cleared_away(setup: Setup) -> None:
    """The next run deletes partial folders in every place before it begins."""
    for place in (setup.home, setup.other):
        (place / ".partial-killfeed-x").mkdir(parents=True)
    await setup.manager.make(BackupReason.DAILY)
    assert {path.name[:8] for place in (setup.home, setup.other) for path in place.iterdir()} == {"killfeed"}


async def test_place_that_is_away_gets_what_it_missed(setup: Setup) -> None:
    """A place that fails is reported and holds up nothing; it catches up when it is back."""
    setup.other.rmdir()
    outcome = await setup.manager.make(BackupReason.DAILY)
    assert [str(problem) for problem in outcome.problems] == [
        f"{setup.other} can't be used and has no copy of the newest backup: No such file or directory."
    ]
    assert outcome.backup.places == (str(setup.home),)
    setup.other.mkdir()
    setup.clock.move(3600)
    outcome = await setup.manager.make(BackupReason.DAILY)
    assert outcome.problems == ()
    assert len(list_archives(setup.other)) == 2


async def test_full_disk_is_found_before_anything_is_written(setup: Setup) -> None:
    """Without the room no backup begins, and no old one is deleted for it."""
    write_archive(setup.home, START - timedelta(days=40))
    setup.free_bytes = 200_000_000
    with pytest.raises(BackupError, match="MB free and a backup needs"):
        await setup.manager.make(BackupReason.DAILY)
    assert len(list_archives(setup.home)) == 1


class ForgetfulSource(SnapshotSource):
    """A source whose snapshots fail a number of times.

    Attributes:
        failures: how often they still fail.
    """

    failures = 0

    def open(self) -> "ForgetfulSource":
        """Open one."""
        self._opened = super().open()
        return self

    def __enter__(self) -> Snapshot:
        """Fail, or give the snapshot."""
        if self.failures:
            self.failures -= 1
            raise SnapshotGoneError("MongoDB cannot read the data of that moment any more.")
        return self._opened.__enter__()

    def __exit__(self, *details: object) -> None:
        """Close it."""
        self._opened.__exit__(None, None, None)


@pytest.mark.parametrize(("failures", "count"), [(2, 1), (3, 0)])
async def test_backup_begins_again_when_its_moment_is_forgotten(
    setup: Setup, failures: int, count: int
) -> None:
    """After one and after five minutes it begins again; then it fails with the advice to raise the window."""
    source = ForgetfulSource(setup.database, is_embedded=False)
    source.failures = failures
    task = asyncio.create_task(setup.build(source).make(BackupReason.DAILY))
    while not task.done():
        await asyncio.sleep(0.001)
        if setup.clock.sleeping == 2:  # the backup, and the lease between two renewals
            setup.clock.move(30)
    if count:
        assert task.result().backup.deaths == 50
    else:
        assert "Raise minSnapshotHistoryWindowInSeconds" in str(task.exception())
    assert [seconds for seconds in setup.clock.slept if seconds >= 60] == [60.0, 300.0]
    assert len(list_archives(setup.home)) == count


def damage(archive: Archive) -> None:
    """Change a byte of a file."""
    path = archive.path / "kills.bson.zst"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")


def use_other_key(setup: Setup) -> None:
    """Change the secret key of the installation."""
    setup.key = "11"


async def make_newer(setup: Setup) -> None:
    """Let the database be of a newer bot."""
    query = {"_id": "data"}
    await setup.database.run(
        "schema", setup.database.unscoped("schema").update_one(query, {"$set": {"version": 99}})
    )


async def test_backup_is_verified_by_its_id(setup: Setup) -> None:
    """A good backup, one of another key and a damaged one are told apart."""
    backup_id = (await setup.manager.make(BackupReason.DAILY)).backup.id
    setup.clock.move(60)
    outcome = await setup.manager.verify(backup_id)
    assert outcome.backup.checked_at == START + timedelta(seconds=60)
    use_other_key(setup)
    with pytest.raises(ArchiveRefusedError, match="need another secret key"):
        await setup.manager.verify(backup_id)
    setup.key = "00"
    damage(list_archives(setup.home)[0])
    with pytest.raises(ArchiveRefusedError, match="is damaged"):
        await setup.manager.verify(backup_id)


async def test_backup_of_newer_data_is_refused_and_does_not_count(setup: Setup) -> None:
    """A bot does not vouch for data that it does not know."""
    await make_newer(setup)
    with pytest.raises(ArchiveRefusedError, match="has data of version 99 and this bot knows version"):
        await setup.manager.make(BackupReason.DAILY)
    assert list_archives(setup.home) == []


async def test_process_that_slept_gives_its_backup_up(setup: Setup) -> None:
    """A process that lost the lease completes no backup."""
    paused = asyncio.Event()

    async def lose() -> None:
        if not paused.is_set():
            paused.set()
            await occupy(setup)
            await setup.database.run(
                "leases",
                setup.database.unscoped("leases").update_one({"_id": BACKUP_LEASE}, {"$inc": {"token": 1}}),
            )
            setup.clock.move(5)
            await until(lambda: setup.manager.lease._is_lost, what="the loss is not seen")

    setup.manager.go_first = lose
    with pytest.raises(BackupBusyError, match="Another process took over"):
        await setup.manager.make(BackupReason.DAILY)
    assert list(setup.home.iterdir()) == []


async def run_until(setup: Setup, manager: BackupManager, is_done: Callable[[], bool]) -> None:
    """Run the schedule and move the time until a condition holds while the schedule waits."""
    task = asyncio.create_task(manager.run())
    waits = {FIRST_CHECK_SECONDS, CHECK_SECONDS, 3600.0}

    def is_waiting() -> bool:
        return setup.clock.sleeping == 1 and setup.clock.slept[-1] in waits

    while not (is_waiting() and is_done()):
        await asyncio.sleep(0.001)
        if is_waiting():
            setup.clock.move(60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_backup_is_made_soon_after_a_start_and_then_at_its_hours(setup: Setup) -> None:
    """The first one comes within ten minutes of a start at 12:00; the next are at 16:00 and 22:00.

    The verification of the data follows each backup and begins when that backup is there.
    """
    manager, followed = setup.build(every_hours=6), list[int]()

    async def follow() -> None:
        followed.append(setup.count_backups())

    manager.after_backup = follow
    with capture_logs() as logs:
        await run_until(setup, manager, lambda: len(followed) == 3)
    taken: list[datetime] = sorted(one.manifest.started_at for one in list_archives(setup.home))
    assert timedelta(0) < taken[0] - START <= timedelta(minutes=10)
    assert [(one.hour, one.minute) for one in taken[1:]] == [(16, 0), (22, 0)]
    assert followed == [1, 2, 3]
    assert [one for one in logs if one["log_level"] == "error"] == []


async def test_failed_backup_is_tried_again_after_an_hour(setup: Setup) -> None:
    """A backup that fails is one line in the log each hour, and succeeds when there is room again."""
    setup.free_bytes = 0
    with capture_logs() as logs:
        await run_until(setup, setup.manager, lambda: setup.clock.slept[-1:] == [3600.0])
        setup.free_bytes = 10**12
        await run_until(setup, setup.manager, lambda: setup.count_backups() == 1)
    errors = [one for one in logs if one["log_level"] == "error"]
    assert [one["event"] for one in errors] == ["no backup was made"]
    assert [path.name for path in setup.home.iterdir()] == [list_archives(setup.home)[0].id]


async def test_place_that_comes_back_gets_what_it_lacks_before_the_next_backup(setup: Setup) -> None:
    """The schedule finds it within minutes; one that fails holds up nothing and is tried again in an hour."""
    setup.other.rmdir()
    with capture_logs() as logs:
        await run_until(setup, setup.manager, lambda: any(one["log_level"] == "error" for one in logs))
    [away] = [one for one in logs if one["log_level"] == "error"]
    assert "can't be used and has no copy of the newest backup" in away["why"]
    setup.other.mkdir(mode=0o700)
    (setup.other / list_archives(setup.home)[0].id).write_text("in the way", "utf-8")
    with capture_logs() as logs:
        await run_until(setup, setup.manager, lambda: any("does not get" in one["event"] for one in logs))
    (setup.other / list_archives(setup.home)[0].id).unlink()
    await run_until(setup, setup.manager, lambda: bool(list_archives(setup.other)))
    assert [one.id for one in list_archives(setup.other)] == [one.id for one in list_archives(setup.home)]
    assert setup.count_backups() == 1


async def test_backup_that_does_not_count_is_logged_once_for_each_change(setup: Setup) -> None:
    """The schedule looks every minute and repeats itself only when the reason is another one."""
    await setup.manager.make(BackupReason.DAILY)
    setup.clock.move(60)
    await setup.manager.make(BackupReason.DAILY)
    newest, older = list_archives(setup.home)
    (older.path / "kills.bson.zst").unlink()
    looks = len(setup.clock.slept) + 6
    with capture_logs() as logs:
        await run_until(setup, setup.manager, lambda: len(setup.clock.slept) > looks)
        (older.path / "SHA256SUMS").unlink()
        await run_until(setup, setup.manager, lambda: len(setup.clock.slept) > looks + 6)
    told = [(one["backup"], one["why"]) for one in logs if "does not count" in one["event"]]
    assert told == [
        (older.id, f"The backup {older.id} has no kills.bson.zst."),
        (older.id, f"The backup {older.id} has no SHA256SUMS."),
    ]
    assert newest.id in [one.id for one in list_archives(setup.home)]
