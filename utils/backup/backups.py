"""The manager of backups: makes, verifies, copies and deletes them, at their time or when somebody asks.

*Theory of operation.* One process makes one backup at a time, under a lease. A run clears away what a dead
holder left, takes a snapshot (again from the beginning when MongoDB has forgotten its moment or elects a new
primary), reads the files back from the disk, restores them on trial in a child process, copies them to every
other place, and then deletes what is old. A place that fails holds up no other; one that was away gets what
it lacks within minutes of its return. Nothing is deleted to make room, and nothing before the new backup is
proven.
"""

import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from datetime import date
from functools import partial
from pathlib import Path

from structlog import get_logger

from utils.backoff import Backoff
from utils.backup.archive import Archive, find_archives, list_archives
from utils.backup.lease import BackupLease
from utils.backup.manifest import build_id
from utils.backup.places import (
    choose_missing,
    clear_leftovers,
    copy_archive,
    delete_old,
    find_archive,
    hash_part,
    list_missing,
    prepare_home,
    set_aside,
    verify_space,
)
from utils.backup.schedule import is_due
from utils.backup.steps import Show, Steps, carry_out, do_not_pause, run_in_thread
from utils.backup.taking import Order, take_backup
from utils.backup.verification import BackupVerifier, Verified
from utils.backup.watch import PlaceReader
from utils.clock import Clock
from utils.database.archives.snapshot import SnapshotSource
from utils.database.core.indexes import list_kept
from utils.errors import (
    ArchiveRefusedError,
    BackupBusyError,
    BackupError,
    SnapshotGoneError,
    StorageUnavailableError,
)
from utils.models.backups import BackupOutcome, BackupProgress, BackupReason, BackupSummary
from utils.models.texts import Text, text

TAKE_BACKOFF = Backoff(first_seconds=60, longest_seconds=300, factor=5)
TAKE_TRIES = 3
FIRST_CHECK_SECONDS = 300.0  # after a start, which has enough to do at first
CHECK_SECONDS = 60.0
FAILED_SECONDS = 3600.0  # before a scheduled backup that failed is tried again
BACKUP_TASK = "backup:schedule"

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """The places of backups, how long they are kept, and when one is made.

    Attributes:
        home: the place on this machine.
        others: further places, which get copies.
        bot_version: the version of the bot, for the manifest.
    """

    home: Path
    others: Sequence[Path]
    hour_utc: int
    every_hours: int
    keep_days: int
    bot_version: str


def ignore(progress: BackupProgress) -> None:
    """Show no progress."""
    del progress


@dataclass(eq=False)
class BackupManager:
    """Makes backups and knows those that are there.

    Args:
        go_first: waits while commands run.
        measure_free: returns the free bytes of the disk of a folder.
        after_backup: is awaited after each scheduled backup.
    """

    plan: BackupPlan
    source: SnapshotSource
    _: KW_ONLY
    lease: BackupLease
    verifier: BackupVerifier
    go_first: Callable[[], Awaitable[None]]
    clock: Clock
    measure_free: Callable[[Path], int] = lambda place: shutil.disk_usage(place).free
    after_backup: Callable[[], Awaitable[None]] = do_not_pause

    def __post_init__(self) -> None:
        self._is_busy = False
        self._hashed_on: date | None = None
        self._refused: dict[str, str] = {}
        self._readers = {place: PlaceReader(place) for place in self.plan.others}
        self._rests: dict[Path, float] = {}

    async def make(self, reason: BackupReason, *, show: Show = ignore) -> BackupOutcome:
        """Make a backup and return how it went.

        Raises:
            BackupBusyError: another one is under way.
            BackupError: there is no backup, or it is not what it should be; the text says why.
            StorageError: the database does not answer.
        """
        async with self._one_at_a_time(), self.lease.hold():
            began = self.clock.monotonic()
            await self._prepare()
            taken = await self._take_patiently(reason, show)
            _log.info("a backup is taken", backup=taken.id, megabytes=taken.manifest.file_bytes // 1000**2)
            try:
                verified = await self.verifier.verify(taken, show=show, pause=self._pause)
            except ArchiveRefusedError:
                await run_in_thread(partial(set_aside, taken))
                raise
            problems = await self._spread(verified, show)
            _log.info("a backup is complete", backup=taken.id, is_proven=verified.unproven is None)
            return await self._conclude(verified, began, problems)

    async def make_checked(self, reason: BackupReason, *, show: Show = ignore) -> Archive:
        """Make a backup and compare its files; the trial and the copies are left to the next backup.

        Raises:
            BackupError: there is no backup; the text says why.
            StorageError: the database does not answer.
        """
        async with self._one_at_a_time(), self.lease.hold():
            await self._prepare()
            return await self.verifier.check(await self._take(reason, show), show=show)

    async def verify(self, backup_id: str, *, show: Show = ignore) -> BackupOutcome:
        """Verify a backup by its id.

        Raises:
            BackupBusyError: this process makes or verifies one already.
            ArchiveRefusedError: there is no such backup, it is damaged or does not fit.
        """
        async with self._one_at_a_time():
            began = self.clock.monotonic()
            archive = await run_in_thread(partial(find_archive, self._places, backup_id))
            verified = await self.verifier.verify(archive, show=show, pause=self.go_first)
            return await self._conclude(verified, began, ())

    async def list_backups(self) -> Sequence[BackupSummary]:
        """Return every backup of every place that can be read, newest first."""
        return await run_in_thread(partial(list_summaries, self._places))

    async def run(self) -> None:
        """Make a backup whenever one is due; runs until cancelled."""
        await self.clock.sleep(FIRST_CHECK_SECONDS)
        while True:
            await self.clock.sleep(CHECK_SECONDS if await self._make_if_due() else FAILED_SECONDS)

    async def _make_if_due(self) -> bool:
        """Make a backup if one is due; return False if that failed."""
        home = await run_in_thread(self._read_home)
        newest = home[0].manifest.started_at if home else None
        times = {"hour_utc": self.plan.hour_utc, "every_hours": self.plan.every_hours}
        if not is_due(self.clock.now(), newest, **times):
            for place in self.plan.others:
                await self._supply(place, home)
            return True
        try:
            outcome = await self.make(BackupReason.DAILY)
        except BackupBusyError as error:
            _log.info("a backup is due and has to wait", why=str(error))
            return True
        except (BackupError, StorageUnavailableError) as error:
            _log.error("no backup was made", why=str(error))
            return False
        for problem in outcome.problems:
            _log.error("a backup has a problem", backup=outcome.backup.id, why=str(problem))
        await self._hash_nightly()
        await self.after_backup()
        return True

    def _read_home(self) -> Sequence[Archive]:
        """Return the backups of this machine; one that does not count is logged when that changes."""
        if not self.plan.home.is_dir():
            return ()
        found, refused = find_archives(self.plan.home)
        for name, why in refused.items():
            if self._refused.get(name) != why:
                _log.warning("a backup is not complete and does not count", backup=name, why=why)
        self._refused = refused
        return found

    async def _supply(self, place: Path, home: Sequence[Archive]) -> None:
        """Give a place that was away what it lacks; one that fails is tried again after an hour."""
        if self.clock.monotonic() < self._rests.get(place, 0.0):
            return
        try:
            there = await run_in_thread(self._readers[place].read)
        except OSError:
            return  # it is still away, and the health checks tell that
        if not choose_missing(home, there, now=self.clock.now(), keep_days=self.plan.keep_days):
            return
        try:
            async with self._one_at_a_time(), self.lease.hold():
                await self._catch_up(place, ignore)
        except BackupBusyError as error:
            _log.info("a place lacks backups and has to wait", place=str(place), why=str(error))
        except (BackupError, OSError, StorageUnavailableError) as error:
            self._rests[place] = self.clock.monotonic() + FAILED_SECONDS
            _log.warning("a place does not get what it lacks", place=str(place), why=str(error))

    @property
    def _places(self) -> tuple[Path, ...]:
        return (self.plan.home, *self.plan.others)

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        if self._is_busy:
            raise BackupBusyError(text("A backup is made or verified right now. Wait for its end."))
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    async def _pause(self) -> None:
        self.lease.verify()
        await self.go_first()
        self.lease.verify()

    async def _prepare(self) -> None:
        await run_in_thread(partial(self._prepare_now))
        await self.verifier.clear_away()

    def _prepare_now(self) -> None:
        home = self.plan.home
        prepare_home(home)
        clear_leftovers(home)
        archives = list_archives(home)
        verify_space(
            home,
            last_bytes=archives[0].manifest.file_bytes if archives else None,
            data_bytes=0 if archives else self.source.measure_bytes(),
            free_bytes=self.measure_free(home),
        )

    async def _take_patiently(self, reason: BackupReason, show: Show) -> Archive:
        for failures in range(1, TAKE_TRIES):
            try:
                return await self._take(reason, show)
            except StorageUnavailableError as error:
                seconds = TAKE_BACKOFF.compute_seconds(failures)
                _log.warning("a backup begins again", seconds=seconds, why=str(error))
            await self.clock.sleep(seconds)
        try:
            return await self._take(reason, show)
        except SnapshotGoneError as error:
            raise BackupError(
                text(
                    "MongoDB forgot the moment of the backup three times. Raise "
                    "minSnapshotHistoryWindowInSeconds at your MongoDB; 3600 is enough for very much data."
                )
            ) from error

    async def _take(self, reason: BackupReason, show: Show) -> Archive:
        started_at = self.clock.now()
        backup_id = build_id(started_at, reason, secrets.token_hex(2))
        key_check = self.verifier.key_check(backup_id)
        return await carry_out(
            self._take_in_threads(backup_id, reason, key_check), show=show, pause=self._pause
        )

    def _take_in_threads(self, backup_id: str, reason: BackupReason, key_check: str | None) -> Steps[Archive]:
        order = Order(
            id=backup_id,
            reason=reason,
            database=self.source.database_name,
            bot_version=self.plan.bot_version,
            mongodb_version=self.source.read_mongodb_version(),
            key_check=key_check,
            collections=list_kept(),
        )
        with self.source.open() as snapshot:
            return (yield from take_backup(order, snapshot, self.plan.home, now=self.clock.now))

    async def _spread(self, verified: Verified, show: Show) -> tuple[Text, ...]:
        """Copy to the other places what they lack, then delete what is old everywhere."""
        problems = []
        for place in self.plan.others:
            try:
                await self._catch_up(place, show)
            except BackupError as error:
                problems.append(error.said)
            except OSError as error:
                problems.append(_explain_away(place, error))
        if verified.unproven is None:
            for place in self._places:
                problems += await self._delete_old(place)
        return tuple(problems)

    async def _catch_up(self, place: Path, show: Show) -> None:
        home = await run_in_thread(partial(list_archives, self.plan.home))
        await run_in_thread(partial(clear_leftovers, place))
        find = partial(list_missing, home, place, now=self.clock.now(), keep_days=self.plan.keep_days)
        for archive in await run_in_thread(find):
            await carry_out(copy_archive(archive, place), show=show, pause=self._pause)
            _log.info("a backup is copied", backup=archive.id, place=str(place))

    async def _delete_old(self, place: Path) -> list[Text]:
        delete = partial(delete_old, place, now=self.clock.now(), keep_days=self.plan.keep_days)
        try:
            for backup_id in await run_in_thread(delete):
                _log.info("an old backup is deleted", backup=backup_id, place=str(place))
        except OSError as error:
            return [] if place in self.plan.others else [_explain_away(place, error)]
        return []

    async def _hash_nightly(self) -> None:
        """Once a day, read a seventh of the stored bytes of every place again."""
        today = self.clock.now().date()
        if self._hashed_on == today:
            return
        self._hashed_on = today
        for place in self._places:
            try:
                damaged = await carry_out(hash_part(place, today), show=ignore, pause=self.go_first)
            except OSError as error:
                _log.warning("backups are not read again", place=str(place), why=str(error))
                continue
            for refusal in damaged:
                _log.error("a backup is damaged and set aside", place=str(place), why=str(refusal))

    async def _conclude(self, verified: Verified, began: float, problems: tuple[Text, ...]) -> BackupOutcome:
        archive = verified.archive
        summaries = await run_in_thread(partial(list_summaries, self._places))
        summary = next((one for one in summaries if one.id == archive.id), archive.summarize(()))
        seconds = self.clock.monotonic() - began
        return BackupOutcome(summary, seconds, verified.unproven, (*problems, *verified.differences))


def list_summaries(places: Sequence[Path]) -> list[BackupSummary]:
    """Return the backups of all places that can be read, newest first."""
    found: dict[str, list[Archive]] = {}
    for place in places:
        try:
            archives = list_archives(place)
        except OSError:
            continue  # the place is away
        for archive in archives:
            found.setdefault(archive.id, []).append(archive)
    summaries = [
        copies[0].summarize(tuple(str(copy.path.parent) for copy in copies)) for copies in found.values()
    ]
    return sorted(summaries, key=lambda one: (one.taken_at, one.id), reverse=True)


def _explain_away(place: Path, error: OSError) -> Text:
    return text(
        "{place} can't be used and has no copy of the newest backup: {why}.",
        place=str(place),
        why=error.strerror or type(error).__name__,
    )
