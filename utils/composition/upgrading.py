"""Upgrades with a net: a proven backup before the first change, and a comparison after the last one."""

from dataclasses import KW_ONLY, dataclass
from functools import partial

from structlog import get_logger

from utils.backup.archive import Archive, list_if_there
from utils.backup.backups import BackupManager, ignore
from utils.backup.places import find_archive
from utils.backup.steps import Show, carry_out, do_not_pause, run_in_thread
from utils.backup.untouched import compare_untouched
from utils.clock import Clock
from utils.composition.backups import build_backups, build_source, build_verifier
from utils.composition.due_times import PendingDueTimes
from utils.composition.storage import build_key_place
from utils.composition.verification import verify_quickly
from utils.database.archives.snapshot import SnapshotSource
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import DataVersion
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.repositories.leases import LeaseRepository
from utils.errors import ArchiveRefusedError, BackupError, ConfigurationError
from utils.models.backups import BackupReason
from utils.models.texts import Text
from utils.redaction import Redactor
from utils.settings import Settings

ROLLBACK = (
    "{why} The upgrade of the data is not finished. To go back: stop every bot, check out the version of "
    "before with git, run `python bot.py restore before-migration`, and start the bot."
)
NO_BACKUP = (
    "The data is of an older version, and there is no proven backup of it: {why} Nothing was changed. "
    "`python bot.py migrate --without-backup` upgrades it without one."
)

_log = get_logger(__name__)


@dataclass(eq=False)
class BackedUpgrade:
    """Keeps a backup of the data of before an upgrade.

    Args:
        show: gets the progress of the backup.
    """

    backups: BackupManager
    source: SnapshotSource
    database: SafeDatabase
    _: KW_ONLY
    show: Show = ignore

    def __post_init__(self) -> None:
        self._archive: Archive | None = None

    async def keep(self, version: DataVersion) -> None:
        """Make a proven backup, unless there is one of this very data already.

        Raises:
            ConfigurationError: there is no proven backup; nothing is changed.
        """
        if version.upgraded_from is not None:  # the data is changed in part
            first, is_proven = version.upgraded_from, True
        else:
            first, is_proven = version.number, False
        found = await run_in_thread(partial(self._find_begun, first, is_proven=is_proven))
        if found is not None and not is_proven:  # a process died between its backup and the first change
            found = await self._prove_again(found)
        self._archive = found or await self._make()

    async def verify(self, touched: frozenset[str]) -> None:
        """Compare everything besides the touched collections with the backup, and verify samples.

        Raises:
            ConfigurationError: it differs; the text says how to go back.
        """
        if self._archive is None:
            raise ValueError("there is no backup to compare with")
        archive, source = self._archive, self.source
        try:
            steps = compare_untouched(archive, source, touched)
            await carry_out(steps, show=self.show, pause=do_not_pause)
        except ArchiveRefusedError as error:
            raise ConfigurationError(ROLLBACK.format(why=error)) from error
        expected = archive.manifest.deaths_by_server
        report = await self.database.call(
            partial(verify_quickly, self.database.operations, expected=expected)
        )
        if not report.is_good:
            why = " ".join(str(finding.said) for finding in report.findings)
            raise ConfigurationError(ROLLBACK.format(why=why))

    async def _prove_again(self, archive: Archive) -> Archive | None:
        """Return a backup that was made for this upgrade, proven; None if it is not of the present data."""
        try:
            steps = compare_untouched(archive, self.source, frozenset())
            await carry_out(steps, show=self.show, pause=do_not_pause)
            if archive.proven_at is None and (await self._verify(archive)) is not None:
                return None
        except ArchiveRefusedError as error:
            _log.info("an earlier backup is not of the present data", backup=archive.id, why=str(error))
            return None
        _log.info("the upgrade goes on with the backup that was made for it", backup=archive.id)
        return await run_in_thread(partial(find_archive, [archive.path.parent], archive.id))

    async def _verify(self, archive: Archive) -> Text | None:
        """Restore a backup on trial; return why that was not possible."""
        return (await self.backups.verify(archive.id, show=self.show)).unproven

    async def _make(self) -> Archive:
        try:
            outcome = await self.backups.make(BackupReason.BEFORE_MIGRATION, show=self.show)
        except BackupError as error:
            raise ConfigurationError(NO_BACKUP.format(why=error)) from error
        if outcome.unproven is not None:
            raise ConfigurationError(NO_BACKUP.format(why=outcome.unproven))
        for problem in outcome.problems:
            _log.warning("the backup before the upgrade has a problem", why=str(problem))
        home = self.backups.plan.home
        return await run_in_thread(partial(find_archive, [home], outcome.backup.id))

    def _find_begun(self, first: int, *, is_proven: bool) -> Archive | None:
        """Return the newest backup of before this upgrade, which was cut off."""
        home = self.backups.plan.home
        for archive in list_if_there(home):
            manifest = archive.manifest
            is_whole = (manifest.data_version, manifest.upgraded_from) == (first, None)
            is_own = manifest.database == self.database.name
            if not is_whole or not is_own or manifest.reason is not BackupReason.BEFORE_MIGRATION:
                continue
            if archive.proven_at or not is_proven:
                return archive
        return None


def build_upgrade(settings: Settings, database: SafeDatabase, instance_id: str, clock: Clock) -> DataUpgrade:
    """Return the upgrade of data of an older version."""
    store = LeaseRepository(database, shard_count=settings.discord.sharding.count)
    due = PendingDueTimes(database, default_tier=settings.premium.default_tier)
    return DataUpgrade(database, store, instance_id=instance_id, clock=clock, follow_up=due)


def build_backed_upgrade(
    settings: Settings,
    database: SafeDatabase,
    redactor: Redactor,
    instance_id: str,
    clock: Clock,
    *,
    show: Show = ignore,
) -> DataUpgrade:
    """Return the upgrade of data of an older version, with a backup before it."""
    verifier = build_verifier(settings, build_key_place(settings).find_box(redactor), clock)
    backups = build_backups(
        settings, database, verifier, instance_id=instance_id, go_first=do_not_pause, clock=clock
    )
    upgrade = build_upgrade(settings, database, instance_id, clock)
    upgrade.guard = BackedUpgrade(backups, build_source(settings, database), database, show=show)
    return upgrade
