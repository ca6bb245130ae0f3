"""Builds the services, each from earlier ones.

They use the storage and other rooms through Protocols, so tests build the same services over storage in
memory.
"""

import random
from dataclasses import dataclass
from typing import Protocol

from utils.clock import Clock
from utils.events import EventDispatcher
from utils.services.factions.factions import FactionService
from utils.services.factions.figures import FactionDays, FactionFigureService
from utils.services.factions.stores import FactionStore
from utils.services.guilds.audit import AuditLog, AuditStore
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.guild_settings import GuildStore, SettingsService
from utils.services.guilds.locale_uses import LocaleStore, LocaleUses
from utils.services.ingestion.catch_up_reports import CatchUpReports, CaughtUpIndex, CaughtUpStore
from utils.services.ingestion.history import HistoryImport, ImportJobs
from utils.services.ingestion.log_source import LogOpener
from utils.services.ingestion.stores import CursorStore
from utils.services.levels.ranks import PlaceStore, RankService
from utils.services.levels.telling import LevelStore, LevelTeller
from utils.services.levels.xp_events import XpEventService, XpEventStore
from utils.services.links.linking import LinkService, LinkStore
from utils.services.links.proof_watcher import ProofWatcher
from utils.services.links.request_alerts import RequestAlerts
from utils.services.money.bounties.endings import BountyEndings
from utils.services.money.bounties.placing import BountyService
from utils.services.money.money_stores import BountyStore, DueBounties, WalletStore
from utils.services.money.wallets import WalletService
from utils.services.personal.eraser import ErasureStore
from utils.services.personal.erasure import ErasureService, MemberMemory
from utils.services.personal.erasure_log import ErasureLog
from utils.services.personal.export import ExportService, ExportStore
from utils.services.personal.notifications import NotificationService, NotificationStore
from utils.services.personal.people import PersonFinder
from utils.services.players.combat import CombatService, CombatStore, DeathStore
from utils.services.players.coverage import CoverageService
from utils.services.players.player_names import PlayerNames
from utils.services.players.seen_players import SeenPlayers
from utils.services.players.server_comparison import ServerComparisonService
from utils.services.players.statistics import HunterStore, StatisticsService, StatisticsStore
from utils.services.ports import LoopControl, MemberNotifier, ServerReadings, ServerStore
from utils.services.premium.grants import PremiumStore
from utils.services.premium.tiers import PremiumService
from utils.services.presence.playtimes import PlaytimeService, PlaytimeStore
from utils.services.presence.populations import PopulationService, PopulationStore
from utils.services.presence.server_logs import ServerLogService
from utils.services.presence.server_players import PresenceStore, ServerPlayersService
from utils.services.recaps.figures import RecapReader
from utils.services.recaps.recaps import RecapService
from utils.services.recaps.timer import DueRecaps, RecapTimer, ToldRecaps
from utils.services.roles.changes import RoleRuleService, RuleStore
from utils.services.roles.figures import RuleFigureService
from utils.services.roles.looks import GuildRoles, RoleEditing, RoleLooks
from utils.services.roles.member_roles import MemberRoleService
from utils.services.roles.naming import RuleNaming
from utils.services.seasons.reports import SeasonReports, SeasonResults
from utils.services.seasons.running import RunningSeasons
from utils.services.seasons.seasons import SeasonService, SeasonStore
from utils.services.seasons.timer import MovedSeasons, MovingSeasons, SeasonTimer
from utils.services.servers.game_servers import Encryption, GameServerService, RejectedStore, ServerChecker
from utils.services.servers.log_places import LogPlaces
from utils.services.servers.server_changes import HostKeyReader, ServerChangeService
from utils.services.servers.server_facts import ServerFactService
from utils.services.world.event_changes import EventChangeService
from utils.services.world.reports import WorldReportService, WorldStore
from utils.tasks import TaskManager


class GameLogReads(PresenceStore, PopulationStore, WorldStore, Protocol):  # implemented by GameLogRepository
    """Reads of what Deadside.log tells, for commands."""


class SeasonStorage(SeasonStore, SeasonResults, MovedSeasons, Protocol):  # implemented by SeasonRepository
    """Storage of seasons for commands and for their timer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStores:
    """The storage of the services."""

    guilds: GuildStore
    locales: LocaleStore
    servers: ServerStore
    cursors: CursorStore
    imports: ImportJobs
    caught_up: CaughtUpStore
    caught_up_guilds: CaughtUpIndex
    rejected: RejectedStore
    premium: PremiumStore
    audit: AuditStore
    statistics: StatisticsStore
    combat: CombatStore
    hunters: HunterStore
    deaths: DeathStore
    links: LinkStore
    roles: RuleStore
    factions: FactionStore
    faction_days: FactionDays
    wallets: WalletStore
    bounties: BountyStore
    due_bounties: DueBounties
    seasons: SeasonStorage
    moving_seasons: MovingSeasons
    recaps: ToldRecaps
    due_recaps: DueRecaps
    personal_data: ExportStore
    erasures: ErasureStore
    notifications: NotificationStore
    game_logs: GameLogReads
    playtimes: PlaytimeStore
    places: PlaceStore
    levels: LevelStore
    xp_events: XpEventStore


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildServices:
    """The services that reading and delivery use too: settings, tiers, names, and places of logs."""

    settings: SettingsService
    premium: PremiumService
    audit: AuditLog
    names: PlayerNames
    seen: SeenPlayers
    places: LogPlaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The dependencies of the services besides the storage.

    Attributes:
        rng: chooses the times of a proof.
        requires_proof: True: a link counts only after its proof in the game.
    """

    encryption: Encryption
    checker: ServerChecker
    host_keys: HostKeyReader
    logs: LogOpener
    loops: LoopControl
    history: HistoryImport
    notifier: MemberNotifier
    proofs: ProofWatcher
    roles: GuildRoles
    role_edits: RoleEditing
    readings: ServerReadings
    events: EventDispatcher
    memory: MemberMemory
    erasure_log: ErasureLog
    tasks: TaskManager
    clock: Clock
    rng: random.Random
    requires_proof: bool


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


def build_guild_services(
    stores: ServiceStores, tasks: TaskManager, *, default_tier: int, clock: Clock, is_shared: bool = False
) -> GuildServices:
    """Return the services that others use."""
    names = PlayerNames(stores.statistics, stores.servers, tasks, clock=clock)
    return GuildServices(
        settings=SettingsService(stores.guilds, stores.servers, clock=clock),
        premium=PremiumService(stores.premium, default_tier=default_tier, clock=clock, is_shared=is_shared),
        audit=AuditLog(stores.audit, clock=clock),
        names=names,
        seen=SeenPlayers(stores.playtimes, names, clock=clock),
        places=LogPlaces(stores.servers, stores.cursors),
    )


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
        event_changes=EventChangeService(
            guild.settings,
            servers,
            guild_changes=guild_changes,
            store=stores.servers,
            audit=audit,
            loops=around.loops,
        ),
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


def build_factions(stores: ServiceStores, around: Surroundings) -> FactionService:
    """Return the rules and the figures of factions."""
    figures = FactionFigureService(stores.factions, days=stores.faction_days, links=stores.links)
    return FactionService(stores.factions, figures=figures, events=around.events, clock=around.clock)


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


def build_levels(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> LevelTeller:
    """Return the telling of new levels."""
    return LevelTeller(stores.levels, channels=guild.settings, premium=guild.premium, events=around.events)


def build_xp_events(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> XpEventService:
    """Return the rules about times of more XP."""
    return XpEventService(
        stores.xp_events,
        channels=guild.settings,
        premium=guild.premium,
        events=around.events,
        clock=around.clock,
    )


def build_links(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> LinkService:
    """Return the rules about links."""
    return LinkService(
        stores.links,
        players=guild.names,
        proofs=around.proofs,
        audit=guild.audit,
        notifier=around.notifier,
        alerts=RequestAlerts(stores.links, notifier=around.notifier, settings=guild.settings),
        events=around.events,
        clock=around.clock,
        rng=around.rng,
        requires_proof=around.requires_proof,
    )


def build_erasures(
    stores: ServiceStores,
    guild: GuildServices,
    around: Surroundings,
    people: PersonFinder,
    looks: RoleLooks,
) -> ErasureService:
    """Return the erasures of persons."""
    return ErasureService(
        stores.erasures,
        people,
        audit=guild.audit,
        events=around.events,
        memory=around.memory,
        roles=looks,
        log=around.erasure_log,
        clock=around.clock,
    )


def build_role_looks(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, coverage: CoverageService
) -> RoleLooks:
    """Return the decisions about roles."""
    return RoleLooks(
        stores.roles,
        stores.links,
        RuleFigureService(
            stores.statistics, stores.hunters, coverage, stores.servers, around.readings, stores.factions
        ),
        roles=around.roles,
        naming=build_rule_naming(stores),
        edits=around.role_edits,
        premium=guild.premium,
        notifier=around.notifier,
        tasks=around.tasks,
        clock=around.clock,
    )


def build_ranks(
    stores: ServiceStores, around: Surroundings, coverage: CoverageService, looks: RoleLooks
) -> RankService:
    """Return the levels of players and the roles of members."""
    roles = MemberRoleService(stores.roles, looks, build_rule_naming(stores), around.clock)
    return RankService(stores.places, coverage, roles)


def build_rule_naming(stores: ServiceStores) -> RuleNaming:
    """Return the names of what role rules are about."""
    return RuleNaming(stores.servers, stores.factions)


def build_role_rules(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, looks: RoleLooks
) -> RoleRuleService:
    """Return the changes of role rules."""
    return RoleRuleService(
        stores.roles,
        looks,
        roles=around.roles,
        naming=build_rule_naming(stores),
        premium=guild.premium,
        audit=guild.audit,
        clock=around.clock,
    )


def build_bounties(
    stores: ServiceStores,
    guild: GuildServices,
    around: Surroundings,
    servers: GameServerService,
    links: LinkService,
) -> BountyService:
    """Return the rules about placing bounties."""
    return BountyService(
        stores.bounties,
        guilds=guild.settings,
        servers=servers,
        links=links,
        players=guild.names,
        events=around.events,
        clock=around.clock,
    )


def build_bounty_endings(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, servers: GameServerService
) -> BountyEndings:
    """Return the endings of unclaimed bounties."""
    return BountyEndings(
        stores.bounties,
        stores.due_bounties,
        guilds=guild.settings,
        servers=servers,
        events=around.events,
        tasks=around.tasks,
        clock=around.clock,
    )


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
