"""A small community whose data is right, and faults that are put in below the repositories."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from random import Random
from typing import Any

from simulation.game_host.battle import Battle
from tests.fakes.backups import finish
from utils.composition.verification import build_full_verifier
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.wallets import WalletRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.database.verification.stored_data import StoredData
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.deaths import Death, LogFile
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.money import Change, LedgerKind, LedgerRow
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.models.verification import DeathCounts, VerificationReport
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id
from utils.services.ingestion.generation import count_anew
from utils.services.verification.verifier import DataVerifier

GUILD = GuildId(42)
SERVER = ServerScope(GUILD, ServerId("aaaaaaaa"))
MEMBERS = (MemberId(700), MemberId(701))
DEATHS = 150
NOW = datetime(2025, 6, 1, tzinfo=UTC)
FILE = LogFile("world_0", "2025.05.01-00.00.00.csv")


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
        rows = islice(Battle(self.seed, players=40).rows(), number)
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

    async def pay(self, member_id: MemberId, amount: int, *, key: str) -> None:
        """Book a change of a balance."""

        def describe(row: LedgerRow) -> AuditEntry:
            del row
            return AuditEntry(NOW, None, AuditAction.WALLET, AuditFacts(member_id=member_id))

        wallets = WalletRepository(self.database, fences=unfenced)
        change = Change(member_id, LedgerKind.ADMIN, amount, key, NOW)
        await wallets.book_by_hand(self.scope.guild_id, change, describe)

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
    database: SafeDatabase, expected: DeathCounts | None = None, *, seed: int = 1
) -> VerificationReport:
    """Run the quick verification with a known choice of samples."""
    verifier = DataVerifier(StoredData(database.operations), MIGRATIONS.newest, Random(seed))
    return await database.call(partial(verifier.quick, expected))


async def verify_fully(
    database: SafeDatabase, expected: DeathCounts, *, day: int | None = None
) -> VerificationReport:
    """Run the full verification, in a thread instead of a child process."""
    verifier = build_full_verifier(database.operations, is_gentle=False)
    return await database.call(lambda: finish(verifier.run(expected, day=day)))
