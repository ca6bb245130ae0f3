"""The storage: where it is by the configuration, what guards it, and all that is stored."""

from dataclasses import dataclass

from utils.clock import Clock
from utils.composition.surroundings import ServiceStores
from utils.database.core.database import Fence, SafeDatabase
from utils.database.process.opening import MongoDBPlace
from utils.database.read_models.member_figures import MemberFigures
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.bounty_boards import BountyBoardRepository
from utils.database.repositories.combat import CombatRepository
from utils.database.repositories.deaths import DeathRepository
from utils.database.repositories.erasure_records import ErasureRecordRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.errors import ErrorRepository
from utils.database.repositories.event_posts import EventPostRepository
from utils.database.repositories.faction_figures import FactionFigureRepository
from utils.database.repositories.factions import FactionRepository
from utils.database.repositories.game_logs import GameLogRepository
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.hunters import HunterRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.incidents import IncidentRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.leases import LeaseRepository
from utils.database.repositories.levels import LevelRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.notifications import NotificationRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.repositories.personal_data import PersonalDataRepository
from utils.database.repositories.playtimes import PlaytimeRepository
from utils.database.repositories.posted_boards import PostedBoardRepository
from utils.database.repositories.premium import PremiumRepository
from utils.database.repositories.recaps import RecapRepository
from utils.database.repositories.rejected import RejectedLineRepository
from utils.database.repositories.restart_warnings import RestartWarningRepository
from utils.database.repositories.roles import RoleRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.seasons import SeasonRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository
from utils.database.repositories.wallets import WalletRepository
from utils.database.repositories.xp_events import XpEventRepository
from utils.error_sink import ErrorSink
from utils.models.scope import GuildId
from utils.secret_key import KeyPlace
from utils.services.shards.leases import LeaseHolder
from utils.settings import Settings


def build_place(settings: Settings) -> MongoDBPlace:
    """Return the place of the database, by the configuration."""
    return MongoDBPlace(
        uri=settings.mongodb.uri.get_secret_value(),
        database=settings.mongodb.database,
        data_dir=settings.data_dir,
        mongod_path=settings.mongodb.mongod_path,
    )


def build_key_place(settings: Settings) -> KeyPlace:
    """Return the place of the secret key, by the configuration."""
    return KeyPlace(settings.secret_key.get_secret_value(), settings.data_dir)


def build_leases(
    settings: Settings,
    database: SafeDatabase,
    instance_id: str,
    clock: Clock,
    *,
    errors: ErrorSink | None = None,
) -> LeaseHolder:
    """Return the holder of the leases of the configured shards."""
    sharding = settings.discord.sharding
    store = LeaseRepository(database, shard_count=sharding.count)
    return LeaseHolder(store, sharding=sharding, instance_id=instance_id, clock=clock, errors=errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories(ServiceStores):
    """The storage of the services, and of what runs beside them."""

    scope_index: ScopeIndexRepository
    guilds: GuildRepository
    locales: GuildRepository
    servers: GameServerRepository
    ingestion: IngestionRepository
    game_logs: GameLogRepository
    imports: ImportRepository
    outbox: OutboxRepository
    event_posts: EventPostRepository
    rejected: RejectedLineRepository
    links: LinkRepository
    roles: RoleRepository
    factions: FactionRepository
    boards: PostedBoardRepository
    bounty_boards: BountyBoardRepository
    errors: ErrorRepository
    incidents: IncidentRepository
    restart_warnings: RestartWarningRepository
    seasons: SeasonRepository
    recaps: RecapRepository
    erasure_records: ErasureRecordRepository
    erasures: ErasureRepository
    notifications: NotificationRepository
    standings: Standings
    member_figures: MemberFigures


def build_repositories(settings: Settings, database: SafeDatabase, leases: LeaseHolder) -> Repositories:
    """Return the repositories; those of ingestion and delivery write behind the lease of a guild's shard."""

    def fences(guild_id: GuildId) -> Fence:
        return Fence(*leases.get_token(guild_id), guild_id)

    standings, member_figures = Standings(database), MemberFigures(database)
    scope_index = ScopeIndexRepository(database, settings.discord.sharding)
    statistics = StatisticsRepository(database, standings)
    ingestion = IngestionRepository(database, fences=fences)
    imports = ImportRepository(database, fences=fences)
    guilds = GuildRepository(database)
    return Repositories(
        scope_index=scope_index,
        guilds=guilds,
        locales=guilds,
        servers=GameServerRepository(database),
        cursors=ingestion,
        ingestion=ingestion,
        game_logs=GameLogRepository(database, fences=fences),
        imports=imports,
        caught_up=imports,
        caught_up_guilds=scope_index,
        outbox=OutboxRepository(database, fences=fences),
        event_posts=EventPostRepository(database, fences=fences),
        rejected=RejectedLineRepository(database),
        premium=PremiumRepository(database),
        audit=AuditRepository(database),
        statistics=statistics,
        places=statistics,
        levels=LevelRepository(database, standings, fences=fences),
        xp_events=XpEventRepository(database, fences=fences),
        combat=CombatRepository(database, standings),
        hunters=HunterRepository(database),
        playtimes=PlaytimeRepository(database),
        deaths=DeathRepository(database),
        links=LinkRepository(database),
        roles=RoleRepository(database, fences=fences),
        factions=FactionRepository(database, fences=fences),
        faction_days=FactionFigureRepository(database, member_figures),
        wallets=WalletRepository(database, fences=fences),
        bounties=BountyRepository(database, fences=fences),
        due_bounties=scope_index,
        boards=PostedBoardRepository(database),
        bounty_boards=BountyBoardRepository(database),
        errors=ErrorRepository(database),
        incidents=IncidentRepository(database),
        restart_warnings=RestartWarningRepository(database, fences=fences),
        seasons=SeasonRepository(database, fences=fences),
        moving_seasons=scope_index,
        recaps=RecapRepository(database, fences=fences),
        due_recaps=scope_index,
        erasure_records=ErasureRecordRepository(database),
        standings=standings,
        member_figures=member_figures,
        personal_data=PersonalDataRepository(database),
        erasures=ErasureRepository(database, fences=fences),
        notifications=NotificationRepository(database, fences=fences),
    )
