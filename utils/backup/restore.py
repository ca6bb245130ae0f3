"""Restore: a backup takes the place of the present data, after all of it was loaded and compared.

*Theory of operation.* Everything that can be refused is refused before anything changes: the archive, its
version, its key. Then the present data is backed up, the backup is loaded beside it, compared document by
document, and put in its place by renames (``utils.database.archives.switching``). A process that dies on the
way leaves a marker by which the next start undoes the restore or finishes it (``utils.backup.recovery``).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial

from structlog import get_logger

from utils.backup.archive import Archive
from utils.backup.checking import check_files
from utils.backup.proof import prove
from utils.backup.recovery import Recovery
from utils.backup.steps import Show, carry_out, run_in_thread
from utils.clock import Clock
from utils.database.archives.catch_up import keep_replaced_part
from utils.database.archives.losses import count_all, find_losses
from utils.database.archives.switching import (
    REPLACED,
    RESTORING,
    CollectionSwitch,
    RestoreMarker,
    RestoreState,
    drop_collections,
)
from utils.database.archives.trial import UNIQUE_INDEXES, TrialDatabase
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import INDEXES, list_kept
from utils.database.migrations.migrations import MIGRATIONS, DataVersion, find_data_version
from utils.errors import ArchiveRefusedError, BackupBusyError, BackupError, KillfeedError, StorageError
from utils.models.restores import RestoreFacts, RestoreGap, RestorePlan
from utils.models.scope import GuildId
from utils.models.texts import Number, text

KeepPresent = Callable[[], Awaitable[str]]
"""Backs the present data up, and returns the id of that backup."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RestoreOrder:
    """The wanted restore.

    Attributes:
        archive: the backup.
        guild_id: the one guild to restore; None for the whole database.
        secret_proof: the proof of the key that its logins need; None for no change.
        discards_current: go on although the present data cannot be backed up.
        keeps_unreadable: but not if the database cannot read it: then its files can be set aside.
    """

    archive: Archive
    _: KW_ONLY
    guild_id: GuildId | None = None
    secret_proof: bytes | None = None
    discards_current: bool = False
    keeps_unreadable: bool = False


@dataclass(eq=False)
class Restorer:
    """Restores backups into one database that no bot uses.

    Args:
        keep_present: backs the present data up.
        collections: the names of the collections that a restore replaces, besides those in the backup.

    Attributes:
        has_begun: a restore has written something into the database.
    """

    recovery: Recovery
    _: KW_ONLY
    keep_present: KeepPresent
    clock: Clock
    collections: Sequence[str] = list_kept()
    has_begun: bool = False

    @property
    def database(self) -> SafeDatabase:
        """The database."""
        return self.recovery.database

    async def plan(self, order: RestoreOrder) -> RestorePlan:
        """Return what a restore would change; nothing is written.

        Raises:
            ArchiveRefusedError: the guild is not in the backup, or cannot be restored alone.
        """
        archive, guild_id = order.archive, order.guild_id
        manifest, names = archive.manifest, self._list_names(archive)
        then = {name: facts.documents for name, facts in manifest.collections.items()}
        if guild_id is not None:
            refuse_guild(archive, guild_id, await find_data_version(self.database))
            then = dict(manifest.guilds[str(int(guild_id))])
        query = {} if guild_id is None else {"guild_id": int(guild_id)}
        operations = self.database.operations
        now = await self.database.call(partial(count_all, operations, names, query))
        return RestorePlan(
            backup_id=archive.id,
            taken_at=manifest.moment,
            data_version=manifest.data_version,
            documents={name: (now[name], then.get(name, 0)) for name in names},
            losses=await self.database.call(partial(find_losses, operations, query, since=manifest.moment)),
        )

    async def restore(self, order: RestoreOrder, fence: Fence, *, show: Show) -> RestoreGap:
        """Restore a backup; the lease of restores is held, and no earlier restore is under way.

        Returns:
            The deaths that the backup does not have.

        Raises:
            ArchiveRefusedError: the backup is damaged; nothing has changed.
            BackupError: the present data cannot be backed up, or another process took over.
            StorageError: the database failed; the next start undoes or finishes it.
        """
        backup_id, whole = order.archive.id, "the whole database"
        guild = whole if order.guild_id is None else int(order.guild_id)
        _log.info("a restore begins", backup=backup_id, of=guild, taken_at=str(order.archive.manifest.moment))
        await carry_out(check_files(order.archive), show=show, pause=self._pause)
        _log.info("the files of the backup are as they were written", backup=backup_id)
        marker = await self._build_marker(order, fence)
        self.has_begun = True
        await self.recovery.marks.write(marker, fence)
        try:
            await self._load(order.archive, marker, show)
        except BaseException:
            await self._undo(marker, fence)
            raise
        _log.info("the backup is loaded beside the present data, and is the same", backup=backup_id)
        return await self.recovery.finish(marker, fence)

    async def _build_marker(self, order: RestoreOrder, fence: Fence) -> RestoreMarker:
        manifest = order.archive.manifest
        began_at, version = self.clock.now(), await find_data_version(self.database)
        if order.guild_id is not None:
            refuse_guild(order.archive, order.guild_id, version)
        has_replaced = version is not None and await self._keep_present(order)
        facts = RestoreFacts(
            backup_id=order.archive.id,
            taken_at=manifest.moment,
            began_at=began_at,
            guild_id=order.guild_id,
            is_same_version=version in {None, DataVersion(manifest.data_version, manifest.upgraded_from)},
            has_replaced=has_replaced,
            token=fence.token,
        )
        return RestoreMarker(
            facts,
            RestoreState.LOADING,
            collections=self._list_names(order.archive),
            data_version=manifest.data_version,
            upgraded_from=manifest.upgraded_from,
            lease_tokens=manifest.lease_tokens,
            secret_proof=order.secret_proof,
        )

    async def _keep_present(self, order: RestoreOrder) -> bool:
        """Back the present data up; tell whether that was possible."""
        try:
            kept = await self.keep_present()
        except (BackupError, StorageError) as error:
            if order.keeps_unreadable and isinstance(error, StorageError):
                raise
            if not order.discards_current:
                raise _explain_unreadable(error) from error
            _log.warning("the present data is given up without a backup", why=str(error))
            return False
        _log.info("the present data is backed up", backup=kept)
        return True

    async def _load(self, archive: Archive, marker: RestoreMarker, show: Show) -> None:
        """Load the backup beside the present data, and compare it."""
        guild_id, switch = marker.facts.guild_id, self._open_switch(marker)
        await drop_collections(self.database, RESTORING, REPLACED)
        version = DataVersion(marker.data_version, marker.upgraded_from)
        # those of older data come after its upgrade
        indexes = INDEXES if MIGRATIONS.is_current(version) else {}
        if guild_id is not None:
            indexes = UNIQUE_INDEXES  # the documents move into collections that have them all
        target = TrialDatabase(self.database.operations, prefix=switch.restoring, indexes=indexes)
        for name in marker.collections:
            if name not in archive.manifest.collections:  # it came with a later version
                await run_in_thread(partial(target.create, name))
                await run_in_thread(partial(target.build_indexes, name))
        await carry_out(prove(archive, target, guild_id=guild_id), show=show, pause=self._pause)
        if guild_id is not None:
            await self.database.call(
                partial(
                    keep_replaced_part,
                    self.database.operations,
                    guild_id,
                    since=marker.facts.taken_at,
                    into=switch.replaced,
                )
            )
            await switch.keep_premium(guild_id)

    def _open_switch(self, marker: RestoreMarker) -> CollectionSwitch:
        return self.recovery.open_switch(self.database, marker.facts.token)

    async def _undo(self, marker: RestoreMarker, fence: Fence) -> None:
        """Undo a restore that failed; if another process took over, drop what this one alone has loaded."""
        try:
            await self.recovery.undo(fence)
        except BackupBusyError:
            switch = self._open_switch(marker)
            await drop_collections(self.database, switch.restoring, switch.replaced)
        except KillfeedError as error:
            _log.warning("the next start undoes the restore", why=str(error))

    async def _pause(self) -> None:
        self.recovery.lease.verify()

    def _list_names(self, archive: Archive) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*archive.manifest.collections, *self.collections]))


def refuse_guild(archive: Archive, guild_id: GuildId, version: DataVersion | None) -> None:
    """Refuse to restore one guild if the backup does not have it, or has data of another version.

    Raises:
        ArchiveRefusedError: it is so; the text says what.
    """
    manifest = archive.manifest
    if str(int(guild_id)) not in manifest.guilds:
        raise ArchiveRefusedError(
            text(
                "The backup {id} has nothing of the community {guild}. Nothing was changed.",
                id=archive.id,
                guild=str(int(guild_id)),
            )
        )
    if version != DataVersion(manifest.data_version, manifest.upgraded_from):
        raise ArchiveRefusedError(
            text(
                "The backup {id} has data of version {version}, and the database is empty or has another. "
                "One community alone can't be restored then: restore all of the backup.",
                id=archive.id,
                version=Number(manifest.data_version),
            )
        )


def _explain_unreadable(error: KillfeedError) -> BackupError:
    return BackupError(
        text(
            "The present data can't be backed up ({why}), and nothing was restored. With --discard-current "
            "the restore goes on without that backup, and the present data is lost. To keep it, restore into "
            "another database: write a new name into mongodb.database.",
            why=str(error).rstrip("."),
        )
    )
