"""Builds health: what is counted, the probes, the incidents, and what tells people of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from utils.backup.watch import BackupWatch
from utils.clock import Clock
from utils.composition.backups import find_home
from utils.composition.base import Base
from utils.composition.delivery import Delivery
from utils.composition.errors import build_owner_places, find_home_guild
from utils.composition.surroundings import GuildServices
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.migrations.secret_keys import StoredLogins
from utils.database.process.inspector import DatabaseInspector
from utils.database.verification.checks import DataChecks
from utils.delivery.incident_messages import IncidentMessages
from utils.delivery.outbox_watch import OutboxWatch
from utils.interactions.client import KillfeedBot
from utils.interactions.operators import Operators
from utils.models.incidents import WHOLE_BOT, IncidentKey
from utils.models.locale_uses import name_month
from utils.models.premium import TIERS
from utils.models.scope import GuildId, ServerScope
from utils.secrets import KEY_FILE, SecretBox
from utils.services.ports import ServerReadings
from utils.services.shards.leases import LeaseHolder
from utils.settings import Settings
from utils.sftp.pool import SftpConnectionPool
from utils.tallies import CommandTally
from utils.tasks import TaskManager
from utils.telemetry.health.checker import ROUND_SECONDS, ROUND_TASK, HealthChecker, Probe
from utils.telemetry.health.probes.backups import (
    probe_backup_copies,
    probe_newest_backup,
    probe_proven_backup,
)
from utils.telemetry.health.probes.data import DataWatch
from utils.telemetry.health.probes.database import (
    probe_answers,
    probe_clock,
    probe_members,
    probe_speed,
)
from utils.telemetry.health.probes.gateway import (
    RefusalCounter,
    ShardWatch,
    probe_commands,
    probe_gateway,
    probe_limits,
)
from utils.telemetry.health.probes.logs import probe_aged_rules, probe_still_logs
from utils.telemetry.health.probes.machine import (
    LoopLag,
    note_start,
    probe_backup_disk,
    probe_disks,
    probe_event_loop,
    probe_memory,
    probe_secret_key,
    probe_starts,
)
from utils.telemetry.health.probes.work import (
    DirectProbe,
    OutboxProbe,
    ServerClocks,
    probe_hosts,
    probe_lease,
    probe_server_clocks,
    probe_tasks,
    probe_unread,
)
from utils.telemetry.health.reports import HealthReports
from utils.telemetry.health.status import ProcessState
from utils.telemetry.health.status_source import StatusSource
from utils.telemetry.health.status_writer import STATUS_TASK, StatusWriter
from utils.telemetry.last_words import STATUS_FOLDER

LAG_TASK = "health:lag"
NEW_ERRORS = timedelta(hours=24)
LONGEST_POLL_SECONDS = max(tier.poll_seconds for tier in TIERS)


@dataclass(frozen=True, slots=True)
class HealthSources:
    """The parts of the bot that the probes look at."""

    database: SafeDatabase
    leases: LeaseHolder
    secret_box: SecretBox
    bot: KillfeedBot
    delivery: Delivery
    guild: GuildServices
    readings: ServerReadings
    pool: SftpConnectionPool
    operators: Operators
    tally: CommandTally


@dataclass(eq=False, repr=False)
class Health:
    """The parts that measure, judge and tell.

    Attributes:
        lag: measures the event loop.
        limits: counts the answers 401, 403 and 429 of Discord.
        clocks: the offsets of the times in the servers' logs.
        reports: says how the bot is.
        status: reads what the status file shows.
        data: what verifications of the data found.
        folder: where the starts are counted.
    """

    checker: HealthChecker
    lag: LoopLag
    limits: RefusalCounter
    clocks: ServerClocks
    outbox: OutboxProbe
    shards: ShardWatch
    reports: HealthReports
    status: StatusSource
    data: DataWatch
    tasks: TaskManager
    folder: Path

    def note_start(self) -> None:
        """Count this start of the bot."""
        note_start(self.folder, self.checker.clock.now())

    def start(self) -> None:
        """Begin to measure and to judge."""
        self.limits.attach()
        self.tasks.start(LAG_TASK, self.lag.run, is_critical=True)
        self.tasks.start(ROUND_TASK, self.checker.run_round, interval_seconds=ROUND_SECONDS)

    def stop(self) -> None:
        """Stop counting; the tasks end with all others."""
        self.limits.detach()

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget everything about a guild."""
        self.checker.forget_guild(guild_id)
        self.reports.tally.forget_guild(guild_id)
        self.clocks.forget_guild(guild_id)


def build_health(base: Base, sources: HealthSources) -> Health:
    """Return everything about health."""
    sharding, clock = base.settings.discord.sharding, base.clock
    process = "" if sharding.is_whole else f"@{sharding.ids[0]}"
    lag, limits, clocks = LoopLag(clock), RefusalCounter(), ServerClocks(clock)
    outbox = OutboxProbe(_build_watch(base, sources).read)
    direct = DirectProbe(sources.delivery.direct_messages.measure)
    shards = ShardWatch(sources.bot.list_connections, clock)
    data = DataWatch(DataChecks(sources.database))
    backups = BackupWatch(find_home(base.settings), list_directories(base.settings))
    checker = HealthChecker(
        probes=(
            *_list_database_probes(sources, process, clock),
            probe_gateway(shards),
            probe_limits(limits),
            probe_commands(sources.tally),
            *_list_machine_probes(base.settings, lag, clock),
            *_list_work_probes(base, sources, clocks),
            *((*_list_backup_probes(base, backups), data.build()) if sharding.is_first else ()),
            outbox.build(),
            direct.build(),
        ),
        incidents=base.incidents,
        guilds=base.repositories.scope_index,
        teller=_build_teller(base, sources),
        tasks=base.tasks,
        clock=clock,
        process=process,
        is_first=sharding.is_first,
    )

    reports = HealthReports(
        checker,
        sources.tally,
        base.tasks,
        clock,
        list_readings=sources.readings.list_readings,
        get_outbox=lambda: outbox.state,
        list_leases=sources.leases.list_leases,
        count_errors=partial(_count_errors, base),
        count_locales=partial(_count_locales, base),
        get_backups=lambda: backups.state,
    )
    folder = base.settings.data_dir / STATUS_FOLDER
    status = StatusSource(
        checker,
        sources.tally,
        limits,
        clocks,
        base.errors,
        lag.durations,
        sources.database.operations.durations,
        get_outbox=lambda: outbox.state,
        get_direct=lambda: direct.state,
        list_readings=sources.readings.list_readings,
        count_sent=lambda: sources.delivery.sender.sent,
        get_backups=lambda: backups.state,
        get_data_check=lambda: data.full,
    )
    return Health(checker, lag, limits, clocks, outbox, shards, reports, status, data, base.tasks, folder)


async def _count_errors(base: Base) -> tuple[int, int]:
    return await base.repositories.errors.count_open(WHOLE_BOT, since=base.clock.now() - NEW_ERRORS)


async def _count_locales(base: Base) -> Mapping[str, int]:
    return await base.repositories.scope_index.count_locales(name_month(base.clock.now()))


def _build_watch(base: Base, sources: HealthSources) -> OutboxWatch:
    index, settings = base.repositories.scope_index, sources.guild.settings
    return OutboxWatch(index, channels=settings, incidents=base.incidents, clock=base.clock)


def _build_teller(base: Base, sources: HealthSources) -> IncidentMessages:
    delivery = sources.delivery
    return IncidentMessages(
        delivery.places,
        delivery.sender,
        build_owner_places(base, delivery, sources.operators),
        languages=delivery.languages,
        home_guild_id=find_home_guild(base),
    )


def build_status(settings: Settings, version: str, clock: Clock) -> StatusWriter:
    """Return what writes the status file and the metrics."""
    folder = settings.data_dir / STATUS_FOLDER
    return StatusWriter(
        folder,
        settings.monitoring.metrics_directory or folder,
        version=version,
        data_version=MIGRATIONS.newest,
        clock=clock,
    )


@asynccontextmanager
async def show_status(status: StatusWriter, tasks: TaskManager) -> AsyncIterator[None]:
    """Write the status during a block, and at its end that the process has stopped."""
    tasks.start(STATUS_TASK, status.run, is_critical=True)
    try:
        yield
    finally:
        await tasks.cancel(STATUS_TASK)
        status.change(ProcessState.STOPPED)


def _list_database_probes(sources: HealthSources, process: str, clock: Clock) -> Sequence[Probe]:
    inspector = DatabaseInspector(sources.database, process=process, clock=clock)
    return (
        probe_answers(inspector, clock),
        probe_speed(sources.database.operations.durations),
        probe_members(inspector),
        probe_clock(inspector, clock),
    )


def _list_machine_probes(settings: Settings, lag: LoopLag, clock: Clock) -> Sequence[Probe]:
    folder = settings.data_dir / STATUS_FOLDER
    return (
        probe_event_loop(lag),
        probe_memory(),
        probe_disks([("data_dir", settings.data_dir), *list_directories(settings)]),
        probe_backup_disk(settings.data_dir, settings.backup.directories),
        probe_starts(folder, clock),
    )


def list_directories(settings: Settings) -> list[tuple[str, Path]]:
    """Return the further folders of backups, each with a name that may be shown to anybody."""
    folders = enumerate(settings.backup.directories)
    return [(f"backup.directories[{number}]", folder.absolute()) for number, folder in folders]


def _list_backup_probes(base: Base, backups: BackupWatch) -> Sequence[Probe]:
    """Return the probes of backups, for the process that makes them."""

    def find_opened(key: IncidentKey) -> datetime | None:
        incident = base.incidents.find(key)
        return None if incident is None else incident.opened_at

    return (
        probe_newest_backup(
            backups,
            every_hours=base.settings.backup.every_hours,
            find_opened=find_opened,
            clock=base.clock,
        ),
        probe_proven_backup(backups, find_opened=find_opened, clock=base.clock),
        probe_backup_copies(backups, find_opened=find_opened, clock=base.clock),
    )


def _list_work_probes(base: Base, sources: HealthSources, clocks: ServerClocks) -> Sequence[Probe]:
    settings, clock, readings = base.settings, base.clock, sources.readings
    logins = StoredLogins(sources.database)

    def find_name(scope: ServerScope) -> str | None:
        return next((one.name for one in readings.list_readings() if one.scope == scope), None)

    async def fits() -> bool | None:
        proof = (await logins.find_proof()).current
        return None if proof is None else sources.secret_box.is_proven_by(proof)

    def has_key() -> bool:
        return bool(settings.secret_key.get_secret_value()) or (settings.data_dir / KEY_FILE).exists()

    def is_open(key: IncidentKey) -> bool:
        known = base.incidents.find(key)
        return known is not None and known.is_open

    shortest = settings.polling.min_interval_seconds
    return (
        probe_tasks(base.tasks.list_reports, clock),
        probe_lease(lambda: sources.leases.renewed_at, clock),
        probe_hosts(sources.pool.breakers.list_away),
        probe_unread(readings.list_readings, interval_seconds=shortest, clock=clock),
        probe_server_clocks(clocks, find_name, interval_seconds=max(shortest, LONGEST_POLL_SECONDS)),
        probe_still_logs(readings.list_readings, is_open=is_open),
        probe_aged_rules(readings.list_readings),
        probe_secret_key(has_key, fits),
    )
