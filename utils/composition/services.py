"""Builds the services of all features, each from earlier ones.

The modules beside build those with many parts: ``server_services.py``, ``member_services.py`` and so on.
"""

from dataclasses import dataclass

from utils.composition.bounty_services import build_bounties, build_bounty_endings
from utils.composition.member_services import (
    build_erasures,
    build_factions,
    build_levels,
    build_links,
    build_ranks,
    build_role_looks,
    build_role_rules,
    build_xp_events,
)
from utils.composition.season_services import (
    build_recap_timer,
    build_season_reports,
    build_season_timer,
    build_seasons,
)
from utils.composition.server_services import (
    build_catch_ups,
    build_event_changes,
    build_guild_changes,
    build_server_changes,
    build_servers,
)
from utils.composition.surroundings import GuildServices, ServiceStores, Surroundings
from utils.services.factions.factions import FactionService
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.locale_uses import LocaleUses
from utils.services.ingestion.catch_up_reports import CatchUpReports
from utils.services.levels.ranks import RankService
from utils.services.levels.telling import LevelTeller
from utils.services.levels.xp_events import XpEventService
from utils.services.links.linking import LinkService
from utils.services.money.bounties.endings import BountyEndings
from utils.services.money.bounties.placing import BountyService
from utils.services.money.wallets import WalletService
from utils.services.personal.erasure import ErasureService
from utils.services.personal.export import ExportService
from utils.services.personal.notifications import NotificationService
from utils.services.personal.people import PersonFinder
from utils.services.players.combat import CombatService
from utils.services.players.coverage import CoverageService
from utils.services.players.server_comparison import ServerComparisonService
from utils.services.players.statistics import StatisticsService
from utils.services.presence.playtimes import PlaytimeService
from utils.services.presence.populations import PopulationService
from utils.services.presence.server_logs import ServerLogService
from utils.services.presence.server_players import ServerPlayersService
from utils.services.recaps.recaps import RecapService
from utils.services.recaps.timer import RecapTimer
from utils.services.roles.changes import RoleRuleService
from utils.services.roles.looks import RoleLooks
from utils.services.seasons.reports import SeasonReports
from utils.services.seasons.running import RunningSeasons
from utils.services.seasons.seasons import SeasonService
from utils.services.seasons.timer import SeasonTimer
from utils.services.servers.game_servers import GameServerService
from utils.services.servers.server_changes import ServerChangeService
from utils.services.servers.server_facts import ServerFactService
from utils.services.world.event_changes import EventChangeService
from utils.services.world.reports import WorldReportService


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureServices:
    """The services for commands and timers."""

    servers: GameServerService
    server_changes: ServerChangeService
    server_facts: ServerFactService
    guild_changes: GuildChangeService
    locale_uses: LocaleUses
    event_changes: EventChangeService
    world_reports: WorldReportService
    links: LinkService
    role_looks: RoleLooks
    role_rules: RoleRuleService
    factions: FactionService
    coverage: CoverageService
    statistics: StatisticsService
    combat: CombatService
    server_comparisons: ServerComparisonService
    server_players: ServerPlayersService
    server_logs: ServerLogService
    ranks: RankService
    levels: LevelTeller
    xp_events: XpEventService
    playtimes: PlaytimeService
    populations: PopulationService
    wallets: WalletService
    bounties: BountyService
    bounty_endings: BountyEndings
    seasons: SeasonService
    season_reports: SeasonReports
    season_timer: SeasonTimer
    recaps: RecapService
    recap_timer: RecapTimer
    exports: ExportService
    notifications: NotificationService
    erasures: ErasureService
    catch_ups: CatchUpReports


def build_features(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> FeatureServices:
    """Return the services of all features."""
    clock, audit = around.clock, guild.audit
    servers = build_servers(stores, guild, around)
    links = build_links(stores, guild, around)
    people = PersonFinder(links, guild.seen, clock=clock)
    running = RunningSeasons(stores.seasons, guild.premium)
    coverage = CoverageService(servers, guild.names, links, running, clock=clock)
    statistics = StatisticsService(
        stores.statistics, stores.combat, stores.hunters, stores.playtimes, coverage
    )
    guild_changes = build_guild_changes(stores, guild, around, servers)
    role_looks = build_role_looks(stores, guild, around, coverage)
    factions = build_factions(stores, around)
    return FeatureServices(
        servers=servers,
        server_changes=build_server_changes(stores, guild, around, servers),
        server_facts=ServerFactService(servers, stores.servers, around.loops, audit, clock),
        guild_changes=guild_changes,
        locale_uses=LocaleUses(stores.locales, tasks=around.tasks, clock=clock),
        event_changes=build_event_changes(stores, guild, around, servers, guild_changes),
        world_reports=WorldReportService(stores.game_logs, servers, guild.settings, clock),
        links=links,
        role_looks=role_looks,
        role_rules=build_role_rules(stores, guild, around, role_looks),
        factions=factions,
        coverage=coverage,
        statistics=statistics,
        combat=CombatService(stores.combat, stores.deaths, coverage, servers),
        ranks=build_ranks(stores, around, coverage, role_looks),
        levels=build_levels(stores, guild, around),
        xp_events=build_xp_events(stores, guild, around),
        server_comparisons=ServerComparisonService(stores.statistics, stores.combat, coverage),
        playtimes=PlaytimeService(stores.playtimes, coverage, guild.seen),
        populations=PopulationService(stores.game_logs, servers, clock=clock),
        server_players=ServerPlayersService(stores.game_logs, servers, clock=clock),
        server_logs=ServerLogService(stores.game_logs, servers, clock=clock),
        wallets=WalletService(stores.wallets, clock=clock),
        bounties=build_bounties(stores, guild, around, servers, links),
        bounty_endings=build_bounty_endings(stores, guild, around, servers),
        seasons=build_seasons(stores, around, servers, audit),
        season_reports=build_season_reports(stores, servers, coverage, statistics, factions),
        season_timer=build_season_timer(stores, guild, around, coverage, statistics, factions.figures),
        recaps=RecapService(stores.recaps, guild_changes, guild.settings, clock),
        recap_timer=build_recap_timer(stores, guild, around),
        exports=ExportService(stores.personal_data, people, audit=audit, clock=clock),
        notifications=NotificationService(stores.notifications),
        erasures=build_erasures(stores, guild, around, people, role_looks),
        catch_ups=build_catch_ups(stores, around),
    )
