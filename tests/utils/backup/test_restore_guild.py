"""Restores of one guild: its documents are those of the backup, and no document of another guild changes."""

import hashlib
from pathlib import Path
from typing import Any

import bson
import pytest

from tests.fakes.backups import FakeSnapshot, begin_archive, finish
from tests.fakes.clock import FakeClock
from tests.fakes.restores import RestoreSetup, fill
from utils.backup.archive import Archive
from utils.backup.restore import RestoreOrder
from utils.database.archives.switching import RESTORING, CollectionSwitch, delete_in_pieces
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.errors import ArchiveRefusedError
from utils.models.scope import GuildId

GUILD, OTHER, THIRD = 7, 8, 9
NAMES = ("guilds", "kills", "links")
PREMIUM = {"premium": {"tier": 3}, "premium_history": [{"action": "grant", "tier": 3}]}


class CutOffError(Exception):
    """The end of a process."""


def build_documents(*, balance: int) -> dict[str, list[dict[str, Any]]]:
    """Return documents of two guilds that tell one moment from another."""
    documents: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    for guild_id in (GUILD, OTHER):
        documents["guilds"].append({"_id": guild_id, "guild_id": guild_id, "role": balance, "premium": None})
        documents["kills"] += [
            {"_id": 1000 * guild_id + number, "guild_id": guild_id, "n": balance} for number in range(balance)
        ]
        documents["links"].append(
            {"_id": 10 * guild_id + balance, "guild_id": guild_id, "member_id": balance, "player_id": "p"}
        )
    return documents


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    """Return a backup of two guilds."""
    return finish(begin_archive(tmp_path, snapshot=FakeSnapshot(build_documents(balance=50))))


@pytest.fixture(name="setup")
async def _setup(database: SafeDatabase, clock: FakeClock) -> RestoreSetup:
    """Return a restorer over data of three guilds, one of which the backup does not know."""
    documents = build_documents(balance=80)
    documents["guilds"][0] |= PREMIUM
    documents["guilds"].append({"_id": THIRD, "guild_id": THIRD})
    documents["kills"].append({"_id": 9000, "guild_id": THIRD})
    documents["outbox"] = [{"_id": 1, "guild_id": GUILD}, {"_id": 2, "guild_id": OTHER, "sequence": 1}]
    documents["schema"] = [{"_id": "data", "version": MIGRATIONS.newest}]
    await fill(database, documents)
    return RestoreSetup(database, clock)


async def read(setup: RestoreSetup, name: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the documents of a collection that fit."""
    found = setup.database.unscoped(name).find(query, sort=[("_id", 1)]).to_list(None)
    return await setup.database.run(name, found)


async def hash_others(setup: RestoreSetup) -> dict[str, str]:
    """Return a digest of the documents of every other guild by collection."""
    names = await setup.database.unscoped("schema").database.list_collection_names()
    found = {}
    for name in sorted(set(names) - {"leases", "schema"}):
        listed = await read(setup, name, {"guild_id": {"$ne": GUILD}})
        if listed:
            found[name] = hashlib.sha256(b"".join(map(bson.encode, listed))).hexdigest()
    return found


async def test_guild_is_restored_and_no_other_changes(setup: RestoreSetup, archive: Archive) -> None:
    """Its documents are those of the backup, with the premium of today; all others are byte-equal."""
    before = await hash_others(setup)
    await setup.restore(archive, guild_id=GuildId(GUILD))
    assert await hash_others(setup) == before
    expected = build_documents(balance=50)
    for name in ("kills", "links"):
        own = [one for one in expected[name] if one["guild_id"] == GUILD]
        assert await read(setup, name, {"guild_id": GUILD}) == sorted(own, key=lambda one: one["_id"])
    [settings] = await read(setup, "guilds", {"guild_id": GUILD})
    assert settings == {"_id": GUILD, "guild_id": GUILD, "role": 50, **PREMIUM}
    assert await read(setup, "outbox", {"guild_id": GUILD}) == [{"_id": 1, "guild_id": GUILD}]
    [facts] = setup.jobs
    assert facts.guild_id == GUILD
    assert before.keys() == {*NAMES, "outbox"}


async def test_premium_that_was_never_granted_is_not_restored(setup: RestoreSetup, archive: Archive) -> None:
    """A grant in the backup that the guild does not have today stays away."""
    update = {"$unset": {"premium": "", "premium_history": ""}}
    await setup.database.unscoped("guilds").update_one({"guild_id": GUILD}, update)
    await setup.restore(archive, guild_id=GuildId(GUILD))
    assert await read(setup, "guilds", {"guild_id": GUILD}) == [{"_id": GUILD, "guild_id": GUILD, "role": 50}]


async def test_restore_of_a_guild_that_was_cut_off_is_finished(setup: RestoreSetup, archive: Archive) -> None:
    """A process that ends in the middle leaves the loaded documents; the next start puts them in place."""
    before = await hash_others(setup)

    class CutOffSwitch(CollectionSwitch):
        """A switch whose process ends in the middle."""

        async def put_guild_in_place(self, name: str, guild_id: GuildId, fence: Fence) -> None:
            """Delete the present documents alone."""
            await delete_in_pieces(setup.database, name, {"guild_id": guild_id}, fence)
            raise CutOffError

    setup.recovery.open_switch = CutOffSwitch
    with pytest.raises(CutOffError):
        await setup.restore(archive, guild_id=GuildId(GUILD))
    assert await read(setup, "guilds", {"guild_id": GUILD}) == []
    again = RestoreSetup(setup.database, FakeClock())
    await again.recovery.recover(waits=False)
    assert await hash_others(setup) == before
    assert len(await read(setup, "kills", {"guild_id": GUILD})) == 50
    names = await setup.database.unscoped("schema").database.list_collection_names()
    assert [name for name in names if name.startswith(RESTORING)] == []


async def test_plan_of_one_guild_counts_its_documents(setup: RestoreSetup, archive: Archive) -> None:
    """The plan names what the guild has now and what it had then."""
    plan = await setup.restorer.plan(RestoreOrder(archive, guild_id=GuildId(GUILD)))
    documents = {name: plan.documents[name] for name in NAMES}
    assert documents == {"guilds": (1, 1), "kills": (80, 50), "links": (1, 1)}


async def test_guild_that_cannot_be_restored_alone_is_refused(setup: RestoreSetup, archive: Archive) -> None:
    """A guild that the backup does not know, and data of another version, change nothing."""
    with pytest.raises(ArchiveRefusedError, match="has nothing of the community 9"):
        await setup.restore(archive, guild_id=GuildId(THIRD))
    await setup.database.unscoped("schema").update_one({"_id": "data"}, {"$set": {"version": 99}})
    with pytest.raises(ArchiveRefusedError, match="restore all of the backup"):
        await setup.restore(archive, guild_id=GuildId(GUILD))
    assert await setup.recovery.marks.find() is None
