"""Servers of several guilds share a transaction: even after errors, the same is stored as by each alone."""

import asyncio
import random
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self, TypeVar

import pytest
from pymongo.client_session import ClientSession

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.deaths import FILE, build_player_id, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, Posted
from tests.fakes.premium import build_premium
from tests.fakes.storage import FakeGuildStore, FakeServerStore
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import INDEXES, ensure_indexes
from utils.database.core.transaction import Transaction
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.units.shared_transaction import SharedTransaction
from utils.errors import CommitUnknownError, CursorMovedError, LeaseLostError
from utils.events import DeathsStored, EventDispatcher
from utils.group_commit import GROUP_SECONDS, PROVEN_AFTER
from utils.models.deaths import DeathRow, LogFile
from utils.models.guilds import GuildSettings
from utils.models.money import BountySettings
from utils.models.reading import Cursor
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.batch_rules import BatchRule, LiveDeaths, RuleOutcome, RuleUnit
from utils.services.ingestion.live import LiveIngestion
from utils.services.money.rewards import KillRewards

T = TypeVar("T")
SCOPES = [
    ServerScope(GuildId(42), ServerId("aaaaaaaa")),
    ServerScope(GuildId(43), ServerId("aaaaaaaa")),
    ServerScope(GuildId(42), ServerId("bbbbbbbb")),
    ServerScope(GuildId(44), ServerId("cccccccc")),
]
FIRST, SECOND, _, LAST = SCOPES
GUILDS = {scope.guild_id for scope in SCOPES}


class NotedRepository(IngestionRepository):
    """A repository that records the guilds of each transaction."""

    def __init__(self, database: SafeDatabase, fence: Fence | None = None) -> None:
        super().__init__(database, fences=lambda guild_id: fence and replace(fence, guild_id=guild_id))
        self.transactions: list[list[GuildId]] = []

    async def in_shared_transaction(
        self, guild_ids: Collection[GuildId], work: Callable[[SharedTransaction], T], *, repeats: bool = True
    ) -> T:
        """Record the guilds, and run the transaction."""
        self.transactions.append(sorted(guild_ids))
        return await super().in_shared_transaction(guild_ids, work, repeats=repeats)

    def take_transactions(self) -> list[list[GuildId]]:
        """Return the guilds of each transaction since the last call."""
        taken, self.transactions = self.transactions, []
        return taken


class Rule:
    """A rule that is the same for every server."""

    async def find_terms(self, scope: ServerScope) -> Self:
        """Return itself."""
        del scope
        return self


class Poison(Rule):
    """A rule that fails at the death of one player."""

    def judge(self, unit: RuleUnit, batch: LiveDeaths) -> RuleOutcome:
        """Fail if that player died."""
        del unit
        if any(death.row.victim_name == "Poison" for death in batch.deaths):
            raise ValueError("nobody thought of it")
        return RuleOutcome()


class Gate(Rule):
    """A rule that holds the thread that judges, until the test opens it."""

    def __init__(self) -> None:
        self.is_open = threading.Event()

    def judge(self, unit: RuleUnit, batch: LiveDeaths) -> RuleOutcome:
        """Wait until the gate is open."""
        del unit, batch
        self.is_open.wait()
        return RuleOutcome()


class MuteDatabase(SafeDatabase):
    """A database that commits, but loses the answers to commits.

    Attributes:
        lost: the number of the next answers that are lost.
        is_final: whether the commit fails then, without a repeat.
    """

    lost = 1
    is_final = False

    def _commit(self, session: ClientSession, deadline: float) -> bool:
        is_committed = super()._commit(session, deadline)
        self.lost, is_lost = max(0, self.lost - 1), self.lost > 0
        if is_lost and self.is_final:
            raise CommitUnknownError("gone")
        return is_committed and not is_lost


class Servers:
    """Game servers of three guilds, polled at the same moments.

    Attributes:
        told: the guild of each new death that was announced to listeners.
    """

    def __init__(
        self, store: NotedRepository, clock: FakeClock, *rules: BatchRule, seconds: float = GROUP_SECONDS
    ) -> None:
        self.store = store
        self.told: list[GuildId] = []
        self._clock = clock
        self._seconds = seconds
        self._logs = {scope: FakeDeathLogs(lines_per_chunk=9) for scope in SCOPES}
        self._cursors: dict[ServerScope, Mapping[LogFile, Cursor]] = {scope: {} for scope in SCOPES}
        events = EventDispatcher()
        events.register(DeathsStored, self._note)
        self._live = LiveIngestion(
            store,
            events,
            clock=clock,
            max_announce_age=timedelta(hours=1),
            rules=rules,
            group_seconds=seconds,
        )

    def _note(self, event: DeathsStored) -> None:
        self.told += [event.scope.guild_id] * len(event.deaths)

    def append(self, scope: ServerScope, *rows: DeathRow) -> None:
        """Add deaths to the log of a server."""
        self._logs[scope].append(FILE, render(*rows))

    async def poll(self, scope: ServerScope) -> int:
        """Poll a server and return the number of new deaths."""
        server = GameServer(scope, "Mirny", "127.0.0.1", 22, "renter", EncryptedSecret(b""))
        try:
            outcome = await self._live.poll(
                server,
                self._logs[scope],
                last_read_at=START,
                find_posted=Posted(server.posted_deaths),
                cursors=self._cursors[scope],
            )
        except CursorMovedError:
            self._cursors[scope] = await self.store.list_cursors(scope)
            raise
        self._cursors[scope] = outcome.cursors
        return outcome.deaths

    def begin(self, scopes: Iterable[ServerScope] = SCOPES) -> list[asyncio.Task[int]]:
        """Begin to poll all these servers."""
        return [asyncio.create_task(self.poll(scope)) for scope in scopes]

    def replace(self, scope: ServerScope, *rows: DeathRow) -> None:
        """Replace the log of a server."""
        self._logs[scope].files[FILE] = render(*rows)

    async def let_window_pass(self) -> None:
        """Wait until the transaction of the present group begins."""
        await self._clock.advance(self._seconds)

    async def poll_together(self, scopes: Iterable[ServerScope] = SCOPES) -> list[int | BaseException]:
        """Poll servers at the same moment, until the batches of all are stored or have failed."""
        polling = self.begin(scopes)
        while not all(task.done() for task in polling):
            await self.let_window_pass()
            await asyncio.wait(polling, timeout=0.01)
        return await asyncio.gather(*polling, return_exceptions=True)


@pytest.fixture(name="store")
def _store(database: SafeDatabase) -> NotedRepository:
    return NotedRepository(database)


@pytest.fixture(name="servers")
def _servers(store: NotedRepository, clock: FakeClock) -> Servers:
    return Servers(store, clock, Poison())


def build_rewards(clock: FakeClock) -> KillRewards:
    """Return the rule about pay, for guilds without automatic bounties."""
    guilds = FakeGuildStore()
    for guild_id in GUILDS:
        guilds.settings[guild_id] = GuildSettings(guild_id, bounties=BountySettings(is_auto=False))
    return KillRewards(SettingsService(guilds, FakeServerStore(), clock=clock), build_premium(4))


async def link(database: SafeDatabase, names: Sequence[str]) -> None:
    """Link the same players to different members in each guild."""
    links = [
        {
            "guild_id": int(guild_id),
            "member_id": int(guild_id) * 100 + place,
            "player_id": build_player_id(name),
            "player_name": name,
            "state": "proven",
        }
        for guild_id in GUILDS
        for place, name in enumerate(names)
    ]
    await database.unscoped("links").insert_many(links)


async def dump(database: SafeDatabase) -> dict[str, list[str]]:
    """Return all stored data without the ids that MongoDB makes."""
    stored: dict[str, list[str]] = {}
    for name in INDEXES:
        documents: list[dict[str, Any]] = await database.unscoped(name).find().to_list(None)
        for document in documents:
            if not isinstance(document["_id"], bytes):
                del document["_id"]
        stored[name] = sorted(repr(document) for document in documents)
    return stored


@pytest.mark.parametrize("seed", range(4))
async def test_several_guilds_together_store_what_each_stores_alone(
    database: SafeDatabase, seed: int
) -> None:
    """Deaths, counters, months, notices, cursors, wallets and ledgers are the same as of a guild alone."""
    stored: list[dict[str, list[str]]] = []
    for is_shared in (True, False):
        chance, clock, store = random.Random(seed), FakeClock(), NotedRepository(database)
        servers = Servers(store, clock, build_rewards(clock), seconds=GROUP_SECONDS * is_shared)
        await link(database, ["Ann", "Bob", "Cid"])
        for turn in range(4):
            for scope in SCOPES:
                for number in range(chance.randrange(4)):
                    killer, victim = chance.sample(["Ann", "Bob", "Cid", "Dan", "Eve"], 2)
                    servers.append(scope, build_row(killer, victim, second=turn * 60 + number))
            for scopes in [SCOPES] if is_shared else [[scope] for scope in SCOPES]:
                await servers.poll_together(scopes)
            clock.move(60 - clock.monotonic() % 60)
        stored.append(await dump(database))
        assert any(len(guilds) > 1 for guilds in store.transactions) == is_shared
        for name in INDEXES:
            await database.unscoped(name).delete_many({})
    together, alone = stored
    assert together == alone
    assert all(together[name] for name in ("kills", "players", "outbox", "wallets", "ledger"))


@pytest.mark.fault
async def test_conflict_of_one_guild_holds_up_no_other(
    database: SafeDatabase, servers: Servers, store: NotedRepository
) -> None:
    """If another transaction holds a document of one guild, only this guild waits."""
    for scope in SCOPES:
        servers.append(scope, build_row("Ann", "Bob"))
    assert await servers.poll_together() == [1, 1, 1, 1]
    held, let_go = threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        transaction.of_server("players", SECOND).update_many({}, {"$set": {"name": "Held"}})
        held.set()
        let_go.wait()

    holding = asyncio.create_task(database.in_transaction(hold))
    await asyncio.to_thread(held.wait)
    store.take_transactions()
    for scope in SCOPES:
        servers.append(scope, build_row("Ann", "Bob", second=1))
    first, second, third, last = servers.begin()
    polling = asyncio.gather(first, third, last)
    await servers.let_window_pass()
    assert await polling == [1, 1, 1]
    assert not second.done()
    assert store.take_transactions() == [[42, 43, 44], [42], [43], [42], [44]]
    let_go.set()
    await holding
    assert await second == 1
    assert sorted(servers.told) == [42] * 4 + [43] * 2 + [44] * 2


@pytest.mark.fault
async def test_poison_of_one_guild_spoils_one_group_of_others(
    servers: Servers, store: NotedRepository
) -> None:
    """A guild with a bad batch is stored alone, until enough of its batches have succeeded."""
    servers.append(SECOND, build_row("Ann", "Poison"))
    for turn in range(3):
        servers.append(FIRST, build_row("Ann", "Bob", second=turn))
        servers.append(LAST, build_row("Ann", "Bob", second=turn))
        first, second, last = await servers.poll_together([FIRST, SECOND, LAST])
        assert (first, type(second), last) == (1, ValueError, 1)
    assert store.take_transactions() == [[42, 43, 44], [42], [43], [44], *2 * [[43], [42, 44]]]
    servers.replace(SECOND, *(build_row("Ann", "Cid", second=turn) for turn in range(9)))
    await servers.poll_together([SECOND])
    for turn in range(PROVEN_AFTER):
        servers.append(SECOND, build_row("Ann", "Cid", second=9 + turn))
        servers.append(LAST, build_row("Ann", "Bob", second=9 + turn))
        store.take_transactions()
        await servers.poll_together([SECOND, LAST])
    assert store.take_transactions() == [[43, 44]]


@pytest.mark.fault
@pytest.mark.parametrize("is_final", [False, True])
async def test_group_whose_commit_has_no_answer_is_stored_once(
    connection: SafeMongoDBConnection, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, *, is_final: bool
) -> None:
    """The commit is repeated. If no answer ever comes, each server finds alone that its cursor has moved."""
    monkeypatch.setattr("utils.database.process.connection.SafeDatabase", MuteDatabase)
    monkeypatch.setattr(MuteDatabase, "is_final", is_final)
    database = await connection.open()
    await ensure_indexes(database)
    servers = Servers(NotedRepository(database), clock)
    for scope in SCOPES:
        servers.append(scope, build_row("Ann", "Bob"))
    outcomes = await servers.poll_together()
    assert [type(one) for one in outcomes] == [CursorMovedError if is_final else int] * len(SCOPES)
    servers.append(LAST, build_row("Ann", "Bob", second=1))
    assert await servers.poll_together() == [0, 0, 0, 1]
    assert await database.unscoped("kills").count_documents({}) == len(SCOPES) + 1
    await database.drop()


@pytest.mark.fault
async def test_nothing_of_a_group_is_stored_when_the_lease_is_lost(
    database: SafeDatabase, clock: FakeClock
) -> None:
    """Each server gets the error, after one more attempt of its own."""
    await database.unscoped("leases").insert_one({"_id": 0, "token": 2})
    store = NotedRepository(database, Fence(shard=0, token=1))
    servers = Servers(store, clock)
    for scope in SCOPES:
        servers.append(scope, build_row("Ann", "Bob"))
    outcomes = await servers.poll_together()
    assert [type(one) for one in outcomes] == [LeaseLostError] * len(SCOPES)
    assert len(store.transactions) == 1 + len(SCOPES)
    assert await database.unscoped("kills").count_documents({}) == 0


@pytest.mark.fault
async def test_whole_group_is_waited_for_when_its_servers_are_stopped(
    store: NotedRepository, clock: FakeClock
) -> None:
    """Servers that are stopped end only after the transaction that runs in the thread."""
    gate = Gate()
    servers = Servers(store, clock, gate)
    for scope in SCOPES:
        servers.append(scope, build_row("Ann", "Bob"))
    polling = servers.begin()
    await servers.let_window_pass()
    for _ in range(2):
        for task in polling:
            task.cancel()
        await settle()
    assert not any(task.done() for task in polling)
    gate.is_open.set()
    await asyncio.wait(polling)
    assert all(task.cancelled() for task in polling)
    for scope in SCOPES:
        assert await store.list_cursors(scope)
