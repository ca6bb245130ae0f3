"""Restores over a small database: what it holds before, and parts that a test can change."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import bson

from tests.fakes.backups import DOCUMENTS, MOMENT, write_archive
from utils.backup.archive import Archive
from utils.backup.backups import ignore
from utils.backup.lease import RestoreLease
from utils.backup.recovery import Recovery
from utils.backup.restore import RestoreOrder, Restorer
from utils.clock import Clock
from utils.database.archives.switching import REPLACED, RESTORING
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.repositories.leases import RESTORE_LEASE, LeaseRepository
from utils.models.restores import RestoreFacts, RestoreGap

NAMES = tuple(DOCUMENTS)
LATER = MOMENT + timedelta(hours=5)
LOGGED_STEPS = [
    "a restore begins",
    "the files of the backup are as they were written",
    "the present data is backed up",
    "the backup is loaded beside the present data, and is the same",
    "a backup takes the place of the present data",
    "a backup is in place, and what follows is done",
    "a backup is restored",
]
"""The log of a restore of everything that goes well, in its order."""

PRESENT: Mapping[str, list[dict[str, Any]]] = {
    "guilds": [{"_id": 1, "guild_id": 7, "name": "Renamed"}, {"_id": 3, "guild_id": 9, "name": "C"}],
    "kills": [{"_id": number, "guild_id": 7, "weapon": "M4"} for number in range(200, 400)],
    "links": [{"_id": 5, "guild_id": 7, "member_id": 1, "player_id": "p", "linked_at": LATER}],
    "outbox": [{"_id": 1, "guild_id": 7, "server_id": "s", "sequence": 4}],
    "schema": [{"_id": "data", "version": MIGRATIONS.newest}],
}
"""The data before a restore."""


async def fill(database: SafeDatabase, documents: Mapping[str, list[dict[str, Any]]] = PRESENT) -> None:
    """Store documents in an empty database."""
    for name, listed in documents.items():
        await database.run(name, database.unscoped(name).insert_many([dict(one) for one in listed]))


async def digest(database: SafeDatabase) -> dict[str, str]:
    """Return a digest of each collection that a restore replaces, and the names of those of a restore."""
    found = {}
    for name in NAMES:
        listed = await database.run(name, database.unscoped(name).find(sort=[("_id", 1)]).to_list(None))
        found[name] = digest_documents(listed)
    listing = database.unscoped("schema").database.list_collection_names()
    leftovers = [one for one in await listing if one.startswith((RESTORING, REPLACED))]
    return found | {"leftovers": " ".join(sorted(leftovers))}


def digest_documents(documents: list[dict[str, Any]]) -> str:
    """Return a digest of documents in their order."""
    return hashlib.sha256(b"".join(bson.encode(one) for one in documents)).hexdigest()


OLD = {name: digest_documents(PRESENT[name]) for name in NAMES} | {"leftovers": ""}
NEW = {name: digest_documents(list(DOCUMENTS[name])) for name in NAMES} | {"leftovers": ""}
"""The digests of the data before a restore and of that in the backup."""


async def keep_nothing() -> str:
    """Back nothing up."""
    return "killfeed-x"


class RestoreSetup:
    """A restorer with its parts.

    Attributes:
        jobs: the facts that each run of the work on restored data was given.
    """

    def __init__(self, database: SafeDatabase, clock: Clock, *, instance_id: str = "call") -> None:
        self.database = database
        self.jobs: list[RestoreFacts] = []
        self.leases = LeaseRepository(database, shard_count=1)
        lease = RestoreLease(self.leases, instance_id=instance_id, clock=clock)
        self.recovery = Recovery(database, lease=lease, finish_jobs=self.finish_jobs, clock=clock)
        self.restorer = Restorer(self.recovery, keep_present=keep_nothing, clock=clock, collections=NAMES)

    async def finish_jobs(self, database: SafeDatabase, facts: RestoreFacts, fence: Fence) -> RestoreGap:
        """Note that the data is in place."""
        del database, fence
        self.jobs.append(facts)
        return RestoreGap(0)

    async def restore(self, archive: Archive, **order: Any) -> None:
        """Restore a backup under the lease."""
        async with self.recovery.lease.hold() as token:
            fence = Fence(RESTORE_LEASE, token)
            await self.recovery.end(fence)
            await self.restorer.restore(RestoreOrder(archive, **order), fence, show=ignore)


def write_backup(place: Path) -> Archive:
    """Write a backup of the invented data, of an earlier moment than the present data."""
    return write_archive(place)
