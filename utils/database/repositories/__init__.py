"""Repositories: read and store data; each method takes its scope first."""

from collections.abc import Callable
from dataclasses import dataclass

from utils.database.core.database import Fence, SafeDatabase
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.combat import CombatRepository
from utils.database.repositories.deaths import DeathRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.hunters import HunterRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.repositories.personal_data import PersonalDataRepository
from utils.database.repositories.posted_boards import PostedBoardRepository
from utils.database.repositories.premium import PremiumRepository
from utils.database.repositories.rejected import RejectedLineRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.repositories.wallets import WalletRepository
from utils.models.scope import GuildId
from utils.models.sharding import Sharding


@dataclass(frozen=True, slots=True)
class Repositories:
    """Every repository of guild data over one database."""

    scope_index: ScopeIndexRepository
    guilds: GuildRepository
    servers: GameServerRepository
    ingestion: IngestionRepository
    imports: ImportRepository
    outbox: OutboxRepository
    rejected: RejectedLineRepository
    standings: Standings
    statistics: StatisticsRepository
    premium: PremiumRepository
    audit: AuditRepository
    links: LinkRepository
    wallets: WalletRepository
    bounties: BountyRepository
    hunters: HunterRepository
    combat: CombatRepository
    deaths: DeathRepository
    boards: PostedBoardRepository
    personal_data: PersonalDataRepository
    erasures: ErasureRepository

    @classmethod
    def build(
        cls, database: SafeDatabase, fences: Callable[[GuildId], Fence | None], sharding: Sharding
    ) -> "Repositories":
        """Build them for the guilds of one process.

        Repositories that ingest or deliver check the guild's lease (``fences``) in every transaction.
        """
        standings = Standings(database)
        return cls(
            scope_index=ScopeIndexRepository(database, sharding),
            guilds=GuildRepository(database),
            servers=GameServerRepository(database),
            ingestion=IngestionRepository(database, fences=fences),
            imports=ImportRepository(database, fences=fences),
            outbox=OutboxRepository(database, fences=fences),
            rejected=RejectedLineRepository(database),
            standings=standings,
            statistics=StatisticsRepository(database, standings),
            premium=PremiumRepository(database),
            audit=AuditRepository(database),
            links=LinkRepository(database),
            wallets=WalletRepository(database, fences=fences),
            bounties=BountyRepository(database, fences=fences),
            hunters=HunterRepository(database),
            combat=CombatRepository(database, standings),
            deaths=DeathRepository(database),
            boards=PostedBoardRepository(database),
            personal_data=PersonalDataRepository(database),
            erasures=ErasureRepository(database, fences=fences),
        )
