"""Imports: stored jobs, deaths for a recount, generations of counters."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import CursorMovedError, StorageConflictError
from utils.models.deaths import Death, LogFile
from utils.models.players import Counters, PlayerDay, PlayerRecord
from utils.models.reading import CatchUp, CaughtUp, Cursor, ImportJob
from utils.models.scope import ChannelId, PlayerId, ServerScope
from utils.models.servers import GameServer

OLD, NEW = LogFile("world_0", "2025.04.29-00.00.00.csv"), LogFile("world_0", "2025.04.30-00.00.00.csv")
JOB = ImportJob(
    generation=1,
    started_at=datetime(2025, 5, 1, tzinfo=UTC),
    ends={OLD: 100, NEW: 50},
    channel_id=ChannelId(7),
    message_id=8,
)


async def test_job_is_stored_with_its_cursors_at_the_start_of_their_files(
    imports: ImportRepository, ingestion: IngestionRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """An import reads all files from their start, independent of the old cursors."""

    def read(unit: IngestionTransaction) -> None:
        unit.move_cursor(None, Cursor(NEW, 40, b"head"))

    await ingestion.in_transaction(scope, read)
    assert await imports.find_import(scope) is None
    await imports.begin_import(scope, JOB)
    assert (await imports.find_import(scope), await imports.find_import(neighbour)) == (JOB, None)
    assert await ingestion.list_cursors(scope) == {OLD: Cursor(OLD), NEW: Cursor(NEW)}


async def test_job_that_catches_up_moves_only_the_cursors_that_begin_again(
    imports: ImportRepository, ingestion: IngestionRepository, scope: ServerScope
) -> None:
    """All other files are read on from where the backup had read to."""

    def read(unit: IngestionTransaction) -> None:
        unit.move_cursor(None, Cursor(NEW, 40, b"head"))
        unit.move_cursor(None, Cursor(OLD, 60, b"head"))

    await ingestion.in_transaction(scope, read)
    await imports.begin_import(scope, JOB, starts=[OLD])
    assert await ingestion.list_cursors(scope) == {OLD: Cursor(OLD), NEW: Cursor(NEW, 40, b"head")}


@pytest.mark.parametrize("keep_stats", [True, False])
async def test_import_begins_no_more_once_its_server_is_removed(
    imports: ImportRepository,
    ingestion: IngestionRepository,
    servers: GameServerRepository,
    scope: ServerScope,
    make_server: Callable[[ServerScope], GameServer],
    *,
    keep_stats: bool,
) -> None:
    """Listing the files may take minutes.

    If the server is removed meanwhile, no job and no cursor is stored.
    """
    await servers.insert_server(scope, make_server(scope))
    await servers.mark_removed(scope, keep_stats=keep_stats, at=JOB.started_at)
    with pytest.raises(CursorMovedError):
        await imports.begin_import(scope, JOB)
    assert (await imports.find_import(scope), await ingestion.list_cursors(scope)) == (None, {})


async def test_job_moves_on_to_a_generation_of_its_own_whenever_it_is_taken_up(
    imports: ImportRepository, scope: ServerScope
) -> None:
    """The rest of the job stays; without a job there is an error."""
    with pytest.raises(StorageConflictError):
        await imports.take_up_import(scope)
    await imports.begin_import(scope, JOB)
    assert [await imports.take_up_import(scope) for _ in range(2)] == [2, 3]
    assert await imports.find_import(scope) == replace(JOB, generation=3)


async def test_generation_is_shown_and_the_job_ended_together(
    imports: ImportRepository,
    servers: GameServerRepository,
    scope: ServerScope,
    make_server: Callable[[ServerScope], GameServer],
) -> None:
    """Finishing is one write; a second finish, or one without a server, changes nothing."""
    await imports.begin_import(scope, JOB)
    with pytest.raises(StorageConflictError):
        await imports.finish_import(scope, JOB)
    assert await imports.find_import(scope) == JOB
    await servers.insert_server(scope, make_server(scope))
    await imports.finish_import(scope, JOB)
    server = await servers.find_server(scope)
    assert server is not None
    assert (server.generation, await imports.find_import(scope)) == (1, None)
    with pytest.raises(StorageConflictError):
        await imports.finish_import(scope, JOB)


async def test_outcome_of_a_catch_up_is_kept_with_its_end_until_it_is_told(
    imports: ImportRepository,
    servers: GameServerRepository,
    scope: ServerScope,
    make_server: Callable[[ServerScope], GameServer],
) -> None:
    """A server is behind until its job ends; an outcome that came later stays."""
    await servers.insert_server(scope, make_server(scope))
    job = replace(JOB, catch_up=CatchUp(JOB.started_at, None))
    await imports.begin_import(scope, job)
    assert await imports.list_catching_up(scope.guild_id) == {scope.server_id}
    outcome = CaughtUp(scope.server_id, JOB.started_at, JOB.started_at, deaths=7)
    await imports.finish_import(scope, job, caught_up=outcome)
    await imports.begin_import(scope, job)
    later = replace(outcome, deaths=1, lost=2)
    await imports.finish_import(scope, job, caught_up=later)
    assert await imports.list_catching_up(scope.guild_id) == frozenset()
    assert await imports.list_caught_up(scope.guild_id) == (outcome, later)
    await imports.forget_caught_up(scope.guild_id, [outcome])
    assert await imports.list_caught_up(scope.guild_id) == (later,)
    await imports.forget_caught_up(scope.guild_id, [later])
    assert await imports.list_caught_up(scope.guild_id) == ()


async def test_deaths_outside_some_days_are_deleted(
    imports: ImportRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    make_death: Callable[..., Death],
) -> None:
    """The first and the last day stay whole; a neighbour keeps all its deaths."""
    noon = datetime(2025, 4, 30, 12)  # noqa: DTZ001
    times = [
        datetime(1, 1, 1),  # noqa: DTZ001
        datetime(1969, 12, 31),  # noqa: DTZ001
        datetime(2014, 12, 31, 23, 59, 59),  # noqa: DTZ001
        datetime(2015, 1, 1),  # noqa: DTZ001
        datetime(2025, 5, 8, 23, 59, 59),  # noqa: DTZ001
        datetime(2025, 5, 9),  # noqa: DTZ001
        datetime(9999, 12, 31),  # noqa: DTZ001
    ]
    seconds = [round((at - noon).total_seconds()) for at in times]
    for where in (scope, neighbour):

        def store(unit: IngestionTransaction, where: ServerScope = where) -> None:
            unit.insert_deaths([make_death(where, "a", "b", second=second) for second in seconds])

        await ingestion.in_transaction(where, store)
    await imports.drop_deaths_outside(scope, date(2015, 1, 1), date(2025, 5, 8))
    kept = [death.row.written_at async for batch in imports.iterate_deaths(scope) for death in batch]
    assert kept == times[3:5]
    assert sum([len(batch) async for batch in imports.iterate_deaths(neighbour)]) == len(times)


async def test_all_deaths_of_a_server_come_in_batches_by_time(
    imports: ImportRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    stranger: ServerScope,
    make_death: Callable[..., Death],
) -> None:
    """A recount gets every death of its server once, and no others."""
    deaths = {
        one: [make_death(one, "a", "b", second=n) for n in range(25)] for one in (scope, neighbour, stranger)
    }
    for one, some in deaths.items():

        def store(unit: IngestionTransaction, some: list[Death] = some) -> None:
            unit.insert_deaths(some[::-1])

        await ingestion.in_transaction(one, store)
    batches = [batch async for batch in imports.iterate_deaths(scope, batch=10)]
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert [death for batch in batches for death in batch] == deaths[scope]


async def test_counters_are_added_to_a_generation_and_dropped_with_it(
    imports: ImportRepository,
    servers: GameServerRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
) -> None:
    """Only generations that are neither shown nor being filled are deleted."""
    days = [PlayerDay(PlayerId("a"), date(2025, 4, number), Counters(kills=1)) for number in (1, 2)]

    async def count() -> dict[tuple[str, int], int]:
        key = {"server": "$server_id", "generation": "$generation"}
        cursor = database.unscoped("players").aggregate([{"$group": {"_id": key, "count": {"$sum": 1}}}])
        return {(one["_id"]["server"], one["_id"]["generation"]): one["count"] async for one in cursor}

    for generation in (0, 1, 2):
        await imports.write_generation(scope, generation, days=days)
        await imports.write_generation(scope, generation, players=[make_player("a"), make_player("b")])
    await imports.write_generation(neighbour, 0, players=[make_player("a")])
    [bucket] = await database.unscoped("player_days").find({"generation": 0}).to_list(None)
    assert ([entry["day"] for entry in bucket["days"]], bucket["month"]) == ([1, 2], "2025-04")
    await servers.insert_server(scope, make_server(scope, generation=2))
    await imports.begin_import(scope, JOB)
    await imports.drop_unshown_generations(scope)
    assert await count() == {("aaaaaaaa", 1): 2, ("aaaaaaaa", 2): 2, ("bbbbbbbb", 0): 1}
    await imports.drop_generation(scope, 1)
    assert await count() == {("aaaaaaaa", 2): 2, ("bbbbbbbb", 0): 1}
    assert await database.unscoped("player_days").count_documents({}) == 1


async def test_what_a_catch_up_has_left_out_stays_until_another_one_takes_it(
    imports: ImportRepository,
    servers: GameServerRepository,
    scope: ServerScope,
    make_server: Callable[[ServerScope], GameServer],
) -> None:
    """Files that could not be read are added to those of before; the next catch-up stores the rest."""
    await servers.insert_server(scope, make_server(scope))
    job = replace(JOB, catch_up=CatchUp(JOB.started_at, None))
    rest = job.leave_out([OLD])
    assert rest is not None
    await imports.begin_import(scope, job, starts=(), left_out=rest)
    assert await imports.find_left_out(scope) == rest
    job = replace(job, generation=await imports.take_up_import(scope))
    await imports.finish_import(scope, job, left_out=job.leave_out([NEW]))
    assert await imports.find_left_out(scope) == job.leave_out([OLD, NEW])
    assert await imports.find_import(scope) is None
    await imports.begin_import(scope, replace(JOB, catch_up=None))
    assert await imports.find_left_out(scope) is not None
    await imports.begin_import(scope, job, starts=())
    assert await imports.find_left_out(scope) is None
