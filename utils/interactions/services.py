"""The dependencies of commands: the services and the factory of embeds, for each cog."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from utils.clock import Clock
from utils.error_sink import ErrorSink
from utils.interactions.languages import AnswerLanguages
from utils.interactions.limits import MemberLimits
from utils.interactions.live_views import LiveViews
from utils.interactions.operators import Operators
from utils.interactions.replies import ErrorReplies
from utils.models.backups import BackupOutcome, BackupProgress, BackupReason, BackupSummary
from utils.models.event_settings import PostedKind
from utils.models.guilds import ChannelKind
from utils.models.health import BotHealth, GuildHealth
from utils.models.posted_boards import BoardKey, LiveBoard, RefreshedBoard
from utils.models.restores import RestorePlan
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.servers import GameServer
from utils.models.statistics import Board
from utils.models.texts import Text
from utils.services.factions.factions import FactionService
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.error_groups import ErrorGroupService
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.guild_settings import SettingsService
from utils.services.guilds.locale_uses import LocaleUses
from utils.services.levels.ranks import RankService
from utils.services.levels.xp_events import XpEventService
from utils.services.links.linking import LinkService
from utils.services.money.bounties.placing import BountyService
from utils.services.money.wallets import WalletService
from utils.services.personal.erasure import ErasureService
from utils.services.personal.export import ExportService
from utils.services.personal.notifications import NotificationService
from utils.services.players.combat import CombatService
from utils.services.players.coverage import CoverageService
from utils.services.players.player_names import PlayerNames
from utils.services.players.seen_players import SeenPlayers
from utils.services.players.server_comparison import ServerComparisonService
from utils.services.players.statistics import StatisticsService
from utils.services.ports import ServerReadings
from utils.services.premium.grants import GrantService
from utils.services.premium.tiers import PremiumService
from utils.services.presence.playtimes import PlaytimeService
from utils.services.presence.populations import PopulationService
from utils.services.presence.server_logs import ServerLogService
from utils.services.presence.server_players import ServerPlayersService
from utils.services.recaps.recaps import RecapService
from utils.services.roles.changes import RoleRuleService
from utils.services.roles.looks import RoleLooks
from utils.services.seasons.reports import SeasonReports
from utils.services.seasons.seasons import SeasonService
from utils.services.servers.game_servers import GameServerService
from utils.services.servers.server_changes import ServerChangeService
from utils.services.servers.server_facts import ServerFactService
from utils.services.world.event_changes import EventChangeService
from utils.services.world.reports import WorldReportService
from utils.tasks import K, TaskReport


class Deliveries(Protocol):  # implemented by DeliveryLoop
    """The state of delivery to each guild."""

    def find_problem(self, guild_id: GuildId) -> Text | None:
        """Return the unexpected failure that stops a guild's posts; None if there is none."""


class Samples(Protocol):  # implemented by SamplePosts
    """Posts samples of each kind of channel."""

    async def post(self, guild_id: GuildId, kind: ChannelKind, server: GameServer | None) -> ChannelId:
        """Post a sample of the kind, and return its channel.

        Raises:
            UserFacingError: no channel of that kind is set, or the bot may not post there.
        """

    async def post_kind(self, guild_id: GuildId, posted: PostedKind, server: GameServer | None) -> ChannelId:
        """Post a sample about an event or a player, and return its channel.

        Raises:
            UserFacingError: likewise.
        """


class PostedBoards(Protocol):  # implemented by PostedBoardService
    """Boards that the bot keeps up to date in channels."""

    async def post(
        self, guild_id: GuildId, board: Board | LiveBoard, server: str | None, *, actor_id: MemberId
    ) -> ChannelId:
        """Post a board, or update the posted one, and return its channel.

        Raises:
            UserFacingError: no channel is set, the bot may not post there, or there is no such server.
        """

    async def refresh(self, key: BoardKey) -> RefreshedBoard:
        """Update a board because a member asks for it.

        Raises:
            UserFacingError: it is not posted any more, cannot be shown, or was refreshed a moment ago.
        """

    async def remove(
        self, guild_id: GuildId, board: Board | LiveBoard, server: str | None, *, actor_id: MemberId
    ) -> None:
        """End a board and delete its message.

        Raises:
            NotFoundError: it is not posted, or there is no such server.
        """


class ProgressMessages(Protocol):  # implemented by ImportMessages
    """Messages that show the progress of imports."""

    async def create(self, guild_id: GuildId, channel_id: ChannelId, server_name: str) -> int | None:
        """Post a progress message; return None if the bot may not post there."""

    async def discard(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete a progress message of an import that did not begin."""


ShowProgress = Callable[[BackupProgress], None]
"""Gets how far a backup or its verification is, again and again."""


class Backups(Protocol):  # implemented by BackupManager
    """Backups of the whole bot, for its owners."""

    async def make(self, reason: BackupReason, *, show: ShowProgress) -> BackupOutcome:
        """Make a backup and return how it went.

        Raises:
            BackupError: another one is under way, or there is no backup; the text says why.
        """

    async def verify(self, backup_id: str, *, show: ShowProgress) -> BackupOutcome:
        """Read a backup back, restore it on trial, and return how that went.

        Raises:
            BackupError: there is no such backup, it is damaged or does not fit.
        """

    async def list_backups(self) -> Sequence[BackupSummary]:
        """Return every backup, newest first."""


class Restores(Protocol):  # implemented by RestoreRequests
    """Restores that the owners ask for; the bot ends itself, restores and begins again."""

    async def plan_restore(self, backup_id: str, *, guild_id: GuildId | None) -> RestorePlan:
        """Return what a restore would change.

        Raises:
            BackupError: it is not allowed from here; the text names what to do instead.
        """

    async def ask_for_restore(self, backup_id: str, *, guild_id: GuildId | None) -> None:
        """Let the bot end itself and restore a backup.

        Raises:
            BackupError: it is not allowed from here; the text names what to do instead.
        """


class TaskReports(Protocol):  # implemented by TaskManager
    """The state of the background tasks."""

    def list_reports(self) -> Sequence[TaskReport]:
        """Return every known task, by name."""

    async def for_each(
        self, name: str, keys: Iterable[K], work: Callable[[K], Awaitable[object]]
    ) -> frozenset[K]:
        """Do work for each key; return the keys for which it failed."""


class HealthSource(Protocol):  # implemented by HealthReports
    """Says how the bot is."""

    def describe_guild(self, guild_id: GuildId) -> GuildHealth:
        """Return the health as the admins of a guild see it."""

    async def describe_bot(self) -> BotHealth:
        """Return the health of the whole bot."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a cog may use."""

    settings: SettingsService
    servers: GameServerService
    statistics: StatisticsService
    links: LinkService
    role_looks: RoleLooks
    role_rules: RoleRuleService
    factions: FactionService
    names: PlayerNames
    seen: SeenPlayers
    coverage: CoverageService
    combat: CombatService
    server_comparisons: ServerComparisonService
    server_players: ServerPlayersService
    server_logs: ServerLogService
    ranks: RankService
    xp_events: XpEventService
    playtimes: PlaytimeService
    populations: PopulationService
    premium: PremiumService
    wallets: WalletService
    bounties: BountyService
    seasons: SeasonService
    season_reports: SeasonReports
    recaps: RecapService
    readings: ServerReadings
    deliveries: Deliveries
    samples: Samples
    progress: ProgressMessages
    backups: Backups
    restores: Restores
    boards: PostedBoards
    languages: AnswerLanguages
    replies: ErrorReplies
    limits: MemberLimits
    clock: Clock
    operators: Operators
    grants: GrantService
    guild_changes: GuildChangeService
    locale_uses: LocaleUses
    server_changes: ServerChangeService
    server_facts: ServerFactService
    event_changes: EventChangeService
    world_reports: WorldReportService
    audit: AuditLog
    exports: ExportService
    notifications: NotificationService
    erasures: ErasureService
    tasks: TaskReports
    health: HealthSource
    errors: ErrorSink
    error_groups: ErrorGroupService
    views: LiveViews = field(default_factory=LiveViews)
