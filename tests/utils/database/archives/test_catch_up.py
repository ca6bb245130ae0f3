"""After the switch of a restore: the jobs of game servers, over a real MongoDB."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.fakes.deaths import FILE, SCOPE, WORLD, build_death, build_row
from utils.database.archives.catch_up import keep_replaced_part, plan_catch_up
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document
from utils.database.documents.death_documents import build_death_document
from utils.database.documents.server_documents import build_import_document, read_import
from utils.database.repositories.leases import RESTORE_LEASE
from utils.errors import LeaseLostError
from utils.models.deaths import Death, LogFile
from utils.models.reading import CatchUp, Cursor, ImportJob
from utils.models.restores import RestoreFacts, RestoreGap
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope

FENCE = Fence(RESTORE_LEASE, 7)
REPLACED = f"replaced.{FENCE.token}."
SINCE = datetime(2025, 5, 1, 12, 30, tzinfo=UTC)
NOW = SINCE + timedelta(hours=2)
NEXT = LogFile(WORLD, "2025.05.02-00.00.00.csv")
OTHER = ServerScope(GuildId(43), SCOPE.server_id)
READ_AT = NOW - timedelta(hours=1)
IMPORT = {"kind": "import", "world": "", "name": ""}
NUMBERS = {"kind": "numbers", "world": "", "name": ""}


def scoped(scope: ServerScope, document: Document) -> Document:
    """Return a document of a server."""
    return {"guild_id": int(scope.guild_id), "server_id": str(scope.server_id), **document}


async def insert(database: SafeDatabase, name: str, *documents: Document) -> None:
    """Store documents."""
    await database.run(name, database.unscoped(name).insert_many(documents))


async def read(database: SafeDatabase, name: str, query: Document) -> list[Document]:
    """Return the documents that fit."""
    return await database.unscoped(name).find(query, {"_id": 0}).to_list(None)


def build_cursor(file: LogFile, offset: int) -> Document:
    """Return the cursor of a file as it is stored."""
    key = {"kind": "file", "world": file.world, "name": file.name}
    return {**key, "offset": offset, "head": b"head", "clock": None}


def build_kill(scope: ServerScope, second: int, *, offset: int, file: LogFile = FILE) -> Death:
    """Return a death."""
    return build_death(build_row("Ann", "Bob", second=second), offset=offset, file=file, scope=scope)


async def store_deaths(database: SafeDatabase, prefix: str, scope: ServerScope, *deaths: Death) -> None:
    """Store deaths that were read live."""
    documents = [scoped(scope, build_death_document(one, read_at=READ_AT)) for one in deaths]
    await insert(database, f"{prefix}kills", *documents)


async def fill(database: SafeDatabase, prefix: str, scope: ServerScope, *deaths: Death, offset: int) -> None:
    """Store a server, its cursors and its deaths, in the restored or the replaced collections."""
    health = {"state": "connected", "last_read_at": READ_AT if prefix else SINCE}
    await insert(database, f"{prefix}game_servers", scoped(scope, {"generation": 2, "health": health}))
    numbers = {**NUMBERS, "next": {"killfeed": offset}, "capacity": {"killfeed": 900}, "batches": 5}
    await insert(
        database, f"{prefix}cursors", *(scoped(scope, one) for one in (build_cursor(FILE, offset), numbers))
    )
    await store_deaths(database, prefix, scope, *deaths)


async def plan(
    database: SafeDatabase, *, is_readable: bool = True, guild_id: GuildId | None = None, takes: bool = True
) -> RestoreGap:
    """Plan the catch-up behind the lease of restores, which this process takes first."""
    held = {"$set": {"token": FENCE.token}}
    if takes:
        await database.unscoped("leases").update_one({"_id": FENCE.shard}, held, upsert=True)
    facts = RestoreFacts(
        backup_id="killfeed-x",
        taken_at=SINCE,
        began_at=NOW,
        guild_id=guild_id,
        is_same_version=True,
        has_replaced=is_readable,
        token=FENCE.token,
    )
    return await plan_catch_up(database, facts, FENCE)


async def find_job(database: SafeDatabase, scope: ServerScope = SCOPE) -> ImportJob:
    """Return the job of a server."""
    (found,) = await read(database, "cursors", scoped(scope, IMPORT))
    return read_import(found["job"])


async def test_job_knows_where_the_replaced_database_had_read_to(database: SafeDatabase) -> None:
    """The cursors stay, the feeds go on with the higher number, and a second run changes nothing."""
    first, second, last = (build_kill(SCOPE, number, offset=number * 50) for number in (1, 2, 6))
    await fill(database, "", SCOPE, first, offset=100)
    await fill(database, REPLACED, SCOPE, first, second, last, offset=300)
    await insert(database, f"{REPLACED}cursors", scoped(SCOPE, build_cursor(NEXT, 40)))
    expected = CatchUp(
        since=SINCE,
        read={FILE: Cursor(FILE, 300, b"head"), NEXT: Cursor(NEXT, 40, b"head")},
        stored=2,
        missing=1,
    )
    for _ in range(2):
        assert await plan(database) == RestoreGap(1)
        assert await find_job(database) == ImportJob(2, NOW, {}, is_waiting=True, catch_up=expected)
        (numbers,) = await read(database, "cursors", scoped(SCOPE, NUMBERS))
        assert numbers == scoped(SCOPE, {**NUMBERS, "next": {"killfeed": 300}, "batches": 5})
        (server,) = await read(database, "game_servers", {})
        assert server["health"]["last_read_at"] == READ_AT
        cursors = await read(database, "cursors", {"kind": "file"})
        assert cursors == [scoped(SCOPE, build_cursor(FILE, 100))]
    # the row behind the cursor has no line feed yet and was posted: it is history, so it proves nothing
    kills = await database.unscoped("kills").find({}).sort("_id", 1).to_list(None)
    assert {one["_id"]: one.get("read_at") for one in kills} == {first.id: READ_AT, last.id: None}


async def test_job_ends_at_the_first_look_when_the_replaced_database_is_lost(database: SafeDatabase) -> None:
    """Nothing is looked for in collections that are not there; the alert needs the moment of the backup."""
    await fill(database, "", SCOPE, build_kill(SCOPE, 1, offset=50), offset=100)
    await insert(database, "game_servers", scoped(OTHER, {"generation": 1, "is_removed": True}))
    assert await plan(database, is_readable=False) == RestoreGap()
    job = await find_job(database)
    assert job == ImportJob(2, NOW, {}, is_waiting=True, catch_up=CatchUp(SINCE, None, stored=1))
    (server,) = await read(database, "game_servers", scoped(SCOPE, {}))
    assert server["health"]["last_read_at"] == SINCE


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_import_that_ran_in_the_replaced_database_goes_on_in_silence(
    database: SafeDatabase, *, is_waiting: bool
) -> None:
    """Its history stays history, and its message shows the end; one without logs still waits for them."""
    ends = {} if is_waiting else {FILE: 900}
    running = ImportJob(4, SINCE, ends, ChannelId(7), 8, is_waiting=is_waiting)
    stored = scoped(SCOPE, {**IMPORT, "job": build_import_document(running)})
    await fill(database, "", SCOPE, build_kill(SCOPE, 1, offset=50), offset=100)
    await fill(database, REPLACED, SCOPE, build_kill(SCOPE, 1, offset=50), offset=300)
    await insert(database, f"{REPLACED}cursors", stored)
    await plan(database)
    read_to = None if is_waiting else {FILE: Cursor(FILE, 300, b"head")}
    catch_up = CatchUp(SINCE, read_to, ends, stored=1)
    assert await find_job(database) == replace(
        running, generation=2, started_at=NOW, ends={}, is_waiting=True, catch_up=catch_up
    )


async def test_catch_up_of_the_replaced_database_is_not_forgotten(database: SafeDatabase) -> None:
    """After two restores in a row, rows that people know are still history."""
    far = {FILE: Cursor(FILE, 700, b"far")}
    before = ImportJob(2, SINCE, {}, is_waiting=True, catch_up=CatchUp(SINCE, far))
    await fill(database, "", SCOPE, build_kill(SCOPE, 1, offset=50), offset=100)
    await fill(database, REPLACED, SCOPE, build_kill(SCOPE, 1, offset=50), offset=300)
    stored = scoped(SCOPE, {**IMPORT, "job": build_import_document(before)})
    await insert(database, f"{REPLACED}cursors", stored)
    await plan(database)
    assert (await find_job(database)).catch_up == CatchUp(SINCE, far, stored=1)


async def test_deaths_of_a_server_that_the_backup_does_not_know_are_counted_as_lost(
    database: SafeDatabase,
) -> None:
    """Nothing reads the log of a game server that was added after the backup; those of others are read."""
    await fill(database, "", SCOPE, build_kill(SCOPE, 1, offset=50), offset=100)
    for scope in (SCOPE, OTHER):
        await fill(database, REPLACED, scope, *(build_kill(scope, n, offset=n) for n in (1, 2, 3)), offset=9)
    assert await plan(database) == RestoreGap(2, gone=3, servers=1)


async def test_process_that_slept_plans_nothing_when_another_one_took_over(database: SafeDatabase) -> None:
    """Every write of the plan is behind the fence, so a bot that runs again by then keeps its cursors."""
    await fill(database, "", SCOPE, build_kill(SCOPE, 1, offset=50), offset=100)
    await fill(database, REPLACED, SCOPE, build_kill(SCOPE, 2, offset=150), offset=300)
    before = {name: await read(database, name, {}) for name in ("cursors", "kills", "game_servers")}
    await insert(database, "leases", {"_id": FENCE.shard, "token": FENCE.token + 1})
    with pytest.raises(LeaseLostError):
        await plan(database, takes=False)
    assert {name: await read(database, name, {}) for name in before} == before


async def test_guild_by_itself_leaves_all_others_alone(database: SafeDatabase) -> None:
    """The part of one guild is enough for its jobs; another guild's documents stay as they are."""
    neighbour = ServerScope(OTHER.guild_id, ServerId("other"))
    own = [build_kill(SCOPE, number, offset=number * 50) for number in (1, 2)]
    await fill(database, "", SCOPE, *own, offset=300)
    await fill(database, "", neighbour, build_kill(neighbour, 1, offset=50), offset=100)
    keep = partial(keep_replaced_part, database.operations, SCOPE.guild_id, since=SINCE, into=REPLACED)
    await database.call(keep)
    for name in ("game_servers", "cursors", "kills"):  # like the switch
        await database.unscoped(name).delete_many({"guild_id": int(SCOPE.guild_id)})
    before = {name: await read(database, name, {}) for name in ("game_servers", "cursors", "kills")}
    await fill(database, "", SCOPE, own[0], offset=100)
    assert await plan(database, guild_id=SCOPE.guild_id) == RestoreGap(1)
    assert (await find_job(database)).catch_up == CatchUp(
        SINCE, {FILE: Cursor(FILE, 300, b"head")}, stored=1, missing=1
    )
    for name, documents in before.items():
        assert await read(database, name, {"guild_id": int(OTHER.guild_id)}) == documents
