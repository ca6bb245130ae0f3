"""Erasures after a restore: a person who was erased since the backup is in no collection."""

from datetime import UTC, timedelta
from typing import Any

import pytest

from tests.fakes.deaths import FILE, NOON, build_player_id, build_row
from tests.fakes.personal import FakeDigests
from tests.utils.database.repositories.test_erasures import (
    NOW,
    OTHER,
    OWNER,
    WOLF,
    Place,
    fill,
)
from utils.composition.erasures import RESTORED_FIELDS
from utils.database.archives.catch_up import plan_catch_up
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import list_kept
from utils.database.core.operations import Document
from utils.database.repositories.erasure_records import ErasureRecordRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.leases import RESTORE_LEASE
from utils.events import EventDispatcher
from utils.models.personal import ErasureRecord
from utils.models.restores import RestoreFacts
from utils.models.scope import ERASED_NAME, MemberId, ServerScope
from utils.services.ingestion.history import HistoryImport
from utils.services.personal.eraser import Eraser
from utils.services.personal.erasure_log import ErasedPersons
from utils.services.personal.restored_erasures import RestoredErasures

BERT = build_player_id("Bert")
FENCE = Fence(RESTORE_LEASE, 7)
REPLACED = f"replaced.{FENCE.token}."


class Restore:
    """A place whose data goes back to a backup."""

    def __init__(self, place: Place) -> None:
        self.place, self.database = place, place.database
        self.records = ErasureRecordRepository(self.database)
        place.service.log.store = self.records
        self.backup: dict[str, list[Document]] = {}
        self.since = NOW

    async def back_up(self) -> None:
        """Keep what a backup would hold."""
        held = {"$set": {"token": FENCE.token}}
        await self.database.unscoped("leases").update_one({"_id": FENCE.shard}, held, upsert=True)
        self.since = self.place.clock.now()
        for name in list_kept():
            self.backup[name] = await self.database.unscoped(name).find({}).to_list(None)
        self.place.clock.move(60)

    async def restore(self, *, key: str = "0a1b2c3d") -> int:
        """Put the backup in place of the data, and do what follows; return how many persons were erased."""
        self.place.clock.move(60)
        for name in list_kept():
            present = await self.database.unscoped(name).find({}).to_list(None)
            await self._write(REPLACED + name, present)
            await self.database.unscoped(name).delete_many({})
            await self._write(name, self.backup[name])
        store = ErasureRepository(self.database, fences=lambda _: None, declared=RESTORED_FIELDS)
        eraser = Eraser(store, clock=self.place.clock)
        erased = ErasedPersons(self.records, FakeDigests(key))
        self.restored = RestoredErasures(erased, self.records, store, eraser=eraser)
        erased = await self.restored.erase_again(self.place.scope.guild_id, since=self.since)
        await plan_catch_up(self.database, self._build_facts(), FENCE)
        return erased

    def _build_facts(self) -> RestoreFacts:
        return RestoreFacts(
            backup_id="killfeed-x",
            taken_at=self.since,
            began_at=self.place.clock.now(),
            guild_id=None,
            is_same_version=True,
            has_replaced=True,
            token=FENCE.token,
        )

    async def catch_up(self) -> None:
        """Read the logs on, as the loop over the death log does."""
        place = self.place
        history = HistoryImport(
            place.ingestion,
            place.imports,
            EventDispatcher(),
            erase_caught_up=self.restored.erase_caught_up,
            clock=place.clock,
        )
        job = await place.imports.find_import(place.scope)
        assert job is not None
        server = await place.find_server()
        prepared = await history.prepare_waiting(server, place.logs, job)
        await history.run(server, place.logs, prepared, on_progress=_show_nobody)
        await place.assert_figures_agree()

    async def search(self, *needles: str) -> set[str]:
        """Return the collections of restored data that hold one of these texts."""
        found = set[str]()
        for name in list_kept():
            stored = repr(await self.database.unscoped(name).find({}, {"_id": 0}).to_list(None))
            found |= {name for needle in needles if needle in stored}
        return found

    async def _write(self, name: str, documents: list[Document]) -> None:
        if documents:
            await self.database.unscoped(name).insert_many(documents)


async def _show_nobody(_progress: object) -> None:
    """Show no progress."""


@pytest.fixture(name="restore")
async def _restore(database: SafeDatabase, scope: ServerScope) -> Restore:
    place = await Place(database, scope).open()
    await fill(place)
    restore = Restore(place)
    await restore.back_up()
    return restore


SHAPES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "a member with their player": (("Wolf",), {"member_id": OWNER, "is_asker": True}),
    "a member by an admin": (("Wolf",), {"member_id": OWNER}),
    "an own player": (("Wolf",), {"is_asker": True}),
    "a player by an admin": (("Wolf",), {}),
    "a member without players": ((), {"member_id": OWNER}),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_person_who_was_erased_since_the_backup_is_found_nowhere(restore: Restore, shape: str) -> None:
    """In each shape the restored data is as after the erasure, also what the logs bring back."""
    names, options = SHAPES[shape]
    place = restore.place
    between = [build_row("Wolf", "Carl", second=910), build_row("Anna", "Wolf", second=911)]
    await place.write(between)
    place.logs.append(FILE, b"Wolf;" + build_player_id("Wolf").encode() + b";?;\n")
    place.clock.move(3600)
    await place.erase(*names, **options)
    assert await restore.restore() == len(names) + ("member_id" in options)
    await restore.catch_up()
    found = await restore.search(*(["Wolf'", WOLF] if names else []))
    assert found == set()
    if "member_id" in options:
        assert await restore.search(f"'member_id': {OWNER}") == set()
        assert [one["member_id"] for one in await place.read("wallets")] == [OTHER]
    kills = await place.read("kills")
    assert len(kills) == 4
    if names:
        assert sum(ERASED_NAME in (one["killer_name"], one["victim_name"]) for one in kills) == 4


async def test_player_who_has_played_on_keeps_the_new_record_alone(restore: Restore) -> None:
    """Deaths up to the erasure are erased again; later ones make a new record, also read by the catch-up."""
    place = restore.place
    await place.write([build_row("Wolf", "Carl", second=910)])
    place.clock.move(3600)
    await place.erase("Wolf", is_asker=True)
    place.clock.move(3600)
    second = (place.clock.now() - NOON.replace(tzinfo=UTC)).total_seconds()
    await place.write(
        [build_row("Wolf", "Anna", second=second), build_row("Bert", "Wolf", second=second + 5)]
    )
    place.clock.move(60)
    await restore.restore()
    await restore.catch_up()
    mine = [one for one in await place.read("kills") if WOLF in (one["killer_id"], one["victim_id"])]
    assert sorted(one["victim_name"] for one in mine) == ["Anna", "Wolf"]
    [record] = [one for one in await place.read("players") if one["player_id"] == WOLF]
    assert (record["counters"]["kills"], record["counters"]["deaths"]) == (1, 1)
    assert await restore.search("'Wolf'") == {"kills", "players"}


async def test_erasure_before_the_backup_or_with_another_key_changes_nothing(restore: Restore) -> None:
    """The backup holds nothing of earlier erasures; a digest of another key fits no person."""
    guild_id = restore.place.scope.guild_id
    old = ErasureRecord(guild_id, b"0" * 16, restore.since - timedelta(seconds=1), "0a1b2c3d")
    await restore.records.put_erasures(guild_id, [old])
    assert await restore.restore() == 0
    await restore.place.erase("Bert")
    before = await restore.search("Bert")
    restore.restored.digests = FakeDigests("ffffffff")
    assert await restore.restored.erase_again(guild_id, since=restore.since) == 0
    assert await restore.search("Bert") == before


async def test_all_persons_of_a_guild_are_found(restore: Restore) -> None:
    """Ids come from every field that names a person; other guilds have none."""
    people = await restore.records.list_people(restore.place.scope.guild_id)
    assert people.members >= {OWNER, OTHER}
    assert people.players >= {WOLF, BERT, build_player_id("Anna"), build_player_id("Dora")}
    assert await restore.records.list_players(restore.place.scope) == {WOLF, build_player_id("Anna")}
    assert MemberId(0) not in people.members


async def test_latest_time_of_an_erasure_counts_until_it_is_too_old(restore: Restore) -> None:
    """Erasing the same person again moves the moment on, never back."""
    records, guild_id = restore.records, restore.place.scope.guild_id
    first = ErasureRecord(guild_id, b"1" * 16, NOW, "0a1b2c3d")
    later = ErasureRecord(guild_id, b"1" * 16, NOW + timedelta(hours=1), "0a1b2c3d")
    await records.put_erasures(guild_id, [later])
    await records.put_erasures(guild_id, [first])
    assert await records.list_erasures(guild_id) == [later]
    assert await records.list_erasures(guild_id, since=later.at) == []
    await records.prune_erasures(guild_id, before=later.at + timedelta(seconds=1))
    assert await records.list_erasures(guild_id) == []
