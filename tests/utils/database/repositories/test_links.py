"""Stored links, races between them, and the deaths that prove them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.repositories.game_logs import GameLogRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import StorageConflictError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.deaths import Death, DeathKind
from utils.models.links import Link, LinkState, ProofAttempts, ProofOutcome, ProofWindow, RemovedLinks
from utils.models.presence import LeaveReason, PlaySession
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.sharding import Sharding
from utils.services.presence.playtime import build_record

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
GUILD, OTHER = GuildId(42), GuildId(43)
ANNA, BERT = MemberId(1 << 62), MemberId(2)
WOLF, BEAR, FOX = PlayerId("wolf"), PlayerId("bear"), PlayerId("fox")
WINDOWS = (
    ProofWindow(NOW + timedelta(minutes=2), NOW + timedelta(minutes=4)),
    ProofWindow(NOW + timedelta(minutes=12), NOW + timedelta(minutes=14)),
)
MakeDeath = Callable[..., Death]


@pytest.fixture(name="links")
def _links(database: SafeDatabase) -> LinkRepository:
    return LinkRepository(database)


def build_link(member_id: MemberId = ANNA, player_id: PlayerId = WOLF, *, minute: int = 0) -> Link:
    """Return a request."""
    linked_at = NOW + timedelta(minutes=minute, milliseconds=123)
    return Link(GUILD, member_id, player_id, f"The {player_id}", linked_at, windows=WINDOWS)


async def prove_all(links: LinkRepository, *asked: Link) -> list[Link | None]:
    """Ask and prove, one link after the other, a minute apart."""
    proven = []
    for minute, link in enumerate(asked):
        await links.put_pending(GUILD, link)
        proven.append(await links.prove(GUILD, link, at=NOW + timedelta(minutes=minute)))
    return proven


async def test_request_comes_back_as_it_was_and_is_open(
    links: LinkRepository, database: SafeDatabase
) -> None:
    """Every field comes back; another guild sees nothing; a later request replaces the earlier one."""
    first, second = build_link(), build_link(minute=3)
    await links.put_pending(GUILD, replace(first, channel_id=ChannelId(7), message_id=8))
    assert await links.list_of_member(GUILD, ANNA) == (replace(first, channel_id=ChannelId(7), message_id=8),)
    await links.put_pending(GUILD, second)
    assert await links.list_of_member(GUILD, ANNA) == (second,)
    assert await links.list_open(GUILD) == (second,)
    assert (await links.list_of_member(OTHER, ANNA), await links.list_open(OTHER)) == ((), ())
    assert await links.find_owner(GUILD, WOLF) is None
    scope_index = ScopeIndexRepository(database, Sharding())
    assert await scope_index.list_guilds_with_open_links() == (GUILD,)


async def test_first_proven_link_is_main_and_the_others_follow_by_age(links: LinkRepository) -> None:
    """Pending links come last and are never main."""
    asked = [build_link(player_id=player) for player in (WOLF, BEAR)]
    proven = await prove_all(links, *asked)
    await links.put_pending(GUILD, build_link(player_id=FOX))
    expected = [
        replace(link, state=LinkState.PROVEN, is_main=not minute, proven_at=NOW + timedelta(minutes=minute))
        for minute, link in enumerate(asked)
    ]
    assert proven == expected
    assert await links.list_of_member(GUILD, ANNA) == (*expected, build_link(player_id=FOX))
    assert await links.find_owner(GUILD, WOLF) == expected[0]


async def test_request_that_is_gone_or_replaced_cannot_be_proven(links: LinkRepository) -> None:
    """A member who ended or replaced the request at this moment is not linked against their will."""
    link = build_link()
    assert await links.prove(GUILD, link, at=NOW) is None
    await links.put_pending(GUILD, build_link(minute=1))
    assert await links.prove(GUILD, link, at=NOW) is None
    assert await links.list_of_member(GUILD, ANNA) == (build_link(minute=1),)


async def test_proven_link_is_not_turned_into_a_request(links: LinkRepository) -> None:
    """A late write of a request changes nothing."""
    [proven] = await prove_all(links, build_link())
    with pytest.raises(StorageConflictError):
        await links.put_pending(GUILD, build_link(minute=5))
    assert await links.list_of_member(GUILD, ANNA) == (proven,)


@pytest.mark.parametrize("attempt", range(8))
async def test_exactly_one_wins_when_two_members_prove_one_player_at_the_same_moment(
    links: LinkRepository, attempt: int
) -> None:
    """One of them is proven, the other stays pending, and there is no error."""
    asked = [build_link(ANNA), build_link(BERT)][:: 1 if attempt % 2 else -1]
    for link in asked:
        await links.put_pending(GUILD, link)
    proven = await asyncio.gather(*(links.prove(GUILD, link, at=NOW) for link in asked))
    [winner] = [link for link in proven if link is not None]
    assert await links.find_owner(GUILD, WOLF) == winner
    states = [link.state for link in await links.list_open(GUILD)]
    assert sorted(states) == [LinkState.PENDING, LinkState.PROVEN]


@pytest.mark.parametrize("attempt", range(4))
async def test_exactly_one_is_main_when_a_member_proves_two_players_at_the_same_moment(
    links: LinkRepository, attempt: int
) -> None:
    """The other link becomes an alt."""
    del attempt
    asked = [build_link(player_id=player) for player in (WOLF, BEAR)]
    for link in asked:
        await links.put_pending(GUILD, link)
    await asyncio.gather(*(links.prove(GUILD, link, at=NOW) for link in asked))
    found = await links.list_of_member(GUILD, ANNA)
    assert [link.is_main for link in found if link.is_proven] == [True, False]


@pytest.mark.parametrize("attempt", range(4))
async def test_somebody_is_main_when_the_main_ends_while_an_alt_is_proven(
    links: LinkRepository, attempt: int
) -> None:
    """Both transactions touch the main, so one of them sees the result of the other."""
    del attempt
    await prove_all(links, build_link())
    alt = build_link(player_id=BEAR)
    await links.put_pending(GUILD, alt)
    await asyncio.gather(links.prove(GUILD, alt, at=NOW), links.remove(GUILD, ANNA, [WOLF], at=NOW))
    [left] = await links.list_of_member(GUILD, ANNA)
    assert (left.player_id, left.is_main, left.is_proven) == (BEAR, True, True)


async def test_link_is_proven_by_hand_whether_it_was_asked_for_or_not(links: LinkRepository) -> None:
    """A request keeps its message, so that it can be updated; another member's player stays theirs."""
    asked = replace(build_link(), channel_id=ChannelId(7), message_id=8)
    await links.put_pending(GUILD, asked)
    by_hand = replace(build_link(minute=9), windows=())
    proven = await links.put_proven(GUILD, by_hand, at=NOW)
    assert proven == replace(asked, state=LinkState.PROVEN, is_main=True, proven_at=NOW)
    assert await links.list_open(GUILD) == (proven,)
    assert await links.put_proven(GUILD, replace(by_hand, member_id=BERT), at=NOW) is None
    fresh = replace(by_hand, member_id=BERT, player_id=BEAR)
    expected = replace(fresh, state=LinkState.PROVEN, is_main=True, proven_at=NOW)
    assert await links.put_proven(GUILD, fresh, at=NOW) == expected
    assert await links.list_open(GUILD) == (proven,)


async def test_oldest_alt_becomes_main_when_the_main_is_removed(links: LinkRepository) -> None:
    """Only the named links are deleted; unknown ones raise no error."""
    await prove_all(links, *(build_link(player_id=player) for player in (WOLF, BEAR, FOX)))
    removed = await links.remove(GUILD, ANNA, [WOLF, PlayerId("no")], at=NOW)
    assert [link.player_id for link in removed.links] == [WOLF]
    left = await links.list_of_member(GUILD, ANNA)
    assert [(link.player_id, link.is_main) for link in left] == [(BEAR, True), (FOX, False)]
    assert await links.remove(GUILD, BERT, [BEAR], at=NOW) == RemovedLinks(())
    assert len((await links.remove(GUILD, ANNA, [BEAR, FOX], at=NOW)).links) == 2
    assert await links.list_of_member(GUILD, ANNA) == ()


async def test_proven_link_is_closed_once_its_message_tells_it(
    links: LinkRepository, database: SafeDatabase
) -> None:
    """A message that is attached meanwhile opens the link again; a closed link has no windows or message."""
    link = build_link()
    [proven] = await prove_all(links, link)
    assert proven is not None
    await links.attach_message(GUILD, link, channel_id=ChannelId(7), message_id=8)
    await links.mark_told(GUILD, proven)
    [shown] = await links.list_open(GUILD)
    assert (shown.channel_id, shown.message_id) == (7, 8)
    await links.mark_told(GUILD, shown)
    assert await links.list_open(GUILD) == ()
    assert await ScopeIndexRepository(database, Sharding()).list_guilds_with_open_links() == ()
    assert await links.list_of_member(GUILD, ANNA) == (replace(proven, windows=()),)


async def test_only_the_very_request_is_deleted(links: LinkRepository) -> None:
    """A proven link stays, and so does a later request for the same player, even with the same times."""
    link = build_link()
    [proven] = await prove_all(links, link)
    await links.delete_told(GUILD, link)
    assert await links.list_of_member(GUILD, ANNA) == (proven,)
    first, second = build_link(BERT), build_link(BERT, minute=1)
    await links.put_pending(GUILD, second)
    await links.delete_told(GUILD, first)
    assert await links.list_of_member(GUILD, BERT) == (second,)
    await links.attach_message(GUILD, second, channel_id=ChannelId(7), message_id=8)
    await links.put_pending(GUILD, second)
    await links.delete_told(GUILD, replace(second, channel_id=ChannelId(7), message_id=8))
    assert await links.list_of_member(GUILD, BERT) == (second,)
    await links.attach_message(GUILD, second, channel_id=ChannelId(7), message_id=9)
    renewed = replace(second, channel_id=ChannelId(7), message_id=9)
    for other in (second, replace(renewed, message_id=8)):
        await links.delete_told(GUILD, other)
        assert await links.list_of_member(GUILD, BERT) == (renewed,)
    await links.delete_told(GUILD, renewed)
    assert await links.list_of_member(GUILD, BERT) == ()
    await links.put_pending(GUILD, second)
    await links.delete_told(GUILD, second)
    assert await links.list_of_member(GUILD, BERT) == ()


async def test_request_is_over_whichever_message_shows_it(links: LinkRepository) -> None:
    """A proven link stays, and so does a later request; one that is over counts for nothing."""
    link = build_link()
    [proven] = await prove_all(links, link)
    await links.end_request(GUILD, link, ProofOutcome.UNCLEAR)
    assert await links.list_of_member(GUILD, ANNA) == (proven,)
    first, second = build_link(BERT), build_link(BERT, minute=1)
    await links.put_pending(GUILD, second)
    await links.attach_message(GUILD, second, channel_id=ChannelId(7), message_id=8)
    await links.end_request(GUILD, first, ProofOutcome.UNCLEAR)
    assert len(await links.list_of_member(GUILD, BERT)) == 1
    await links.end_request(GUILD, second, ProofOutcome.UNCLEAR)
    over = replace(
        second,
        state=LinkState.OVER,
        outcome=ProofOutcome.UNCLEAR,
        channel_id=ChannelId(7),
        message_id=8,
    )
    assert (await links.list_of_member(GUILD, BERT), over in await links.list_open(GUILD)) == ((), True)
    assert await links.prove(GUILD, second, at=NOW) is None
    assert await links.remove(GUILD, BERT, [second.player_id], at=NOW) == RemovedLinks(())
    await links.delete_told(GUILD, over)
    assert over not in await links.list_open(GUILD)


async def test_request_that_is_over_makes_room_for_the_next_one(links: LinkRepository) -> None:
    """A member asks again before the old message shows the end, or an admin confirms the link."""
    first, second = build_link(), build_link(minute=1)
    await links.put_pending(GUILD, first)
    await links.end_request(GUILD, first, ProofOutcome.REFUSED)
    await links.put_pending(GUILD, second)
    assert await links.list_of_member(GUILD, ANNA) == (second,)
    await links.end_request(GUILD, second, ProofOutcome.REFUSED)
    confirmed = await links.put_proven(GUILD, replace(second, is_confirmed=True), at=NOW)
    assert confirmed is not None
    assert (confirmed.is_proven, confirmed.outcome) == (True, None)


async def test_admins_are_told_of_a_request_until_that_is_marked(links: LinkRepository) -> None:
    """A later request of the member is another one."""
    first, second = replace(build_link(), untold=1), replace(build_link(minute=1), untold=2)
    await links.put_pending(GUILD, first)
    await links.put_pending(GUILD, second)
    await links.mark_alerted(GUILD, first)
    assert await links.list_of_member(GUILD, ANNA) == (second,)
    await links.mark_alerted(GUILD, second)
    assert await links.list_of_member(GUILD, ANNA) == (replace(second, untold=0),)


async def test_request_alone_is_refused_and_not_a_later_one_or_a_proven_link(links: LinkRepository) -> None:
    """An admin presses the button below an older request, or the proof was a moment faster."""
    first, second = build_link(BERT), build_link(BERT, minute=1)
    entry = AuditEntry(NOW, ANNA, AuditAction.LINK_REMOVE, AuditFacts())
    await links.put_pending(GUILD, second)
    assert not await links.refuse(GUILD, first, entry=entry)
    assert await links.refuse(GUILD, second, entry=entry)
    assert await links.list_of_member(GUILD, BERT) == ()
    await links.put_pending(GUILD, first)
    assert await links.prove(GUILD, first, at=NOW)
    assert not await links.refuse(GUILD, first, entry=entry)
    assert len(await links.list_of_member(GUILD, BERT)) == 1


async def test_menu_suicides_of_the_player_that_were_read_live_are_found_on_every_server(
    links: LinkRepository,
    ingestion: IngestionRepository,
    servers: GameServerRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    stranger: ServerScope,
    make_death: MakeDeath,
    make_server: Callable[..., GameServer],
) -> None:
    """Suicides are found by the log's time in UTC, without history, earlier ones, other kinds and guilds."""
    menu = DeathKind.MENU

    async def store(where: ServerScope, deaths: list[Death], read_at: datetime | None) -> None:
        def work(unit: IngestionTransaction) -> None:
            unit.insert_deaths(deaths, read_at=read_at)

        await ingestion.in_transaction(where, work)

    for one in (scope, neighbour, stranger):
        await servers.insert_server(one, make_server(one))
    live, zone = NOW + timedelta(minutes=1), timedelta(hours=5, minutes=30)
    far = make_death(neighbour, WOLF, WOLF, second=780, kind=menu)
    # the server's wall clock is ahead
    far = far._replace(row=far.row._replace(written_at=far.row.written_at + zone))
    await store(scope, [make_death(scope, WOLF, WOLF, second=150, kind=menu)], live)
    await store(neighbour, [far], live)
    await store(scope, [make_death(scope, WOLF, WOLF, second=160, kind=menu)], None)
    await store(scope, [make_death(scope, WOLF, WOLF, second=170, kind=menu)], NOW)
    beside = [
        make_death(scope, WOLF, WOLF, second=180, kind=DeathKind.FALL),
        make_death(scope, BEAR, BEAR, second=181, kind=menu),
        make_death(scope, WOLF, WOLF, second=119, kind=menu),
        make_death(scope, WOLF, WOLF, second=841, kind=menu),
    ]
    await store(scope, beside, live)
    await store(stranger, [make_death(stranger, WOLF, WOLF, second=190, kind=menu)], live)
    link = Link(GUILD, ANNA, WOLF, "Wolf", NOW, windows=WINDOWS)
    found = await links.list_signs(GUILD, link)
    assert found == (NOW + timedelta(seconds=150), NOW + timedelta(seconds=780))


async def test_leaving_is_a_sign_if_it_was_read_live_after_the_request(
    links: LinkRepository,
    database: SafeDatabase,
    servers: GameServerRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    make_server: Callable[..., GameServer],
) -> None:
    """Kicks, time-outs and restarts are no signs, nor are other players, other times and silent reads."""
    logs = GameLogRepository(database, fences=lambda _: None)
    for one in (scope, neighbour):
        await servers.insert_server(one, make_server(one))
    live = NOW + timedelta(minutes=20)

    async def leave(
        where: ServerScope,
        second: int,
        reason: LeaveReason,
        read_at: datetime | None,
        player_id: PlayerId = WOLF,
    ) -> None:
        session = PlaySession(
            player_id=player_id,
            name="Wolf",
            run="run",
            started_at=NOW - timedelta(seconds=second),
            ended_at=NOW + timedelta(seconds=second),
            reason=reason,
        )
        record = build_record(where, session, ZoneInfo("UTC"), read_at=read_at)
        await logs.in_transaction(where, lambda unit: unit.insert_sessions([record]))

    await leave(scope, 150, LeaveReason.QUIT, live)
    await leave(neighbour, 780, LeaveReason.LOST, live)
    for second, reason in enumerate((LeaveReason.KICK, LeaveReason.TIMEOUT, LeaveReason.RESTART), start=151):
        await leave(scope, second, reason, live)
    await leave(scope, 160, LeaveReason.QUIT, None)
    await leave(scope, 161, LeaveReason.QUIT, NOW)
    await leave(scope, 162, LeaveReason.QUIT, live, BEAR)
    await leave(scope, 119, LeaveReason.QUIT, live)
    await leave(scope, 841, LeaveReason.QUIT, live)
    link = Link(GUILD, ANNA, WOLF, "Wolf", NOW, windows=WINDOWS)
    assert await links.list_signs(GUILD, link) == (NOW + timedelta(seconds=150), NOW + timedelta(seconds=780))


@pytest.mark.parametrize("is_asked_for", [True, False])
async def test_requests_for_a_player_are_counted_until_it_is_proven(
    links: LinkRepository, database: SafeDatabase, *, is_asked_for: bool
) -> None:
    """Each guild has its own count; a proof of the player deletes it."""
    attempts = ProofAttempts(2, NOW, NOW + timedelta(hours=6))
    assert await links.find_attempts(GUILD, WOLF) is None
    for guild_id, player_id in ((GUILD, WOLF), (GUILD, WOLF), (GUILD, BEAR), (OTHER, WOLF)):
        await links.put_attempts(guild_id, player_id, attempts)
    assert await database.unscoped("proof_attempts").count_documents({}) == 3
    if is_asked_for:
        await prove_all(links, build_link())
    else:
        await links.put_proven(GUILD, replace(build_link(), windows=()), at=NOW)
    kept = [await links.find_attempts(*key) for key in ((GUILD, WOLF), (GUILD, BEAR), (OTHER, WOLF))]
    assert kept == [None, attempts, attempts]


async def test_link_tells_whether_an_admin_confirmed_it(links: LinkRepository) -> None:
    """A request that an admin confirms is confirmed too."""
    await links.put_pending(GUILD, build_link())
    confirmed = replace(build_link(), windows=(), is_confirmed=True)
    stored = [
        await links.put_proven(GUILD, confirmed, at=NOW),
        *await prove_all(links, build_link(BERT, BEAR)),
    ]
    assert [link.is_confirmed for link in stored if link is not None] == [True, False]
