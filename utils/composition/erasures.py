"""Builds the log of erasures, what erases again after a restore, and what keeps the erased out of repairs."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from structlog import get_logger

from utils.backup.erasure_files import ErasureFolders
from utils.clock import Clock
from utils.composition.backups import find_home
from utils.database.archives.after_restore import do_for_all, list_erased_since
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import BACKUP_CLASSES, BackupClass
from utils.database.documents.personal_fields import PERSONAL_FIELDS
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.erasure_records import ErasureRecordRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.verification.stored_whole import read_raw_death
from utils.models.audit import AuditAction
from utils.models.personal import ErasureRecord, PersonKind
from utils.models.restores import RestoreFacts
from utils.models.scope import GuildId
from utils.models.verification import ArchivedDeaths
from utils.secrets import SecretBox
from utils.services.personal.eraser import Eraser
from utils.services.personal.erasure_log import ErasedPersons, ErasureLog, ErasureRecords, compute_digest
from utils.services.personal.restored_erasures import RestoredErasures
from utils.settings import Settings

RESTORED_FIELDS = {
    name: fields for name, fields in PERSONAL_FIELDS.items() if BACKUP_CLASSES[name] is BackupClass.KEPT
}
"""No restore brings the others back, so everything in them is newer than the erasure."""

_log = get_logger(__name__)


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
    erased = ErasedPersons(records, secret_box)
    return RestoredErasures(erased, records, store, eraser=Eraser(store, clock=clock))


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


async def keep_erased_out(
    database: SafeDatabase, archived: ArchivedDeaths, *, since: datetime, secret_box: SecretBox | None
) -> ArchivedDeaths:
    """Leave out the deaths of persons who were erased since a backup.

    Where nobody can tell who that was, for example after a change of the secret key, all deaths of the
    community are left out.
    """
    documents = {}
    for scope, deaths in archived.documents.items():
        names_erased = await _find_erased(database, scope.guild_id, since, secret_box)
        if names_erased is None:
            _log.warning("no death is restored, because somebody unknown was erased", scope=str(scope))
        else:
            documents[scope] = [raw for raw in deaths if not names_erased(raw)]
    return ArchivedDeaths(documents, archived.is_cut)


async def _find_erased(
    database: SafeDatabase, guild_id: GuildId, since: datetime, secret_box: SecretBox | None
) -> Callable[[bytes], bool] | None:
    """Return what tells whether a death names somebody who was erased; None if nobody can tell."""
    records = await ErasureRecordRepository(database).list_erasures(guild_id, since=since)
    if not records:
        audit, action = AuditRepository(database), AuditAction.DATA_ERASE.value
        entries, _ = await audit.list_entries(guild_id, action=action, limit=1)
        return None if any(entry.at >= since for entry in entries) else _names_nobody
    if secret_box is None or any(record.key != secret_box.fingerprint for record in records):
        return None
    return _build_test(secret_box, guild_id, records)


def _build_test(
    secret_box: SecretBox, guild_id: GuildId, records: Sequence[ErasureRecord]
) -> Callable[[bytes], bool]:
    digests = {record.digest for record in records}

    def names_erased(raw: bytes) -> bool:
        death = read_raw_death(raw)
        if death is None:
            return True
        people = (death.row.killer_id, death.row.victim_id)
        return any(
            compute_digest(secret_box, guild_id, PersonKind.PLAYER, one) in digests for one in people if one
        )

    return names_erased


def _names_nobody(raw: bytes) -> bool:
    del raw
    return False
