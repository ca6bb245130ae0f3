"""Every read of every repository uses an index, by MongoDB's own profiler."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from tests.fakes.seasons import build_season
from tests.fakes.storage import put_settings
from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.combat import CombatRepository
from utils.database.repositories.deaths import DeathRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.hunters import HunterRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.incidents import IncidentRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.repositories.personal_data import PersonalDataRepository
from utils.database.repositories.posted_boards import PostedBoardRepository
from utils.database.repositories.premium import PremiumRepository
from utils.database.repositories.rejected import RejectedLineRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.seasons import SeasonRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.repositories.wallets import WalletRepository
from utils.database.units.erasure_unit import ErasureTransaction
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.database.units.shared_transaction import SharedTransaction
from utils.models.audit import AuditEntry, AuditFacts
from utils.models.deaths import Death, DeathKind, Killing, LogFile
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Incident, IncidentKey
from utils.models.links import Link, ProofOutcome, ProofWindow
from utils.models.message_places import MessagePlace
from utils.models.money import Bounty, BountyEnd, BountyState, Change, LedgerKind
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.outbox import AppendedNotices, EntryKey, Feed, OutgoingMessage
from utils.models.players import Counters, PlayerDay, PlayerRecord, ServerMonth
from utils.models.posted_boards import BoardKey
from utils.models.premium import Grant, PremiumAction, PremiumEvent
from utils.models.reading import CountingNeeds, Cursor, ImportJob, RejectedLine
from utils.models.rejections import RejectionReason
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.seasons import SeasonResult, SeasonState
from utils.models.servers import GameServer, ServerHealth
from utils.models.sharding import Sharding
from utils.models.statistics import Board, CoveredDeaths
from utils.models.xp import LastKill

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
FILE = LogFile("world_0", "2025.04.30-00.00.00.csv")
A = PlayerId("a")
APRIL = ServerMonth(date(2025, 4, 1), (), (0,) * 168)
PLAYERS = [PlayerId(letter) for letter in "abcdefgh"]
DEATHS = 20
COVERED = 0  # an index alone counts deaths


@pytest.fixture(name="database")
def _database(new_database: SafeDatabase) -> SafeDatabase:
    """A new database, because mongod keeps plans that fitted the data of other tests."""
    return new_database


@pytest.fixture(name="profiled")
async def _profiled(
    database: SafeDatabase,
    servers: GameServerRepository,
    imports: ImportRepository,
    ingestion: IngestionRepository,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
    make_death: Callable[..., Death],
    make_notice: Callable[[int], DeathNotice],
) -> AsyncIterator[SafeDatabase]:
    """Fill three servers of two guilds and switch the profiler on."""
    for guild_id, server_id in ((42, "aaaaaaaa"), (42, "bbbbbbbb"), (43, "aaaaaaaa")):
        scope = ServerScope(guild_id, ServerId(server_id))  # type: ignore[arg-type] # a guild's id
        await servers.insert_server(scope, make_server(scope))
        days = [PlayerDay(player, date(2025, 4, 30), Counters(kills=1)) for player in PLAYERS]
        players = [make_player(player, kills=5) for player in PLAYERS]
        await imports.write_generation(scope, 0, players=players, days=days, months=[APRIL])

        def store(unit: IngestionTransaction, scope: ServerScope = scope) -> None:
            unit.insert_deaths([make_death(scope, A, "b", second=number) for number in range(DEATHS)])
            unit.insert_rejected(
                [RejectedLine(FILE, number, "x", RejectionReason.EMPTY.say(), NOW) for number in range(9)]
            )
            unit.append_notices([make_notice(number) for number in range(9)], created_at=NOW)
            unit.move_cursor(None, Cursor(FILE, 5))

        await ingestion.in_transaction(scope, store)
    await database.command({"profile": 2})
    yield database
    await database.command({"profile": 0})


async def _list_profiled(database: SafeDatabase) -> list[Document]:
    await database.command({"profile": 0})
    own = {"ns": {"$not": {"$regex": r"\.system\."}}, "planSummary": {"$exists": True}}
    return await database.unscoped("system.profile").find(own).to_list(None)


def _list_unindexed(operations: list[Document]) -> list[Document]:
    served = ("IXSCAN", "IDHACK", "DISTINCT_SCAN", "COUNT_SCAN", "EOF")
    return [one["command"] for one in operations if not one["planSummary"].startswith(served)]


async def test_every_write_of_ingestion_finds_its_documents_by_index(
    profiled: SafeDatabase,
    ingestion: IngestionRepository,
    scope: ServerScope,
    make_player: Callable[..., PlayerRecord],
    make_death: Callable[..., Death],
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """No write scans a collection, within a transaction either; known ids are read from the index alone."""

    def batch(shared: SharedTransaction) -> None:
        unit = shared.of_server(scope)
        known = [make_death(scope, A, "b", second=number).id for number in range(DEATHS)]
        assert len(unit.find_known_ids(known)) == DEATHS
        unit.insert_deaths([make_death(scope, A, "b", second=99)])
        unit.list_deaths_of(A)
        unit.find_players(PLAYERS[:3], generation=0)
        days = frozenset({(PLAYERS[3], date(2025, 4, 30))})
        both = (scope, replace(scope, server_id=ServerId("bbbbbbbb")))
        killed = frozenset(PLAYERS[:2])
        needs = CountingNeeds(scope, 0, days, finds_members=True, killed=killed, killed_since=NOW)
        shared.read_ahead([replace(needs, scope=one) for one in both])
        unit.find_killings(PLAYERS[1:3], since=NOW)
        unit.find_last_kills(PLAYERS[1:3], since=NOW)
        unit.list_months(generation=0)
        unit.replace_players([make_player(A)], generation=0)
        unit.find_days([(A, date(2025, 4, 30))], generation=0)
        unit.replace_days([PlayerDay(A, date(2025, 4, 30), Counters())], generation=0)
        unit.replace_months([APRIL], generation=0)
        assert unit.append_notices(
            [make_notice(1)], created_at=NOW, changes_counters=True
        ) == AppendedNotices(1)
        unit.insert_rejected([RejectedLine(FILE, 1, "x", RejectionReason.EMPTY.say(), NOW)])
        unit.move_cursor(Cursor(FILE, 5), Cursor(FILE, 6))
        unit.add_lines_read(1, 1)

    await ingestion.in_shared_transaction([scope.guild_id], batch)
    await ingestion.list_cursors(scope)
    await ingestion.forget_cursors(scope, [FILE])
    operations = await _list_profiled(profiled)
    assert _list_unindexed(operations) == []
    [covered] = [one for one in operations if one["command"].get("projection") == {"_id": 1}]
    assert (covered["docsExamined"], covered["nreturned"]) == (0, DEATHS)


async def test_killers_of_the_killers_are_found_among_many_deaths(
    profiled: SafeDatabase,
    ingestion: IngestionRepository,
    scope: ServerScope,
    make_death: Callable[..., Death],
) -> None:
    """The read ahead takes only the deaths of these players since that moment, among many others."""
    crowd = [PlayerId(f"crowd {number}") for number in range(40)]
    first = make_death(scope, A, A).row.written_at
    since = first + timedelta(seconds=500)

    def store(unit: IngestionTransaction) -> None:
        unit.insert_deaths(
            [make_death(scope, A, crowd[number % 40], second=1_000 + number) for number in range(400)]
        )
        unit.insert_deaths([make_death(scope, crowd[0], A, second=second) for second in (400, 600, 700)])

    def look(shared: SharedTransaction) -> list[Killing]:
        days = frozenset({(A, first.date())})
        needs = CountingNeeds(scope, 0, days, killed=frozenset({A}), killed_since=since)
        shared.read_ahead([needs])
        return list(shared.of_server(scope).find_killings([A], since=since))

    await profiled.command({"profile": 0})
    await ingestion.in_transaction(scope, store)
    for _ in range(3):
        await profiled.command({"profile": 2})
        found = await ingestion.in_shared_transaction([scope.guild_id], look)
        assert sorted((one.killer_id, one.at.second) for one in found) == [(crowd[0], 0), (crowd[0], 40)]
    operations = await _list_profiled(profiled)
    (*_, last) = [one for one in operations if one["ns"].endswith(".players")]
    assert last["docsExamined"] <= 2 + 4  # the deaths; and a player, their days, a month and the numbers


async def test_last_kills_of_a_killer_are_read_from_an_index_alone(
    profiled: SafeDatabase,
    ingestion: IngestionRepository,
    scope: ServerScope,
    make_death: Callable[..., Death],
) -> None:
    """A kill that may be farming reads the last hour of its killer, and no death."""
    killer_id = PlayerId("killer")
    deaths = [make_death(scope, killer_id, A, second=60 * place) for place in range(90)]

    def store(unit: IngestionTransaction) -> None:
        unit.insert_deaths(deaths)

    def look(unit: IngestionTransaction) -> list[LastKill]:
        since = deaths[-1].row.written_at - timedelta(hours=1)
        return list(unit.find_last_kills([killer_id], since=since)[killer_id])

    await ingestion.in_transaction(scope, store)
    await profiled.command({"profile": 2})
    found = await ingestion.in_transaction(scope, look)
    assert found == [LastKill(death.row.written_at, A) for death in deaths[30:]]
    [read] = [one for one in await _list_profiled(profiled) if one["ns"].endswith(".kills")]
    assert (read["docsExamined"], read["keysExamined"] <= 62) == (0, True)


async def test_every_read_for_people_is_served_by_an_index(
    profiled: SafeDatabase, statistics: StatisticsRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """Each read takes only the keys of its servers, players or days; for enemies it reads no deaths."""
    guild_id, both = scope.guild_id, [scope.server_id, neighbour.server_id]
    combat, deaths = CombatRepository(profiled, Standings(profiled)), DeathRepository(profiled)
    limits: list[tuple[str, int, Callable[[], Awaitable[object]]]] = []
    covered = CoveredDeaths(guild_id, both)
    for since in (None, date(2025, 4, 1)):
        rows, lately = len(PLAYERS) * 2, replace(covered, since=since)
        board = partial(statistics.list_board, lately, minimum_kills=0, limit=5, offset=0)
        limits += [
            ("find_stats", DEATHS * 2, partial(statistics.find_stats, lately, [A])),
            ("kills", rows, partial(board, board="kills")),
            ("longest", rows, partial(board, board="longest", own=[A])),
            ("weapons", DEATHS * 2, partial(combat.list_weapons, lately)),
            ("weapons_of", DEATHS * 2, partial(combat.list_weapons_of, lately, [A])),
        ]
    of_recap = replace(covered, since=date(2025, 4, 1), until=date(2025, 5, 31))
    limits += [
        ("best", DEATHS * 2, partial(combat.find_best_users, covered, ["AK-SU"])),
        ("one server", DEATHS, partial(combat.find_best_users, CoveredDeaths(guild_id, both[:1]), ["AK-SU"])),
        ("list_days", 2, partial(statistics.list_days, covered, [A], since=date(2025, 4, 1))),
        ("a day", DEATHS * 2, partial(statistics.list_hours_of_day, covered, [A], date(2025, 4, 30))),
        ("known", len(PLAYERS) * 2, partial(statistics.list_known_players, guild_id)),
        ("search", len(PLAYERS), partial(statistics.search_players, guild_id, "a", limit=5)),
        ("killers", COVERED, partial(combat.list_enemies, covered, [A, PLAYERS[1]], "killer")),
        ("victims", COVERED, partial(combat.list_enemies, covered, [A], "victim")),
        ("count", COVERED, partial(combat.count_kills, covered, A, PLAYERS[1])),
        ("rivalry", DEATHS * 2, partial(combat.find_rivalry, of_recap)),
        ("hours", 2, partial(combat.list_hours, covered)),
        ("hours_of", COVERED, partial(combat.list_hours, covered, A)),
        ("recent", 3, partial(deaths.list_recent, covered, limit=3)),
        ("recent_of", 3, partial(deaths.list_recent, covered, limit=3, player_id=A)),
    ]
    for name, limit, read in limits:
        await profiled.command({"profile": 2})
        await read()
        operations = await _list_profiled(profiled)
        assert operations, name
        assert _list_unindexed(operations) == [], name
        read_of = [one for one in operations if limit is not COVERED or one["ns"].endswith(".kills")]
        assert max(one["docsExamined"] for one in read_of) <= limit, name
        await profiled.run("reset", profiled.unscoped("system.profile").drop())


async def test_everything_about_links_is_served_by_an_index(
    profiled: SafeDatabase, scope: ServerScope
) -> None:
    """A proof reads only the keys of one player's deaths around the windows."""
    links, guild_id = LinkRepository(profiled), scope.guild_id
    for number in range(9):
        other = Link(guild_id, MemberId(number), A, "a", NOW)
        await links.put_pending(guild_id, other)
    link = Link(guild_id, MemberId(1), A, "a", NOW, windows=(ProofWindow(NOW, NOW),))
    await links.put_pending(guild_id, link)
    await links.list_of_member(guild_id, MemberId(1))
    await links.list_open(guild_id)
    await links.list_signs(guild_id, replace(link, player_id=PlayerId("b")))
    await links.attach_message(guild_id, link, channel_id=ChannelId(1), message_id=2)
    proven = await links.prove(guild_id, link, at=NOW)
    assert proven is not None
    await links.find_owner(guild_id, A)
    await links.mark_told(guild_id, proven)
    await links.delete_told(guild_id, Link(guild_id, MemberId(2), A, "a", NOW))
    await links.end_request(guild_id, Link(guild_id, MemberId(2), A, "a", NOW), ProofOutcome.UNCLEAR)
    await links.mark_alerted(guild_id, link)
    await links.remove(guild_id, MemberId(1), [A], at=NOW)
    await ScopeIndexRepository(profiled, Sharding()).list_guilds_with_open_links()
    operations = await _list_profiled(profiled)
    assert _list_unindexed(operations) == []
    [deaths] = [one for one in operations if one["ns"].endswith(".kills")]
    assert deaths["docsExamined"] <= 2 * DEATHS


async def test_every_read_of_timers_and_admins_is_served_by_an_index(
    profiled: SafeDatabase,
    servers: GameServerRepository,
    imports: ImportRepository,
    outbox: OutboxRepository,
    scope: ServerScope,
    neighbour: ServerScope,
) -> None:
    """Outbox, imports, settings, rejected lines and the scope index use indexes."""
    feeds = [Feed(scope, ChannelKind.KILLFEED), Feed(scope, ChannelKind.BOUNTIES)]
    for limit in (1, 50):
        await outbox.list_pending(scope.guild_id, feeds, limit=limit)
    guild_id = scope.guild_id
    assert len(await outbox.list_feeds(guild_id)) == 2
    feeds = [Feed(one, ChannelKind.KILLFEED) for one in (scope, neighbour)]
    keys = tuple(EntryKey(feed, sequence) for feed in feeds for sequence in (0, 1))
    message = OutgoingMessage(guild_id, ChannelId(1), keys, "n", NOW)
    await outbox.prepare_message(guild_id, message)
    await outbox.list_prepared(guild_id)
    assert len(await outbox.list_entries(guild_id, keys)) == len(keys)
    await outbox.mark_sent(guild_id, message, message_id=1, at=NOW)
    await outbox.drop_message(guild_id, "n")
    await outbox.discard_entries(guild_id, [EntryKey(feeds[0], 2)])
    await outbox.drop_entries(scope, ChannelKind.KILLFEED, before=NOW)
    await outbox.prune_sent(guild_id, before=NOW)
    job = ImportJob(1, NOW, {FILE: 5})
    await imports.begin_import(scope, job)
    await imports.find_import(scope)
    job = replace(job, generation=await imports.take_up_import(scope))
    assert [len(batch) async for batch in imports.iterate_deaths(scope)] == [DEATHS]
    await imports.finish_import(scope, job)
    await imports.drop_unshown_generations(scope)
    await imports.drop_generation(scope, 1)
    guilds = GuildRepository(profiled)
    await put_settings(guilds, scope.guild_id, channels={ChannelKind.ALERTS: ChannelId(1)})
    await guilds.get_settings(scope.guild_id)
    await guilds.set_left(scope.guild_id, is_left=True)
    await ScopeIndexRepository(profiled, Sharding()).list_left_guilds()
    await guilds.add_locale_uses(scope.guild_id, {("2025-05", "de"): 1})
    assert await ScopeIndexRepository(profiled, Sharding()).count_locales("2025-05") == {"de": 1}
    await servers.list_servers(scope.guild_id)
    await servers.save_health(ServerHealth(scope))
    await servers.get_health(scope)
    await servers.set_host_key(scope, "key")
    await servers.set_slots(scope, 70)
    await servers.set_restarts(scope, ("02:00",), 5)
    rejected = RejectedLineRepository(profiled)
    await rejected.list_rejected(scope, limit=3)
    await rejected.prune_rejected(scope, keep=3)
    await put_settings(guilds, GuildId(99), admin_role_id=7)
    premium, audit = PremiumRepository(profiled), AuditRepository(profiled)
    event = PremiumEvent(NOW, PremiumAction.GRANTED, 2, NOW)
    entry = AuditEntry(NOW, MemberId(7), "premium grant", AuditFacts())
    await premium.write_grant(scope.guild_id, Grant(2, NOW, MemberId(7), NOW), event, entry=entry)
    await premium.get_premium(scope.guild_id)
    for number in range(9):
        await audit.insert_entry(scope.guild_id, AuditEntry(NOW, MemberId(number), "role", AuditFacts()))
    for actor, action in ((None, None), (MemberId(1), None), (None, "role"), (MemberId(1), "role")):
        await audit.list_entries(scope.guild_id, actor_id=actor, action=action, limit=2)
    incidents = IncidentRepository(profiled)
    for number in range(9):
        key = IncidentKey(scope.guild_id, IncidentKind.SERVER_UNREAD, str(number))
        await incidents.put(scope.guild_id, Incident(key, CheckState.WARN, NOW + timedelta(number)))
    await incidents.list_open(scope.guild_id)
    await incidents.prune(scope.guild_id, before=NOW, kept=3)
    scope_index = ScopeIndexRepository(profiled, Sharding())
    assert await scope_index.list_guilds_with_incidents() == (scope.guild_id,)
    seasons, season = SeasonRepository(profiled, fences=lambda _: None), build_season(guild_id)
    await seasons.insert_season(guild_id, season)
    assert await scope_index.list_guilds_with_seasons() == (guild_id,)
    closed = replace(season, state=SeasonState.CLOSED, closed_at=NOW)
    await seasons.close_season(
        guild_id,
        season,
        closed,
        [SeasonResult(season.season_id, Board.KILLS, ())],
        server_ids=[scope.server_id],
        build_notice=None,
        at=NOW,
    )
    assert await seasons.list_seasons(guild_id) == (closed,)
    await seasons.find_result(guild_id, season.season_id, Board.KILLS)
    await seasons.list_winners(guild_id)
    assert await scope_index.list_ended_premium(NOW) == (scope.guild_id,)
    await premium.end_grant(scope.guild_id, event, entry=entry)
    await servers.set_paused(scope, is_paused=True)
    await servers.set_silenced(scope, DeathKind.FALL, is_silenced=True)
    await scope_index.list_guild_ids()
    await scope_index.list_waiting()
    assert await scope_index.list_warned_servers() == (scope,)
    await scope_index.list_scopes_with_due_bounties(before=NOW)
    await servers.mark_removed(scope, keep_stats=False, at=NOW)
    assert await scope_index.list_removals() == (scope,)
    await servers.delete_leftovers(scope, now=NOW)
    operations = await _list_profiled(profiled)
    assert _list_unindexed(operations) == []
    pages = [one for one in operations if one["ns"].endswith(".audit") and one.get("nreturned")]
    assert not [one for one in pages if one.get("hasSortStage")]
    assert max(one["docsExamined"] for one in pages) <= 2
    [timer] = [one for one in operations if one["command"].get("hint") == "premium"]
    assert (timer["nreturned"], timer["docsExamined"]) == (1, 0)


async def test_money_is_found_by_index(
    profiled: SafeDatabase, ingestion: IngestionRepository, scope: ServerScope
) -> None:
    """Money uses indexes in the transaction of a batch, in commands and in the timer."""
    wallets = WalletRepository(profiled, fences=lambda _: None)
    bounties = BountyRepository(profiled, fences=lambda _: None)
    member_id, guild_id = MemberId(7), scope.guild_id
    bounty = Bounty(scope, "b", A, "a", 500, member_id, NOW, NOW)
    taken = BountyEnd(BountyState.CLAIMED, NOW, member_id, A, "a")
    earlier = replace(taken, closed_at=NOW - timedelta(days=1))

    def work(unit: IngestionTransaction) -> None:
        money = unit.money
        money.book(Change(member_id, LedgerKind.ADMIN, 900, "k", NOW))
        money.book(Change(member_id, LedgerKind.ADMIN, -500, "l", NOW))
        money.find_booked(["k", "m"])
        money.list_paid_kills([member_id], [A], since=NOW)
        money.list_live_kills(A, since=datetime(2025, 4, 30), limit=9)  # noqa: DTZ001 - as in a log
        money.insert_bounty(bounty)
        money.list_open_bounties([A])
        money.find_house_targets([A], since=NOW)
        money.raise_bounty(bounty, 600)
        money.close_bounty(bounty, BountyEnd(BountyState.EXPIRED, NOW))
        for number, end in enumerate((taken, earlier)):
            claimed = replace(bounty, bounty_id=str(number))
            money.insert_bounty(claimed)
            money.close_bounty(claimed, end)

    await ingestion.in_transaction(scope, work)
    await wallets.get_balance(guild_id, member_id)
    await wallets.list_rows(guild_id, member_id, limit=10)
    await bounties.list_open(guild_id, [scope.server_id], now=NOW)
    await bounties.list_placed(guild_id, member_id, is_open=True)
    await bounties.list_claimed(guild_id, member_id)
    await bounties.list_read_kills(scope, [A, PLAYERS[2]], [PLAYERS[3]], since=NOW)
    hunters = HunterRepository(profiled)
    for since in (None, NOW):
        await hunters.list_hunters(
            CoveredDeaths(guild_id, [scope.server_id], since=since and since.date(), since_at=since)
        )
    await bounties.list_due(scope, before=NOW)
    await bounties.delete_bounties(scope)
    operations = await _list_profiled(profiled)
    assert _list_unindexed(operations) == []
    between = {"$in": [PLAYERS[3]]}
    [own_kills] = [one for one in operations if one["command"].get("filter", {}).get("victim_id") == between]
    assert own_kills["docsExamined"] == 0  # among twenty kills of other players
    assert not own_kills.get("hasSortStage")
    boards = [one for one in operations if one["command"].get("hint") == "claimed"]
    assert [(one["keysExamined"], one["docsExamined"]) for one in boards] == [(2, 2), (1, 1)]


async def test_posted_boards_are_found_by_index(profiled: SafeDatabase, scope: ServerScope) -> None:
    """A round lists a guild's boards in order; a command reads, changes and deletes one of them."""
    boards, guild_id = PostedBoardRepository(profiled), scope.guild_id
    for guild in (guild_id, GuildId(43)):
        for name in ("kills", "deaths", "kd"):
            await boards.insert_board(BoardKey(guild, scope.server_id, name))
    key = BoardKey(guild_id, scope.server_id, "kd")
    assert len(await boards.list_boards(guild_id)) == 3
    await boards.find_board(key)
    await boards.save_place(key, MessagePlace(message_id=1))
    await boards.delete_board(key)
    assert await ScopeIndexRepository(profiled, Sharding()).list_guilds_with_boards() == (
        guild_id,
        GuildId(43),
    )
    operations = [one for one in await _list_profiled(profiled) if one["ns"].endswith(".boards")]
    assert _list_unindexed(operations) == []
    assert not [one for one in operations if one.get("hasSortStage")]
    assert max(one["docsExamined"] for one in operations) <= 3


async def test_personal_data_is_found_by_index(
    profiled: SafeDatabase, make_player: Callable[..., PlayerRecord], scope: ServerScope
) -> None:
    """Exports and erasures find the data of a player or member, and counters by player, with an index."""
    data, erasures = PersonalDataRepository(profiled), ErasureRepository(profiled, fences=lambda _: None)
    guild_id, member_id = scope.guild_id, MemberId(7)
    await data.list_servers(guild_id)
    await data.list_parts_of_player(scope, A)
    await data.list_guild_parts_of_player(guild_id, A)
    await data.list_parts_of_member(guild_id, member_id)
    assert [len(batch) async for batch in data.iterate_deaths(scope, [A])] == [DEATHS]
    await erasures.find_holdings(guild_id, member_id)
    await erasures.list_scopes(guild_id)
    await erasures.list_names(scope, A)
    await erasures.erase_player(guild_id, A, ["a"])
    await erasures.erase_member(guild_id, member_id)
    await erasures.delete_links_of(guild_id, A, at=NOW)
    await erasures.delete_ledger_rows(guild_id, member_id, limit=5)
    await erasures.delete_member(guild_id, member_id, at=NOW)

    def step(unit: ErasureTransaction) -> None:
        unit.hold_counts()
        unit.rename_deaths(A, unit.list_deaths_of(A))
        unit.delete_figures(A)
        unit.replace_figures(make_player("a"), [], generation=0)

    await erasures.in_transaction(scope, step)
    operations = await _list_profiled(profiled)
    assert _list_unindexed(operations) == []
    figures = [one for one in operations if one["ns"].endswith((".players", ".player_days"))]
    assert max(one["docsExamined"] for one in figures) == 1
