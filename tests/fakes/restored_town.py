"""Two communities in a small database, a backup of it, and the real work that follows its restore.

Everything that a restore must do later is there: a bounty and a grant that are over, a request for
a link that no admin knows of, and a person who was erased since the backup.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson

from tests.fakes.backups import build_order, finish
from tests.fakes.deaths import build_player_id
from tests.fakes.restores import RestoreSetup
from tests.fakes.verified import MEMBERS, SERVER, Community
from tests.utils.composition.test_due_times import fill
from utils.backup.archive import Archive, list_archives
from utils.backup.taking import take_backup
from utils.clock import SystemClock
from utils.composition.after_restore import finish_jobs
from utils.composition.storage import build_key_place
from utils.database.archives.snapshot import SnapshotSource
from utils.database.archives.switching import REPLACED, RESTORING
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.repositories.erasure_records import ErasureRecordRepository
from utils.models.personal import ErasureRecord, PersonKind
from utils.models.restores import RestoreFacts, RestoreGap
from utils.models.scope import GuildId, ServerScope
from utils.secrets import SecretBox
from utils.services.personal.erasure_log import compute_digest
from utils.settings import Settings, load_settings

NAMES = (
    *("guilds", "game_servers", "kills", "players", "player_days", "cursors"),
    *("wallets", "ledger", "bounties", "audit", "links"),
)
OTHER = ServerScope(GuildId(43), SERVER.server_id)
GUILDS = (SERVER.guild_id, OTHER.guild_id)
BOOKKEEPING = {"count", "numbers"}
"""The kinds of cursors that an erasure writes even if nothing is left to erase."""

LATER = datetime(2100, 1, 1, tzinfo=UTC)
DEATHS = 12

Stored = Mapping[str, list[dict[str, Any]]]


class LaterClock(SystemClock):
    """The real time, but every process begins at one moment after the backup."""

    def now(self) -> datetime:
        """Return that moment."""
        return LATER


def load(folder: Path) -> tuple[Settings, SecretBox]:
    """Return the configuration of the installation in a folder, and its key; both are made if need be."""
    path = folder / "config.json"
    path.write_text(json.dumps({"discord": {"token": "a.b.c"}, "data_dir": str(folder / "data")}), "utf-8")
    settings = load_settings(path, {})
    settings.data_dir.mkdir(exist_ok=True)
    return settings, build_key_place(settings).load_box()


async def build(database: SafeDatabase, folder: Path) -> None:
    """Store the communities, back them up, and let everything go on."""
    await store(database)
    await back_up(database, folder)
    await go_on(database, folder)


async def store(database: SafeDatabase) -> None:
    """Store the communities."""
    await MIGRATIONS.ensure_version(database)
    for scope in (SERVER, OTHER):
        await Community(database, scope).store(deaths=DEATHS)
        await fill(database, scope.guild_id)


async def back_up(database: SafeDatabase, folder: Path) -> None:
    """Make the backup."""
    source, place = SnapshotSource(database, is_embedded=False), folder / "backups"
    place.mkdir()

    def take() -> Archive:
        with source.open() as snapshot:
            order = replace(build_order(collections=NAMES), database=database.name)
            return finish(take_backup(order, snapshot, place, now=SystemClock().now))

    await database.call(take)


async def go_on(database: SafeDatabase, folder: Path) -> None:
    """Let there be deaths and bookings after the backup, a link less, and an erasure."""
    _, box = load(folder)
    for scope in (SERVER, OTHER):
        community = Community(database, scope)
        await community.insert(community.build_deaths(DEATHS + 3)[DEATHS:])
        await community.pay(MEMBERS[0], 50, key="newer")
        await community.delete("links", {})
        await note_erasure(database, box, scope)


async def note_erasure(database: SafeDatabase, box: SecretBox, scope: ServerScope) -> None:
    """Note that the member with the link was erased after the backup."""
    digest = compute_digest(box, scope.guild_id, PersonKind.PLAYER, build_player_id("Wolf"))
    record = ErasureRecord(scope.guild_id, digest, LATER - timedelta(days=1), box.fingerprint)
    await ErasureRecordRepository(database).put_erasures(scope.guild_id, [record])


async def read_all(database: SafeDatabase) -> dict[str, list[dict[str, Any]]]:
    """Return the documents of every collection that the harness stores again."""
    names = (*NAMES, "schema", "erasures", "outbox")
    return {name: await database.unscoped(name).find(sort=[("_id", 1)]).to_list(None) for name in names}


async def store_all(database: SafeDatabase, stored: Stored) -> None:
    """Store these documents in place of all others."""
    for name, documents in stored.items():
        collection = database.unscoped(name)
        await collection.delete_many({})
        if documents:
            await collection.insert_many(documents)


async def describe(database: SafeDatabase) -> str:
    """Return everything that a restore replaces or changes, without the ids that MongoDB draws."""
    found = await read_all(database)
    listing = database.unscoped("schema").database.list_collection_names()
    leftovers = sorted(one for one in await listing if one.startswith((RESTORING, REPLACED)))
    lines = [
        f"{name}: {_drop_drawn(one)}"
        for name, documents in found.items()
        for one in documents
        if one.get("kind") not in BOOKKEEPING
    ]
    return "\n".join([*sorted(lines), f"leftovers: {leftovers}"])


def _drop_drawn(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if not isinstance(value, bson.ObjectId)}


def find_archive(folder: Path) -> Archive:
    """Return the backup."""
    [archive] = list_archives(folder / "backups")
    return archive


class TownSetup(RestoreSetup):
    """A restorer with the real work that follows."""

    def __init__(self, database: SafeDatabase, folder: Path, *, instance_id: str = "call") -> None:
        super().__init__(database, LaterClock(), instance_id=instance_id)
        self.settings, _ = load(folder)
        self.restorer.collections = NAMES

    async def finish_jobs(self, database: SafeDatabase, facts: RestoreFacts, fence: Fence) -> RestoreGap:
        """Do what the bot does."""
        return await finish_jobs(self.settings, database, facts, fence, self.recovery.clock)


async def finish_as_another(database: SafeDatabase, folder: Path) -> None:
    """End the restore of a process that stands still, as the next start does 20 seconds later."""
    long_ago = {"$set": {"expires_at": datetime.fromtimestamp(0, UTC)}}
    await database.run("leases", database.unscoped("leases").update_many({}, long_ago))
    await TownSetup(database, folder, instance_id="other").recovery.recover(waits=False)


async def write_like_a_bot(database: SafeDatabase) -> None:
    """Store something new in every collection."""
    for name in NAMES:
        await database.run(name, database.unscoped(name).insert_one({"guild_id": 99, "server_id": "new"}))
