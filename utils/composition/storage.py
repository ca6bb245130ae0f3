"""Builds the storage: its place by the configuration, its guards, and the repositories."""

from utils.clock import Clock
from utils.composition.services import ServiceStores
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.process.opening import MongoDBPlace
from utils.database.repositories import Repositories
from utils.database.repositories.leases import LeaseRepository
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


def build_upgrade(settings: Settings, database: SafeDatabase, instance_id: str, clock: Clock) -> DataUpgrade:
    """Return the upgrade of data of an older version."""
    store = LeaseRepository(database, shard_count=settings.discord.sharding.count)
    return DataUpgrade(database, store, instance_id=instance_id, clock=clock)


def build_leases(settings: Settings, database: SafeDatabase, instance_id: str, clock: Clock) -> LeaseHolder:
    """Return the holder of the leases of the configured shards."""
    sharding = settings.discord.sharding
    store = LeaseRepository(database, shard_count=sharding.count)
    return LeaseHolder(store, sharding=sharding, instance_id=instance_id, clock=clock)


def build_repositories(settings: Settings, database: SafeDatabase, leases: LeaseHolder) -> Repositories:
    """Return the repositories; those of ingestion and delivery write behind the lease of a guild's shard."""

    def build_fence(guild_id: GuildId) -> Fence:
        return Fence(*leases.get_token(guild_id), guild_id)

    return Repositories.build(database, build_fence, settings.discord.sharding)


def choose_stores(repositories: Repositories) -> ServiceStores:
    """Return the repositories for the services."""
    return ServiceStores(
        guilds=repositories.guilds,
        servers=repositories.servers,
        cursors=repositories.ingestion,
        imports=repositories.imports,
        rejected=repositories.rejected,
        premium=repositories.premium,
        audit=repositories.audit,
        names=repositories.statistics,
        statistics=repositories.statistics,
        combat=repositories.combat,
        enmities=repositories.combat,
        hunters=repositories.hunters,
        deaths=repositories.deaths,
        links=repositories.links,
        wallets=repositories.wallets,
        bounties=repositories.bounties,
        due_bounties=repositories.scope_index,
        personal_data=repositories.personal_data,
        erasures=repositories.erasures,
    )
