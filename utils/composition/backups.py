"""Builds backups: their places, their schedule and the process that proves them, by the configuration."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from utils.backup.backups import BackupManager, BackupPlan
from utils.backup.lease import BackupLease
from utils.backup.verification import BackupVerifier
from utils.clock import Clock
from utils.composition.version import CHILD, PROJECT, read_project
from utils.database.archives.snapshot import SnapshotSource
from utils.database.archives.trial import TrialPlace
from utils.database.core.database import SafeDatabase
from utils.database.repositories.leases import LeaseRepository
from utils.secrets import SecretBox
from utils.settings import Settings

HOME_NAME = "backups"
SCRATCH_NAME = "scratch"
KEY_PURPOSE = "backup"
KEY_CHECK_BYTES = 8


def build_verifier(settings: Settings, secret_box: SecretBox | None, clock: Clock) -> BackupVerifier:
    """Return the part that verifies backups; it needs no database, and no key on a machine without one."""

    def compute_key_check(backup_id: str) -> str | None:
        if secret_box is None:
            return None
        return secret_box.compute_digest(KEY_PURPOSE, backup_id)[:KEY_CHECK_BYTES].hex()

    place = TrialPlace(
        scratch=settings.data_dir.absolute() / SCRATCH_NAME,
        mongod_path=settings.mongodb.mongod_path,
        uri=settings.mongodb.uri.get_secret_value(),
        database=settings.mongodb.database,
    )
    return BackupVerifier(place, command=build_child_command(), key_check=compute_key_check, clock=clock)


def build_child_command() -> tuple[str, ...]:
    """Return the command that starts the child process."""
    return (sys.executable, str(PROJECT / "bot.py"), CHILD)


def build_backups(
    settings: Settings,
    database: SafeDatabase,
    verifier: BackupVerifier,
    *,
    instance_id: str,
    go_first: Callable[[], Awaitable[None]],
    clock: Clock,
) -> BackupManager:
    """Return the manager of backups; ``go_first`` waits while commands run."""
    store = LeaseRepository(database, shard_count=settings.discord.sharding.count)
    plan = BackupPlan(
        home=find_home(settings),
        others=tuple(place.absolute() for place in settings.backup.directories),
        hour_utc=settings.backup.hour_utc,
        every_hours=settings.backup.every_hours,
        keep_days=settings.backup.keep_days,
        bot_version=read_project()["version"],
    )
    return BackupManager(
        plan,
        build_source(settings, database),
        lease=BackupLease(store, instance_id=instance_id, clock=clock),
        verifier=verifier,
        go_first=go_first,
        clock=clock,
    )


def build_source(settings: Settings, database: SafeDatabase) -> SnapshotSource:
    """Return the source of snapshots of the database."""
    return SnapshotSource(database, is_embedded=not settings.mongodb.uri.get_secret_value())


def list_places(settings: Settings) -> tuple[Path, ...]:
    """Return every place of backups, that on this machine first."""
    return (find_home(settings), *settings.backup.directories)


def find_home(settings: Settings) -> Path:
    """Return the place of backups on this machine."""
    return settings.data_dir.absolute() / HOME_NAME
