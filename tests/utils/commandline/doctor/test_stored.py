"""The doctor reads the database, and tells what is unfinished in it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START, FakeClock
from utils.commandline.doctor.diagnoses import Rank, list_lines
from utils.commandline.doctor.status_file import Trouble
from utils.commandline.doctor.stored import (
    SHOWN_GROUPS,
    StoredFacts,
    diagnose_errors,
    diagnose_key,
    diagnose_unfinished,
    diagnose_version,
    read_facts,
)
from utils.database.archives.switching import RestoreState
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS, DataVersion
from utils.database.migrations.secret_keys import KeyProof
from utils.database.repositories.incidents import IncidentRepository
from utils.database.repositories.leases import BACKUP_LEASE, RESTORE_LEASE, UPGRADE_LEASE
from utils.models.error_groups import ErrorCategory, ErrorGroup
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Incident, IncidentKey
from utils.models.scope import GuildId
from utils.secrets import SecretBox

NOTHING = StoredFacts(
    version=DataVersion(MIGRATIONS.newest),
    proof=KeyProof(),
    restore=None,
    at_work=frozenset(),
    troubles=(),
    groups=(),
    clock=(),
)
MARKER = {
    "_id": "restore",
    "facts": {
        "backup_id": "killfeed-1",
        "taken_at": START,
        "began_at": START,
        "guild_id": None,
        "is_same_version": True,
        "has_replaced": False,
        "token": 1,
    },
    "state": "switching",
    "collections": [],
    "data_version": 3,
    "upgraded_from": None,
    "lease_tokens": {},
    "secret_proof": None,
}
GROUP = ErrorGroup(
    fingerprint="v2:0123456789abcdef",
    reference="K7M2QX",
    category=ErrorCategory.TASK,
    error_type="builtins.KeyError",
    place="utils.x:f",
    count=1,
    first_seen_at=START,
    last_seen_at=START,
)


async def test_facts_of_a_database_are_read_and_nothing_is_written(
    database: SafeDatabase, clock: FakeClock
) -> None:
    """Incidents of all communities are found, and leases that are held; what is over is left out."""
    incidents = IncidentRepository(database)
    for guild_id, kind in ((WHOLE_BOT, IncidentKind.MEMORY), (GuildId(42), IncidentKind.SERVER_UNREAD)):
        await incidents.put(guild_id, Incident(IncidentKey(guild_id, kind), CheckState.WARN, START))
    over = Incident(IncidentKey(GuildId(43), IncidentKind.SERVER_LOGS), CheckState.WARN, START)
    await incidents.put(over.key.guild_id, over.end(START))
    held, free = clock.now() + timedelta(seconds=9), clock.now() - timedelta(seconds=9)
    await database.unscoped("leases").insert_many(
        [{"_id": lease, "expires_at": at} for lease, at in ((-1, free), (-2, held), (0, held))]
    )
    await database.unscoped("schema").insert_one(MARKER)
    facts = await read_facts(database, clock)
    assert facts == replace(
        NOTHING,
        version=None,
        restore=RestoreState.SWITCHING,
        at_work=frozenset({BACKUP_LEASE}),
        troubles=facts.troubles,
        clock=facts.clock,
    )
    assert sorted(facts.troubles, key=lambda one: one.kind) == [
        Trouble("memory", 0, CheckState.WARN, START),
        Trouble("server-unread", 42, CheckState.WARN, START),
    ]
    assert [one.name for one in facts.clock] == ["Clock"]
    assert await database.unscoped("schema").count_documents({}) == 1


def test_unfinished_work_is_critical_unless_somebody_is_at_it() -> None:
    """Work whose lease is held goes on; without one it was cut off."""
    assert list_lines(diagnose_unfinished(NOTHING)) == [
        "ok    Unfinished         No restore, upgrade or change of the key."
    ]
    all_of_it = replace(
        NOTHING, version=DataVersion(3, 2), restore=RestoreState.LOADING, proof=KeyProof(b"old", b"new")
    )
    cut_off = diagnose_unfinished(all_of_it)
    assert [one.rank for one in cut_off] == [Rank.CRITICAL] * 3
    assert cut_off[1].said.startswith("The upgrade of the data from version 2 was cut off.")
    held = frozenset({UPGRADE_LEASE, RESTORE_LEASE, BACKUP_LEASE})
    under_way = diagnose_unfinished(replace(all_of_it, at_work=held))
    assert [one.rank for one in under_way] == [*[Rank.WARNING] * 3, Rank.WELL]


@pytest.mark.parametrize(
    ("version", "rank"),
    [
        (None, Rank.WARNING),
        (DataVersion(MIGRATIONS.newest - 1), Rank.WARNING),
        (DataVersion(MIGRATIONS.newest), Rank.WELL),
        (DataVersion(MIGRATIONS.newest + 1), Rank.CRITICAL),
    ],
)
def test_version_of_the_data_is_compared_with_the_bots(version: DataVersion | None, rank: Rank) -> None:
    """Older data is upgraded by the next start, newer data needs a newer bot."""
    assert [one.rank for one in diagnose_version(version)] == [rank]


def test_secret_key_is_shown_by_its_fingerprint_and_compared() -> None:
    """The key itself is never shown; while the database is away, nothing can be compared."""
    box, other = SecretBox("k" * 40), SecretBox("o" * 40)
    proof = KeyProof(box.seal_proof())
    found = {
        (has_key, name): diagnose_key(key if has_key else None, stored)
        for has_key in (True, False)
        for name, key, stored in (
            ("fits", box, proof),
            ("other", other, proof),
            ("unused", box, KeyProof()),
            ("away", box, None),
        )
    }
    assert {key: one.rank for key, one in found.items()} == {
        (True, "fits"): Rank.WELL,
        (True, "other"): Rank.CRITICAL,
        (True, "unused"): Rank.WELL,
        (True, "away"): Rank.UNKNOWN,
        (False, "fits"): Rank.CRITICAL,
        (False, "other"): Rank.CRITICAL,
        (False, "unused"): Rank.WELL,
        (False, "away"): Rank.WELL,
    }
    assert found[True, "fits"].said == f"Its fingerprint is {box.fingerprint}; it fits the stored logins."
    assert "kkkk" not in "".join(one.said for one in found.values())


def test_open_errors_come_by_their_count() -> None:
    """The most frequent ones are shown with their meaning, the others are a number."""
    groups = [replace(GROUP, reference=f"REF{n:03}", count=n) for n in range(1, SHOWN_GROUPS + 3)]
    found = diagnose_errors(groups, now=START + timedelta(minutes=5))
    assert len(found) == SHOWN_GROUPS + 1
    assert found[0].said.startswith("REF012: 12 times, last 5 min ago: KeyError at utils.x:f. ")
    assert found[-1].said == "and 2 further open errors."
    assert [one.rank for one in diagnose_errors([], now=START)] == [Rank.WELL]
