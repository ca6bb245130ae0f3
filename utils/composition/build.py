"""Builds the application from its parts."""

import secrets
from collections.abc import Callable, Sequence
from importlib import import_module

from utils.caching import GuildMemory
from utils.clock import Clock
from utils.composition.application import Application
from utils.composition.base import Base
from utils.composition.data_care import build_nightly
from utils.composition.delivery import (
    Delivery,
    Displays,
    build_board_messages,
    build_bounty_boards,
    build_counters,
    build_delivery,
)
from utils.composition.erasures import build_erasure_log
from utils.composition.errors import build_error_alerts, build_error_writer, build_restore_messages
from utils.composition.health import Health, HealthSources, build_health
from utils.composition.interactions import CommandSources, build_bot, build_services
from utils.composition.read_back import ReadBackCheck
from utils.composition.reading import Loops, Reading, build_ingestion, build_reading
from utils.composition.restores import OwnBackups, build_own_backups
from utils.composition.services import FeatureServices, build_features
from utils.composition.storage import Repositories, build_repositories
from utils.composition.surroundings import GuildServices, Surroundings, build_guild_services
from utils.database.core.database import SafeDatabase
from utils.delivery.boards import PostedBoardMessages
from utils.delivery.proofs import LinkMessages
from utils.embeds.factory import EmbedFactory
from utils.events import (
    BountiesChanged,
    CountersStored,
    DeathsStored,
    EventDispatcher,
    FactionChanged,
    GuildJoined,
    GuildLeft,
    GuildSettingsChanged,
    HistoryImported,
    LinksChanged,
    NoticesQueued,
    PlayerErased,
    PostedEventsChanged,
    RolesChanged,
    SeasonChanged,
    ServerAdded,
    ServerRemoved,
)
from utils.incident_log import IncidentLog
from utils.interactions.client import KillfeedBot
from utils.interactions.operators import Operators
from utils.interactions.services import Services
from utils.models.scope import GuildId
from utils.secrets import SecretBox
from utils.services.guilds.looks import GuildLooks
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.services.ingestion.live import LiveIngestion
from utils.services.links.proof_watcher import ProofWatcher
from utils.services.links.request_alerts import RequestAlerts
from utils.services.players.posted_boards import PostedBoardService
from utils.services.ports import LoopControl, ServerReadings
from utils.services.premium.grants import GrantService
from utils.services.shards.leases import LeaseHolder
from utils.services.verification.read_back import ReadBack
from utils.settings import Settings
from utils.sftp.access import DeathLogAccess
from utils.sftp.login import PoolLimits
from utils.sftp.pool import SftpConnectionPool
from utils.tallies import CommandTally
from utils.tasks import TaskManager
from utils.telemetry.errors import ErrorTelemetry


def build_application(
    settings: Settings,
    database: SafeDatabase,
    leases: LeaseHolder,
    secret_box: SecretBox,
    tasks: TaskManager,
    *,
    extensions: Sequence[str],
    clock: Clock,
    errors: ErrorTelemetry | None = None,
    reading: Reading | None = None,
    is_member: Callable[[GuildId], bool] | None = None,
) -> Application:
    """Join the rooms, without running anything.

    Args:
        settings: the configuration.
        database: the database, opened and checked.
        leases: the leases, which are held.
        secret_box: opens the stored logins; its key was checked.
        tasks: owns every task of the process.
        extensions: the cogs.
        clock: the clock of all parts.
        errors: takes every error of the process.
        reading: replaces the hosts and the loops over their logs.
        is_member: tells whether the bot is in a guild, instead of Discord.
    """
    repositories = build_repositories(settings, database, leases)
    base = build_base(settings, repositories, tasks, clock=clock, errors=errors or ErrorTelemetry(clock))
    throttle, factory, tally = ImportThrottle(clock), EmbedFactory(), CommandTally()
    bot, guild = build_bot(base, throttle, tally), build_guild(base)
    delivery = build_delivery(base, guild, bot, factory)
    ingestion = build_ingestion(base, guild, throttle, secret_box)
    pool = SftpConnectionPool(PoolLimits(**settings.sftp.model_dump()), clock=clock, errors=base.errors)
    if reading is None:
        hosts = DeathLogAccess(pool, secret_box, clock=clock)
        reading = build_reading(base, guild, ingestion, delivery, hosts)
    grants, operators = build_grants(base, guild, delivery, reading.loops), build_operators(base, bot)
    proofs = build_proofs(base, guild, delivery, reading)
    around = build_surroundings(base, secret_box, reading, ingestion.history, delivery, proofs)
    features = build_features(base.repositories, guild, around)
    displays = build_displays(base, bot, delivery, guild, features, reading.loops, is_member)
    looks = build_looks(base, features)
    looked_at = (database, leases, secret_box, bot, delivery, guild, reading.loops, pool, operators, tally)
    health = build_health(base, HealthSources(*looked_at))
    backups = build_own_backups(base, database, secret_box, leases, throttle)
    shown = build_shown(base, delivery, reading.loops, grants, displays.boards, operators, health, backups)
    services = build_services(guild, features, shown, embeds=factory, clock=clock)
    equip(bot, services, reading.loops, extensions)
    rules = (grants, proofs, *displays, looks, health, features.role_looks, delivery.role_edits)
    application = Application(
        base,
        leases,
        bot=bot,
        factory=factory,
        pool=pool,
        guild=guild,
        features=features,
        history=ingestion.history,
        loops=reading.loops,
        grants=grants,
        proofs=proofs,
        displays=displays,
        direct_messages=delivery.direct_messages,
        looks=looks,
        backups=backups,
        health=health,
        error_alerts=build_error_alerts(base, delivery, operators),
        restore_messages=build_restore_messages(base, delivery, operators),
        memories=build_memories(base, guild, delivery, reading, rules, ingestion.live),
    )
    register_handlers(application, delivery, database)
    return application


def build_base(
    settings: Settings,
    repositories: Repositories,
    tasks: TaskManager,
    *,
    clock: Clock,
    errors: ErrorTelemetry,
) -> Base:
    """Return the parts that every other part may use."""
    return Base(
        settings=settings,
        repositories=repositories,
        events=EventDispatcher(errors),
        tasks=tasks,
        errors=errors,
        error_writer=build_error_writer(errors, repositories.errors, settings, clock),
        clock=clock,
        incidents=IncidentLog(repositories.incidents, clock=clock),
    )


def build_guild(base: Base) -> GuildServices:
    """Return the services that all others ask."""
    return build_guild_services(
        base.repositories,
        base.tasks,
        default_tier=base.settings.premium.default_tier,
        clock=base.clock,
        is_shared=not base.settings.discord.sharding.is_whole,
    )


def equip(bot: KillfeedBot, services: Services, loops: Loops, extensions: Sequence[str]) -> None:
    """Give the bot what its commands use, and then its commands."""
    bot.follower, bot.services = loops, services
    for extension in extensions:
        import_module(extension).setup(bot)  # the library would load a module again that is there already


def build_surroundings(
    base: Base,
    secret_box: SecretBox,
    reading: Reading,
    history: HistoryImport,
    delivery: Delivery,
    proofs: ProofWatcher,
) -> Surroundings:
    """Return the dependencies of the services besides the storage."""
    return Surroundings(
        encryption=secret_box,
        checker=reading.hosts,
        host_keys=reading.hosts,
        logs=reading.hosts,
        loops=reading.loops,
        history=history,
        notifier=delivery.alerts,
        proofs=proofs,
        roles=delivery.roles,
        role_edits=delivery.role_edits,
        readings=reading.loops,
        events=base.events,
        memory=base.error_writer,
        erasure_log=build_erasure_log(
            base.settings, base.repositories.erasure_records, secret_box, base.clock
        ),
        tasks=base.tasks,
        clock=base.clock,
        rng=secrets.SystemRandom(),
        requires_proof=base.settings.links.require_proof,
    )


def build_operators(base: Base, bot: KillfeedBot) -> Operators:
    """Return the people with rights above guilds."""
    return Operators(
        bot.find_owner_ids,
        home_guild_id=base.settings.discord.home_guild_id,
        owner_ids=base.settings.discord.owner_ids,
        clock=base.clock,
        errors=base.errors,
    )


def build_shown(
    base: Base,
    delivery: Delivery,
    loops: Loops,
    grants: GrantService,
    boards: PostedBoardService,
    operators: Operators,
    health: Health,
    backups: OwnBackups,
) -> CommandSources:
    """Return the background work for commands."""
    return CommandSources(
        grants=grants,
        boards=boards,
        readings=loops,
        deliveries=delivery.loop,
        samples=delivery.samples,
        progress=delivery.progress,
        backups=backups.manager,
        restores=backups.requests,
        tasks=base.tasks,
        health=health.reports,
        errors=base.errors,
        error_store=base.repositories.errors,
        recent_errors=base.error_writer,
        operators=operators,
    )


def build_grants(base: Base, guild: GuildServices, delivery: Delivery, loops: LoopControl) -> GrantService:
    """Return the rules about grants of premium."""
    return GrantService(
        base.repositories.premium,
        base.repositories.scope_index,
        premium=guild.premium,
        servers=base.repositories.servers,
        loops=loops,
        notifier=delivery.alerts,
        tasks=base.tasks,
        clock=base.clock,
        minimum_poll_seconds=base.settings.polling.min_interval_seconds,
    )


def build_proofs(base: Base, guild: GuildServices, delivery: Delivery, reading: Reading) -> ProofWatcher:
    """Return the judge of links that wait for their proof."""
    return ProofWatcher(
        base.repositories.links,
        base.repositories.scope_index,
        alerts=RequestAlerts(base.repositories.links, notifier=delivery.alerts, settings=guild.settings),
        players=guild.names,
        reading=reading.loops,
        messages=LinkMessages(
            delivery.sender,
            delivery.messages,
            languages=delivery.languages,
            clock=base.clock,
            errors=base.errors,
        ),
        events=base.events,
        tasks=base.tasks,
        clock=base.clock,
    )


def build_displays(
    base: Base,
    bot: KillfeedBot,
    delivery: Delivery,
    guild: GuildServices,
    features: FeatureServices,
    readings: ServerReadings,
    is_member: Callable[[GuildId], bool] | None,
) -> Displays:
    """Return the parts that keep themselves up to date in channels."""
    return Displays(
        build_boards(
            base,
            guild,
            delivery,
            features,
            build_board_messages(base, delivery, features, readings),
            is_member or bot.is_member_of,
        ),
        build_bounty_boards(base, delivery, guild, features),
        build_counters(base, bot, delivery, guild, features, readings),
    )


def build_looks(base: Base, features: FeatureServices) -> GuildLooks:
    """Return the runner of the features' looks at guilds."""
    looks = {"levels": features.levels.look, "roles": features.role_looks.look}
    return GuildLooks(looks, tasks=base.tasks, clock=base.clock)


def build_boards(
    base: Base,
    guild: GuildServices,
    delivery: Delivery,
    features: FeatureServices,
    messages: PostedBoardMessages,
    is_member: Callable[[GuildId], bool],
) -> PostedBoardService:
    """Return the rules about posted boards."""
    return PostedBoardService(
        base.repositories.boards,
        base.repositories.scope_index,
        messages,
        coverage=features.coverage,
        channels=guild.settings,
        premium=guild.premium,
        notifier=delivery.alerts,
        audit=guild.audit,
        tasks=base.tasks,
        clock=base.clock,
        is_member=is_member,
    )


def build_memories(
    base: Base,
    guild: GuildServices,
    delivery: Delivery,
    reading: Reading,
    rules: Sequence[GuildMemory],
    live: LiveIngestion,
) -> Sequence[GuildMemory]:
    """Return all objects that keep data of a guild, to forget it when the bot leaves."""
    return (
        *(guild.settings, guild.premium, guild.names, guild.seen),
        *rules,
        delivery.alerts,
        reading.loops,
        live,
        reading.hosts,
        base.tasks,
        base.repositories.outbox,
        base.repositories.standings,
        base.repositories.member_figures,
        base.incidents,
        base.errors,
    )


def register_handlers(application: Application, delivery: Delivery, database: SafeDatabase) -> None:
    """Register the handlers of each event, and the work that follows the backup of the night."""
    care, events = build_nightly(application, database), application.events
    application.backups.manager.after_backup = care.run_nightly
    check = ReadBackCheck(application.base.settings, database)
    read_back = ReadBack(check, care, tasks=application.tasks)
    events.register(CountersStored, read_back.on_counters_stored)
    events.register(HistoryImported, read_back.on_history_imported)
    standings, members = application.repositories.standings, application.repositories.member_figures
    names, grants = application.guild.names, application.grants
    events.register(NoticesQueued, application.loops.on_notices_queued)
    events.register(PostedEventsChanged, delivery.event_posts.on_posted_events_changed)
    events.register(GuildSettingsChanged, delivery.loop.on_guild_settings_changed)
    events.register(CountersStored, standings.on_counters_stored)
    events.register(ServerRemoved, standings.on_server_removed)
    events.register(CountersStored, members.on_counters_stored)
    events.register(ServerRemoved, members.on_server_removed)
    events.register(DeathsStored, names.on_deaths_stored)
    events.register(DeathsStored, application.proofs.on_deaths_stored)
    events.register(DeathsStored, application.health.clocks.on_deaths_stored)
    events.register(HistoryImported, names.on_history_imported)
    events.register(HistoryImported, application.features.catch_ups.on_history_imported)
    events.register(ServerRemoved, names.on_server_removed)
    events.register(ServerRemoved, application.guild.seen.on_server_removed)
    events.register(PlayerErased, application.guild.seen.on_player_erased)
    events.register(PlayerErased, names.on_player_erased)
    events.register(ServerAdded, grants.on_server_added)
    events.register(ServerRemoved, grants.on_server_removed)
    events.register(ServerRemoved, application.features.bounty_endings.on_server_removed)
    events.register(GuildJoined, delivery.welcomes.on_guild_joined)
    events.register(BountiesChanged, application.displays.bounty_boards.on_bounties_changed)
    events.register(GuildSettingsChanged, application.displays.bounty_boards.on_settings_changed)
    events.register(GuildSettingsChanged, application.displays.counters.on_settings_changed)
    events.register(ServerRemoved, application.displays.bounty_boards.on_server_removed)
    events.register(PlayerErased, application.displays.bounty_boards.on_player_erased)
    events.register(CountersStored, application.looks.on_counters_stored)
    events.register(HistoryImported, application.looks.on_history_imported)
    events.register(ServerRemoved, application.looks.on_server_removed)
    events.register(PlayerErased, application.looks.on_player_erased)
    events.register(LinksChanged, application.looks.on_links_changed)
    events.register(RolesChanged, delivery.role_edits.on_roles_changed)
    events.register(RolesChanged, application.looks.on_roles_changed)
    events.register(LinksChanged, application.features.role_looks.on_links_changed)
    events.register(SeasonChanged, application.looks.on_season_changed)
    events.register(FactionChanged, application.looks.on_faction_changed)
    events.register(GuildLeft, application.on_guild_left)
    application.bot.add_listener(application.health.checker.tell_due, "on_ready")
