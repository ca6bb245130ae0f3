"""Builds restores: what restores a backup, and what ends a restore that was cut off."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial

from utils.backup.archive import list_if_there
from utils.backup.backups import BackupManager, ignore
from utils.backup.lease import RestoreLease
from utils.backup.recovery import Recovery
from utils.backup.requests import RestoreRequests
from utils.backup.restore import Restorer
from utils.backup.steps import Show, run_in_thread
from utils.clock import Clock
from utils.composition.after_restore import finish_jobs
from utils.composition.backups import build_backups, build_verifier, list_places
from utils.composition.base import Base
from utils.data_folder import load_instance_id
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.migrations import find_data_version
from utils.database.repositories.leases import RESTORE_LEASE, LeaseRepository
from utils.errors import ConfigurationError, StorageError, UserFacingError
from utils.models.backups import BackupReason
from utils.models.restores import RestoreFacts, RestoreGap, RestoreOutcome
from utils.models.texts import text
from utils.secrets import SecretBox
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.services.shards.leases import LeaseHolder
from utils.settings import Settings

EMPTY_BESIDE_BACKUPS = (
    "The database “{database}” is empty, and there are backups of it. If it was lost, run `python bot.py "
    "restore latest`. If mongodb.uri leads to the wrong place, correct it. To begin again without backups, "
    "run `python bot.py restore nothing`."
)


def build_recovery(
    settings: Settings, clock: Clock, *, waits: bool
) -> Callable[[SafeDatabase], Coroutine[None, None, None]]:
    """Return what ends a restore that was cut off; it also refuses an empty database beside its backups.

    With ``waits`` it waits for another process that restores a backup; else it refuses to go on.
    """

    async def recover(database: SafeDatabase) -> None:
        await open_recovery(settings, database, clock).recover(waits=waits)
        if await find_data_version(database) is None and await run_in_thread(partial(_is_known, settings)):
            raise ConfigurationError(EMPTY_BESIDE_BACKUPS.format(database=database.name))

    return recover


def open_recovery(settings: Settings, database: SafeDatabase, clock: Clock) -> Recovery:
    """Return the recovery of a database."""

    async def finish(database: SafeDatabase, facts: RestoreFacts, fence: Fence) -> RestoreGap:
        return await finish_jobs(settings, database, facts, fence, clock)

    store = LeaseRepository(database, shard_count=settings.discord.sharding.count)
    lease = RestoreLease(store, instance_id=load_instance_id(settings.data_dir), clock=clock)
    return Recovery(database, lease=lease, finish_jobs=finish, clock=clock)


async def verify_unrestored(settings: Settings, database: SafeDatabase, clock: Clock) -> None:
    """Go on only if no restore began while this process took its leases.

    A restore looks at the leases after it has taken its own, so one of the two sees the other.

    Raises:
        ConfigurationError: another process restores a backup.
    """
    recovery = open_recovery(settings, database, clock)
    if await recovery.marks.find() is not None or await recovery.lease.is_held_by_another():
        raise ConfigurationError("A backup is being restored. Start the bot again when that is done.")


def build_restorer(recovery: Recovery, backups: BackupManager, clock: Clock, *, show: Show) -> Restorer:
    """Return what restores a backup; the present data is backed up by ``backups``."""

    async def keep_present() -> str:
        return (await backups.make_checked(BackupReason.BEFORE_RESTORE, show=show)).id

    return Restorer(recovery, keep_present=keep_present, clock=clock)


@dataclass(frozen=True, slots=True)
class OwnBackups:
    """The backups of a bot that runs.

    Attributes:
        manager: makes them beside everything else.
        requests: restores that the owners ask for in Discord.
        secret_box: opens the stored logins.
    """

    manager: BackupManager
    requests: RestoreRequests
    secret_box: SecretBox


def build_own_backups(
    base: Base, database: SafeDatabase, secret_box: SecretBox, leases: LeaseHolder, throttle: ImportThrottle
) -> OwnBackups:
    """Return the backups of a bot."""
    settings, clock = base.settings, base.clock
    verifier = build_verifier(settings, secret_box, clock)
    manager = build_backups(
        settings, database, verifier, instance_id=leases.instance_id, go_first=throttle.wait, clock=clock
    )
    recovery = open_recovery(settings, database, clock)
    requests = RestoreRequests(
        build_restorer(recovery, manager, clock, show=ignore),
        places=list_places(settings),
        verifier=verifier,
        is_alone=settings.discord.sharding.is_whole,
    )
    return OwnBackups(manager, requests, secret_box)


async def restore_if_asked(
    backups: OwnBackups, settings: Settings, database: SafeDatabase, clock: Clock
) -> RestoreOutcome | None:
    """Restore the backup that an owner asked for, after everything of the bot has ended.

    It begins while this process still has its leases, so no other one takes them before.
    """
    order = backups.requests.order
    if order is None:
        return None
    began = clock.monotonic()
    if order.guild_id is None:
        order = replace(order, secret_proof=backups.secret_box.seal_proof())
    recovery = open_recovery(settings, database, clock)
    restorer = build_restorer(recovery, backups.manager, clock, show=ignore)
    problem = None
    try:
        async with recovery.lease.hold() as token:
            await restorer.restore(order, Fence(RESTORE_LEASE, token), show=ignore)
    except UserFacingError as error:
        problem = error.said
    except StorageError as error:
        problem = text("MongoDB failed: {why}", why=str(error))
    return RestoreOutcome(order.archive.id, clock.monotonic() - began, problem)


def _is_known(settings: Settings) -> bool:
    """Tell whether a place has a backup of the configured database."""
    return any(
        archive.manifest.database == settings.mongodb.database
        for place in list_places(settings)
        for archive in list_if_there(place)
    )
