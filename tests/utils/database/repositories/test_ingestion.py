"""Storage of ingestion: one batch, one transaction."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from utils.clock import SystemClock
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import read_death
from utils.database.repositories.ingestion import FORGOTTEN_AT_ONCE, IngestionRepository
from utils.database.repositories.line_counts import LineCounts, count_lines
from utils.database.repositories.rejected import RejectedLineRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.database.units.shared_transaction import READ_AHEAD_PLAYERS, SharedTransaction
from utils.errors import CursorMovedError, LeaseLostError, ScopeViolationError, StorageConflictError
from utils.group_commit import GroupCommit
from utils.models.deaths import Death, DeathKind, LogFile
from utils.models.factions import FactionMark
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.outbox import AppendedNotices
from utils.models.players import Counters, PlayerDay, PlayerRecord, ServerMonth, WeaponCount
from utils.models.reading import CountingNeeds, Cursor, RejectedLine
from utils.models.rejections import RejectionReason
from utils.models.scope import PlayerId, ServerId, ServerScope
from utils.services.ingestion.live_batch import add_months

FILE = LogFile("world_0", "2025.04.30-00.00.00.csv")
NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
A, B = PlayerId("a"), PlayerId("b")
MakeDeath = Callable[..., Death]
Member = tuple[ServerScope, Callable[[IngestionTransaction], set[ServerScope]]]


async def _find_known(
    ingestion: IngestionRepository, scope: ServerScope, ids: list[bytes]
) -> frozenset[bytes]:
    def look(unit: IngestionTransaction) -> frozenset[bytes]:
        return unit.find_known_ids(ids)

    return await ingestion.in_transaction(scope, look)


async def _store(ingestion: IngestionRepository, scope: ServerScope, deaths: list[Death]) -> None:
    def store(unit: IngestionTransaction) -> None:
        unit.insert_deaths(deaths)

    await ingestion.in_transaction(scope, store)


async def test_stored_deaths_are_known_and_come_back_as_they_were(
    ingestion: IngestionRepository, scope: ServerScope, make_death: MakeDeath
) -> None:
    """Every field of a death of any kind comes back; the order is that of the log."""
    deaths = [
        make_death(scope, A, B, second=2),
        make_death(scope, None, A, second=1, kind=DeathKind.UNKNOWN, weapon=""),
        make_death(scope, A, A, second=3, kind=DeathKind.MENU, weapon="suicide_by_relocation"),
    ]
    await _store(ingestion, scope, deaths)
    missing = make_death(scope, B, A, second=2).id
    ids = [death.id for death in deaths]
    assert await _find_known(ingestion, scope, [*ids, missing]) == frozenset(ids)
    assert await _find_known(ingestion, scope, []) == frozenset()

    def look(unit: IngestionTransaction) -> tuple[object, object]:
        return unit.list_deaths_of(A), unit.list_deaths_of(B)

    assert await ingestion.in_transaction(scope, look) == ([deaths[1], deaths[0], deaths[2]], [deaths[0]])


async def test_deaths_of_another_guild_are_unknown_here(
    ingestion: IngestionRepository, scope: ServerScope, stranger: ServerScope, make_death: MakeDeath
) -> None:
    """Two guilds may read the same game server; their data stay separate."""
    own, foreign = make_death(scope, A, B), make_death(stranger, A, B)
    await _store(ingestion, scope, [own])
    await _store(ingestion, stranger, [foreign])
    both = [own.id, foreign.id]
    assert await _find_known(ingestion, scope, both) == frozenset([own.id])
    assert await _find_known(ingestion, stranger, both) == frozenset([foreign.id])
    with pytest.raises(ScopeViolationError):
        await _store(ingestion, scope, [foreign])


async def test_times_of_stored_deaths_are_found_and_corrected(
    ingestion: IngestionRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    make_death: MakeDeath,
) -> None:
    """A death that is not stored has no time. All other fields stay, and so do the deaths of a neighbour."""
    own, other, new = (make_death(scope, A, B, second=second) for second in (1, 2, 3))
    hour = timedelta(hours=1)
    moved = own._replace(at=own.at - hour, ordered_at=own.row.written_at + hour)
    await _store(ingestion, scope, [own, other])
    await _store(ingestion, neighbour, [make_death(neighbour, A, B, second=1)])
    before = await database.unscoped("kills").find({"_id": {"$ne": own.id}}).to_list(None)

    def find(unit: IngestionTransaction) -> object:
        return unit.find_places([own.id, new.id])

    for right in (moved, own):

        def correct(unit: IngestionTransaction, right: Death = right) -> None:
            unit.correct_times([right])

        await ingestion.in_transaction(scope, correct)
        assert await ingestion.in_transaction(scope, find) == {own.id: right.place}
        stored = await database.unscoped("kills").find_one({"_id": own.id})
        assert stored is not None
        assert read_death(stored) == right
    assert await database.unscoped("kills").find({"_id": {"$ne": own.id}}).to_list(None) == before


async def test_player_is_replaced_in_his_generation_alone(
    ingestion: IngestionRepository, scope: ServerScope, make_player: Callable[..., PlayerRecord]
) -> None:
    """Counters are replaced as a whole; another generation keeps its own."""
    first, second = make_player(A, kills=1), make_player(A, kills=2, seen=5)

    def write(unit: IngestionTransaction) -> None:
        unit.replace_players([first, make_player(B)], generation=0)
        unit.replace_players([first], generation=1)
        unit.replace_players([second], generation=0)

    def look(unit: IngestionTransaction) -> list[object]:
        return [unit.find_players([A, PlayerId("c")], generation=number) for number in (0, 1, 2)]

    await ingestion.in_transaction(scope, write)
    assert await ingestion.in_transaction(scope, look) == [{A: second}, {A: first}, {}]


async def test_what_is_read_ahead_is_what_is_stored(
    ingestion: IngestionRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    stranger: ServerScope,
    make_player: Callable[..., PlayerRecord],
) -> None:
    """One read finds players, their days and the months, only those of each server and this generation."""
    day = PlayerDay(A, date(2025, 4, 30), Counters(kills=3))
    april = ServerMonth(date(2025, 4, 1), (WeaponCount("Mosin", 1, 9),), (1,) * 168)
    servers = [scope, neighbour, stranger]

    def write(unit: IngestionTransaction) -> None:
        unit.replace_players([make_player(A, kills=1)], generation=0)
        unit.replace_days([day], generation=0)
        add_months(unit, [april], 0)

    def look(shared: SharedTransaction) -> list[object]:
        keys = frozenset({(A, day.day), (B, date(2025, 5, 1))})
        shared.read_ahead([CountingNeeds(one, 0, keys, finds_members=True) for one in servers])
        found: list[object] = []
        for unit in map(shared.of_server, servers):
            add_months(unit, [april], 0)
            days, members = unit.find_days(keys, generation=0), unit.money.find_members([A, B, PlayerId("c")])
            marks = unit.money.find_factions([A, B, PlayerId("c")])
            found.append((unit.find_players([A, B], generation=0), days, members, marks))
        return found

    await ingestion.in_transaction(scope, write)
    for guild_id, player_id, state in (
        (42, A, "proven"),
        (42, B, "pending"),
        (42, PlayerId("c"), "proven"),
        (43, B, "proven"),
    ):
        link = {"guild_id": guild_id, "member_id": guild_id + 1, "player_id": player_id, "state": state}
        link |= {} if player_id == B else {"faction_id": "f", "faction_tag": "TAG"}
        await database.unscoped("links").insert_one(link)
    marks = dict.fromkeys([A, PlayerId("c")], FactionMark("f", "TAG"))
    assert await ingestion.in_shared_transaction([42, 43], look) == [
        ({A: make_player(A, kills=1)}, {(A, day.day): day}, {A: 43, PlayerId("c"): 43}, marks),
        ({}, {}, {A: 43, PlayerId("c"): 43}, marks),
        ({}, {}, {B: 44}, {}),
    ]


async def test_more_than_can_be_read_ahead_is_read_by_each_alone(
    ingestion: IngestionRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    make_player: Callable[..., PlayerRecord],
) -> None:
    """A read ahead has at most ``READ_AHEAD_PLAYERS`` players; a later read finds the others."""
    crowd = [PlayerId(f"{number}") for number in range(READ_AHEAD_PLAYERS)]
    day = date(2025, 4, 30)

    def look(shared: SharedTransaction) -> object:
        shared.read_ahead(
            [
                CountingNeeds(scope, 0, frozenset((one, day) for one in crowd)),
                CountingNeeds(neighbour, 0, frozenset({(A, day)})),
            ]
        )
        return shared.of_server(neighbour).find_players([A], generation=0)

    player = make_player(A, kills=1)
    await ingestion.in_transaction(neighbour, lambda unit: unit.replace_players([player], generation=0))
    assert await ingestion.in_shared_transaction([scope.guild_id], look) == {A: player}


async def test_numbers_that_somebody_drew_meanwhile_are_drawn_again(
    ingestion: IngestionRepository,
    database: SafeDatabase,
    scope: ServerScope,
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """The batch with the old numbers runs again, so each notice gets its own, in the order of commits."""
    loop, tries = asyncio.get_running_loop(), 0
    first, second, third = ([make_notice(number)] for number in (1, 2, 3))

    def overtake(unit: IngestionTransaction) -> None:
        unit.append_notices(second, created_at=NOW, changes_counters=True)

    def batch(shared: SharedTransaction) -> AppendedNotices:
        nonlocal tries
        tries += 1
        shared.read_ahead([CountingNeeds(scope, 0, frozenset({(A, date(2025, 4, 30))}))])
        unit = shared.of_server(scope)
        if tries == 1:
            asyncio.run_coroutine_threadsafe(ingestion.in_transaction(scope, overtake), loop).result()
        unit.append_notices(third, created_at=NOW)
        return unit.append_notices(first, created_at=NOW, changes_counters=True)

    await ingestion.in_transaction(scope, lambda unit: unit.append_notices(first, created_at=NOW))
    assert await ingestion.in_shared_transaction([scope.guild_id], batch) == AppendedNotices(batches=2)
    assert tries == 2
    stored = await database.unscoped("outbox").find().sort("sequence").to_list(None)
    assert [one["sequence"] for one in stored] == [0, 1, 2, 3]
    assert [one["notice"]["event_id"] for one in stored[1:3]] == [second[0].event_id, third[0].event_id]


async def test_days_are_merged_into_their_months(
    ingestion: IngestionRepository, database: SafeDatabase, scope: ServerScope
) -> None:
    """Writing one day keeps the other days of its month; a month is one document."""
    april = [PlayerDay(A, date(2025, 4, number), Counters(kills=number)) for number in (29, 30)]
    may = PlayerDay(A, date(2025, 5, 1), Counters(kills=1))
    changed = PlayerDay(A, date(2025, 4, 29), Counters(kills=7))

    def write(unit: IngestionTransaction) -> None:
        unit.replace_days([*april, may], generation=0)

    def change(unit: IngestionTransaction) -> None:
        assert unit.find_days([(A, changed.day)], generation=0) == {(A, changed.day): april[0]}
        unit.replace_days([changed], generation=0)
        assert unit.find_days([(A, changed.day)], generation=0) == {(A, changed.day): changed}

    def look(unit: IngestionTransaction) -> object:
        keys = [(A, day.day) for day in (*april, may)]
        return unit.find_days([*keys, (B, may.day)], generation=0)

    await ingestion.in_transaction(scope, write)
    await ingestion.in_transaction(scope, change)
    days = {(A, day.day): day for day in (changed, april[1], may)}
    assert await ingestion.in_transaction(scope, look) == days
    assert await database.unscoped("player_days").count_documents({}) == 2


async def test_cursor_moves_only_from_where_it_was_read(
    ingestion: IngestionRepository, scope: ServerScope, make_death: MakeDeath
) -> None:
    """A batch with an old cursor stores nothing."""
    begin, middle = Cursor(FILE, 10, b"head"), Cursor(FILE, 20, b"head")
    death = make_death(scope, A, B)

    async def move(before: Cursor | None, after: Cursor) -> None:
        def work(unit: IngestionTransaction) -> None:
            unit.insert_deaths([death])
            unit.move_cursor(before, after)

        await ingestion.in_transaction(scope, work)

    with pytest.raises(CursorMovedError):
        await move(begin, middle)
    assert await _find_known(ingestion, scope, [death.id]) == frozenset()
    await move(None, begin)
    assert await ingestion.list_cursors(scope) == {FILE: begin}
    death = make_death(scope, A, B, second=1)
    for before in (None, replace(begin, offset=11), replace(begin, head=b"other")):
        with pytest.raises(CursorMovedError):
            await move(before, middle)
    await move(begin, middle)
    assert await ingestion.list_cursors(scope) == {FILE: middle}


async def test_one_of_two_readers_from_the_same_place_wins(
    ingestion: IngestionRepository, scope: ServerScope
) -> None:
    """The first reader that moves the cursor stores the batch."""

    async def move(offset: int) -> bool:
        def work(unit: IngestionTransaction) -> None:
            unit.move_cursor(None, Cursor(FILE, offset))

        try:
            await ingestion.in_transaction(scope, work)
        except CursorMovedError:
            return False
        return True

    outcomes = await asyncio.gather(*(move(offset) for offset in range(4)))
    assert sorted(outcomes) == [False, False, False, True]
    assert (await ingestion.list_cursors(scope))[FILE].offset == outcomes.index(True)


async def test_notices_count_up_within_their_server(
    ingestion: IngestionRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """The outbox has the order of the log; a gap after a failed batch does no harm."""

    async def append(*numbers: int) -> None:
        def work(unit: IngestionTransaction) -> None:
            unit.append_notices([make_notice(number) for number in numbers], created_at=NOW)

        await ingestion.in_transaction(scope if numbers[0] < 5 else neighbour, work)

    await append(1, 2)
    await append(3)
    await append(5)
    found = database.unscoped("outbox").find().sort([("server_id", 1), ("sequence", 1)])
    assert [(one["server_id"], one["sequence"], one["notice"]["distance"]) async for one in found] == [
        ("aaaaaaaa", 0, 1),
        ("aaaaaaaa", 1, 2),
        ("aaaaaaaa", 2, 3),
        ("bbbbbbbb", 0, 5),
    ]


async def test_rejected_lines_are_kept_once_and_counted(
    ingestion: IngestionRepository, database: SafeDatabase, servers: GameServerRepository, scope: ServerScope
) -> None:
    """A line that is read twice is stored once; the newest come first; the counts include all lines."""
    lines = [
        RejectedLine(FILE, offset, "x;y", RejectionReason.COLUMNS.count(2), NOW.replace(minute=offset))
        for offset in range(5)
    ]

    def reject(unit: IngestionTransaction) -> None:
        unit.insert_rejected(lines)
        unit.add_lines_read(7, 3)
        unit.add_lines_read(3, 2)
        unit.move_cursor(None, Cursor(FILE))

    def again(unit: IngestionTransaction) -> None:
        unit.insert_rejected(lines)
        unit.add_lines_read(10, 5)

    await ingestion.in_transaction(scope, reject)
    await ingestion.in_transaction(scope, again)
    rejected = RejectedLineRepository(database)
    assert await rejected.list_rejected(scope, limit=2) == (lines[4], lines[3])
    assert await rejected.count_rejected(scope) == 10
    health = await servers.get_health(scope)
    assert (health.lines_read, health.lines_rejected) == (20, 10)
    assert await rejected.prune_rejected(scope, keep=3) == 2
    assert await rejected.list_rejected(scope, limit=9) == (lines[4], lines[3], lines[2])
    assert await rejected.prune_rejected(scope, keep=9) == 0


async def test_two_batches_of_different_files_do_not_hold_each_other_up(
    database: SafeDatabase, scope: ServerScope, make_death: MakeDeath
) -> None:
    """Parallel transactions of one server use different documents."""
    both_wrote = threading.Barrier(2, timeout=60)
    runs = 0

    async def read(number: int) -> None:
        def work(transaction: Transaction) -> None:
            nonlocal runs
            runs += 1
            guild_unit = SharedTransaction(transaction, [scope.guild_id])
            unit = guild_unit.of_server(scope)
            unit.insert_deaths([make_death(scope, A, B, second=number)])
            unit.add_lines_read(1, 0)
            unit.move_cursor(None, Cursor(LogFile("world_0", f"{number}.csv")))
            guild_unit.finish()
            both_wrote.wait()  # each in a thread of its own

        await database.in_transaction(work)

    await asyncio.gather(read(1), read(2))
    assert runs == 2


@pytest.mark.fault
async def test_servers_share_a_transaction_and_each_writes_its_own(
    ingestion: IngestionRepository, scope: ServerScope, stranger: ServerScope, make_death: MakeDeath
) -> None:
    """Batches of the same moment are stored together; an error of one affects no other."""
    moved = replace(stranger, server_id=ServerId("mmmmmmmm"))

    async def store_together(shard: int, members: Sequence[Member]) -> list[set[ServerScope]]:
        del shard

        def work_on_all(unit: SharedTransaction) -> list[set[ServerScope]]:
            return [work(unit.of_server(one)) for one, work in members]

        guild_ids = {one.guild_id for one, _ in members}
        return await ingestion.in_shared_transaction(guild_ids, work_on_all, repeats=len(members) == 1)

    group = GroupCommit(store_together, clock=SystemClock())
    both_began = set[ServerScope]()

    async def store(one: ServerScope, before: Cursor | None) -> set[ServerScope]:
        def work(unit: IngestionTransaction) -> set[ServerScope]:
            both_began.add(one)
            unit.insert_deaths([make_death(one, A, B)])
            unit.move_cursor(before, Cursor(FILE, 10))
            return set(both_began)

        return await group.join(0, one.guild_id, (one, work))

    assert {scope, stranger} in await asyncio.gather(store(scope, None), store(stranger, None))
    for one in (scope, stranger):
        assert await ingestion.list_cursors(one) == {FILE: Cursor(FILE, 10)}
        assert await _find_known(ingestion, one, [make_death(one, A, B).id])

    async def read_on(one: ServerScope, second: int) -> None:
        def work(unit: IngestionTransaction) -> set[ServerScope]:
            unit.insert_deaths([make_death(one, A, B, second=second)])
            unit.move_cursor(Cursor(FILE, 10), Cursor(FILE, 20))
            return set()

        await group.join(0, one.guild_id, (one, work))

    results = await asyncio.gather(
        read_on(scope, 1), read_on(moved, 1), read_on(stranger, 0), return_exceptions=True
    )
    assert [type(one) for one in results] == [type(None), CursorMovedError, StorageConflictError]
    assert await ingestion.list_cursors(scope) == {FILE: Cursor(FILE, 20)}
    assert await ingestion.list_cursors(stranger) == {FILE: Cursor(FILE, 10)}
    assert await _find_known(ingestion, moved, [make_death(moved, A, B, second=1).id]) == frozenset()


async def test_transaction_is_not_for_a_server_of_a_guild_that_does_not_share_it(
    ingestion: IngestionRepository, scope: ServerScope, stranger: ServerScope, make_death: MakeDeath
) -> None:
    """Only the fence of the named guilds was checked, so the whole transaction is refused."""

    def store(unit: SharedTransaction) -> None:
        unit.of_server(scope).insert_deaths([make_death(scope, A, B)])
        unit.of_server(stranger).insert_deaths([make_death(stranger, A, B)])

    with pytest.raises(ScopeViolationError):
        await ingestion.in_shared_transaction([scope.guild_id], store)
    assert await _find_known(ingestion, scope, [make_death(scope, A, B).id]) == frozenset()


async def test_guilds_of_several_shards_share_no_transaction(
    database: SafeDatabase, scope: ServerScope, stranger: ServerScope
) -> None:
    """One fence is checked for all guilds, so they must have one lease. If it is lost, it is lost for all."""
    fenced = IngestionRepository(database, fences=lambda guild_id: Fence(guild_id % 2, 1, guild_id))
    begun: list[SharedTransaction] = []
    both = {scope.guild_id, stranger.guild_id}
    with pytest.raises(ScopeViolationError):
        await fenced.in_shared_transaction(both, begun.append)
    fenced = IngestionRepository(database, fences=lambda guild_id: Fence(0, 1, guild_id))
    with pytest.raises(LeaseLostError):
        await fenced.in_shared_transaction(both, begun.append)
    await database.unscoped("leases").insert_one({"_id": 0, "token": 1})
    await fenced.in_shared_transaction(both, begun.append)
    assert len(begun) == 2


async def test_cursor_moves_several_times_in_a_batch_and_never_from_elsewhere(
    ingestion: IngestionRepository, scope: ServerScope
) -> None:
    """A batch of history may have several parts of a file; its lines are counted once."""
    places = [Cursor(FILE, offset, b"head") for offset in (10, 20, 30)]

    async def move(*moves: tuple[Cursor | None, Cursor]) -> None:
        def work(unit: IngestionTransaction) -> None:
            for before, after in moves:
                unit.move_cursor(before, after)

        await ingestion.in_transaction(scope, work)

    await move((None, places[0]), (places[0], places[1]))
    await move((places[1], places[2]), (places[2], places[1]))
    assert await ingestion.list_cursors(scope) == {FILE: places[1]}
    with pytest.raises(CursorMovedError):
        await move((places[1], places[2]), (places[1], places[2]))
    assert await ingestion.list_cursors(scope) == {FILE: places[1]}


async def test_batch_is_refused_when_the_lease_is_lost(
    database: SafeDatabase, scope: ServerScope, make_death: MakeDeath
) -> None:
    """A process that lost its shard writes nothing more."""
    fenced = IngestionRepository(database, fences=lambda guild_id: Fence(shard=guild_id % 2, token=1))
    with pytest.raises(LeaseLostError):
        await _store(fenced, scope, [make_death(scope, A, B)])
    await database.unscoped("leases").insert_one({"_id": 0, "token": 1})
    await _store(fenced, scope, [make_death(scope, A, B)])


async def test_lease_is_looked_at_before_anything_is_found(
    database: SafeDatabase, scope: ServerScope
) -> None:
    """The first read checks the lease, with one collection or several; a valid one lets all reads go on."""
    await database.unscoped("leases").insert_one({"_id": 0, "token": 1})
    needs = [CountingNeeds(scope, 0, frozenset({(A, date(2025, 4, 30))}))]

    def look(shared: SharedTransaction) -> object:
        shared.read_ahead(needs)
        unit = shared.of_server(scope)
        return unit.find_players([A], generation=0), unit.find_known_ids([b"?"])

    held = IngestionRepository(database, fences=lambda _: Fence(shard=0, token=1))
    assert await held.in_shared_transaction([scope.guild_id], look) == ({}, frozenset())
    lost = IngestionRepository(database, fences=lambda _: Fence(shard=0, token=2))
    seen: list[object] = []
    for first in (
        lambda shared: shared.read_ahead(needs),
        lambda shared: shared.of_server(scope).find_players([A], generation=0),
        lambda shared: shared.of_server(scope).add_lines_read(1, 0),
    ):

        def work(shared: SharedTransaction, first: Callable[[SharedTransaction], object] = first) -> None:
            seen.append(first(shared))

        with pytest.raises(LeaseLostError):
            await lost.in_shared_transaction([scope.guild_id], work)
    assert seen == [None]  # nothing was read before the check
    assert await count_lines(database, scope) == LineCounts(0, 0)


async def test_forgotten_cursors_leave_their_lines_counted(
    ingestion: IngestionRepository, database: SafeDatabase, scope: ServerScope, neighbour: ServerScope
) -> None:
    """Only cursors of the named files are deleted, even many of them; other servers keep theirs."""
    files = [LogFile(f"world_{number % 2}", f"{number}.csv") for number in range(FORGOTTEN_AT_ONCE + 3)]

    def move(unit: IngestionTransaction) -> None:
        for file in files:
            unit.move_cursor(None, Cursor(file, 1))
        unit.add_lines_read(9, 4)

    for one in (scope, neighbour):
        await ingestion.in_transaction(one, move)
    await ingestion.forget_cursors(scope, files[:-1])
    await ingestion.forget_cursors(scope, files[:1])
    assert set(await ingestion.list_cursors(scope)) == set(files[-1:])
    assert set(await ingestion.list_cursors(neighbour)) == set(files)
    assert await count_lines(database, scope) == LineCounts(9, 4)
