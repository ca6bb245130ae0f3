"""The storage and the other rooms, as the services need them, and the services that all others need.

Services use both through Protocols, so tests build the same services over storage in memory.
"""

import random
from dataclasses import dataclass
from typing import Protocol

from utils.clock import Clock
from utils.events import EventDispatcher
from utils.services.factions.figures import FactionDays
from utils.services.factions.stores import FactionStore
from utils.services.guilds.audit import AuditLog, AuditStore
from utils.services.guilds.guild_settings import GuildStore, SettingsService
from utils.services.guilds.locale_uses import LocaleStore
from utils.services.ingestion.catch_up_reports import CaughtUpIndex, CaughtUpStore
from utils.services.ingestion.history import HistoryImport, ImportJobs
from utils.services.ingestion.log_source import LogOpener
from utils.services.ingestion.stores import CursorStore
from utils.services.levels.ranks import PlaceStore
from utils.services.levels.telling import LevelStore
from utils.services.levels.xp_events import XpEventStore
from utils.services.links.linking import LinkStore
from utils.services.links.proof_watcher import ProofWatcher
from utils.services.money.money_stores import BountyStore, DueBounties, WalletStore
from utils.services.personal.eraser import ErasureStore
from utils.services.personal.erasure import MemberMemory
from utils.services.personal.erasure_log import ErasureLog
from utils.services.personal.export import ExportStore
from utils.services.personal.notifications import NotificationStore
from utils.services.players.combat import CombatStore, DeathStore
from utils.services.players.player_names import PlayerNames
from utils.services.players.seen_players import SeenPlayers
from utils.services.players.statistics import HunterStore, StatisticsStore
from utils.services.ports import LoopControl, MemberNotifier, ServerReadings, ServerStore
from utils.services.premium.grants import PremiumStore
from utils.services.premium.tiers import PremiumService
from utils.services.presence.playtimes import PlaytimeStore
from utils.services.presence.populations import PopulationStore
from utils.services.presence.server_players import PresenceStore
from utils.services.recaps.timer import DueRecaps, ToldRecaps
from utils.services.roles.changes import RuleStore
from utils.services.roles.looks import GuildRoles, RoleEditing
from utils.services.seasons.reports import SeasonResults
from utils.services.seasons.seasons import SeasonStore
from utils.services.seasons.timer import MovedSeasons, MovingSeasons
from utils.services.servers.game_servers import Encryption, RejectedStore, ServerChecker
from utils.services.servers.log_places import LogPlaces
from utils.services.servers.server_changes import HostKeyReader
from utils.services.world.reports import WorldStore
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
