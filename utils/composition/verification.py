"""Builds the verification of the stored data: of the bot's own database, and of a trial."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any

from structlog import get_logger

from utils.backup.archive import Archive, list_if_there
from utils.backup.child import Job
from utils.backup.manifest import Manifest
from utils.backup.steps import Steps, run_in_thread
from utils.backup.verification import build_jobs
from utils.clock import SystemClock
from utils.composition.archived_deaths import DEATHS_JOB, find_deaths_in_child, load_scopes
from utils.composition.backups import find_home
from utils.database.archives.trial import TrialDatabase
from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Operations
from utils.database.migrations.migrations import MIGRATIONS, find_data_version
from utils.database.process.blocking_client import open_operations
from utils.database.verification.checks import DataChecks
from utils.database.verification.stored_data import StoredData
from utils.database.verification.stored_whole import StoredWhole
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.texts import Text
from utils.models.verification import DataFault, DeathCounts, KeptCommunities, VerificationReport
from utils.services.verification.full import FullVerifier, HalfPace, do_not_pause
from utils.services.verification.stores import VerifiedData, WholeData
from utils.services.verification.verifier import DataVerifier
from utils.settings import Settings

FULL_JOB = "full"
SERVER_JOB = "server"

_log = get_logger(__name__)


def build_data_verifier(data: VerifiedData) -> DataVerifier:
    """Return the verifier of a database or of a trial."""
    return DataVerifier(data, MIGRATIONS.newest, SystemRandom())


def verify_quickly(
    operations: Operations,
    *,
    expected: DeathCounts | None = None,
    kept: KeptCommunities | None = None,
    prefix: str = "",
) -> VerificationReport:
    """Verify samples of a database within seconds; it blocks, so it belongs into a thread.

    Args:
        operations: the database, with data of this bot's version.
        expected: the deaths of a backup; a server may only have more.
        kept: the communities of that backup.
        prefix: begins the names of its collections.

    Raises:
        StorageError: the database does not answer.
    """
    return build_data_verifier(StoredData(operations, prefix=prefix)).quick(expected, kept)


def check_trial(trial: TrialDatabase, manifest: Manifest) -> Sequence[Text]:
    """Verify the data of a backup after its restore on trial; data of an older version is not read."""
    if manifest.data_version != MIGRATIONS.newest or manifest.upgraded_from is not None:
        return ()
    report = build_data_verifier(trial.stored).quick(manifest.deaths_by_server)
    return [finding.said for finding in report.findings]


def find_measured(
    home: Path, database: str, *, since: datetime | None = None, is_proven: bool = False
) -> Archive | None:
    """Return the newest backup of a database; None without one.

    Args:
        home: the place of backups on this machine.
        database: the name of the database.
        since: backups from before a restore are no measure.
        is_proven: the newest proven backup is meant.
    """
    for archive in list_if_there(home):
        manifest = archive.manifest
        is_older = since is not None and manifest.started_at < since
        if manifest.database == database and not is_older and (archive.proven_at or not is_proven):
            return archive
    return None


async def find_measure(
    settings: Settings, database: SafeDatabase, *, is_proven: bool = False
) -> Archive | None:
    """Return the newest backup that is a measure for the data: none from before a restore.

    Raises:
        StorageError: the database does not answer.
    """
    since = await DataChecks(database).find_restored_at()
    find = partial(find_measured, find_home(settings), database.name, since=since, is_proven=is_proven)
    return await run_in_thread(find)


async def verify_restored(database: SafeDatabase, restored_at: datetime) -> None:
    """Verify samples of restored data, and log what is wrong; data of an older version is not read.

    It belongs before everything that changes restored data, for example before rows are stored that a
    catch-up counts later.

    Indexes of collections that are in no backup may be missing; the next start makes them.
    From now on backups from before the restore are no measure for lost deaths.
    """
    version = await find_data_version(database)
    await DataChecks(database).note_restored(restored_at)
    if version is not None and MIGRATIONS.is_current(version):
        report = await database.call(partial(verify_quickly, database.operations))
        for finding in report.findings:
            if finding.fault is not DataFault.INDEX:
                _log.error("restored data is not right", why=str(finding.said))


def build_full_verifier(operations: Operations, *, is_gentle: bool) -> FullVerifier:
    """Return the verifier of all data of the bot's own database; a gentle one leaves half of a core free."""
    client = operations.get_collection("schema").database.client

    @contextmanager
    def open_data() -> Iterator[WholeData]:
        with client.start_session(snapshot=True) as session:
            yield StoredWhole(operations, session=session)

    pause = HalfPace(asyncio.sleep, time.process_time).rest if is_gentle else do_not_pause
    return FullVerifier(open_data, build_data_verifier, pause)


def verify_in_child(order: Mapping[str, Any]) -> Steps[Mapping[str, Any]]:
    """Do the job of ``FullCheck`` in its child process."""
    with open_operations(order["uri"], order["database"], clock=SystemClock()) as operations:
        verifier = build_full_verifier(operations, is_gentle=order["is_gentle"])
        also = frozenset(load_scopes(order["also"]))
        expected, kept = load_counts(order["expected"]), order["kept"]
        kept = None if kept is None else KeptCommunities.load(kept)
        report = yield from verifier.run(expected, kept, day=order["day"], also=also)
    return report.dump()


def verify_server_in_child(order: Mapping[str, Any]) -> Steps[Mapping[str, Any]]:
    """Do the job of ``ReadBackCheck`` in its child process."""
    with open_operations(order["uri"], order["database"], clock=SystemClock()) as operations:
        verifier = build_full_verifier(operations, is_gentle=False)  # MongoDB forgets its moment in 5 minutes
        [scope] = load_scopes([order["scope"]])
        report = yield from verifier.run_server(scope)
    return report.dump()


def dump_counts(counts: DeathCounts) -> list[tuple[int, str, int]]:
    """Return deaths by game server as JSON."""
    return [(int(one.guild_id), str(one.server_id), deaths) for one, deaths in counts.items()]


def load_counts(dumped: Sequence[tuple[int, str, int]]) -> DeathCounts:
    """Return the counts of ``dump_counts``."""
    return {ServerScope(GuildId(guild), ServerId(server)): deaths for guild, server, deaths in dumped}


def list_jobs() -> Mapping[str, Job]:
    """Return every job of the child process."""
    own = {FULL_JOB: verify_in_child, SERVER_JOB: verify_server_in_child, DEATHS_JOB: find_deaths_in_child}
    return {**build_jobs(check_trial), **own}
