"""The killfeed bot: entry point and composition root.

Here alone the rooms are joined: settings, database, SFTP, services, delivery, Discord. ``python bot.py`` runs
the bot, ``python bot.py check`` tells whether it could run. Exit codes: 0 stopped cleanly, 1 could not start
or a check failed, 2 wrong usage or configuration.
"""

import argparse
import asyncio
import gc
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import discord
from structlog import get_logger

from utils.clock import Clock, SystemClock
from utils.data_folder import load_instance_id, lock_data_folder
from utils.database.database import Fence, SafeDatabase
from utils.database.opening import MongoDBPlace, check_database, open_database
from utils.database.repositories import Repositories
from utils.database.repositories.leases import LeaseRepository
from utils.delivery.alerts import AdminAlerts
from utils.delivery.desk import DeliveryDesk
from utils.delivery.loop import DeliveryLoop
from utils.delivery.progress import ImportMessages
from utils.delivery.proofs import LinkMessages
from utils.delivery.sender import DiscordSender
from utils.delivery.service import DeliveryService
from utils.embeds.factory import EmbedFactory
from utils.errors import ConfigurationError, KillfeedError
from utils.events import (
    DeathsStored,
    EventDispatcher,
    GuildLeft,
    HistoryImported,
    NoticesQueued,
    ServerAdded,
    ServerRemoved,
)
from utils.interactions.client import KillfeedBot
from utils.interactions.command_set import list_commands
from utils.interactions.operators import Operators
from utils.interactions.replies import ErrorReplies
from utils.interactions.services import Services
from utils.interactions.views import LiveViews
from utils.models.servers import CheckStep
from utils.secrets import Redactor, SecretBox
from utils.services.audit import AuditLog
from utils.services.bounties import BountyRooms, BountyService
from utils.services.grants import GrantRooms, GrantService
from utils.services.guild_changes import GuildChangeService
from utils.services.guilds import SettingsService
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.watch import WatchRooms, WatchSettings
from utils.services.ingestion.watchers import ServerWatchers
from utils.services.leases import LeaseKeeper
from utils.services.links import LinkService
from utils.services.premium import PremiumService
from utils.services.proving import ProofKeeper
from utils.services.rewards import KillRewards
from utils.services.server_changes import ServerChangeService, ServerRooms
from utils.services.servers import GameServerService
from utils.services.statistics import PlayerNames, StatisticsService
from utils.services.wallets import WalletService
from utils.settings import Settings, load_settings
from utils.sftp.access import DeathLogAccess
from utils.sftp.login import PoolLimits
from utils.sftp.pool import SftpConnectionPool
from utils.tasks import TaskManager
from utils.telemetry.context import bind_log_context
from utils.telemetry.log_setup import configure_logging
from utils.telemetry.reporter import ErrorReporter

EXTENSIONS = (
    "cogs.killfeed",
    "cogs.stats",
    "cogs.leaderboard",
    "cogs.link",
    "cogs.premium",
    "cogs.bounty",
    "cogs.admin",
    "cogs.help",
)
SHARD = 0
COMMANDS_NAME = "commands.json"
IDLE_CHECK_SECONDS = 30.0
PRUNE_SECONDS = 3600.0
PREMIUM_CHECK_SECONDS = 10.0  # a tier is over at its end by itself; its servers are paused this much later
BOUNTY_SECONDS = 15.0
KEPT_MESSAGES = timedelta(hours=24)
LONGEST_LOGIN_PAUSE_SECONDS = 60.0
CHECK_PATIENCE_SECONDS = 5.0  # whoever runs a check sits and waits
REFUSED_LOGIN = (
    "Discord refuses the token. Copy it anew from the Discord developer portal (Bot, Reset Token) "
    "into discord.token of your configuration."
)

logger = get_logger("bot")


class Application:
    """The whole bot, joined: what runs, and the order in which it starts and stops.

    Args:
        settings: the configuration.
        database: opened and checked.
        lease: held.
        redactor: learns every login that is decrypted.
    """

    def __init__(
        self,
        settings: Settings,
        database: SafeDatabase,
        lease: LeaseKeeper,
        redactor: Redactor,
        *,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.lease = lease
        self.repositories = Repositories.build(
            database,
            lambda _: Fence(lease.shard, lease.token),  # one lease over all guilds
        )
        self.events = EventDispatcher()
        self.reporter = ErrorReporter(clock)
        self.tasks = TaskManager(clock)
        self.bot = KillfeedBot(
            self.events,
            reporter=self.reporter,
            log_context=bind_log_context,
            commands_file=settings.data_dir / COMMANDS_NAME,
        )
        self.pool = SftpConnectionPool(PoolLimits(**settings.sftp.model_dump()), clock=clock)
        self.secret_box = SecretBox.load(
            settings.secret_key.get_secret_value(), settings.data_dir, redactor=redactor
        )
        self.access = DeathLogAccess(self.pool, self.secret_box, clock=clock)
        self.factory = EmbedFactory()
        self.guild_settings = SettingsService(
            self.repositories.guilds, self.repositories.servers, clock=clock
        )
        self.premium = PremiumService(
            self.repositories.premium, default_tier=settings.premium.default_tier, clock=clock
        )
        self.audit = AuditLog(self.repositories.audit, clock=clock)
        self.names = PlayerNames(self.repositories.statistics)
        self.progress = ImportMessages(self.bot, self.tasks, factory=self.factory, clock=clock)
        self.alerts = AdminAlerts(self.bot, settings=self.guild_settings, factory=self.factory, clock=clock)
        self.sender = DiscordSender(self.bot, clock=clock)
        self.history = HistoryImport(
            self.repositories.ingestion, self.repositories.imports, self.events, clock=clock
        )
        self.watchers = self._build_watchers()
        self.grants = self._build_grants()
        self.proofs = self._build_proofs()
        self.links = self._build_links()
        self.servers = self._build_servers()
        self.bounties = self._build_bounties()
        self.bot.follower = self.watchers
        self.bot.services = self._build_services()
        for extension in EXTENSIONS:
            self.bot.load_extension(extension)
        self._register_handlers()

    def _build_watchers(self) -> ServerWatchers:
        max_age = timedelta(minutes=self.settings.polling.max_announce_age_minutes)
        delivery = DeliveryService(
            self.repositories.outbox,
            channels=self.guild_settings,
            sender=self.sender,
            notifier=self.alerts,
            factory=self.factory,
            clock=self.clock,
            max_announce_age=max_age,
        )
        rooms = WatchRooms(
            servers=self.repositories.servers,
            imports=self.repositories.imports,
            logs=self.access,
            live=LiveIngestion(
                self.repositories.ingestion,
                self.events,
                clock=self.clock,
                max_announce_age=max_age,
                rewards=KillRewards(self.guild_settings, self.premium),
            ),
            history=self.history,
            channels=self.guild_settings,
            premium=self.premium,
            notifier=self.alerts,
            progress=self.progress,
            clock=self.clock,
        )
        return ServerWatchers(
            self.tasks,
            DeliveryLoop(delivery, self.tasks, clock=self.clock),
            self.repositories.directory,
            rooms,
            WatchSettings(self.settings.polling.min_interval_seconds, max_age),
        )

    def _build_grants(self) -> GrantService:
        rooms = GrantRooms(
            store=self.repositories.premium,
            premium=self.premium,
            servers=self.repositories.servers,
            watchers=self.watchers,
            notifier=self.alerts,
            directory=self.repositories.directory,
            audit=self.audit,
            clock=self.clock,
        )
        return GrantService(rooms, minimum_poll_seconds=self.settings.polling.min_interval_seconds)

    def _build_servers(self) -> GameServerService:
        return GameServerService(
            self.repositories.servers,
            self.repositories.rejected,
            settings=self.guild_settings,
            premium=self.premium,
            secret_keeper=self.secret_box,
            checker=self.access,
            logs=self.access,
            history=self.history,
            watchers=self.watchers,
            events=self.events,
            audit=self.audit,
            clock=self.clock,
        )

    def _build_server_changes(self, servers: GameServerService) -> ServerChangeService:
        rooms = ServerRooms(
            store=self.repositories.servers,
            imports=self.repositories.imports,
            settings=self.guild_settings,
            premium=self.premium,
            secret_keeper=self.secret_box,
            checker=self.access,
            host_keys=self.access,
            watchers=self.watchers,
            audit=self.audit,
        )
        return ServerChangeService(servers, rooms)

    def _build_proofs(self) -> ProofKeeper:
        return ProofKeeper(
            self.repositories.links,
            self.repositories.directory,
            players=self.names,
            reading=self.watchers,
            messages=LinkMessages(self.bot, factory=self.factory),
            clock=self.clock,
        )

    def _build_links(self) -> LinkService:
        return LinkService(
            self.repositories.links,
            players=self.names,
            proofs=self.proofs,
            audit=self.audit,
            clock=self.clock,
            rng=secrets.SystemRandom(),
            requires_proof=self.settings.links.require_proof,
        )

    def _build_bounties(self) -> BountyService:
        return BountyService(
            BountyRooms(
                store=self.repositories.bounties,
                directory=self.repositories.directory,
                links=self.links,
                guilds=self.guild_settings,
                servers=self.servers,
                names=self.names,
                audit=self.audit,
                events=self.events,
                clock=self.clock,
            )
        )

    def _build_services(self) -> Services:
        servers = self.servers
        discord_settings = self.settings.discord
        return Services(
            settings=self.guild_settings,
            servers=servers,
            statistics=StatisticsService(self.repositories.statistics, self.names),
            links=self.links,
            names=self.names,
            premium=self.premium,
            wallets=WalletService(self.repositories.wallets, audit=self.audit, clock=self.clock),
            bounties=self.bounties,
            health=self.watchers,
            delivery=DeliveryDesk(
                self.sender,
                self.watchers,
                channels=self.guild_settings,
                factory=self.factory,
                clock=self.clock,
            ),
            progress=self.progress,
            embeds=self.factory,
            replies=ErrorReplies(self.factory, self.reporter),
            views=LiveViews(),
            clock=self.clock,
            operators=Operators(
                self.bot.find_owner_ids,
                home_guild_id=discord_settings.home_guild_id,
                owner_ids=discord_settings.owner_ids,
            ),
            grants=self.grants,
            guild_changes=GuildChangeService(
                self.guild_settings, servers, premium=self.premium, audit=self.audit
            ),
            server_changes=self._build_server_changes(servers),
            audit=self.audit,
            tasks=self.tasks,
        )

    def _register_handlers(self) -> None:
        events = self.events
        events.register(NoticesQueued, self.watchers.on_notices_queued)
        events.register(DeathsStored, self.names.on_deaths_stored)
        events.register(DeathsStored, self.proofs.on_deaths_stored)
        events.register(HistoryImported, self.names.on_history_imported)
        events.register(ServerRemoved, self.names.on_server_removed)
        events.register(ServerAdded, self.grants.on_server_added)
        events.register(ServerRemoved, self.grants.on_server_removed)
        events.register(GuildLeft, self.grants.on_guild_left)
        events.register(ServerRemoved, self.bounties.on_server_removed)
        events.register(GuildLeft, self._on_guild_left)

    async def run(self, stop: asyncio.Event) -> None:
        """Read, deliver and answer until ``stop`` is set.

        Raises:
            ConfigurationError: Discord refuses the token.
            LeaseLostError: another process took over.
        """
        self.watchers.start_all(await self.repositories.directory.list_server_scopes())
        self.tasks.start("sftp:idle", self._expire_idle, interval_seconds=IDLE_CHECK_SECONDS)
        self.tasks.start("premium:settle", self.grants.settle_all, is_critical=True)
        self.tasks.start("premium:ends", self.grants.end_due, interval_seconds=PREMIUM_CHECK_SECONDS)
        self.tasks.start("links:proofs", self.proofs.run, is_critical=True)
        self.tasks.start("storage:prune", self._prune, interval_seconds=PRUNE_SECONDS)
        self.tasks.start("bounties:expire", self.bounties.expire_due, interval_seconds=BOUNTY_SECONDS)
        works = [
            asyncio.create_task(self._run_discord(), name="discord"),
            asyncio.create_task(self.lease.keep(), name="lease"),
            asyncio.create_task(_wait_for(stop), name="stop"),
        ]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()
        finally:
            await self._shut_down(works)

    async def _run_discord(self) -> None:
        token = self.settings.discord.token.get_secret_value()
        await self._log_in(token)
        await self.bot.connect(reconnect=True)

    async def _log_in(self, token: str) -> None:
        """Log in; while Discord is away, try again, for kills are read and stored meanwhile."""
        pause = 1.0
        while True:
            try:
                await self.bot.login(token)
            except discord.LoginFailure:
                raise ConfigurationError(REFUSED_LOGIN) from None
            except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
                logger.warning("Discord is not reached, trying again", problem=str(failure), seconds=pause)
                await self.bot.http.close()
                await self.clock.sleep(pause)
                pause = min(pause * 2, LONGEST_LOGIN_PAUSE_SECONDS)
            else:
                return

    async def _shut_down(self, works: list["asyncio.Task[None]"]) -> None:
        """Stop what runs, in the order in which it depends on each other."""
        logger.info("stopping")
        await self.tasks.stop()
        await self.pool.aclose()
        for work in works:
            work.cancel()  # the gateway first, or it would reconnect while the session closes
        await asyncio.wait(works)
        await self.bot.close()

    async def _expire_idle(self) -> None:
        self.pool.expire_idle()

    async def _prune(self) -> None:
        await self.repositories.prune(sent_before=self.clock.now() - KEPT_MESSAGES)

    async def _on_guild_left(self, event: GuildLeft) -> None:
        await self.watchers.stop_guild(event.guild_id)
        await self.tasks.cancel_guild(event.guild_id)
        await self.pool.close_guild(event.guild_id)
        self.guild_settings.forget(event.guild_id)
        self.names.forget(event.guild_id)


async def _wait_for(stop: asyncio.Event) -> None:
    await stop.wait()


def build_place(settings: Settings) -> MongoDBPlace:
    """Return where the database is, by the configuration."""
    return MongoDBPlace(
        uri=settings.mongodb.uri.get_secret_value(),
        database=settings.mongodb.database,
        data_dir=settings.data_dir,
        mongod_path=settings.mongodb.mongod_path,
    )


async def run_bot(settings: Settings, redactor: Redactor) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        KillfeedError: the bot could not start or go on; the text says why.
    """
    clock, stop = SystemClock(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_database(build_place(settings), TaskManager(clock), clock=clock) as database:
        lease = LeaseKeeper(
            LeaseRepository(database),
            shard=SHARD,
            instance_id=load_instance_id(settings.data_dir),
            clock=clock,
        )
        if await _wait_for_lease(lease, stop):
            try:
                await Application(settings, database, lease, redactor, clock=clock).run(stop)
            finally:
                await lease.give_back()


async def _wait_for_lease(lease: LeaseKeeper, stop: asyncio.Event) -> bool:
    """Return True once the lease is held, False when the standby was told to stop."""
    waiting = asyncio.create_task(lease.wait_for_lease())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not waiting.done():
        waiting.cancel()
        return False
    waiting.result()
    return True


def build_redactor(settings: Settings) -> Redactor:
    """Return what keeps the configured secrets out of everything that is written."""
    redactor = Redactor()
    for secret in (settings.discord.token, settings.mongodb.uri, settings.secret_key):
        redactor.register(secret.get_secret_value())
    return redactor


def apply_api_address(settings: Settings) -> None:
    """Set the address of Discord's API, for a proxy or a simulator; the library's own setting."""
    if settings.discord.api_base_url:
        discord.http.Route.API_BASE_URL = settings.discord.api_base_url


def relax_garbage_collection() -> None:
    """Look for reference cycles less often, and never in what is loaded by now, which stays for good.

    An import makes many values and no cycles; with Python's own settings a fifth of its time is this search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def run(settings: Settings) -> int:
    """Run the bot and return its exit code."""
    redactor = build_redactor(settings)
    relax_garbage_collection()
    apply_api_address(settings)
    try:
        with (
            lock_data_folder(settings.data_dir),
            open_logs(settings, redactor, level=settings.logging.level),
        ):
            asyncio.run(run_bot(settings, redactor))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return 1
    return 0


@contextmanager
def open_logs(settings: Settings, redactor: Redactor, *, level: str) -> Iterator[None]:
    """Write logs to the console and the data folder."""
    logs = configure_logging(
        settings.data_dir / "logs",
        level=level,
        keep_days=settings.logging.keep_days,
        redact=redactor,
        console=sys.stderr,
    )
    try:
        yield
    finally:
        logs.close()


async def check_bot(settings: Settings, redactor: Redactor) -> list[CheckStep]:
    """Try everything the bot needs, in the order in which it needs it."""
    steps = [CheckStep("Configuration", ok=True, detail="every key is understood")]
    clock = SystemClock()
    try:
        with lock_data_folder(settings.data_dir):
            steps.append(CheckStep("Data folder", ok=True, detail=f"{settings.data_dir} can be written"))
            place, tasks = build_place(settings), TaskManager(clock)
            async with open_database(
                place, tasks, clock=clock, patience_seconds=CHECK_PATIENCE_SECONDS
            ) as database:
                steps += await check_database(database)
                lease = LeaseKeeper(LeaseRepository(database), shard=SHARD, instance_id="check", clock=clock)
                application = Application(settings, database, lease, redactor, clock=clock)
                steps.append(_check_commands(application.bot))
                steps.append(await _check_token(settings, application.bot))
    except KillfeedError as error:
        steps.append(CheckStep("Not checked further", ok=False, detail=str(error)))
    return steps


def _check_commands(bot: KillfeedBot) -> CheckStep:
    detail = f"{len(EXTENSIONS)} features with {len(list_commands(bot))} commands"
    return CheckStep("Commands", ok=True, detail=detail)


async def _check_token(settings: Settings, bot: KillfeedBot) -> CheckStep:
    try:
        await bot.login(settings.discord.token.get_secret_value())
    except discord.LoginFailure:
        return CheckStep("Discord", ok=False, detail=REFUSED_LOGIN)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
        return CheckStep("Discord", ok=True, detail=f"not reached, so the token is not checked ({failure})")
    finally:
        await bot.close()
    return CheckStep("Discord", ok=True, detail=f"logged in as {bot.user}")


def check(settings: Settings) -> int:
    """Print what works and what does not, and return the exit code."""
    redactor = build_redactor(settings)
    apply_api_address(settings)
    with open_logs(settings, redactor, level="ERROR"):
        steps = asyncio.run(check_bot(settings, redactor))
    for step in steps:
        mark = "ok  " if step.ok else "FAIL"
        sys.stdout.write(f"{mark}  {step.name:<20} {redactor.redact(step.detail)}\n")
    return 0 if all(step.ok for step in steps) else 1


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(prog="bot.py", description="The killfeed bot for Deadside game servers.")
    parser.add_argument("action", nargs="?", choices=["check"], help="check: tell whether the bot could run")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.json"))
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the command line."""
    options = parse_arguments(arguments)
    try:
        settings = load_settings(options.config, os.environ)
    except ConfigurationError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return 2
    if options.action == "check":
        return check(settings)
    return run(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
