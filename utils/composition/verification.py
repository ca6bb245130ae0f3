"""Builds the verification of the stored data: of the bot's own database, and of a trial."""

from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from utils.backup.archive import list_archives
from utils.backup.manifest import Manifest
from utils.database.archives.trial import TrialDatabase
from utils.database.core.operations import Operations
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.verification.stored_data import StoredData
from utils.models.texts import Text
from utils.models.verification import DeathCounts, VerificationReport
from utils.services.verification.verifier import DataVerifier


def build_data_verifier(data: StoredData) -> DataVerifier:
    """Return the verifier of a database or of a trial."""
    return DataVerifier(data, MIGRATIONS.newest, SystemRandom())


def verify_quickly(
    operations: Operations, *, expected: DeathCounts | None = None, prefix: str = ""
) -> VerificationReport:
    """Verify samples of a database within seconds; it blocks, so it belongs into a thread.

    Args:
        operations: the database, with data of this bot's version.
        expected: the deaths of a backup; a server may only have more.
        prefix: begins the names of its collections.

    Raises:
        StorageError: the database does not answer.
    """
    return build_data_verifier(StoredData(operations, prefix=prefix)).quick(expected)


def check_trial(trial: TrialDatabase, manifest: Manifest) -> Sequence[Text]:
    """Verify the data of a backup after its restore on trial; data of an older version is not read."""
    if manifest.data_version != MIGRATIONS.newest or manifest.upgraded_from is not None:
        return ()
    report = build_data_verifier(trial.stored).quick(manifest.deaths_by_server)
    return [finding.said for finding in report.findings]


def find_expected_deaths(home: Path, database: str) -> DeathCounts:
    """Return the deaths of the newest backup of a database; nothing without one."""
    archives = list_archives(home) if home.exists() else []
    own = (archive.manifest for archive in archives if archive.manifest.database == database)
    newest = next(own, None)
    return {} if newest is None else newest.deaths_by_server
