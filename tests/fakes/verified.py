"""A small community whose data is right, and faults that are put in below the repositories."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from simulation.game_host.battle import Battle
from tests.fakes.backups import build_order, finish
from tests.fakes.clock import FakeClock
from utils.backup.archive import Archive
from utils.backup.taking import take_backup
from utils.clock import SystemClock
from utils.composition.archived_deaths import dump_scopes, find_deaths_in_child, load_deaths
from utils.composition.verification import build_full_verifier
from utils.database.archives.snapshot import SnapshotSource
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import list_kept
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.repositories.factions import FactionRepository
from utils.database.repositories.game_logs import GameLogRepository
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.wallets import WalletRepository
from utils.database.units.faction_unit import FactionTransaction
from utils.database.units.game_log_unit import GameLogTransaction
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.database.verification.repairs import DataRepairs
from utils.database.verification.stored_data import StoredData
from utils.events import EventDispatcher
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.deaths import Death, DeathRow, LogFile
from utils.models.factions import Faction, FactionPeriod
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.links import Link
from utils.models.money import Change, LedgerKind, LedgerRow
from utils.models.presence import LeaveReason, PlaySession
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.verification import (
    ArchivedDeaths,
    DataCheck,
    DeathCounts,
    KeptCommunities,
    VerificationReport,
)
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id
from utils.services.ingestion.generation import count_anew
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.log_source import NoLogs
from utils.services.presence.playtime import build_record
from utils.services.verification.repairs import DataRepair
from utils.services.verification.verifier import DataVerifier

GUILD = GuildId(42)
SERVER = ServerScope(GUILD, ServerId("aaaaaaaa"))
MEMBERS = (MemberId(700), MemberId(701))
DEATHS = 150
NOW = datetime(2025, 6, 1, tzinfo=UTC)
FILE = LogFile("world_0", "2025.05.01-00.00.00.csv")


@cache
def _fight(seed: int, number: int) -> tuple[DeathRow, ...]:
    """Return the first rows of a battle, which take longer to draw than to store."""
    return tuple(islice(Battle(seed, players=40).rows(), number))


def unfenced(guild_id: GuildId) -> None:
    """Return no fence."""
    del guild_id


@dataclass(eq=False)
class Community:
    """A community in a database, for a test that damages it.

    Attributes:
        scope: its game server.
    """

    database: SafeDatabase
    scope: ServerScope = SERVER
    seed: int = 1

    def __post_init__(self) -> None:
        self.ingestion = IngestionRepository(self.database, fences=unfenced)
        self.imports = ImportRepository(self.database, fences=unfenced)
        self.servers = GameServerRepository(self.database)

    async def store(self, *, deaths: int = DEATHS) -> None:
        """Store settings, a game server, deaths with their counters, and two wallets."""
        guild_id = self.scope.guild_id
        before = GuildSettings(guild_id)
        after = GuildSettings(guild_id, channels={ChannelKind.KILLFEED: ChannelId(9)})
        await GuildRepository(self.database).write_settings(guild_id, before, after)
        server = GameServer(self.scope, "One", "127.0.0.1", 22, "renter", EncryptedSecret(b"sealed"))
        await self.servers.insert_server(self.scope, server)
        await self.insert(self.build_deaths(deaths))
        await count_anew(self.imports, self.scope, 0, self.imports.iterate_deaths(self.scope))
        for member_id in MEMBERS:
            for number, amount in enumerate((100, 50, -30)):
                await self.pay(member_id, amount, key=f"{member_id}:{number}")

    def build_deaths(self, number: int) -> list[Death]:
        """Return the first deaths of its log."""
        rows = _fight(self.seed, number)
        prefix = build_scope_prefix(self.scope)
        return [
            Death(compute_death_id(prefix, row), row, row.written_at.replace(tzinfo=UTC), FILE, place * 100)
            for place, row in enumerate(rows)
        ]

    async def insert(self, deaths: list[Death]) -> None:
        """Store deaths without counting them."""

        def insert(unit: IngestionTransaction) -> None:
            unit.insert_deaths(deaths)

        await self.ingestion.in_transaction(self.scope, insert)

    async def play(self, *lengths: timedelta) -> None:
        """Store sessions of one player, one after the other."""
        began = datetime(2025, 5, 1, 12, tzinfo=UTC)
        records = []
        for length in lengths:
            session = PlaySession(
                player_id=PlayerId("a" * 32),
                name="Pike",
                run="run",
                started_at=began,
                ended_at=began + length,
                reason=LeaveReason.QUIT,
            )
            records.append(build_record(self.scope, session, ZoneInfo("UTC")))
            began += length

        def insert(unit: GameLogTransaction) -> None:
            unit.insert_sessions(records)

        await GameLogRepository(self.database, fences=unfenced).in_transaction(self.scope, insert)

    async def pay(self, member_id: MemberId, amount: int, *, key: str) -> None:
        """Book a change of a balance."""

        def describe(row: LedgerRow) -> AuditEntry:
            del row
            return AuditEntry(NOW, None, AuditAction.WALLET, AuditFacts(member_id=member_id))

        wallets = WalletRepository(self.database, fences=unfenced)
        change = Change(member_id, LedgerKind.ADMIN, amount, key, NOW)
        await wallets.book_by_hand(self.scope.guild_id, change, describe)

    async def found_faction(self) -> None:
        """Store a faction with two members, one of whom has two players, and a linked member without one."""
        guild_id, founder = self.scope.guild_id, MEMBERS[0]
        links = LinkRepository(self.database)
        for number, member_id in enumerate((*MEMBERS, founder, MemberId(702))):
            link = Link(guild_id, member_id, PlayerId(f"{number:032}"), "Pike", NOW)
            await links.put_proven(guild_id, link, at=NOW)
        faction = Faction(guild_id, "f1", "Wolves", "woives", "WLF", is_open=True, founded_at=NOW)

        def found(unit: FactionTransaction) -> None:
            unit.insert_faction(faction)
            for member_id in MEMBERS:
                unit.open_period(FactionPeriod("f1", member_id, NOW), faction)

        await FactionRepository(self.database, fences=unfenced).in_transaction(guild_id, found)

    async def list_player_ids(self) -> list[PlayerId]:
        """Return the players of its log."""
        found = await self.database.unscoped("players").distinct(
            "player_id", {"guild_id": self.scope.guild_id}
        )
        return list(map(PlayerId, found))

    async def damage(self, name: str, query: dict[str, Any], update: dict[str, Any]) -> None:
        """Change a document as no repository would."""
        collection = self.database.unscoped(name)
        done = await collection.update_one({"guild_id": int(self.scope.guild_id), **query}, update)
        assert done.modified_count == 1

    async def delete(self, name: str, query: dict[str, Any]) -> None:
        """Delete a document as no repository would."""
        collection = self.database.unscoped(name)
        done = await collection.delete_one({"guild_id": int(self.scope.guild_id), **query})
        assert done.deleted_count == 1


async def verify_quickly(
    database: SafeDatabase, expected: DeathCounts | None = None, kept: KeptCommunities | None = None
) -> VerificationReport:
    """Run the quick verification with a known choice of samples."""
    return await database.call(partial(build_verifier(database).quick, expected, kept))


def build_verifier(database: SafeDatabase) -> DataVerifier:
    """Return the verifier of a database."""
    return DataVerifier(StoredData(database.operations), MIGRATIONS.newest, Random(1))


class RepairShop:
    """Repairs a database: it counts again at once, and finds deaths in an archive of it.

    Attributes:
        archive: a backup of the database; None: there is none.
    """

    def __init__(self, database: SafeDatabase, uri: str, clock: FakeClock) -> None:
        self._database = database
        self._uri = uri
        self.archive: Archive | None = None
        self.imports = ImportRepository(database, fences=unfenced)
        self.repair = DataRepair(
            DataRepairs(database, fences=unfenced),
            recount=self._recount,
            find_deaths=self._find_deaths,
            clock=clock,
        )

    async def take_backup(self, place: Path) -> None:
        """Keep the present data in an archive."""
        source = SnapshotSource(self._database, is_embedded=False)

        def take() -> Archive:
            with source.open() as snapshot:
                order = build_order(collections=list_kept())
                return finish(take_backup(order, snapshot, place, now=SystemClock().now))

        self.archive = await self._database.call(take)

    async def repair_all(self, expected: DeathCounts, before: DataCheck | None = None) -> DataCheck:
        """Verify everything and repair it."""
        return await self.repair.repair(await verify_fully(self._database, expected), before)

    async def _recount(self, scope: ServerScope, entry: AuditEntry) -> None:
        server = await GameServerRepository(self._database).find_server(scope)
        assert server is not None
        job = ImportJob(server.generation, NOW, {})
        await self.imports.begin_import(scope, job, entry=entry)
        ingestion = IngestionRepository(self._database, fences=unfenced)
        history = HistoryImport(ingestion, self.imports, EventDispatcher(), clock=FakeClock(NOW))
        await history.run(server, NoLogs(), job, on_progress=_show_nobody)

    async def _find_deaths(self, scopes: Collection[ServerScope]) -> ArchivedDeaths:
        if self.archive is None:
            return ArchivedDeaths()
        order = {
            "uri": self._uri,
            "database": self._database.name,
            "archive": str(self.archive.path),
            "scopes": dump_scopes(scopes),
        }
        return load_deaths(await self._database.call(lambda: finish(find_deaths_in_child(order))))


async def _show_nobody(progress: ImportProgress) -> None:
    del progress


async def verify_fully(
    database: SafeDatabase,
    expected: DeathCounts,
    kept: KeptCommunities | None = None,
    *,
    day: int | None = None,
) -> VerificationReport:
    """Run the full verification, in a thread instead of a child process."""
    verifier = build_full_verifier(database.operations, is_gentle=False)
    return await database.call(lambda: finish(verifier.run(expected, kept, day=day)))
