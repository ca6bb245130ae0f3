"""Builds the log of erasures, and what erases again after a restore."""

from collections.abc import Iterable

from utils.backup.erasure_files import ErasureFolders
from utils.clock import Clock
from utils.composition.backups import find_home
from utils.database.archives.after_restore import do_for_all, list_erased_since
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import BACKUP_CLASSES, BackupClass
from utils.database.documents.personal_fields import PERSONAL_FIELDS
from utils.database.repositories.erasure_records import ErasureRecordRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.models.personal import ErasureRecord
from utils.models.restores import RestoreFacts
from utils.models.scope import GuildId
from utils.secrets import SecretBox
from utils.services.personal.eraser import Eraser
from utils.services.personal.erasure_log import ErasureLog, ErasureRecords
from utils.services.personal.restored_erasures import RestoredErasures
from utils.settings import Settings

RESTORED_FIELDS = {
    name: fields for name, fields in PERSONAL_FIELDS.items() if BACKUP_CLASSES[name] is BackupClass.KEPT
}
"""No restore brings the others back, so everything in them is newer than the erasure."""


def build_erasure_files(settings: Settings) -> ErasureFolders:
    """Return the files of erasures beside the backups."""
    return ErasureFolders(find_home(settings), [place.absolute() for place in settings.backup.directories])


def build_erasure_log(
    settings: Settings, store: ErasureRecords, secret_box: SecretBox, clock: Clock
) -> ErasureLog:
    """Return the log of erasures."""
    return ErasureLog(store, build_erasure_files(settings), secret_box, clock=clock)


def build_restored_erasures(
    records: ErasureRecordRepository, store: ErasureRepository, secret_box: SecretBox, clock: Clock
) -> RestoredErasures:
    """Return what erases again the persons that a restore has brought back."""
    return RestoredErasures(records, records, store, secret_box, eraser=Eraser(store, clock=clock))


async def take_in_erasures(database: SafeDatabase, records: Iterable[ErasureRecord]) -> None:
    """Store records that stood beside backups."""
    store = ErasureRecordRepository(database)
    for record in records:
        await store.put_erasures(record.guild_id, [record])


async def erase_restored(
    settings: Settings,
    database: SafeDatabase,
    facts: RestoreFacts,
    *,
    fence: Fence,
    secret_box: SecretBox,
    clock: Clock,
) -> None:
    """Erase again everyone who was erased since the backup of a restore; it can be repeated."""
    files = build_erasure_files(settings)
    await take_in_erasures(database, await files.read())
    records = ErasureRecordRepository(database)

    def fences(guild_id: GuildId) -> Fence:
        return Fence(fence.shard, fence.token, guild_id)

    store = ErasureRepository(database, fences=fences, declared=RESTORED_FIELDS)
    restored = build_restored_erasures(records, store, secret_box, clock)

    async def erase(guild_id: GuildId) -> None:
        await restored.erase_again(guild_id, since=facts.taken_at)

    await do_for_all(await list_erased_since(database, facts), erase)
