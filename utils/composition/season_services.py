"""Builds the services about seasons and recaps."""

from utils.composition.surroundings import GuildServices, ServiceStores, Surroundings
from utils.services.factions.factions import FactionService
from utils.services.factions.figures import FactionFigureService
from utils.services.guilds.audit import AuditLog
from utils.services.players.coverage import CoverageService
from utils.services.players.statistics import StatisticsService
from utils.services.recaps.figures import RecapReader
from utils.services.recaps.timer import RecapTimer
from utils.services.seasons.reports import SeasonReports
from utils.services.seasons.seasons import SeasonService
from utils.services.seasons.timer import SeasonTimer
from utils.services.servers.game_servers import GameServerService


def build_seasons(
    stores: ServiceStores, around: Surroundings, servers: GameServerService, audit: AuditLog
) -> SeasonService:
    """Return the rules about making, ending and cancelling seasons."""
    return SeasonService(
        stores.seasons, servers=servers, audit=audit, events=around.events, clock=around.clock
    )


def build_season_reports(
    stores: ServiceStores,
    servers: GameServerService,
    coverage: CoverageService,
    statistics: StatisticsService,
    factions: FactionService,
) -> SeasonReports:
    """Return the reader of seasons for commands."""
    return SeasonReports(
        stores.seasons,
        servers=servers,
        coverage=coverage,
        statistics=statistics,
        factions=factions,
        clock=servers.clock,
    )


def build_season_timer(
    stores: ServiceStores,
    guild: GuildServices,
    around: Surroundings,
    coverage: CoverageService,
    statistics: StatisticsService,
    factions: FactionFigureService,
) -> SeasonTimer:
    """Return the timer of seasons."""
    return SeasonTimer(
        stores.moving_seasons,
        stores.seasons,
        servers=stores.servers,
        coverage=coverage,
        statistics=statistics,
        factions=factions,
        channels=guild.settings,
        premium=guild.premium,
        events=around.events,
        tasks=around.tasks,
        clock=around.clock,
    )


def build_recap_timer(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> RecapTimer:
    """Return the timer of recaps."""
    return RecapTimer(
        stores.due_recaps,
        stores.recaps,
        reader=RecapReader(stores.statistics, stores.combat, stores.places),
        servers=stores.servers,
        readings=around.readings,
        settings=guild.settings,
        premium=guild.premium,
        events=around.events,
        tasks=around.tasks,
        clock=around.clock,
    )
