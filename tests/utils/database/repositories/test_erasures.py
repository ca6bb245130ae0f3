"""Erasures on a real database: figures against a count by hand, crashes, imports, all that names a person."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import build_player_id, build_row, render
from tests.fakes.errors import FakeErrorStore
from tests.fakes.examples import choose_examples
from tests.fakes.gate import Gate
from tests.fakes.ingestion import FakeDeathLogs, Posted
from tests.fakes.links import FakeAuditLog
from tests.fakes.personal import FakeErasureRecords, build_erasure_log
from tests.fakes.roles import FakeMemberRoles
from tests.utils.database.repositories.test_recount import FILE, count_server
from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.audit_documents import AUDIT
from utils.database.documents.death_documents import read_death
from utils.database.documents.player_documents import read_days, read_month, read_player
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.combat import CombatRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.units.erasure_unit import ErasureTransaction
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.database.units.money_unit import MoneyTransaction
from utils.embeds.audit_wording import describe_facts
from utils.errors import StorageConflictError, StorageUnavailableError
from utils.events import EventDispatcher, PlayerErased
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.deaths import DeathKind, DeathRow
from utils.models.links import Link, LinkState, ProofAttempts, ProofWindow
from utils.models.money import Bounty, BountyEnd, BountyState, Change, LedgerKind
from utils.models.notices.deaths import DeathNotice
from utils.models.personal import Holdings, Person
from utils.models.players import Counters, NamedCount, NamedPlayer, sum_counters
from utils.models.reading import CaughtUp, ImportJob, RejectedLine
from utils.models.rejections import RejectionReason
from utils.models.scope import (
    ERASED_MEMBER_ID,
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    MemberId,
    PlayerId,
    ServerScope,
)
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.statistics import CoveredDeaths
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.personal.erasure import ErasurePlan, ErasureService
from utils.services.personal.people import PersonFinder

T = TypeVar("T")

NOW = datetime(2025, 5, 2, tzinfo=UTC)
ADMIN, OWNER, OTHER = MemberId(70007), MemberId(80008), MemberId(90009)
NAMES = ("Anna", "Bert", "Carl", "Dora")
WOLF = build_player_id("Wolf")
OTHER_ID = build_player_id("Bert")


class ProcessEndedError(StorageUnavailableError):
    """Simulates the end of the process."""


class FragileErasures(ErasureRepository):
    """Storage that dies after some of its transactions; None: never."""

    left: int | None = None

    async def in_transaction(self, scope: ServerScope, work: Callable[[ErasureTransaction], T]) -> T:
        """Run the work, unless the simulated crash is due."""
        if self.left == 0:
            raise ProcessEndedError("gone")
        if self.left is not None:
            self.left -= 1
        return await super().in_transaction(scope, work)


class Place:
    """One game server of a guild with its logs, which the bot reads and erases from.

    Attributes:
        read_events: dispatches the events of reading.
    """

    def __init__(self, database: SafeDatabase, scope: ServerScope, *, timezone: str = "UTC") -> None:
        self.timezone = timezone
        self.database, self.scope = database, scope
        self.store = FragileErasures(database, fences=lambda _: None)
        self.ingestion = IngestionRepository(database, fences=lambda _: None)
        self.imports = ImportRepository(database, fences=lambda _: None)
        self.logs = FakeDeathLogs(lines_per_chunk=5)
        self.logs.append(FILE, b"")
        self.clock, self.audit, self.told = FakeClock(NOW), FakeAuditLog(), []  # type: ignore[var-annotated]
        self.events, self.records = EventDispatcher(), FakeErasureRecords()
        self.read_events = EventDispatcher()
        self.events.register(PlayerErased, self._hear)
        self.service = ErasureService(
            self.store,
            PersonFinder(NoLinks(), NoNames(), clock=FakeClock()),
            audit=self.audit,
            events=self.events,
            memory=FakeErrorStore(),
            roles=FakeMemberRoles(),  # type: ignore[arg-type] # takes none
            log=build_erasure_log(self.clock, self.records),
            clock=self.clock,
            deaths_at_once=3,
        )

    def _hear(self, event: PlayerErased) -> None:
        self.told.append(event)

    async def open(self) -> "Place":
        """Add the server."""
        server = GameServer(self.scope, "North", "127.0.0.1", 22, "renter", EncryptedSecret(b"sealed"))
        server = replace(server, timezone=self.timezone)
        await GameServerRepository(self.database).insert_server(self.scope, server)
        return self

    async def find_server(self) -> GameServer:
        """Return the server as it is now."""
        server = await GameServerRepository(self.database).find_server(self.scope)
        assert server is not None
        return server

    async def write(self, rows: list[DeathRow]) -> None:
        """Write rows like the game, and read them."""
        for row in rows:
            self.logs.append(FILE, render(row))
        live = LiveIngestion(
            self.ingestion,
            self.read_events,
            clock=self.clock,
            group_seconds=0,
            max_announce_age=timedelta(hours=1),
        )
        await live.poll(await self.find_server(), self.logs, last_read_at=None, find_posted=Posted())

    async def prepare_import(self) -> tuple[HistoryImport, ImportJob]:
        """Begin a new import of the history."""
        history = HistoryImport(self.ingestion, self.imports, EventDispatcher(), clock=self.clock)
        job = await history.prepare(await self.find_server(), self.logs)
        return history, job

    async def import_again(self) -> None:
        """Read the whole history again."""
        history, job = await self.prepare_import()
        await history.run(await self.find_server(), self.logs, job, on_progress=_show_nobody)

    async def erase(self, *names: str, member_id: MemberId | None = None, is_asker: bool = False) -> int:
        """Erase players, and a member with them."""
        players = tuple(NamedPlayer(build_player_id(name), name) for name in names)
        person = Person(self.scope.guild_id, member_id, players, is_asker=is_asker)
        return (await self.service.erase(ErasurePlan(person, Holdings()), actor_id=ADMIN)).deaths

    async def read(self, name: str, **query: object) -> list[Document]:
        """Return the guild's documents of a collection."""
        own = {"guild_id": int(self.scope.guild_id), **query}
        return await self.database.unscoped(name).find(own).to_list(None)

    async def assert_figures_agree(self) -> None:
        """Check that players, days and months of the shown generation equal a count of the stored deaths."""
        deaths = sorted(map(read_death, await self.read("kills")), key=lambda death: death.order)
        rows = [death.row for death in deaths]
        generation = (await self.find_server()).generation
        players = [read_player(one) for one in await self.read("players", generation=generation)]
        figures = count_server(rows, None)
        assert {one.player_id: (one.name, one.counters, one.current_streak) for one in players} == {
            key: (own.name, own.counters, own.streak) for key, own in figures.items()
        }
        counting = Counting()
        for death in deaths:
            counting.add(death)
        recent = {player.player_id: player.recent for player in counting.freeze_players()}
        assert {player.player_id: player.recent for player in players} == recent
        buckets = await self.read("player_days", generation=generation)
        days = [day for bucket in buckets for day in read_days(bucket)]
        assert {player.player_id for player in days} == set(figures)
        for player_id, own in figures.items():
            summed = sum_counters(day.counters for day in days if day.player_id == player_id)
            assert summed == own.counters
        months = [read_month(one) for one in await self.read("server_months", generation=generation)]
        kills = sum(row.kind.is_kill for row in rows)
        assert sum(sum(month.hours) for month in months) == kills
        assert sum(count.kills for player in players for count in player.weapons) == kills


class NoLinks:
    """A link store without links."""

    async def list_players(self, guild_id: GuildId, member_id: MemberId) -> tuple[()]:
        """Return no players."""
        del guild_id, member_id
        return ()


class NoNames:
    """A player index without players."""

    async def resolve(self, guild_id: GuildId, text: str) -> Any:
        """Raise; no test calls it."""
        raise NotImplementedError


async def _show_nobody(_progress: object) -> None:
    """Show no progress."""


def build_battle(rng: random.Random, count: int, *, first: int = 0) -> list[DeathRow]:
    """Return rows of four players with different seconds, some of them out of order."""
    rows = []
    for number in range(first, first + count):
        killer, victim = rng.sample(NAMES, 2)
        kind = rng.choice([DeathKind.KILL] * 4 + list(DeathKind))
        killer = "" if kind is DeathKind.UNKNOWN else victim if kind.is_suicide else killer
        rows.append(build_row(killer, victim, second=number * 7 + rng.choice([0, 86_400]), kind=kind))
    for place in range(0, len(rows) - 4, 9):
        rows[place], rows[place + 3] = rows[place + 3], rows[place]
    return rows


@pytest.fixture(name="place")
async def _place(database: SafeDatabase, scope: ServerScope) -> Place:
    return await Place(database, scope).open()


@pytest.mark.parametrize("seed", range(choose_examples(quick=2, deep=12)))
async def test_figures_are_a_count_of_the_deaths_whatever_happens(place: Place, seed: int) -> None:
    """The figures stay right after random battles, erasures, crashes, imports and repeated rows."""
    rng, written = random.Random(seed), 0
    for _ in range(7):
        batch = build_battle(rng, rng.randint(5, 25), first=written)
        written += len(batch)
        await place.write(batch)
        name = rng.choice(NAMES)
        place.store.left = rng.choice([None, 2, 3, 4])
        deaths = len(await place.read("kills"))
        try:
            await place.erase(name)
        except ProcessEndedError:
            await place.assert_figures_agree()
            place.store.left = None
            await place.erase(name)
        player_id = build_player_id(name)
        assert await place.read("players", player_id=player_id) == []
        assert await place.read("player_days", player_id=player_id) == []
        assert await place.read("kills", killer_id=player_id) == []
        assert await place.read("kills", victim_id=player_id) == []
        if rng.random() < 0.4:
            await place.import_again()
        assert len(await place.read("kills")) == deaths == written
        await place.assert_figures_agree()
    assert await place.read("kills", killer_id=ERASED_PLAYER_ID, victim_id=ERASED_PLAYER_ID) != []


async def test_erasure_counts_those_anew_who_killed_the_erased_player_too_often(place: Place) -> None:
    """Kills of erased players always give XP; each such killer has a step, and their level stays silent."""
    rows = [build_row("Anna", "Bert", second=second, distance=0) for second in range(8)]
    rows += [build_row("Carl", "Bert", second=second, distance=0) for second in range(8, 11)]
    await place.write(rows)
    own = {"guild_id": int(place.scope.guild_id), "member_id": 1}
    link = {**own, "player_id": build_player_id("Anna"), "state": "proven", "is_main": True}
    await place.database.unscoped("links").insert_one(link)
    await place.database.unscoped("levels").insert_one({**own, "level": 0, "is_told": False, "basis": "x"})
    assert await place.erase("Bert") == 11
    await place.assert_figures_agree()
    players = {one["player_id"]: one["counters"]["xp"] for one in await place.read("players")}
    assert (players[build_player_id("Anna")], players[build_player_id("Carl")]) == (80, 30)
    [level] = await place.read("levels")
    assert level["basis"] == ""


async def test_class_of_a_death_stays_when_both_sides_are_erased(place: Place) -> None:
    """A kill between erased players is not a suicide.

    Names and platforms are deleted, ids of rows are not.
    """
    row = build_row("Anna", "Bert")._replace(killer_platform="PS5", victim_platform="XSX")
    await place.write([row])
    [before] = await place.read("kills")
    assert [await place.erase("Anna"), await place.erase("Bert"), await place.erase("Bert")] == [1, 1, 0]
    [after] = await place.read("kills")
    sides = {f"{side}_id": ERASED_PLAYER_ID for side in ("killer", "victim")}
    sides |= {f"{side}_name": ERASED_NAME for side in ("killer", "victim")}
    gone = {"killer_platform", "victim_platform"}
    assert after == {key: value for key, value in (before | sides).items() if key not in gone}
    [player] = await place.read("players")
    assert read_player(player).counters == Counters(1, 1, 0, 120, 120, 1, 22)
    assert place.told == [PlayerErased(guild_id=place.scope.guild_id)] * 3


async def test_figures_agree_when_the_player_goes_on_playing_meanwhile(place: Place) -> None:
    """Ingestion and an erasure run at the same time; later deaths begin a new record."""
    rng = random.Random(5)
    await place.write(build_battle(rng, 40))
    batches = [build_battle(rng, 10, first=40 + 10 * number) for number in range(6)]

    async def play() -> None:
        for batch in batches:
            await place.write(batch)

    await asyncio.gather(play(), place.erase("Anna"), place.erase("Bert"))
    await place.assert_figures_agree()
    assert len(await place.read("kills")) == 100
    await place.erase("Anna")
    await place.assert_figures_agree()
    assert await place.read("players", player_id=build_player_id("Anna")) == []


async def test_import_that_counts_meanwhile_counts_again(place: Place) -> None:
    """The import's earlier counts are not used; it counts again, with the changed deaths."""
    await place.write(build_battle(random.Random(1), 30))
    history, job = await place.prepare_import()
    erased: list[int] = []

    class LateImports(ImportRepository):
        async def finish_import(
            self,
            scope: ServerScope,
            job: ImportJob,
            *,
            caught_up: CaughtUp | None = None,
            left_out: ImportJob | None = None,
        ) -> None:
            if not erased:
                erased.append(await place.erase("Anna"))
            await super().finish_import(scope, job, caught_up=caught_up, left_out=left_out)

    history._imports = LateImports(place.database, fences=lambda _: None)
    with pytest.raises(StorageConflictError, match="not under way"):
        await history.run(await place.find_server(), place.logs, job, on_progress=_show_nobody)
    assert {one["generation"] for one in await place.read("players")} == {0}
    again = await place.imports.find_import(place.scope)
    assert again is not None
    await history.run(await place.find_server(), place.logs, again, on_progress=_show_nobody)
    assert (await place.find_server()).generation > again.generation > job.generation
    await place.assert_figures_agree()
    assert await place.read("players", player_id=build_player_id("Anna")) == []


async def test_other_guild_with_the_same_server_keeps_its_data(
    place: Place, database: SafeDatabase, stranger: ServerScope
) -> None:
    """The erasure changes no document of the other guild."""
    other = await Place(database, stranger).open()
    battle = build_battle(random.Random(2), 30)
    for one in (place, other):
        await one.write(battle)
        await fill(one)
    names = ("kills", "players", "player_days", "server_months", "rejected_lines", "outbox")
    names += ("links", "proof_attempts", "wallets", "ledger", "bounties", "audit", "cursors")
    before = {name: await other.read(name) for name in names}
    await place.erase("Wolf", "Anna", member_id=OWNER, is_asker=True)
    assert {name: await other.read(name) for name in names} == before
    assert all(before.values())


async def book(place: Place, change: Change) -> None:
    """Book a change of a wallet."""
    bounties = BountyRepository(place.database, fences=lambda _: None)
    await bounties.in_transaction(place.scope, lambda unit: unit.book(change))


async def fill(place: Place) -> None:
    """Store one document of every kind that names a member and their player."""
    guild_id, database = place.scope.guild_id, place.database
    links, audit = LinkRepository(database), AuditRepository(database)
    bounties = BountyRepository(database, fences=lambda _: None)
    await place.write([build_row("Wolf", "Anna", second=900), build_row("Anna", "Wolf", second=901)])
    await links.put_proven(guild_id, Link(guild_id, OWNER, WOLF, "Wolf", NOW), at=NOW)
    window = (ProofWindow(NOW, NOW),)
    await links.put_pending(guild_id, Link(guild_id, OTHER, WOLF, "Wolf", NOW, windows=window))
    await links.put_attempts(guild_id, WOLF, ProofAttempts(1, NOW, NOW))
    await links.put_proven(guild_id, Link(guild_id, OTHER, build_player_id("Bert"), "Bert", NOW), at=NOW)
    for member_id in (OWNER, OTHER):
        await book(place, Change(member_id, LedgerKind.ADMIN, 1000, f"admin:{member_id}", NOW))
    killed = Change(OTHER, LedgerKind.KILL, 12, "kill:00", NOW, "Wolf", WOLF, NOW)
    await book(place, killed)

    def place_bounties(unit: Any) -> None:
        for name, target, placer, amount in (
            ("lost", "Wolf", OTHER, 100),
            ("on wolf", "Wolf", OTHER, 300),
            ("by owner", "Dora", OWNER, 200),
            ("won", "Carl", OTHER, 50),
        ):
            player_id = build_player_id(target)
            bounty = Bounty(
                place.scope, name, player_id, target, amount, placer, NOW, NOW + timedelta(days=1)
            )
            unit.book(Change(placer, LedgerKind.BOUNTY_PLACED, -amount, f"hold:{name}", NOW, target))
            unit.insert_bounty(bounty)
            if name == "lost":
                end = BountyEnd(BountyState.CLAIMED, NOW, ADMIN, build_player_id("Carl"), "Carl")
                unit.close_bounty(bounty, end)
            if name == "won":
                unit.close_bounty(bounty, BountyEnd(BountyState.CLAIMED, NOW, OWNER, WOLF, "Wolf"))

    await bounties.in_transaction(place.scope, place_bounties)
    notice = DeathNotice(
        event_id=b"n",
        kind=DeathKind.KILL,
        server_name="North",
        killer_name="Wolf",
        victim_name="Anna",
        weapon="Mosin",
        distance=5,
        at=NOW,
        killer_kills=1,
        killer_deaths=0,
        killer_streak=1,
    )

    def note(unit: IngestionTransaction) -> None:
        unit.append_notices([notice], created_at=NOW)
        logged = (f"x;Wolf;{WOLF.upper()};y", f"Wolf2;{OTHER_ID};Wol;{WOLF[:-1]};", "z")
        lines = [
            RejectedLine(FILE, number, line, RejectionReason.EMPTY.say(), NOW)
            for number, line in enumerate(logged)
        ]
        unit.insert_rejected(lines)

    await place.ingestion.in_transaction(place.scope, note)
    facts = AuditFacts(member_id=OWNER, player_id=WOLF, player_name="Wolf")
    removed = replace(facts, member_id=OTHER, changes=(FieldChange("state", "pending"),))
    gift = AuditFacts(
        member_id=OTHER, changes=(FieldChange("balance", 0, 5),), reason=f"for <@!{OWNER}>'s Wolf"
    )
    for action, told, actor in (
        (AuditAction.LINK_ASK, facts, OWNER),
        (AuditAction.LINK_CONFIRM, facts, ADMIN),
        (AuditAction.ROLE, AuditFacts(changes=(FieldChange("admin_role_id", 7, 5),)), OWNER),
        (AuditAction.LINK_REMOVE, removed, ADMIN),
        (AuditAction.WALLET, gift, OWNER),
    ):
        await audit.insert_entry(guild_id, AuditEntry(NOW, actor, action, told))


async def test_nothing_names_the_person_afterwards_and_what_others_have_stays(place: Place) -> None:
    """Names, ids and money of the person are deleted; their changes as an admin stay."""
    await fill(place)
    await place.erase("Wolf", member_id=OWNER, is_asker=True)
    names = ("kills", "players", "player_days", "outbox", "links", "wallets", "ledger")
    for name in (*names, "bounties"):
        stored = repr(await place.read(name))
        assert ("Wolf" in stored, WOLF in stored, str(OWNER) in stored) == (False, False, False), name
    changes = [AUDIT.read(one) for one in await place.read("audit")]
    assert sorted((one.action, one.actor_id, str(describe_facts(one))) for one in changes) == [
        ("link ask", ERASED_MEMBER_ID, f"an erased member asked to be linked to {ERASED_NAME}"),
        ("link confirm", ADMIN, f"an erased member linked to {ERASED_NAME}"),
        ("link remove", ADMIN, f"<@{OTHER}> unlinked from {ERASED_NAME} (was not proven)"),
        ("role", OWNER, "<@&7> → <@&5>"),
        ("wallet", OWNER, f"<@{OTHER}>: +5 emeralds (now 5): for an erased member's Wolf"),
    ]
    assert place.audit.written == [
        (place.scope.guild_id, None, "data erase", "a member, on their own request")
    ]
    kept = [one["line"] for one in await place.read("rejected_lines")]
    assert kept == [f"Wolf2;{OTHER_ID};Wol;{WOLF[:-1]};", "z"]
    [notice] = await place.read("outbox")
    assert (notice["notice"]["killer_name"], notice["notice"]["victim_name"]) == (ERASED_NAME, "Anna")
    assert [(one["member_id"], one["player_name"]) for one in await place.read("links")] == [(OTHER, "Bert")]


async def test_no_money_is_made_by_an_erasure(place: Place) -> None:
    """Others get refunds for bounties on the player; what the member held is deleted with the wallet."""
    await fill(place)
    await place.erase("Wolf", member_id=OWNER, is_asker=True)
    [wallet] = await place.read("wallets")
    rows = await place.read("ledger")
    assert (wallet["member_id"], wallet["balance"]) == (OTHER, 1000 + 12 - 300 - 100 - 50 + 300)
    assert sum(row["amount"] for row in rows) == wallet["balance"]
    assert {one["bounty_id"]: (one["state"], one["placer_id"]) for one in await place.read("bounties")} == {
        "on wolf": ("withdrawn", OTHER),
        "by owner": ("withdrawn", None),
        "lost": ("claimed", OTHER),
        "won": ("claimed", OTHER),
    }
    refund = next(row for row in rows if row["key"] == "refund:on wolf")
    assert (refund["kind"], refund["amount"], refund["note"]) == ("bounty withdrawn", 300, ERASED_NAME)
    await place.erase("Wolf", member_id=OWNER, is_asker=True)
    assert await place.read("ledger") == rows


async def test_kill_that_is_paid_at_the_same_moment_leaves_no_wallet(place: Place) -> None:
    """The payment has found the link. It runs again and finds none."""
    guild_id, gate, runs = place.scope.guild_id, Gate(), 0
    await LinkRepository(place.database).put_proven(
        guild_id, Link(guild_id, OWNER, WOLF, "Wolf", NOW), at=NOW
    )

    def pay(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        money = MoneyTransaction(transaction, place.scope)
        members = money.find_members([WOLF])
        gate.wait()
        for member_id in members.values():
            money.book(Change(member_id, LedgerKind.KILL, 12, "kill:00", NOW))

    paying = asyncio.create_task(place.database.in_transaction(pay))
    await gate.reached()
    await place.store.delete_member(guild_id, OWNER, at=NOW)
    gate.open()
    await paying
    assert (runs, await place.read("wallets"), await place.read("ledger")) == (2, [], [])


async def test_bounty_of_an_erased_member_cannot_be_paid_back_or_claimed(place: Place) -> None:
    """A payment that found the bounty open before the erasure does not succeed."""
    await fill(place)
    bounties = BountyRepository(place.database, fences=lambda _: None)
    [standing] = await bounties.list_placed(place.scope.guild_id, OWNER, is_open=True)
    await place.erase("Wolf", member_id=OWNER, is_asker=True)

    def end(unit: Any) -> list[bool]:
        states = (BountyState.EXPIRED, BountyState.CLAIMED, BountyState.CANCELLED)
        return [unit.close_bounty(standing, BountyEnd(state, NOW, OTHER)) for state in states]

    assert await bounties.in_transaction(place.scope, end) == [False, False, False]


async def test_long_ledger_is_deleted_in_parts(place: Place) -> None:
    """The wallet stays until its last ledger rows are deleted, and the balance never becomes negative."""
    guild_id = place.scope.guild_id
    for number in range(7):
        await book(place, Change(OWNER, LedgerKind.ADMIN, 1, f"admin:{number}", NOW))
    parts = [await place.store.delete_ledger_rows(guild_id, OWNER, limit=3) for _ in range(3)]
    assert parts == [True, True, False]
    assert [row["number"] for row in await place.read("ledger")] == [7]
    await place.store.delete_member(guild_id, OWNER, at=NOW)
    assert (await place.read("ledger"), await place.read("wallets")) == ([], [])


async def test_alt_becomes_main_when_the_player_of_the_main_is_erased(place: Place) -> None:
    """An admin erases a player on request; the member keeps the other link."""
    guild_id, links = place.scope.guild_id, LinkRepository(place.database)
    for name in ("Wolf", "Anna", "Bert"):
        at = NOW + timedelta(minutes=len(name) + ord(name[0]) % 7)
        await links.put_proven(guild_id, Link(guild_id, OWNER, build_player_id(name), name, NOW), at=at)
    main = (await links.list_of_member(guild_id, OWNER))[0].player_name
    await place.erase(main)
    left = await links.list_of_member(guild_id, OWNER)
    assert [link.is_main for link in left] == [True, False]
    assert {link.player_name for link in left} == {"Wolf", "Anna", "Bert"} - {main}
    assert {link.state for link in left} == {LinkState.PROVEN}
    assert place.audit.written[-1] == (guild_id, ADMIN, "data erase", "a player, by an admin")


async def test_erased_players_are_offered_nowhere_and_ranked_nowhere(
    place: Place, statistics: StatisticsRepository
) -> None:
    """Erased players share one name and have no rank; their kills still count for the server."""
    await place.write([build_row("Anna", "Bert", second=number) for number in range(5)])
    await place.write([build_row("Carl", "Dora", second=10)])
    await place.erase("Anna")
    guild_id, server_ids = place.scope.guild_id, [place.scope.server_id]
    known = await statistics.list_known_players(guild_id)
    assert {player.name for player in known} == {"Bert", "Carl", "Dora"}
    assert await statistics.search_players(guild_id, "erased", limit=5) == ()
    assert {one.name for one in await statistics.search_players(guild_id, "", limit=5)} == {
        "Bert",
        "Carl",
        "Dora",
    }
    for since in (None, datetime(2025, 4, 1).date()):  # noqa: DTZ001 - a day of the game's calendar
        board = await statistics.list_board(
            CoveredDeaths(guild_id, server_ids, since=since),
            board="kills",
            minimum_kills=0,
            limit=9,
            offset=0,
        )
        assert [(row.rank, row.name) for row in board.rows] == [(1, "Carl")]
        combat = CombatRepository(place.database, Standings(place.database))
        [weapon] = await combat.list_weapons(CoveredDeaths(guild_id, server_ids, since=since))
        assert weapon.kills == 6
        # the table of a period has them already
        best = {"Mosin": NamedCount(weapon.best_name, weapon.best_kills)}
        if since is None:
            best = dict(await combat.find_best_users(CoveredDeaths(guild_id, server_ids), ["Mosin"]))
        assert best == {"Mosin": NamedCount("Carl", 1)}
    stats = await statistics.find_stats(CoveredDeaths(guild_id, server_ids), [build_player_id("Carl")])
    assert stats is not None
    assert (stats.rank, stats.ranked) == (1, 1)
    bert = await statistics.find_stats(CoveredDeaths(guild_id, server_ids), [build_player_id("Bert")])
    assert bert is not None
    assert bert.nemesis is not None
    assert (bert.nemesis.name, bert.nemesis.count, bert.counters.deaths) == (ERASED_NAME, 5, 5)


async def test_kept_statistics_of_a_removed_server_are_erased_too(place: Place) -> None:
    """The server is not read any more, but its counters are still summed and have names."""
    await place.write([build_row("Anna", "Bert")])
    await GameServerRepository(place.database).mark_removed(place.scope, keep_stats=True, at=START)
    assert await place.erase("Anna") == 1
    assert {one["name"] for one in await place.read("players")} == {ERASED_NAME, "Bert"}


async def test_fingerprints_give_away_what_compliance_says_and_to_nobody_else(place: Place) -> None:
    """A list of ids finds the erased player's deaths by trying each id; no other id fits."""
    rows = [build_row("Wolf", "Anna", second=1), build_row("Bert", "Wolf", second=2)]
    await place.write(rows)
    await place.erase("Wolf")
    prefix = build_scope_prefix(place.scope)
    listed = [build_player_id(name) for name in ("Carl", "Wolf", "Dora")]
    found: list[tuple[PlayerId, ...]] = []
    for document in await place.read("kills"):
        row = read_death(document).row
        sides = [side for side in ("killer_id", "victim_id") if getattr(row, side) == ERASED_PLAYER_ID]
        tried = {one: row._replace(**{side: one}) for side in sides for one in listed}
        found.append(tuple(one for one in tried if compute_death_id(prefix, tried[one]) == document["_id"]))
    assert found == [(WOLF,), (WOLF,)]
    said = " ".join((Path(__file__).parents[4] / "COMPLIANCE.md").read_text().split())
    assert "can try each id, and find out which player had which deaths of “erased player”" in said
    assert "nothing is kept by which the bot could know them" not in said
