"""Builds the services about game servers, and about the settings of guilds."""

from utils.composition.surroundings import GuildServices, ServiceStores, Surroundings
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.ingestion.catch_up_reports import CatchUpReports
from utils.services.servers.game_servers import GameServerService
from utils.services.servers.server_changes import ServerChangeService
from utils.services.world.event_changes import EventChangeService


def build_servers(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> GameServerService:
    """Return the rules about game servers."""
    return GameServerService(
        stores.servers,
        stores.rejected,
        settings=guild.settings,
        premium=guild.premium,
        encryption=around.encryption,
        checker=around.checker,
        places=guild.places,
        logs=around.logs,
        history=around.history,
        loops=around.loops,
        events=around.events,
        audit=guild.audit,
        clock=around.clock,
    )


def build_server_changes(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, servers: GameServerService
) -> ServerChangeService:
    """Return the rules about changes of game servers."""
    return ServerChangeService(
        servers,
        stores.servers,
        stores.imports,
        settings=guild.settings,
        premium=guild.premium,
        encryption=around.encryption,
        checker=around.checker,
        places=guild.places,
        host_keys=around.host_keys,
        loops=around.loops,
        audit=guild.audit,
    )


def build_guild_changes(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, servers: GameServerService
) -> GuildChangeService:
    """Return the rules about changes of a guild's settings."""
    return GuildChangeService(
        guild.settings,
        servers,
        guilds=stores.guilds,
        channels=stores.servers,
        premium=guild.premium,
        audit=guild.audit,
        events=around.events,
    )


def build_event_changes(
    stores: ServiceStores,
    guild: GuildServices,
    around: Surroundings,
    servers: GameServerService,
    guild_changes: GuildChangeService,
) -> EventChangeService:
    """Return the rules about changes of posts of events."""
    return EventChangeService(
        guild.settings,
        servers,
        guild_changes=guild_changes,
        store=stores.servers,
        audit=guild.audit,
        loops=around.loops,
    )


def build_catch_ups(stores: ServiceStores, around: Surroundings) -> CatchUpReports:
    """Return the reports on how game servers caught up after a restore."""
    return CatchUpReports(
        stores.caught_up,
        stores.caught_up_guilds,
        servers=stores.servers,
        notifier=around.notifier,
        tasks=around.tasks,
        clock=around.clock,
    )
