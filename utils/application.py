"""The application: the rooms joined, and the order in which what runs starts and stops."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from structlog import get_logger

from utils.caching import GuildMemory
from utils.clock import Clock
from utils.database.core.database import Fence, SafeDatabase
from utils.database.process.opening import MONGOD_TASK
from utils.database.repositories import Repositories
from utils.delivery.alerts import AdminAlerts
from utils.delivery.boards import BoardPages, PostedBoardMessages
from utils.delivery.languages import GuildLanguages
from utils.delivery.loop import DeliveryLoop
from utils.delivery.pace import STANDING_A_SECOND, MessagePace
from utils.delivery.progress import ImportMessages
from utils.delivery.proofs import LinkMessages
from utils.delivery.samples import SamplePosts
from utils.delivery.sender import DiscordSender
from utils.delivery.service import DeliveryService
from utils.delivery.standing_messages import StandingMessages
from utils.embeds.factory import EmbedFactory
from utils.events import (
    CountersStored,
    DeathsStored,
    EventDispatcher,
    GuildLeft,
    GuildSettingsChanged,
    HistoryImported,
    NoticesQueued,
    PlayerErased,
    ServerAdded,
    ServerRemoved,
)
from utils.gateway import run_gateway
from utils.interactions.client import choose_bot
from utils.interactions.languages import AnswerLanguages
from utils.interactions.limits import MemberLimits
from utils.interactions.operators import Operators
from utils.interactions.replies import ErrorReplies
from utils.interactions.services import Services
from utils.interactions.views import LiveViews
from utils.models.scope import GuildId, ServerScope
from utils.queues import WorkQueue
from utils.secrets import SecretBox
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.death_log_reader import DEATH_LOG, DeathLogDependencies, DeathLogReader
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.import_throttle import Courtesy
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.reader_loop import LoopDependencies
from utils.services.ingestion.row_reader import BATCHES_OF_ALL
from utils.services.ingestion.server_loops import ServerLoops
from utils.services.links.linking import LinkService
from utils.services.links.proof_watcher import PROOFS_TASK, ProofKeeper
from utils.services.money.bounties.endings import EXPIRE_TASK, BountyEndings
from utils.services.money.bounties.placing import BountyService
from utils.services.money.rewards import KillRewards
from utils.services.money.wallets import WalletService
from utils.services.personal.erasure import ErasureService
from utils.services.personal.export import ExportService
from utils.services.personal.people import PersonFinder
from utils.services.players.combat import CombatService
from utils.services.players.coverage import CoverageService
from utils.services.players.player_names import PlayerNames
from utils.services.players.posted_boards import REFRESH_SECONDS, REFRESH_TASK, PostedBoardService
from utils.services.players.statistics import StatisticsService
from utils.services.premium.grants import ENDS_TASK, SETTLE_TASK, GrantService
from utils.services.premium.tiers import PremiumService
from utils.services.servers.game_servers import GameServerService
from utils.services.servers.log_places import LogPlaces
from utils.services.servers.server_changes import ServerChangeService
from utils.services.shards.leases import LeaseKeeper
from utils.settings import Settings
from utils.sftp.access import DeathLogAccess
from utils.sftp.login import PoolLimits
from utils.sftp.pool import SftpConnectionPool
from utils.tasks import TaskManager
from utils.telemetry.context import bind_log_context
from utils.telemetry.reporter import ErrorReporter
from utils.turns import FairTurns

COMMANDS_NAME = "commands.json"
IDLE_CHECK_SECONDS = 30.0
PRUNE_SECONDS = 3600.0
PRUNE_TASK = "storage:prune"
LEAVE_TASK = "guild:leave"
READY_CHECK_SECONDS = 1.0
WARM_UP_SECONDS = 5.0  # after the start, which it must not slow down
PREMIUM_CHECK_SECONDS = 10.0  # a tier is over at its end by itself; its servers are paused this much later
BOUNTY_SECONDS = 15.0
KEPT_MESSAGES = timedelta(hours=24)

logger = get_logger(__name__)


class Application:
    """The whole bot, joined: what runs, and the order in which it starts and stops.

    Args:
        settings: the configuration.
        database: opened and checked.
        leases: held.
        secret_box: opens the stored logins; its key was held against them.
        tasks: owns every task of the process.
        extensions: the cogs.
    """

    def __init__(
        self,
        settings: Settings,
        database: SafeDatabase,
        leases: LeaseKeeper,
        secret_box: SecretBox,
        tasks: TaskManager,
        *,
        extensions: Sequence[str],
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.leases = leases
        sharding = settings.discord.sharding
        self.repositories = Repositories.build(
            database, lambda guild_id: Fence(*leases.get_token(guild_id), guild_id), sharding
        )
        self.events = EventDispatcher()
        self.reporter = ErrorReporter(clock)
        self.tasks = tasks
        self._leaving = WorkQueue(LEAVE_TASK, self._leave, tasks=tasks)
        self.courtesy = Courtesy(clock)
        self.bot = choose_bot(sharding)(
            self.events,
            sharding=sharding,
            reporter=self.reporter,
            log_context=bind_log_context,
            courtesy=self.courtesy,
            commands_file=settings.data_dir / COMMANDS_NAME,
        )
        self.pool = SftpConnectionPool(PoolLimits(**settings.sftp.model_dump()), clock=clock)
        self.secret_box = secret_box
        self.access = DeathLogAccess(self.pool, self.secret_box, clock=clock)
        self.factory = EmbedFactory()
        self.languages = GuildLanguages(self.bot, self.factory)
        self._join_rules()
        self.bot.follower = self.loops
        self.bot.services = self._build_services()
        for extension in extensions:
            self.bot.load_extension(extension)
        self._register_handlers()

    def _join_rules(self) -> None:
        """Build what knows the rules, each from what was built before it."""
        self.guild_settings = SettingsService(
            self.repositories.guilds, self.repositories.servers, clock=self.clock
        )
        self.premium = PremiumService(
            self.repositories.premium, default_tier=self.settings.premium.default_tier, clock=self.clock
        )
        self.audit = AuditLog(self.repositories.audit, clock=self.clock)
        self.names = PlayerNames(
            self.repositories.statistics, self.repositories.servers, self.tasks, clock=self.clock
        )
        self.sender = DiscordSender(self.bot, clock=self.clock)
        share = self.settings.discord.sharding.share
        standing_pace = MessagePace(self.clock, a_second=STANDING_A_SECOND, share=share)
        self.messages = StandingMessages(self.sender, self.tasks, pace=standing_pace, clock=self.clock)
        self.progress = ImportMessages(self.sender, self.messages, languages=self.languages)
        self.alerts = AdminAlerts(
            self.bot,
            self.sender,
            self.tasks,
            settings=self.guild_settings,
            languages=self.languages,
            clock=self.clock,
        )
        self.batches = FairTurns(BATCHES_OF_ALL)
        self.history = HistoryImport(
            self.repositories.ingestion,
            self.repositories.imports,
            self.events,
            clock=self.clock,
            courtesy=self.courtesy,
            turns=self.batches,
        )
        self.places = LogPlaces(self.repositories.servers, self.repositories.ingestion)
        self.deliveries = self._build_deliveries()
        self.loops = self._build_loops()
        self.grants = self._build_grants()
        self.proofs = ProofKeeper(
            self.repositories.links,
            self.repositories.directory,
            players=self.names,
            reading=self.loops,
            messages=LinkMessages(self.messages, languages=self.languages),
            tasks=self.tasks,
            clock=self.clock,
        )
        self.servers = self._build_servers()
        self.links = self._build_links()
        self.people = PersonFinder(self.links, self.names, clock=self.clock)
        self.bounties, self.bounty_endings = self._build_bounties(), self._build_bounty_endings()
        repositories = self.repositories
        self.coverage = CoverageService(self.servers, self.names, self.links, clock=self.clock)
        self.statistics = StatisticsService(
            repositories.statistics, repositories.combat, repositories.hunters, self.coverage
        )
        self.combat = CombatService(repositories.combat, repositories.deaths, self.coverage, self.servers)
        self.boards = self._build_boards()

    def _build_deliveries(self) -> DeliveryLoop:
        delivery = DeliveryService(
            self.repositories.outbox,
            channels=self.guild_settings,
            sender=self.sender,
            notifier=self.alerts,
            languages=self.languages,
            clock=self.clock,
            max_announce_age=timedelta(minutes=self.settings.polling.max_announce_age_minutes),
        )
        pace = MessagePace(self.clock, share=self.settings.discord.sharding.share)
        return DeliveryLoop(delivery, self.tasks, pace=pace, notifier=self.alerts, clock=self.clock)

    def _build_loops(self) -> ServerLoops:
        max_age = timedelta(minutes=self.settings.polling.max_announce_age_minutes)
        death_logs = DeathLogDependencies(
            servers=self.repositories.servers,
            imports=self.repositories.imports,
            logs=self.access,
            places=self.places,
            live=LiveIngestion(
                self.repositories.ingestion,
                self.events,
                clock=self.clock,
                max_announce_age=max_age,
                rules=[KillRewards(self.guild_settings, self.premium)],
                turns=self.batches,
            ),
            history=self.history,
            channels=self.guild_settings,
            notifier=self.alerts,
            progress=self.progress,
            clock=self.clock,
        )
        return ServerLoops(
            self.tasks,
            self.deliveries,
            self.repositories.directory,
            self.repositories.guilds,
            {DEATH_LOG: partial(DeathLogReader, dependencies=death_logs)},
            LoopDependencies(
                servers=self.repositories.servers,
                logs=self.access,
                premium=self.premium,
                notifier=self.alerts,
                clock=self.clock,
                minimum_poll_seconds=self.settings.polling.min_interval_seconds,
            ),
        )

    def _build_grants(self) -> GrantService:
        return GrantService(
            self.repositories.premium,
            self.repositories.directory,
            premium=self.premium,
            servers=self.repositories.servers,
            loops=self.loops,
            notifier=self.alerts,
            tasks=self.tasks,
            clock=self.clock,
            minimum_poll_seconds=self.settings.polling.min_interval_seconds,
        )

    def _build_servers(self) -> GameServerService:
        return GameServerService(
            self.repositories.servers,
            self.repositories.rejected,
            settings=self.guild_settings,
            premium=self.premium,
            secret_keeper=self.secret_box,
            checker=self.access,
            places=self.places,
            logs=self.access,
            history=self.history,
            loops=self.loops,
            events=self.events,
            audit=self.audit,
            clock=self.clock,
        )

    def _build_server_changes(self, servers: GameServerService) -> ServerChangeService:
        return ServerChangeService(
            servers,
            self.repositories.servers,
            self.repositories.imports,
            settings=self.guild_settings,
            premium=self.premium,
            secret_keeper=self.secret_box,
            checker=self.access,
            places=self.places,
            host_keys=self.access,
            loops=self.loops,
            audit=self.audit,
        )

    def _build_boards(self) -> PostedBoardService:
        pages = BoardPages(self.coverage, self.statistics, self.combat, self.languages)
        return PostedBoardService(
            self.repositories.boards,
            self.repositories.directory,
            PostedBoardMessages(self.messages, self.repositories.boards, pages),
            coverage=self.coverage,
            channels=self.guild_settings,
            premium=self.premium,
            notifier=self.alerts,
            audit=self.audit,
            tasks=self.tasks,
            is_member=self.bot.is_member_of,
        )

    def _build_links(self) -> LinkService:
        return LinkService(
            self.repositories.links,
            players=self.names,
            proofs=self.proofs,
            audit=self.audit,
            notifier=self.alerts,
            clock=self.clock,
            rng=secrets.SystemRandom(),
            requires_proof=self.settings.links.require_proof,
        )

    def _build_bounties(self) -> BountyService:
        return BountyService(
            self.repositories.bounties,
            guilds=self.guild_settings,
            servers=self.servers,
            links=self.links,
            players=self.names,
            events=self.events,
            clock=self.clock,
        )

    def _build_bounty_endings(self) -> BountyEndings:
        return BountyEndings(
            self.repositories.bounties,
            self.repositories.directory,
            guilds=self.guild_settings,
            servers=self.servers,
            events=self.events,
            tasks=self.tasks,
            clock=self.clock,
        )

    def _build_services(self) -> Services:
        discord_settings, languages = self.settings.discord, AnswerLanguages(self.factory)
        return Services(
            settings=self.guild_settings,
            servers=self.servers,
            statistics=self.statistics,
            coverage=self.coverage,
            combat=self.combat,
            boards=self.boards,
            links=self.links,
            names=self.names,
            premium=self.premium,
            wallets=WalletService(self.repositories.wallets, clock=self.clock),
            bounties=self.bounties,
            readings=self.loops,
            deliveries=self.deliveries,
            samples=SamplePosts(
                self.sender, channels=self.guild_settings, languages=self.languages, clock=self.clock
            ),
            progress=self.progress,
            languages=languages,
            replies=ErrorReplies(languages, self.reporter),
            views=LiveViews(),
            limits=MemberLimits(self.clock),
            clock=self.clock,
            operators=Operators(
                self.bot.find_owner_ids,
                home_guild_id=discord_settings.home_guild_id,
                owner_ids=discord_settings.owner_ids,
                clock=self.clock,
            ),
            grants=self.grants,
            guild_changes=GuildChangeService(
                self.guild_settings,
                self.servers,
                guilds=self.repositories.guilds,
                channels=self.repositories.servers,
                premium=self.premium,
                audit=self.audit,
                events=self.events,
            ),
            server_changes=self._build_server_changes(self.servers),
            audit=self.audit,
            exports=ExportService(
                self.repositories.personal_data, self.people, audit=self.audit, clock=self.clock
            ),
            erasures=ErasureService(
                self.repositories.erasures,
                self.people,
                audit=self.audit,
                events=self.events,
                clock=self.clock,
            ),
            tasks=self.tasks,
        )

    def _register_handlers(self) -> None:
        events = self.events
        events.register(NoticesQueued, self.loops.on_notices_queued)
        events.register(GuildSettingsChanged, self.deliveries.on_guild_settings_changed)
        events.register(CountersStored, self.repositories.standings.on_counters_stored)
        events.register(ServerRemoved, self.repositories.standings.on_server_removed)
        events.register(DeathsStored, self.names.on_deaths_stored)
        events.register(DeathsStored, self.proofs.on_deaths_stored)
        events.register(HistoryImported, self.names.on_history_imported)
        events.register(ServerRemoved, self.names.on_server_removed)
        events.register(PlayerErased, self.names.on_player_erased)
        events.register(ServerAdded, self.grants.on_server_added)
        events.register(ServerRemoved, self.grants.on_server_removed)
        events.register(ServerRemoved, self.bounty_endings.on_server_removed)
        events.register(GuildLeft, self._on_guild_left)

    async def run(self, stop: asyncio.Event) -> None:
        """Read, deliver and answer until ``stop`` is set.

        Raises:
            ConfigurationError: Discord refuses the token.
            LeaseLostError: another process took over.
        """
        await self.loops.begin()
        self.tasks.start("sftp:idle", self._expire_idle, interval_seconds=IDLE_CHECK_SECONDS)
        self.tasks.start(SETTLE_TASK, self.grants.settle_all, is_critical=True)
        self.tasks.start(ENDS_TASK, self.grants.end_due, interval_seconds=PREMIUM_CHECK_SECONDS)
        self.tasks.start(PROOFS_TASK, self.proofs.run, is_critical=True)
        self.tasks.start("charts:warm-up", self._warm_up)
        self.tasks.start(REFRESH_TASK, self._refresh_boards, interval_seconds=REFRESH_SECONDS)
        self.tasks.start(PRUNE_TASK, self._prune, interval_seconds=PRUNE_SECONDS)
        self.tasks.start(EXPIRE_TASK, self.bounty_endings.expire_due, interval_seconds=BOUNTY_SECONDS)
        token = self.settings.discord.token.get_secret_value()
        works = [
            asyncio.create_task(run_gateway(self.bot, token, clock=self.clock), name="discord"),
            asyncio.create_task(self.leases.keep(), name="leases"),
            asyncio.create_task(_wait_for(stop), name="stop"),
        ]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()
        finally:
            await self._shut_down(works)

    async def _shut_down(self, works: list["asyncio.Task[None]"]) -> None:
        """Stop what runs, in the order in which it depends on each other."""
        logger.info("stopping")
        await self.tasks.stop(keeping=[MONGOD_TASK])  # the leases are given back yet
        await self.pool.aclose()
        for work in works:
            work.cancel()  # the gateway first, or it would reconnect while the session closes
        await asyncio.wait(works)
        await self.bot.close()

    async def _warm_up(self) -> None:
        await self.clock.sleep(WARM_UP_SECONDS)
        await self.factory.charts.warm_up()

    async def _refresh_boards(self) -> None:
        while not self.bot.is_ready():
            await self.clock.sleep(READY_CHECK_SECONDS)
        await self.boards.refresh_all()

    async def _expire_idle(self) -> None:
        self.pool.expire_idle()

    async def _prune(self) -> None:
        """Delete what nobody asks for: old messages and lines, counters never shown, removed servers."""
        before = self.clock.now() - KEPT_MESSAGES
        scopes = await self.repositories.directory.list_server_scopes()

        async def prune_guild(guild_id: GuildId) -> None:
            await self.repositories.outbox.prune_sent(guild_id, before=before)

        async def prune_server(scope: ServerScope) -> None:
            await self.repositories.rejected.prune_rejected(scope)
            await self.repositories.imports.drop_unshown_generations(scope)

        async def delete_leftovers(scope: ServerScope) -> None:
            await self.repositories.servers.delete_leftovers(scope, now=self.clock.now())

        await self.tasks.for_each(PRUNE_TASK, {scope.guild_id for scope in scopes}, prune_guild)
        await self.tasks.for_each(PRUNE_TASK, scopes, prune_server)
        removals = await self.repositories.directory.list_removals()
        await self.tasks.for_each(PRUNE_TASK, removals, delete_leftovers)

    def list_memories(self) -> Sequence[GuildMemory]:
        """Return all that keeps something of a guild and is to forget it when the bot leaves."""
        rules = (self.guild_settings, self.premium, self.grants, self.names, self.proofs)
        return (*rules, self.alerts, self.loops, self.access, self.tasks, self.repositories.standings)

    def _on_guild_left(self, event: GuildLeft) -> None:
        self._leaving.put(event.guild_id)

    async def _leave(self, guild_id: GuildId) -> None:
        """End all that is held for a guild the bot is no longer in."""
        await self.loops.stop_guild(guild_id)
        await self.tasks.cancel_guild(guild_id)
        await self.pool.close_guild(guild_id)
        for memory in self.list_memories():
            memory.forget_guild(guild_id)
        # all that took time: the guild may have invited the bot again meanwhile
        await self.loops.follow_guilds(self.bot.is_member_of)


async def _wait_for(stop: asyncio.Event) -> None:
    await stop.wait()
