"""The database as the doctor sees it: unfinished work, its secret key, its clock, incidents and errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from utils.clock import Clock
from utils.commandline.doctor.diagnoses import (
    BACKUPS,
    ERRORS,
    TROUBLESHOOTING,
    Diagnosis,
    Rank,
    diagnose_finding,
    find_runbook,
    say_age,
)
from utils.commandline.doctor.status_file import Trouble
from utils.database.archives.switching import RestoreMarks, RestoreState
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS, DataVersion, find_data_version
from utils.database.migrations.secret_keys import CUT_OFF, KeyProof, StoredLogins
from utils.database.process.inspector import DatabaseInspector
from utils.database.repositories.errors import ErrorRepository
from utils.database.repositories.incidents import IncidentRepository
from utils.database.repositories.leases import BACKUP_LEASE, RESTORE_LEASE, UPGRADE_LEASE
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.models.error_groups import ErrorGroup, GroupState
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT
from utils.models.quantities import write_quantity
from utils.models.sharding import Sharding
from utils.secrets import SecretBox
from utils.telemetry.guides import find_group_guide
from utils.telemetry.health.probes.database import probe_clock

MOST_GROUPS = 1_000
SHOWN_GROUPS = 10
UNFINISHED = "Unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFacts:
    """The facts of the database, read at once so that it can be closed again.

    Attributes:
        restore: how far a restore is that is under way or was cut off.
        at_work: the leases of upgrade, backup and restore that are held.
        troubles: the open incidents of all communities and of the whole bot.
        groups: the open groups of errors of the whole bot.
        clock: the clock of MongoDB's machine against this one.
    """

    version: DataVersion | None
    proof: KeyProof
    restore: RestoreState | None
    at_work: frozenset[int]
    troubles: Sequence[Trouble]
    groups: Sequence[ErrorGroup]
    clock: Sequence[Diagnosis]


async def read_facts(database: SafeDatabase, clock: Clock) -> StoredFacts:
    """Read everything; nothing is written.

    Raises:
        StorageError: the database does not answer.
    """
    inspector = DatabaseInspector(database, process="", clock=clock)
    incidents, index = IncidentRepository(database), ScopeIndexRepository(database, Sharding())
    concerned = {WHOLE_BOT, *await index.list_guilds_with_incidents()}
    troubles = [Trouble.of(one) for guild_id in concerned for one in await incidents.list_open(guild_id)]
    groups, _ = await ErrorRepository(database).list_groups(WHOLE_BOT, limit=MOST_GROUPS)
    marker = await RestoreMarks(database).find()
    return StoredFacts(
        version=await find_data_version(database),
        proof=await StoredLogins(database).find_proof(),
        restore=None if marker is None else marker.state,
        at_work=await inspector.list_at_work(),
        troubles=troubles,
        groups=tuple(one for one in groups if one.state is GroupState.OPEN),
        clock=[diagnose_finding("Clock", one) for one in await probe_clock(inspector, clock).look()],
    )


def diagnose_unfinished(facts: StoredFacts) -> list[Diagnosis]:
    """Return restores, upgrades and changes of the key that are under way or were cut off."""
    found = []
    is_upgrading, is_restoring = UPGRADE_LEASE in facts.at_work, RESTORE_LEASE in facts.at_work
    if facts.restore is not None:
        found.append(_say_work("A restore", BACKUPS, is_held=is_restoring))
    if facts.version is not None and facts.version.upgraded_from is not None:
        what = f"The upgrade of the data from version {facts.version.upgraded_from}"
        found.append(_say_work(what, TROUBLESHOOTING, is_held=is_upgrading))
    if facts.proof.following is not None:
        rank = Rank.WARNING if is_upgrading else Rank.CRITICAL
        said = "The secret key is being changed." if is_upgrading else CUT_OFF
        found.append(Diagnosis(rank, UNFINISHED, said, f"{TROUBLESHOOTING}#a-new-secret-key"))
    if BACKUP_LEASE in facts.at_work:
        found.append(Diagnosis(Rank.WELL, "Backups", "One is being made now."))
    return found or [Diagnosis(Rank.WELL, UNFINISHED, "No restore, upgrade or change of the key.")]


def _say_work(what: str, document: str, *, is_held: bool) -> Diagnosis:
    if is_held:
        return Diagnosis(Rank.WARNING, UNFINISHED, f"{what} is under way now. Wait for its end.", document)
    said = f"{what} was cut off. The next start of the bot goes on with it, or undoes it."
    return Diagnosis(Rank.CRITICAL, UNFINISHED, said, document)


def diagnose_version(version: DataVersion | None) -> list[Diagnosis]:
    """Return whether this version of the bot fits the data."""
    newest, name = MIGRATIONS.newest, "Data"
    if version is None:
        return [Diagnosis(Rank.WARNING, name, "The database is empty.")]
    if version.number > newest:
        said = f"It is of version {version.number}, but this bot knows only version {newest}. Update the bot."
        return [Diagnosis(Rank.CRITICAL, name, said)]
    if version.number < newest:
        said = f"It is of version {version.number}; the next start brings it to version {newest}."
        return [Diagnosis(Rank.WARNING, name, said)]
    return [Diagnosis(Rank.WELL, name, f"It is of version {newest}.")]


def diagnose_key(box: SecretBox | None, proof: KeyProof | None) -> Diagnosis:
    """Return the fingerprint of the secret key, and whether it fits the stored logins.

    Args:
        box: of the key of this installation; None if there is none.
        proof: of the stored logins; None while the database is away.
    """
    name, runbook = "Secret key", find_runbook(IncidentKind.SECRET_KEY)
    needed = None if proof is None else proof.current
    if box is None and needed is None:
        return Diagnosis(Rank.WELL, name, "There is none, and no login is stored.")
    if box is None:
        return Diagnosis(Rank.CRITICAL, name, "It is gone, and the stored logins need it.", runbook)
    known = f"Its fingerprint is {box.fingerprint}"
    if proof is None:
        return Diagnosis(Rank.UNKNOWN, name, f"{known}; it was not compared with the logins.", runbook)
    if needed is not None and not box.is_proven_by(needed):
        return Diagnosis(Rank.CRITICAL, name, f"{known}; it does not fit the stored logins.", runbook)
    return Diagnosis(Rank.WELL, name, f"{known}; it fits the stored logins.")


def diagnose_errors(groups: Sequence[ErrorGroup], *, now: datetime) -> list[Diagnosis]:
    """Return the open errors that happened most often, and the number of the others."""
    by_count = sorted(groups, key=lambda one: -one.count)
    found = [*map(partial(_diagnose_group, now=now), by_count[:SHOWN_GROUPS])]
    if len(by_count) > SHOWN_GROUPS:
        said = f"and {write_quantity(len(by_count) - SHOWN_GROUPS, 'further open error')}."
        found.append(Diagnosis(Rank.WARNING, "Errors", said, ERRORS))
    return found or [Diagnosis(Rank.WELL, "Errors", "No error is open.")]


def _diagnose_group(group: ErrorGroup, *, now: datetime) -> Diagnosis:
    times = write_quantity(group.count, "time")
    name = group.error_type.rpartition(".")[2]
    said = (
        f"{group.reference}: {times}, last {say_age(now - group.last_seen_at)} ago: {name} at {group.place}."
    )
    return Diagnosis(Rank.WARNING, "Error", f"{said} {find_group_guide(group).meaning}", ERRORS)
