"""Wallets, ledger and bounties on a real mongod: together or not at all, once, and never overdrawn."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.premium import build_premium
from tests.fakes.storage import put_settings
from utils.database.core.database import Fence, SafeDatabase
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.repositories.wallets import WalletRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.database.units.money_unit import MoneyTransaction
from utils.errors import (
    LeaseLostError,
    NotAllowedError,
    NotEnoughMoneyError,
    NotFoundError,
    StorageConflictError,
    StorageError,
)
from utils.events import EventDispatcher
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.deaths import Death, DeathKind
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.links import Link
from utils.models.money import (
    Bounty,
    BountyEnd,
    BountySettings,
    BountyState,
    Change,
    LedgerKind,
    LedgerRow,
    PaidKill,
    ReadKill,
)
from utils.models.players import PlayerRecord
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.sharding import Sharding
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.batch_rules import LiveDeaths, LiveKill
from utils.services.money.bounties.endings import CLAIM_GRACE, BountyEndings
from utils.services.money.bounties.placing import BountyService
from utils.services.money.rewards import KillRewards, RewardTerms
from utils.services.players.player_names import PlayerNames
from utils.tasks import TaskManager

ANN, BOB = MemberId(11), MemberId(22)
HUNTER, PREY = PlayerId("a" * 32), PlayerId("b" * 32)
HOUR = timedelta(hours=1)


def no_fence(_: GuildId) -> Fence | None:
    """Return no fence, because no other process uses this database."""
    return None


def build_change(amount: int, key: str, *, member_id: MemberId = ANN, **fields: object) -> Change:
    """Return a change by hand."""
    change = Change(member_id, LedgerKind.ADMIN, amount, key, START, note="gift")
    return replace(change, **fields)  # type: ignore[arg-type] # the fields of a test


def describe(row: LedgerRow) -> AuditEntry:
    """Return the audit entry of a change by hand."""
    return AuditEntry(
        row.change.at, BOB, AuditAction.WALLET, AuditFacts(changes=(FieldChange("balance", 0, row.balance),))
    )


async def book(wallets: WalletRepository, guild_id: GuildId, change: Change) -> int | None:
    """Book a change by hand; return the balance after it."""
    row = await wallets.book_by_hand(guild_id, change, describe)
    return None if row is None else row.balance


def build_bounty(scope: ServerScope, bounty_id: str = "b1", **fields: object) -> Bounty:
    """Return Ann's bounty of 500 on the prey."""
    bounty = Bounty(scope, bounty_id, PREY, "Prey", 500, ANN, START, START + HOUR)
    return replace(bounty, **fields)  # type: ignore[arg-type] # the fields of a test


async def insert(bounties: BountyRepository, *several: Bounty) -> None:
    """Store bounties without asking for money."""
    for bounty in several:

        def store(unit: MoneyTransaction, bounty: Bounty = bounty) -> None:
            unit.insert_bounty(bounty)

        await bounties.in_transaction(bounty.scope, store)


@pytest.fixture(name="wallets")
def _wallets(database: SafeDatabase) -> WalletRepository:
    return WalletRepository(database, fences=no_fence)


@pytest.fixture(name="bounties")
def _bounties(database: SafeDatabase) -> BountyRepository:
    return BountyRepository(database, fences=no_fence)


async def test_change_is_booked_with_its_row(wallets: WalletRepository, scope: ServerScope) -> None:
    """Number and balance grow; the newest row comes first; another guild has nothing."""
    guild_id = scope.guild_id
    first = build_change(500, "a")
    second = build_change(
        -200, "b", kind=LedgerKind.KILL, player_id=PREY, killed_at=START - HOUR, note="Prey"
    )
    assert [await book(wallets, guild_id, one) for one in (first, second)] == [500, 300]
    assert await wallets.list_rows(guild_id, ANN, limit=9) == (
        LedgerRow(second, 2, 300),
        LedgerRow(first, 1, 500),
    )
    assert await wallets.list_rows(guild_id, ANN, limit=1) == (LedgerRow(second, 2, 300),)
    assert await wallets.get_balance(guild_id, ANN) == 300
    assert await wallets.get_balance(guild_id, BOB) == 0
    assert await wallets.get_balance(GuildId(43), ANN) == 0
    assert await wallets.list_rows(GuildId(43), ANN, limit=9) == ()


async def test_balance_is_never_negative(wallets: WalletRepository, scope: ServerScope) -> None:
    """A change below zero is refused and has no row; a change to exactly zero is booked."""
    guild_id = scope.guild_id
    assert await book(wallets, guild_id, build_change(-1, "a")) is None
    await book(wallets, guild_id, build_change(10, "b"))
    assert await book(wallets, guild_id, build_change(-11, "c")) is None
    assert await book(wallets, guild_id, build_change(-10, "d")) == 0
    assert [row.change.key for row in await wallets.list_rows(guild_id, ANN, limit=9)] == ["d", "b"]


async def test_change_by_hand_is_booked_once_with_its_entry_of_the_audit(
    database: SafeDatabase, wallets: WalletRepository, scope: ServerScope
) -> None:
    """A key is booked once, even by several calls at once; each guild has its own keys."""
    guild_id, change = scope.guild_id, build_change(10, "same")
    rows = await asyncio.gather(*(wallets.book_by_hand(guild_id, change, describe) for _ in range(8)))
    assert set(rows) == {LedgerRow(change, 1, 10)}
    again = build_change(70, "same", member_id=BOB)
    assert await wallets.book_by_hand(guild_id, again, describe) == LedgerRow(change, 1, 10)
    assert await book(wallets, GuildId(43), change) == 10
    entries, _ = await AuditRepository(database).list_entries(guild_id, limit=9)
    assert entries == (describe(LedgerRow(change, 1, 10)),)


async def test_change_that_cannot_be_audited_is_not_booked(
    database: SafeDatabase, wallets: WalletRepository, scope: ServerScope
) -> None:
    """Row and entry are one transaction."""

    def fail(row: LedgerRow) -> AuditEntry:
        raise StorageError(f"no room for {row}")

    with pytest.raises(StorageError, match="no room"):
        await wallets.book_by_hand(scope.guild_id, build_change(10, "same"), fail)
    assert await wallets.list_rows(scope.guild_id, ANN, limit=9) == ()
    assert await wallets.get_balance(scope.guild_id, ANN) == 0
    assert await AuditRepository(database).list_entries(scope.guild_id, limit=9) == ((), 0)


async def test_many_changes_of_one_wallet_at_once_all_count(
    wallets: WalletRepository, scope: ServerScope
) -> None:
    """A transaction that comes second runs again; the rows are numbered without a gap."""
    changes = [build_change(number, f"k{number}") for number in range(1, 41)]
    await asyncio.gather(*(book(wallets, scope.guild_id, one) for one in changes))
    rows = await wallets.list_rows(scope.guild_id, ANN, limit=99)
    assert await wallets.get_balance(scope.guild_id, ANN) == sum(range(1, 41))
    assert [row.number for row in rows] == list(range(40, 0, -1))
    total = 0
    for row in reversed(rows):
        total += row.change.amount
        assert row.balance == total


async def test_bounty_comes_back_as_it_was_stored(
    bounties: BountyRepository, scope: ServerScope, neighbour: ServerScope, stranger: ServerScope
) -> None:
    """Every field comes back; lists keep to guild, servers, members and time."""
    low = build_bounty(scope)
    high = build_bounty(neighbour, "b2", amount=900, placer_id=None, player_id=HUNTER, player_name="Hunter")
    ended = build_bounty(scope, "b3", placer_id=BOB, expires_at=START)
    foreign = build_bounty(stranger, "b4")
    await insert(bounties, low, high, ended, foreign)
    guild_id, both = scope.guild_id, [scope.server_id, neighbour.server_id]
    assert await bounties.list_open(guild_id, both, now=START) == (high, low)
    assert await bounties.list_open(guild_id, [scope.server_id], now=START) == (low,)
    assert await bounties.list_placed(guild_id, ANN, is_open=True) == (low,)
    assert await bounties.list_due(scope, before=START + timedelta(seconds=1)) == (ended,)
    assert await bounties.list_due(scope, before=START) == ()
    assert await bounties.list_due(scope, before=None) == (ended, low)
    end = BountyEnd(BountyState.CLAIMED, START, BOB, HUNTER, "Hunter")

    def close(unit: MoneyTransaction) -> tuple[bool, bool, Sequence[Bounty]]:
        first, second = unit.close_bounty(low, end), unit.close_bounty(low, end)
        return first, second, unit.list_open_bounties([PREY, HUNTER])

    assert await bounties.in_transaction(scope, close) == (True, False, [ended])
    closed = replace(
        low,
        state=end.state,
        closed_at=START,
        claimer_id=BOB,
        claimer_player_id=HUNTER,
        claimer_name="Hunter",
    )
    assert await bounties.list_claimed(guild_id, BOB) == (closed,)
    assert await bounties.list_placed(guild_id, ANN, is_open=False) == (closed,)
    assert await bounties.list_placed(guild_id, ANN, is_open=True) == ()


async def test_open_bounty_can_be_raised_and_a_closed_one_not(
    bounties: BountyRepository, scope: ServerScope
) -> None:
    """The bot raises the price of its open bounty."""
    bounty = build_bounty(scope, placer_id=None)
    await insert(bounties, bounty)

    def work(unit: MoneyTransaction) -> list[bool]:
        return [
            unit.raise_bounty(bounty, 1500),
            unit.close_bounty(bounty, BountyEnd(BountyState.EXPIRED, START)),
            unit.raise_bounty(bounty, 2000),
        ]

    assert await bounties.in_transaction(scope, work) == [True, True, False]


async def test_placer_has_one_open_bounty_on_a_target(bounties: BountyRepository, scope: ServerScope) -> None:
    """The index allows one open bounty of each placer, the bot included; any number may be closed."""
    for placer_id in (ANN, None):
        one = build_bounty(scope, f"1{placer_id}", placer_id=placer_id)
        another = build_bounty(scope, f"2{placer_id}", placer_id=placer_id)
        await insert(bounties, one)
        with pytest.raises(StorageConflictError):
            await insert(bounties, another)

        def close(unit: MoneyTransaction, one: Bounty = one) -> bool:
            return unit.close_bounty(one, BountyEnd(BountyState.EXPIRED, START))

        await bounties.in_transaction(scope, close)
        await insert(bounties, another)


async def test_timer_finds_servers_with_due_bounties_by_key(
    bounties: BountyRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    stranger: ServerScope,
) -> None:
    """The timer finds each server of any guild once, and no server with only running or closed bounties."""
    scope_index = ScopeIndexRepository(database, Sharding())
    closed = build_bounty(neighbour, "b3", state=BountyState.EXPIRED, expires_at=START - HOUR)
    due = [build_bounty(one, "b1", expires_at=START - HOUR) for one in (scope, stranger)]
    more = build_bounty(scope, "b2", placer_id=BOB, expires_at=START - HOUR)
    await insert(bounties, *due, more, closed)
    assert await scope_index.list_scopes_with_due_bounties(before=START) == (scope, stranger)
    assert await scope_index.list_scopes_with_due_bounties(before=START - HOUR) == ()


@pytest.mark.parametrize("keep_stats", [True, False])
async def test_closed_bounties_go_with_the_statistics_of_their_server(
    bounties: BountyRepository,
    servers: GameServerRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    make_server: Callable[..., GameServer],
    *,
    keep_stats: bool,
) -> None:
    """Open bounties wait for their refund; wallets and ledger belong to members and stay."""
    for one in (scope, neighbour):
        await servers.insert_server(one, make_server(one))
        closed = build_bounty(one, f"c{one.server_id}", state=BountyState.CANCELLED)
        await insert(bounties, closed, build_bounty(one, f"o{one.server_id}"))
    await bounties.delete_bounties(scope)
    await servers.mark_removed(scope, keep_stats=keep_stats, at=START)
    await bounties.delete_bounties(scope)
    own = await database.unscoped("bounties").find({"server_id": scope.server_id}).to_list(None)
    assert sorted(one["state"] for one in own) == (["cancelled", "open"] if keep_stats else ["open"])
    assert await database.unscoped("bounties").count_documents({"server_id": neighbour.server_id}) == 2


async def test_proven_links_alone_count(
    bounties: BountyRepository, database: SafeDatabase, scope: ServerScope
) -> None:
    """Pending links claim nothing; each guild has its own links."""
    links, here, there = LinkRepository(database), scope.guild_id, GuildId(43)
    await links.put_proven(here, Link(here, ANN, HUNTER, "Hunter", START), at=START)
    await links.put_pending(here, Link(here, BOB, HUNTER, "Hunter", START))
    await links.put_pending(here, Link(here, BOB, PREY, "Prey", START))
    await links.put_proven(there, Link(there, MemberId(33), PREY, "Prey", START), at=START)

    def look(unit: MoneyTransaction) -> object:
        return unit.find_members([HUNTER, PREY])

    assert await bounties.in_transaction(scope, look) == {HUNTER: ANN}


async def test_live_kills_are_told_from_history_and_paid_ones_are_found(
    ingestion: IngestionRepository, scope: ServerScope, make_death: Callable[..., Death]
) -> None:
    """A streak counts only live kills; the window of pay counts by the time of the kill."""
    history, *live = [make_death(scope, HUNTER, PREY, second=second) for second in range(3)]

    def work(unit: IngestionTransaction) -> tuple[object, object, object]:
        unit.insert_deaths([history])
        unit.insert_deaths(live, read_at=START)
        change = build_change(12, "kill:1", kind=LedgerKind.KILL, player_id=PREY, killed_at=live[0].at)
        money = unit.money
        money.book(change)
        return (
            money.list_live_kills(HUNTER, since=live[1].row.written_at, limit=9),
            money.list_paid_kills([ANN], [PREY], since=live[0].at),
            money.find_booked(["kill:1", "kill:2"]),
        )

    paid = [PaidKill(ANN, PREY, live[0].at)]
    assert await ingestion.in_transaction(scope, work) == ([live[1]], paid, frozenset({"kill:1"}))

    def look(unit: IngestionTransaction) -> tuple[object, object]:
        since = live[0].at + timedelta(seconds=1)
        money = unit.money
        every = money.list_live_kills(HUNTER, since=history.row.written_at, limit=9)
        newest = money.list_live_kills(HUNTER, since=history.row.written_at, limit=1)
        assert newest == live[1:]
        return every, money.list_paid_kills([ANN], [PREY], since=since)

    assert await ingestion.in_transaction(scope, look) == (live, [])


async def test_read_kills_are_those_between_players_that_were_read_live(
    bounties: BountyRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    neighbour: ServerScope,
    make_death: Callable[..., Death],
) -> None:
    """History, earlier reads, other players, other servers and deaths that were not kills are left out."""
    history, early, first, last, fall, other, back = (
        make_death(scope, *players, second=second)
        for second, players in enumerate([(HUNTER, PREY)] * 5 + [(HUNTER, PlayerId("c")), (PREY, HUNTER)])
    )
    fall = fall._replace(row=fall.row._replace(kind=DeathKind.FALL))
    elsewhere = make_death(neighbour, HUNTER, PREY)

    def store(unit: IngestionTransaction) -> None:
        unit.insert_deaths([history])
        unit.insert_deaths([early], read_at=START - HOUR)
        unit.insert_deaths([first, last, fall, other, back], read_at=START)

    await ingestion.in_transaction(scope, store)
    await ingestion.in_transaction(neighbour, lambda unit: unit.insert_deaths([elsewhere], read_at=START))
    found = await bounties.list_read_kills(scope, [HUNTER], [PREY], since=START)
    assert found == tuple(ReadKill(HUNTER, PREY, one.at, START) for one in (last, first))
    assert await bounties.list_read_kills(scope, [HUNTER], [PREY], since=START + HOUR) == ()


async def test_settings_of_bounties_stand_with_the_guild(database: SafeDatabase, scope: ServerScope) -> None:
    """The settings of bounties are in the guild's document; its channels and role do not change."""
    guilds = GuildRepository(database)
    changed = BountySettings(is_enabled=False, is_auto=False, expiry_hours=3, max_amount=700)
    await put_settings(guilds, scope.guild_id, channels={ChannelKind.BOUNTIES: ChannelId(1)})
    await put_settings(guilds, scope.guild_id, bounties=changed)
    assert await guilds.get_settings(scope.guild_id) == GuildSettings(
        scope.guild_id, {ChannelKind.BOUNTIES: ChannelId(1)}, bounties=changed
    )


async def test_every_change_of_money_is_refused_when_the_lease_is_lost(
    database: SafeDatabase, scope: ServerScope
) -> None:
    """A process that lost its shard changes no balance."""

    def fence(_: GuildId) -> Fence | None:
        return Fence(shard=0, token=1)

    with pytest.raises(LeaseLostError):
        await book(WalletRepository(database, fences=fence), scope.guild_id, build_change(5, "a"))
    with pytest.raises(LeaseLostError):
        await insert(BountyRepository(database, fences=fence), build_bounty(scope))
    assert await database.unscoped("wallets").count_documents({}) == 0


class StoredLinks:
    """The links in the database."""

    def __init__(self, links: LinkRepository) -> None:
        self._links = links

    async def list_players(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Link]:
        """Return the proven players of a member."""
        return [link for link in await self._links.list_of_member(guild_id, member_id) if link.is_proven]


@dataclass(slots=True)
class StoredServers:
    """The servers of a guild, for the service."""

    servers: GameServerRepository

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return the servers."""
        return await self.servers.list_servers(guild_id)

    async def resolve(self, guild_id: GuildId, text: str | None) -> GameServer:
        """Return the only server."""
        del text
        return (await self.servers.list_servers(guild_id))[0]


REQUESTS = count(1)


@dataclass(slots=True)
class Market:
    """The rules over the real storage."""

    scope: ServerScope
    clock: FakeClock
    service: BountyService
    endings: BountyEndings
    rewards: KillRewards
    ingestion: IngestionRepository
    wallets: WalletRepository
    bounties: BountyRepository
    make_death: Callable[..., Death]

    async def give(self, member_id: MemberId, amount: int) -> None:
        """Put money into a wallet."""
        await book(
            self.wallets, self.scope.guild_id, build_change(amount, f"g{member_id}", member_id=member_id)
        )

    async def place(self, member_id: MemberId, player: str, amount: int) -> Bounty:
        """Place a bounty."""
        placed = await self.service.place(
            self.scope.guild_id,
            member_id,
            player=player,
            amount=amount,
            server=None,
            request_id=next(REQUESTS),
        )
        return placed.bounty

    async def kill(self, killer: str, victim: str, *, second: int, read_at: datetime) -> None:
        """Store one live kill with all its effects."""
        death = self.make_death(self.scope, killer, victim, second=second)

        def store(unit: IngestionTransaction) -> None:
            unit.insert_deaths([death], read_at=START)
            kills = [LiveKill(death, 1, is_news=True)]
            terms = RewardTerms(is_auto=True, is_announced=True)
            batch = LiveDeaths(self.scope, "Server", [death], kills, read_at)
            unit.append_notices(terms.judge(unit, batch).notices, created_at=read_at)

        await self.ingestion.in_transaction(self.scope, store)


@pytest.fixture(name="market")
async def _market(
    database: SafeDatabase,
    servers: GameServerRepository,
    imports: ImportRepository,
    ingestion: IngestionRepository,
    statistics: StatisticsRepository,
    wallets: WalletRepository,
    bounties: BountyRepository,
    scope: ServerScope,
    make_server: Callable[..., GameServer],
    make_player: Callable[..., PlayerRecord],
    make_death: Callable[..., Death],
) -> Market:
    """A server with a hundred players; Ann and Bob are two of them."""
    await servers.insert_server(scope, make_server(scope))
    names = [f"player{number:03}" for number in range(100)]
    await imports.write_generation(scope, 0, players=[make_player(name) for name in names])
    links = LinkRepository(database)
    for member_id, name in ((ANN, names[0]), (BOB, names[1])):
        link = Link(scope.guild_id, member_id, PlayerId(name), name, START)
        await links.put_proven(scope.guild_id, link, at=START)
    clock = FakeClock()
    stored = GuildRepository(database)
    await put_settings(stored, scope.guild_id, channels={ChannelKind.BOUNTIES: ChannelId(1)})
    guilds = SettingsService(stored, servers, clock=clock)
    events, tasks = EventDispatcher(), TaskManager(clock)
    service = BountyService(
        bounties,
        guilds=guilds,
        servers=StoredServers(servers),
        links=StoredLinks(links),
        players=PlayerNames(statistics, servers, tasks, clock=clock),
        events=events,
        clock=clock,
    )
    endings = BountyEndings(
        bounties,
        ScopeIndexRepository(database, Sharding()),
        guilds=guilds,
        servers=StoredServers(servers),
        events=events,
        tasks=tasks,
        clock=clock,
    )
    return Market(
        scope=scope,
        clock=clock,
        service=service,
        endings=endings,
        rewards=KillRewards(guilds, build_premium()),
        ingestion=ingestion,
        wallets=wallets,
        bounties=bounties,
        make_death=make_death,
    )


async def test_hundred_placements_at_once_never_overdraw(market: Market) -> None:
    """With money for ten, ten bounties are placed and the rest is refused; the ledger agrees."""
    await market.give(ANN, 1000)
    targets = [f"player{number:03}" for number in range(2, 100)] + ["player001"]
    results = await asyncio.gather(
        *(market.place(ANN, target, 100) for target in [*targets, targets[0]]), return_exceptions=True
    )
    placed = [one for one in results if isinstance(one, Bounty)]
    refused = [one for one in results if not isinstance(one, Bounty)]
    assert len(placed) == 10
    assert {type(one).__name__ for one in refused} <= {NotEnoughMoneyError.__name__, "NotAllowedError"}
    rows = await market.wallets.list_rows(market.scope.guild_id, ANN, limit=99)
    assert [row.balance for row in rows] == [number * 100 for number in range(11)]
    stored = await market.bounties.list_placed(market.scope.guild_id, ANN, is_open=True)
    assert {one.bounty_id for one in stored} == {one.bounty_id for one in placed}
    assert await market.wallets.get_balance(market.scope.guild_id, ANN) == 0


async def test_same_target_placed_many_times_at_once_is_placed_once(market: Market) -> None:
    """A placer has one open bounty on a target, even after many clicks at once."""
    await market.give(ANN, 5000)
    results = await asyncio.gather(
        *(market.place(ANN, "player050", 100) for _ in range(20)), return_exceptions=True
    )
    told = sorted(type(one).__name__ for one in results)
    assert told == ["Bounty", *["NotAllowedError"] * 19]
    assert await market.wallets.get_balance(market.scope.guild_id, ANN) == 4900


async def test_claim_cancel_and_expiry_at_one_moment_have_one_winner(
    market: Market, database: SafeDatabase
) -> None:
    """The first commit gets the bounty, and the money is paid exactly once."""
    guild_id, winners = market.scope.guild_id, []
    await market.give(ANN, 20_000)
    total = 20_000
    for number in range(12):
        victim = f"player{number + 10:03}"
        bounty = await market.place(ANN, victim, 1000)
        due = bounty.expires_at + CLAIM_GRACE + timedelta(seconds=1)

        async def expire(due: datetime = due) -> None:
            market.clock.move((due - market.clock.now()).total_seconds())
            await market.endings.expire_due()

        results = await asyncio.gather(
            market.kill("player001", victim, second=number, read_at=bounty.placed_at),
            market.service.cancel(guild_id, ANN, victim),
            expire(),
            return_exceptions=True,
        )
        assert [one for one in results if one and isinstance(one, Exception)] in (
            [],
            [one for one in results if isinstance(one, NotFoundError)],
        )
        [stored] = await database.unscoped("bounties").find({"bounty_id": bounty.bounty_id}).to_list(None)
        winners.append(stored["state"])
        total += 12 - (100 if stored["state"] == "cancelled" else 0)
        balances = [await market.wallets.get_balance(guild_id, one) for one in (ANN, BOB)]
        assert sum(balances) == total
        rows = (
            await database.unscoped("ledger").find({"key": {"$regex": f":{bounty.bounty_id}$"}}).to_list(None)
        )
        assert len(rows) == 2
    assert set(winners) <= {"claimed", "cancelled", "expired"}
    notices = await database.unscoped("outbox").find({"channel_kind": "bounties"}).to_list(None)
    told = [one["notice"]["event"] for one in sorted(notices, key=lambda one: one["sequence"])]
    assert told.count("placed") == 12
    assert told.count("claimed") == winners.count("claimed")
    assert told.count("expired") == winners.count("expired")


async def test_own_kill_claims_nothing_and_is_told_to_its_placer(market: Market) -> None:
    """The bounty stays open; another member's kill of the same target does not count for them."""
    guild_id = market.scope.guild_id
    await market.give(ANN, 1_000)
    bounty = await market.place(ANN, "player050", 500)
    assert (await market.service.list_own(guild_id, ANN)).own_kills == {}
    await market.kill("player000", "player050", second=1, read_at=bounty.placed_at)
    death = market.make_death(market.scope, "player000", "player050", second=1)
    own = await market.service.list_own(guild_id, ANN)
    assert (own.placed, own.own_kills) == ((bounty,), {bounty.bounty_id: death.at})
    await market.kill("player001", "player050", second=2, read_at=bounty.placed_at)
    own = await market.service.list_own(guild_id, ANN)
    assert ([one.state for one in own.placed], own.own_kills) == ([BountyState.CLAIMED], {})


async def stop(database: SafeDatabase, member_id: MemberId, *, is_stopped: bool) -> None:
    """Stop a wallet as the verification of its ledger does, or let it go on."""
    query, stopped = {"guild_id": 42, "member_id": int(member_id)}, {"is_stopped": is_stopped}
    new = {"$setOnInsert": {"balance": 0, "rows": 0}}
    await database.unscoped("wallets").update_one(query, {"$set": stopped, **new}, upsert=True)


async def test_stopped_wallet_places_nothing_and_gets_neither_claim_nor_refund(
    market: Market, database: SafeDatabase
) -> None:
    """No member loses money: a bounty stays open until the wallet of its hunter, or its placer, goes on."""
    guild_id = market.scope.guild_id
    await market.give(ANN, 2_000)
    bounty = await market.place(ANN, "player050", 500)
    await stop(database, BOB, is_stopped=True)
    await market.kill("player001", "player050", second=1, read_at=bounty.placed_at)
    assert await market.wallets.list_rows(guild_id, BOB, limit=9) == ()
    await stop(database, ANN, is_stopped=True)
    with pytest.raises(NotAllowedError, match="This wallet is stopped"):
        await market.place(ANN, "player051", 500)
    with pytest.raises(NotAllowedError, match="This wallet is stopped"):
        await market.service.cancel(guild_id, ANN, "player050")
    due = bounty.expires_at + CLAIM_GRACE + timedelta(seconds=1)
    market.clock.move((due - market.clock.now()).total_seconds())
    await market.endings.expire_due()
    [stored] = await database.unscoped("bounties").find({}).to_list(None)
    assert (stored["state"], await market.wallets.get_balance(guild_id, ANN)) == ("open", 1_500)
    await stop(database, ANN, is_stopped=False)
    await market.endings.expire_due()
    [stored] = await database.unscoped("bounties").find({}).to_list(None)
    assert (stored["state"], await market.wallets.get_balance(guild_id, ANN)) == ("expired", 2_000)
    await stop(database, BOB, is_stopped=False)
    second = await market.place(ANN, "player052", 500)
    await market.kill("player001", "player052", second=2, read_at=second.placed_at)
    kinds = [row.change.kind for row in await market.wallets.list_rows(guild_id, BOB, limit=9)]
    assert kinds == [LedgerKind.KILL, LedgerKind.BOUNTY_CLAIMED]


async def test_two_hunters_at_one_moment_have_one_winner(market: Market) -> None:
    """Kills from files of two servers never share a bounty; of two transactions, one pays it."""
    await market.give(ANN, 1000)
    bounty = await market.place(ANN, "player077", 1000)
    await asyncio.gather(
        *(
            market.kill("player001", "player077", second=second, read_at=bounty.placed_at)
            for second in range(5)
        )
    )
    rows = await market.wallets.list_rows(market.scope.guild_id, BOB, limit=99)
    claims = [row.change for row in rows if row.change.kind is LedgerKind.BOUNTY_CLAIMED]
    assert [one.amount for one in claims] == [1000]
    assert claims[0].at == START.astimezone(UTC)


async def test_house_targets_are_those_of_the_guild_since_a_moment(
    bounties: BountyRepository, scope: ServerScope, neighbour: ServerScope, stranger: ServerScope
) -> None:
    """Bounties of the bot on any server count, ended or not; those of members and of other guilds do not."""
    house = {"placer_id": None}
    await insert(
        bounties,
        build_bounty(scope, "old", placed_at=START - HOUR, **house),
        build_bounty(neighbour, "new", player_id=HUNTER, **house),
        build_bounty(scope, "by a member", player_id=PlayerId("c" * 32)),
        build_bounty(stranger, "elsewhere", **house),
    )

    def find(unit: MoneyTransaction) -> frozenset[PlayerId]:
        players = [PREY, HUNTER, PlayerId("c" * 32)]
        return unit.find_house_targets(players, since=START - HOUR)

    assert await bounties.in_transaction(scope, find) == {HUNTER}
