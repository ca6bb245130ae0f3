"""A small bot with one cog, whose commands use the features that every command of the project needs."""

import asyncio
import copy
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import discord
from discord.ext import commands

from tests.fakes.clock import START, FakeClock
from tests.fakes.errors import FakeErrorSink, FakeErrorStore
from tests.fakes.factions import FakeFactionDays, FakeFactionStore
from tests.fakes.figures import (
    FakeCombatStore,
    FakeDeathStore,
    FakeHunterStore,
    FakePlaytimeStore,
    FakeStatisticsStore,
)
from tests.fakes.health import FakeHealth
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore
from tests.fakes.levels import FakeLevelStore, FakeXpEventStore
from tests.fakes.links import FakeLinkStore, FakeNotifier, FakeProofs
from tests.fakes.money import FakeMemberLinks, FakeMoneyStore
from tests.fakes.notifications import FakeNotificationStore
from tests.fakes.personal import FakeErasureStore, FakePersonalStore, build_erasure_log
from tests.fakes.premium import FakePremiumStore, GrantSetup
from tests.fakes.recaps import FakeRecapStore
from tests.fakes.roles import FakeGuildRoles, FakeRoleEditing, FakeRoleStore
from tests.fakes.seasons import FakeSeasonStore
from tests.fakes.server_loops import FakeLogAccess, FakeServerLoops
from tests.fakes.storage import FakeAuditStore, FakeGuildStore, FakeRejectedStore, FakeServerStore
from utils.composition.bounty_services import build_bounties
from utils.composition.interactions import CommandSources, build_services
from utils.composition.services import build_features
from utils.composition.surroundings import ServiceStores, Surroundings, build_guild_services
from utils.embeds.factory import EmbedFactory
from utils.errors import ArchiveRefusedError, KillfeedError
from utils.events import EventDispatcher
from utils.interactions.answer_views import Answer, AnswerView, Chosen
from utils.interactions.autocomplete import complete_player, complete_server
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access, get_access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import CHART_COST
from utils.interactions.operators import Operators
from utils.interactions.services import Services, ShowProgress
from utils.interactions.views import (
    VIEW_SECONDS,
    ConfirmView,
    InvokerView,
    answer_ended,
)
from utils.localization.languages import Languages
from utils.models.backups import BackupOutcome, BackupProgress, BackupReason, BackupSummary
from utils.models.event_settings import PostedKind
from utils.models.game_log import GameLogState, PopulationSample
from utils.models.guilds import ChannelKind
from utils.models.health import ServerReading
from utils.models.posted_boards import BoardKey, LiveBoard, RefreshedBoard
from utils.models.premium import Feature
from utils.models.reading import FoundLogs
from utils.models.restores import Losses, RestorePlan
from utils.models.scope import ChannelId, GuildId, MemberId, ServerScope
from utils.models.servers import (
    CheckStep,
    ConnectionCount,
    Credentials,
    EncryptedSecret,
    GameServer,
    HostKeys,
    ServerHealth,
    WayCheck,
)
from utils.models.statistics import Board
from utils.models.texts import Text, text
from utils.models.world_events import WorldEvent
from utils.services.ingestion.history import HistoryImport
from utils.services.money.bounties.endings import BountyEndings
from utils.services.recaps.timer import RecapTimer
from utils.services.seasons.timer import SeasonTimer
from utils.tasks import TaskManager, TaskReport


class FakeOwners:
    """The owners of the application.

    Attributes:
        failures: the errors of the next calls, first to last.
        asked: the number of calls.
        is_logged_in: without it nothing can be asked.
    """

    def __init__(self, *owner_ids: int) -> None:
        self.owner_ids = owner_ids
        self.is_logged_in = True
        self.failures: list[Exception] = []
        self.asked = 0

    async def find(self) -> Collection[int] | None:
        """Return the owners after a while."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        return self.owner_ids if self.is_logged_in else None


class FakePresenceStore:
    """The facts of Deadside.log, in memory.

    Attributes:
        states: the state of each server.
        peaks: the most players at once of today on each server.
        samples: the samples of each server, oldest first.
        ended: the events of each server that are over.
    """

    def __init__(self) -> None:
        self.states: dict[ServerScope, GameLogState] = {}
        self.peaks: dict[ServerScope, int] = {}
        self.samples: dict[ServerScope, Sequence[PopulationSample]] = {}
        self.ended: dict[ServerScope, Sequence[WorldEvent]] = {}

    async def load(self, scope: ServerScope) -> GameLogState:
        """Return what is known."""
        return self.states.get(scope, GameLogState())

    async def list_returning(self, scope: ServerScope, *, now: datetime) -> Sequence[WorldEvent]:
        """Return the events that come back later."""
        events = self.ended.get(scope, ())
        return [one for one in events if one.respawn_at is not None and one.respawn_at > now]

    async def list_samples(self, scope: ServerScope, *, since: datetime) -> Sequence[PopulationSample]:
        """Return the samples since a moment."""
        return [one for one in self.samples.get(scope, ()) if one.at >= since]

    async def find_peak(self, scope: ServerScope, *, since: datetime) -> int | None:
        """Return the most players at once."""
        assert since <= START
        return self.peaks.get(scope)


class FakeServerReadings:
    """Readings that a test sets."""

    def __init__(self) -> None:
        self.health: dict[ServerScope, ServerHealth] = {}
        self.readings: list[ServerReading] = []

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return the health of a guild's servers."""
        return {scope: health for scope, health in self.health.items() if scope.guild_id == guild_id}

    def list_readings(self) -> Sequence[ServerReading]:
        """Return the set readings."""
        return self.readings

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return one connection for each known server."""
        return ConnectionCount(sum(scope.guild_id == guild_id for scope in self.health), 0)


class FakeTaskReports(TaskManager):
    """Background tasks that a test sets."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.reports: list[TaskReport] = []

    def list_reports(self) -> tuple[TaskReport, ...]:
        """Return the set reports."""
        return tuple(self.reports)


class FakeDeliveries:
    """Delivers nothing.

    Attributes:
        problem: the problem of delivery, which a test sets.
    """

    def __init__(self) -> None:
        self.problem: Text | None = None

    def find_problem(self, guild_id: GuildId) -> Text | None:
        """Return the set problem."""
        del guild_id
        return self.problem


class FakeSamples:
    """Posts no sample.

    Attributes:
        channel_id: the reported channel.
    """

    def __init__(self) -> None:
        self.channel_id = ChannelId(0)

    async def post(self, guild_id: GuildId, kind: ChannelKind, server: GameServer | None) -> ChannelId:
        """Post nothing."""
        del guild_id, kind, server
        return self.channel_id

    async def post_kind(self, guild_id: GuildId, posted: PostedKind, server: GameServer | None) -> ChannelId:
        """Post nothing."""
        del guild_id, posted, server
        return self.channel_id


class FakePostedBoards:
    """Posts no board.

    Attributes:
        channel_id: the reported channel.
        refreshed: the boards that were refreshed.
    """

    def __init__(self) -> None:
        self.channel_id = ChannelId(0)
        self.refreshed: list[BoardKey] = []

    async def post(
        self, guild_id: GuildId, board: Board | LiveBoard, server: str | None, *, actor_id: MemberId
    ) -> ChannelId:
        """Post nothing."""
        del guild_id, board, server, actor_id
        return self.channel_id

    async def refresh(self, key: BoardKey) -> RefreshedBoard:
        """Refresh nothing."""
        self.refreshed.append(key)
        return RefreshedBoard(is_changed=True, free_at=START + timedelta(minutes=1))

    async def remove(
        self, guild_id: GuildId, board: Board | LiveBoard, server: str | None, *, actor_id: MemberId
    ) -> None:
        """Remove nothing."""


class FakeProgressMessages:
    """Shows nothing.

    Attributes:
        message_id: the message that it pretends to post; None if it may not post.
    """

    def __init__(self) -> None:
        self.message_id: int | None = None

    async def create(self, guild_id: GuildId, channel_id: ChannelId, server_name: str) -> int | None:
        """Post nothing."""
        del guild_id, channel_id, server_name
        return self.message_id

    async def discard(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete nothing."""


class FakeBackups:
    """Makes no backup.

    Attributes:
        backups: the backups that are there.
        outcome: the outcome of the next one.
        progress: the progress that is shown before the outcome.
        refusal: raised instead, if it is set.
    """

    def __init__(self) -> None:
        self.backups = [
            BackupSummary(
                id="killfeed-20250501T040000Z-daily-3f9c",
                taken_at=START - timedelta(hours=8),
                reason=BackupReason.DAILY,
                stored_bytes=97_400_000,
                deaths=1_000_000,
                data_version=3,
                checked_at=START - timedelta(hours=8),
                proven_at=START - timedelta(hours=8),
                places=("/srv/killfeed/data/backups", "/mnt/other"),
            ),
            BackupSummary(
                id="killfeed-20250430T040000Z-by-hand-0001",
                taken_at=START - timedelta(hours=32),
                reason=BackupReason.BY_HAND,
                stored_bytes=0,
                deaths=1,
                data_version=3,
                checked_at=START - timedelta(hours=32),
                proven_at=None,
                places=("/srv/killfeed/data/backups",),
            ),
        ]
        self.unproven: Text | None = None
        self.problems: tuple[Text, ...] = ()
        self.progress: Sequence[BackupProgress] = ()
        self.refusal: KillfeedError | None = None
        self.going_on = asyncio.Event()
        self.going_on.set()

    async def make(self, reason: BackupReason, *, show: ShowProgress) -> BackupOutcome:
        """Show the set progress and return the outcome of the newest backup."""
        del reason
        return await self.verify(self.backups[0].id, show=show)

    async def verify(self, backup_id: str, *, show: ShowProgress) -> BackupOutcome:
        """Show the set progress and return the outcome of a backup."""
        if self.refusal is not None:
            raise self.refusal
        for progress in self.progress:
            show(progress)
        await self.going_on.wait()
        return BackupOutcome(self.find(backup_id), 42.0, self.unproven, self.problems)

    def find(self, backup_id: str) -> BackupSummary:
        """Return a backup.

        Raises:
            ArchiveRefusedError: there is none with this id.
        """
        found = [backup for backup in self.backups if backup.id == backup_id]
        if not found:
            raise ArchiveRefusedError(text("No place has a backup {id}.", id=backup_id))
        return found[0]

    async def list_backups(self) -> Sequence[BackupSummary]:
        """Return the set backups."""
        return self.backups


class FakeRestores:
    """Restores nothing.

    Args:
        backups: the backups that may be restored.

    Attributes:
        asked: the restores that were asked for.
        refusal: raised instead of a plan, if it is set.
    """

    def __init__(self, backups: FakeBackups) -> None:
        self._backups = backups
        self.asked: list[tuple[str, GuildId | None]] = []
        self.refusal: KillfeedError | None = None

    async def plan_restore(self, backup_id: str, *, guild_id: GuildId | None) -> RestorePlan:
        """Return a plan for a backup that there is."""
        del guild_id
        if self.refusal is not None:
            raise self.refusal
        self._backups.find(backup_id)
        losses = Losses({}, {"changes": 3, "ledger": 1_250, "links": 0, "grants": None, "erasures": 1})
        documents = {"guilds": (2, 2), "kills": (1_000_400, 1_000_000)}
        return RestorePlan(backup_id, START - timedelta(hours=8), 3, documents, losses)

    async def ask_for_restore(self, backup_id: str, *, guild_id: GuildId | None) -> None:
        """Remember the request."""
        self.asked.append((backup_id, guild_id))


class PlainSecrets:
    """Encrypts nothing, and finds every host working.

    Attributes:
        steps: the steps of a test of a host.
        checks: the results of the next tests, first to last; after them every test succeeds.
        tried: the servers that were tested, each with the login that was typed for it.
        keys: the keys of every host.
    """

    def __init__(self) -> None:
        self.steps: tuple[CheckStep, ...] = ()
        self.checks: list[WayCheck] = []
        self.tried: list[tuple[GameServer, Credentials | None]] = []
        self.keys = HostKeys(None, None)

    def encrypt(self, scope: ServerScope, credentials: Credentials) -> EncryptedSecret:
        """Return an empty secret."""
        del scope, credentials
        return EncryptedSecret(b"")

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Return the steps."""
        del guild_limit
        self.tried.append((server, credentials))
        if self.checks:
            return self.checks.pop(0)
        return WayCheck(self.steps, None, FoundLogs(f"/{server.name}/actual1/deathlogs"))

    def let_go(self, server: GameServer) -> None:
        """Do nothing."""

    async def read_host_keys(self, server: GameServer, *, guild_limit: int) -> HostKeys:
        """Return the keys."""
        del server, guild_limit
        return self.keys


@dataclass
class Shelf:
    """The storages behind the services of a small bot.

    Attributes:
        bounty_endings: the endings of bounties for the timer, once the services are built.
        season_timer: the timer of seasons, once the services are built.
        recap_timer: the timer of recaps, once the services are built.
    """

    guilds: FakeGuildStore = field(default_factory=FakeGuildStore)
    servers: FakeServerStore = field(default_factory=FakeServerStore)
    statistics: FakeStatisticsStore = field(default_factory=FakeStatisticsStore)
    links: FakeLinkStore = field(default_factory=FakeLinkStore)
    roles: FakeRoleStore = field(default_factory=FakeRoleStore)
    guild_roles: FakeGuildRoles = field(default_factory=FakeGuildRoles)
    role_edits: FakeRoleEditing = field(default_factory=FakeRoleEditing)
    factions: FakeFactionStore = field(init=False)
    faction_days: FakeFactionDays = field(default_factory=FakeFactionDays)
    money: FakeMoneyStore = field(default_factory=FakeMoneyStore)
    combat: FakeCombatStore = field(default_factory=FakeCombatStore)
    hunters: FakeHunterStore = field(default_factory=FakeHunterStore)
    seasons: FakeSeasonStore = field(default_factory=FakeSeasonStore)
    recaps: FakeRecapStore = field(default_factory=FakeRecapStore)
    deaths: FakeDeathStore = field(default_factory=FakeDeathStore)
    reporter: FakeErrorSink = field(default_factory=FakeErrorSink)
    error_store: FakeErrorStore = field(default_factory=FakeErrorStore)
    clock: FakeClock = field(default_factory=FakeClock)
    events: EventDispatcher = field(default_factory=EventDispatcher)
    audit: FakeAuditStore = field(default_factory=FakeAuditStore)
    premium: FakePremiumStore = field(default_factory=FakePremiumStore)
    rejected: FakeRejectedStore = field(default_factory=FakeRejectedStore)
    game_logs: FakePresenceStore = field(default_factory=FakePresenceStore)
    playtimes: FakePlaytimeStore = field(default_factory=FakePlaytimeStore)
    levels: FakeLevelStore = field(default_factory=FakeLevelStore)
    xp_events: FakeXpEventStore = field(default_factory=FakeXpEventStore)
    secrets: PlainSecrets = field(default_factory=PlainSecrets)
    readings: FakeServerReadings = field(default_factory=FakeServerReadings)
    deliveries: FakeDeliveries = field(default_factory=FakeDeliveries)
    samples: FakeSamples = field(default_factory=FakeSamples)
    progress: FakeProgressMessages = field(default_factory=FakeProgressMessages)
    backups: FakeBackups = field(default_factory=FakeBackups)
    boards: FakePostedBoards = field(default_factory=FakePostedBoards)
    tasks: FakeTaskReports = field(default_factory=FakeTaskReports)
    health: FakeHealth = field(default_factory=FakeHealth)
    personal: FakePersonalStore = field(default_factory=FakePersonalStore)
    erasures: FakeErasureStore = field(default_factory=FakeErasureStore)
    notifications: FakeNotificationStore = field(default_factory=FakeNotificationStore)
    owners: FakeOwners = field(default_factory=FakeOwners)
    languages: Languages = field(default_factory=Languages)
    home_guild_id: int | None = None
    owner_ids: tuple[int, ...] = ()
    bounty_endings: BountyEndings = field(init=False)
    season_timer: SeasonTimer = field(init=False)
    recap_timer: RecapTimer = field(init=False)
    restores: FakeRestores = field(init=False)

    def __post_init__(self) -> None:
        self.restores = FakeRestores(self.backups)
        self.factions = FakeFactionStore(self.links)

    def freeze(self) -> object:
        """Return a copy of everything that commands can change."""
        return copy.deepcopy(
            (
                self.guilds.settings,
                self.servers.servers,
                self.links.links,
                (self.roles.rules, self.roles.grants),
                (self.money.data.balances, self.money.data.ledger, self.money.data.bounties),
                self.audit.entries,
                self.premium.records,
                self.erasures.done,
                self.error_store.groups,
                self.seasons.seasons,
                self.recaps.plans,
                self.xp_events.events,
                (self.factions.factions, self.factions.periods, self.factions.invitations),
                self.notifications.chosen,
            )
        )

    def build_services(self, *, tier: int = 4) -> Services:
        """Return services over these storages."""
        tasks = TaskManager(self.clock)
        self.guilds.audit = self.servers.audit = self.links.audit = self.error_store.audit = self.audit
        self.roles.audit = self.audit
        self.seasons.audit = self.xp_events.audit = self.audit
        self.factions.audit = self.audit
        grants = GrantSetup(tier, self.clock, self.premium, self.servers, audit=self.audit)
        ingestion = FakeIngestionStore()
        ingestion.audit = self.audit
        stores = ServiceStores(
            guilds=self.guilds,
            locales=self.guilds,
            servers=self.servers,
            cursors=ingestion,
            imports=ingestion,
            caught_up=ingestion,
            caught_up_guilds=ingestion,
            rejected=self.rejected,
            premium=self.premium,
            audit=self.audit,
            statistics=self.statistics,
            combat=self.combat,
            hunters=self.hunters,
            deaths=self.deaths,
            links=self.links,
            roles=self.roles,
            factions=self.factions,
            faction_days=self.faction_days,
            wallets=self.money,
            bounties=self.money,
            due_bounties=self.money,
            seasons=self.seasons,
            moving_seasons=self.seasons,
            recaps=self.recaps,
            due_recaps=self.recaps,
            personal_data=self.personal,
            erasures=self.erasures,
            notifications=self.notifications,
            game_logs=self.game_logs,
            playtimes=self.playtimes,
            places=self.statistics,
            levels=self.levels,
            xp_events=self.xp_events,
        )
        guild = build_guild_services(stores, tasks, default_tier=tier, clock=self.clock)
        guild = replace(guild, premium=grants.premium)
        around = Surroundings(
            encryption=self.secrets,
            checker=self.secrets,
            host_keys=self.secrets,
            logs=FakeLogAccess(FakeDeathLogs()),
            loops=FakeServerLoops(),
            history=HistoryImport(ingestion, ingestion, self.events, clock=self.clock),
            notifier=FakeNotifier(),
            proofs=FakeProofs(),
            roles=self.guild_roles,
            role_edits=self.role_edits,
            readings=self.readings,
            events=self.events,
            memory=self.error_store,
            erasure_log=build_erasure_log(self.clock),
            tasks=tasks,
            clock=self.clock,
            rng=random.Random(1),
            requires_proof=True,
        )
        features = build_features(stores, guild, around)
        own_links = FakeMemberLinks(self.money)  # the proven players in the storage of money
        bounties = build_bounties(stores, guild, around, features.servers, own_links)
        features = replace(features, bounties=bounties)
        self.bounty_endings = features.bounty_endings
        self.season_timer = features.season_timer
        self.recap_timer = features.recap_timer
        shown = CommandSources(
            grants=grants.service,
            boards=self.boards,
            readings=self.readings,
            deliveries=self.deliveries,
            samples=self.samples,
            progress=self.progress,
            backups=self.backups,
            restores=self.restores,
            tasks=self.tasks,
            health=self.health,
            errors=self.reporter,
            error_store=self.error_store,
            recent_errors=self.error_store,
            operators=Operators(
                self.owners.find,
                home_guild_id=self.home_guild_id,
                owner_ids=self.owner_ids,
                clock=self.clock,
                errors=self.reporter,
            ),
        )
        factory = EmbedFactory(languages=self.languages)
        return build_services(guild, features, shown, embeds=factory, clock=self.clock)


class Form(discord.ui.Modal):
    """A form with one field."""

    def __init__(self) -> None:
        super().__init__(discord.ui.InputText(label="Password"), title="Login")


class PracticeCog(GuildCog):
    """Commands of every kind.

    Attributes:
        error: the error of the failing commands.
        before_answer: a function that is called between acknowledgement and answer.
        pages: the number of pages.
        view_seconds: the seconds for which buttons work.
        shown: the buttons of the last answer.
        decisions: the choice of each confirmation.
    """

    group = discord.SlashCommandGroup("deep", "A group")

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.error: Exception = ZeroDivisionError("a detail nobody may read")
        self.before_answer: Callable[[], None] = lambda: None
        self.pages = 3
        self.view_seconds = VIEW_SECONDS
        self.shown: InvokerView | None = None
        self.decisions: asyncio.Queue[bool | None] = asyncio.Queue()

    @commands.slash_command(name="public", description="Answers everybody")
    async def public(self, ctx: KillfeedContext) -> None:
        """Answer in public."""
        self.before_answer()
        await ctx.respond(f"guild {ctx.guild_id}")

    @commands.slash_command(name="chart", description="Costs some work")
    @Access(cost=CHART_COST)
    async def chart(self, ctx: KillfeedContext) -> None:
        """Answer with an expensive chart."""
        await ctx.respond("a chart")

    @group.command(name="private", description="Answers the caller")
    @Access(is_private=True)
    async def private(self, ctx: KillfeedContext) -> None:
        """Answer in private."""
        self.before_answer()
        await ctx.respond("for you")

    @group.command(name="admin", description="For admins")
    @Access(is_admin=True, is_private=True)
    async def admin(self, ctx: KillfeedContext) -> None:
        """Answer admins."""
        await ctx.respond("for admins")

    @group.command(name="owner", description="For owners")
    @Access(is_owner=True, is_private=True)
    async def owner(self, ctx: KillfeedContext) -> None:
        """Answer owners."""
        await ctx.respond("for owners")

    @group.command(name="home", description="For the home guild")
    @Access(is_home=True, is_private=True)
    async def home(self, ctx: KillfeedContext) -> None:
        """Answer admins of the home guild."""
        await ctx.respond("for the home guild")

    @group.command(name="change", description="Opens a form if asked to")
    @discord.option("ask", bool, description="Open the form", default=False)
    @Access(is_admin=True, is_private=True, modal_options=("ask",))
    async def change(
        self,
        ctx: KillfeedContext,
        ask: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer with a form or without."""
        if ask:
            await ctx.send_modal(Form())
        else:
            await ctx.respond("changed")

    @commands.slash_command(name="premium", description="Needs a tier")
    @Access(feature=Feature.LEADERBOARD)
    async def premium(self, ctx: KillfeedContext) -> None:
        """Answer guilds of a tier."""
        await ctx.respond("open")

    @commands.slash_command(name="form", description="Opens a form")
    @Access(is_admin=True, opens_modal=True)
    async def form(self, ctx: KillfeedContext) -> None:
        """Answer with a form."""
        await ctx.send_modal(Form())

    @commands.slash_command(name="fail", description="Fails in public")
    async def fail(self, ctx: KillfeedContext) -> None:
        """Fail after a public acknowledgement."""
        del ctx
        raise self.error

    @group.command(name="fail", description="Fails in private")
    @Access(is_private=True)
    async def fail_privately(self, ctx: KillfeedContext) -> None:
        """Fail after a private acknowledgement."""
        del ctx
        raise self.error

    @commands.slash_command(name="find", description="Offers choices")
    @discord.option("player", str, description="Who", autocomplete=complete_player, default=None)
    @discord.option("server", str, description="Where", autocomplete=complete_server, default=None)
    async def find(self, ctx: KillfeedContext, player: str | None, server: str | None) -> None:
        """Answer with the chosen values."""
        await ctx.respond(f"{player} {server}")

    @commands.slash_command(name="pages", description="Shows pages")
    async def show_pages(self, ctx: KillfeedContext) -> None:
        """Answer with a page and buttons."""
        view = AnswerView(self._build_page, ctx, pages=self.pages, seconds=self.view_seconds)
        self.shown = view
        answer = await self._build_page({}, 0)
        await ctx.respond(embed=answer.embed, view=view)

    @commands.slash_command(name="sure", description="Asks again")
    async def ask_again(self, ctx: KillfeedContext) -> None:
        """Answer with a question."""
        self.shown = view = ConfirmView(text("Remove"), ctx, seconds=self.view_seconds)
        await ctx.respond("Sure?", view=view)
        await view.wait()
        self.decisions.put_nowait(view.is_confirmed)

    async def _build_page(self, _: Chosen, page: int) -> Answer:
        if not self.pages:
            raise self.error
        return Answer(discord.Embed(title=f"Page {page + 1}"), self.pages)


class SmallBot(commands.Bot):
    """A bot with that cog, which is built and answers like the project's own bot."""

    def __init__(self, services: Services) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            cache_default_sounds=False,
            default_command_contexts={discord.InteractionContextType.guild},
            help_command=None,
            guild_ready_timeout=0.1,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.services = services
        self.practice = PracticeCog(services)
        self.add_cog(self.practice)
        self.add_listener(self.answer_ended, "on_interaction")

    async def answer_ended(self, interaction: discord.Interaction) -> None:
        """Answer buttons that have ended."""
        await answer_ended(interaction, self.services)

    async def get_application_context(
        self, interaction: discord.Interaction, cls: type[discord.ApplicationContext] = KillfeedContext
    ) -> discord.ApplicationContext:
        """Return the context for cogs."""
        return await super().get_application_context(interaction, cls)

    async def on_application_command_error(
        self, ctx: discord.ApplicationContext, error: discord.DiscordException
    ) -> None:
        """Answer a failed command."""
        await self.services.replies.answer(ctx.interaction, error, get_access(ctx.command))
