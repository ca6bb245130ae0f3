"""The application: starts and stops everything in order."""

import asyncio
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial

from structlog import get_logger

from utils.backup.backups import BACKUP_TASK
from utils.caching import GuildMemory
from utils.composition.base import Base
from utils.composition.delivery import Displays
from utils.composition.due_times import IDLE_TASK
from utils.composition.health import Health
from utils.composition.pruning import PRUNE_TASK, Pruning
from utils.composition.reading import Loops
from utils.composition.restores import OwnBackups
from utils.composition.services import FeatureServices
from utils.composition.surroundings import GuildServices
from utils.database.process.opening import MONGOD_TASK
from utils.delivery.counters import COUNTERS_TASK, LOOK_SECONDS
from utils.delivery.direct_messages import DIRECT_TASK, DirectMessages
from utils.delivery.restore_messages import RestoreMessages
from utils.embeds.factory import EmbedFactory
from utils.events import GuildLeft
from utils.gateway.connection import ServiceStatus
from utils.gateway.pace import IdentifyBudget
from utils.gateway.running import run_gateway
from utils.interactions.client import KillfeedBot
from utils.models.restores import RestoreOutcome
from utils.models.scope import GuildId
from utils.queues import WorkQueue
from utils.services.guilds.locale_uses import LOCALES_TASK
from utils.services.guilds.looks import LOOKS_TASK, GuildLooks
from utils.services.ingestion.catch_up_reports import REPORT_TASK
from utils.services.ingestion.history import HistoryImport
from utils.services.links.proof_watcher import PROOFS_TASK, ProofWatcher
from utils.services.money.bounties.endings import EXPIRE_TASK
from utils.services.players.posted_boards import (
    LIVE_SECONDS,
    LIVE_TASK,
    REFRESH_SECONDS,
    REFRESH_TASK,
)
from utils.services.premium.grants import ENDS_TASK, PAUSE_TASK, GrantService
from utils.services.recaps.timer import RECAPS_TASK
from utils.services.seasons.timer import SEASONS_TASK
from utils.services.servers.restart_warnings import WARN_TASK, RestartWarnings
from utils.services.shards.leases import LeaseHolder
from utils.sftp.pool import SftpConnectionPool
from utils.telemetry.error_alerts import ALERT_TASK, ErrorAlerts
from utils.telemetry.error_writer import WRITE_TASK

IDLE_CHECK_SECONDS = 30.0
PRUNE_SECONDS = 3600.0
LEAVE_TASK = "guild:leave"
RESTORED_TASK = "backup:restored"
READY_CHECK_SECONDS = 1.0
WARM_UP_SECONDS = 5.0  # after the start, so that the start is not slower
PREMIUM_CHECK_SECONDS = 10.0  # a tier ends by itself; its servers are paused at most this much later
BOUNTY_SECONDS = 15.0
WARNING_SECONDS = 20.0
DIRECT_SECONDS = 15.0
SEASON_SECONDS = 60.0
RECAP_SECONDS = 60.0
LOCALE_SECONDS = 60.0  # a kill loses the counts of so long at most
FIRST_SHARD = 0  # its process makes the backups

logger = get_logger(__name__)


@dataclass(eq=False, repr=False)
class Application:
    """The whole bot: its running parts, started and stopped in order."""

    base: Base
    leases: LeaseHolder
    _: KW_ONLY
    bot: KillfeedBot
    factory: EmbedFactory
    pool: SftpConnectionPool
    guild: GuildServices
    features: FeatureServices
    history: HistoryImport
    loops: Loops
    grants: GrantService
    proofs: ProofWatcher
    displays: Displays
    direct_messages: DirectMessages
    looks: GuildLooks
    backups: OwnBackups
    restore_messages: RestoreMessages
    error_alerts: ErrorAlerts
    health: Health
    memories: Sequence[GuildMemory]

    def __post_init__(self) -> None:
        self.repositories = self.base.repositories
        self.events = self.base.events
        self.tasks = self.base.tasks
        self.pruning = Pruning(
            self.base.repositories,
            self.base.tasks,
            incidents=self.base.incidents,
            erasures=self.features.erasures.log,
            clock=self.base.clock,
        )
        self.restart_warnings = RestartWarnings(
            self.repositories.scope_index,
            self.repositories.restart_warnings,
            servers=self.repositories.servers,
            channels=self.guild.settings,
            premium=self.guild.premium,
            events=self.events,
            tasks=self.tasks,
            clock=self.base.clock,
        )
        self._leaving = WorkQueue(LEAVE_TASK, self._leave, tasks=self.base.tasks)

    async def run(self, stop: asyncio.Event, status: ServiceStatus) -> None:
        """Read, deliver and answer until ``stop`` is set; ``status`` is told how the connection stands.

        Raises:
            ConfigurationError: Discord refuses the token.
            LeaseLostError: another process took over.
        """
        self.base.error_writer.load_pending()
        self.tasks.start(WRITE_TASK, self.base.error_writer.run, is_critical=True)
        self.tasks.start(ALERT_TASK, self.error_alerts.run, is_critical=True)
        self.health.start()
        await self.loops.begin()
        self.tasks.start(IDLE_TASK, self._expire_idle, interval_seconds=IDLE_CHECK_SECONDS)
        self.tasks.start(PAUSE_TASK, self.grants.pause_excess_of_all, is_critical=True)
        self.tasks.start(ENDS_TASK, self.grants.end_due, interval_seconds=PREMIUM_CHECK_SECONDS)
        self.tasks.start(PROOFS_TASK, self.proofs.run, is_critical=True)
        self.tasks.start("charts:warm-up", self._warm_up)
        self.tasks.start(REFRESH_TASK, self._refresh_boards, interval_seconds=REFRESH_SECONDS)
        self.tasks.start(LIVE_TASK, self._refresh_live_boards, interval_seconds=LIVE_SECONDS)
        self.tasks.start(COUNTERS_TASK, self._look_at_counters, interval_seconds=LOOK_SECONDS)
        self.tasks.start(PRUNE_TASK, self.pruning.prune, interval_seconds=PRUNE_SECONDS)
        self.tasks.start(
            EXPIRE_TASK, self.features.bounty_endings.expire_due, interval_seconds=BOUNTY_SECONDS
        )
        self.tasks.start(SEASONS_TASK, self.features.season_timer.move_all, interval_seconds=SEASON_SECONDS)
        self.tasks.start(RECAPS_TASK, self.features.recap_timer.tell_all, interval_seconds=RECAP_SECONDS)
        self.tasks.start(LOCALES_TASK, self.features.locale_uses.store_all, interval_seconds=LOCALE_SECONDS)
        self.tasks.start(DIRECT_TASK, self._send_direct_messages, interval_seconds=DIRECT_SECONDS)
        self.tasks.start(WARN_TASK, self.restart_warnings.warn_all, interval_seconds=WARNING_SECONDS)
        self.tasks.start(LOOKS_TASK, self._look_at_guilds, is_critical=True)
        self.tasks.start(REPORT_TASK, self.features.catch_ups.run)
        if FIRST_SHARD in self.base.settings.discord.sharding.ids:
            self.tasks.start(BACKUP_TASK, self.backups.manager.run, is_critical=True)
        keeping = asyncio.create_task(self.leases.keep(), name="leases")
        works = [
            asyncio.create_task(self._stay_connected(status), name="discord"),
            keeping,
            asyncio.create_task(_wait_for(stop), name="stop"),
            asyncio.create_task(self.backups.requests.wait(), name="restore"),
        ]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()
        finally:
            keeping.cancel()  # a renewal that begins now would wait for a database that is away
            await self._shut_down(works)

    async def _stay_connected(self, status: ServiceStatus) -> None:
        token = self.base.settings.discord.token.get_secret_value()
        identifies = self.bot.identifies = IdentifyBudget(self.base.clock)
        await run_gateway(
            self.bot,
            token,
            clock=self.base.clock,
            identifies=identifies,
            status=status,
            errors=self.base.errors,
        )

    async def _shut_down(self, works: list["asyncio.Task[None]"]) -> None:
        """Stop the running parts, in the order of their dependencies."""
        logger.info("stopping")
        await asyncio.gather(  # a database that is away holds up both, so they wait at the same time
            self.tasks.stop(keeping=[MONGOD_TASK]),  # the leases are still given back
            self.features.locale_uses.finish(),
        )
        await self.pool.aclose()
        for work in works:
            work.cancel()  # the gateway first, because otherwise it would reconnect while the session closes
        await asyncio.wait(works)
        await self.bot.close()
        await self.base.error_writer.finish()
        self.health.stop()

    async def _warm_up(self) -> None:
        await self.base.clock.sleep(WARM_UP_SECONDS)
        await self.factory.charts.warm_up()

    def tell_of_restore(self, outcome: RestoreOutcome) -> None:
        """Tell the owners how the restore went that they asked for, once Discord is reached."""
        self.tasks.start(RESTORED_TASK, partial(self._tell_of_restore, outcome), is_critical=True)

    async def _tell_of_restore(self, outcome: RestoreOutcome) -> None:
        await self._wait_until_ready()
        await self.restore_messages.tell(outcome)

    async def _wait_until_ready(self) -> None:
        while not self.bot.is_ready():
            await self.base.clock.sleep(READY_CHECK_SECONDS)

    async def _refresh_boards(self) -> None:
        await self._wait_until_ready()
        await self.displays.boards.refresh_all()
        await self.displays.bounty_boards.refresh_all(self._list_guilds())

    async def _refresh_live_boards(self) -> None:
        await self._wait_until_ready()
        await self.displays.boards.refresh_live()

    async def _look_at_counters(self) -> None:
        await self._wait_until_ready()
        await self.displays.counters.look(self._list_guilds())

    async def _send_direct_messages(self) -> None:
        await self._wait_until_ready()
        await self.direct_messages.send_due()

    async def _look_at_guilds(self) -> None:
        await self._wait_until_ready()
        await self.looks.run(self._list_guilds)

    def _list_guilds(self) -> list[GuildId]:
        return [GuildId(guild.id) for guild in self.bot.guilds]

    async def _expire_idle(self) -> None:
        self.pool.expire_idle()

    def on_guild_left(self, event: GuildLeft) -> None:
        """End the tasks and connections of a guild."""
        self._leaving.put(event.guild_id)

    async def _leave(self, guild_id: GuildId) -> None:
        """End everything in memory for a guild that the bot has left."""
        await self.loops.stop_guild(guild_id)
        await self.tasks.cancel_guild(guild_id)
        await self.pool.close_guild(guild_id)
        for memory in self.memories:
            memory.forget_guild(guild_id)
        await self.base.incidents.end_guild(guild_id)
        # all of that took time, and the guild may have invited the bot again
        await self.loops.follow_guilds(self.bot.is_member_of)


async def _wait_for(stop: asyncio.Event) -> None:
    await stop.wait()
