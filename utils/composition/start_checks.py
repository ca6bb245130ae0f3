"""The verification of a start: a list of checks for the start of the bot and for ``bot.py check``."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from structlog import get_logger

from utils.composition.application import Application
from utils.composition.verification import find_measure, verify_quickly
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.errors import StorageError, StorageUnavailableError
from utils.interactions.command_set import list_commands
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Finding
from utils.models.scope import GuildId
from utils.models.verification import DataFault, VerificationReport
from utils.settings import Settings
from utils.telemetry.health.status_writer import StatusWriter

Found = Mapping[IncidentKind, Sequence[Finding]]
"""The findings of the probes by kind."""

logger = get_logger(__name__)


class Mark(StrEnum):
    """The outcome of a check, as it is shown."""

    OK = "ok"
    WARNING = "warn"
    FAILED = "FAIL"
    UNCHECKED = "?"


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """One line: what was tried and how it went, in English."""

    name: str
    mark: Mark
    detail: str

    def __str__(self) -> str:
        """Return the line of a table."""
        return f"{self.mark:<4}  {self.name:<20} {self.detail}"


PROBED = {
    "Write test": IncidentKind.DATABASE_AWAY,
    "Disk": IncidentKind.DISK_SPACE,
    "Clock": IncidentKind.CLOCK_SKEW,
    "Logins": IncidentKind.SECRET_KEY,
    "Backup places": IncidentKind.BACKUP_SAME_DISK,
    "Last backup": IncidentKind.BACKUP_OLD,
}
"""The checks that are probes of the running bot as well."""

AT_ONCE = (
    IncidentKind.DISK_SPACE,
    IncidentKind.CLOCK_SKEW,
    IncidentKind.SECRET_KEY,
    IncidentKind.CRASH_LOOP,
    IncidentKind.DATA_DIFFERS,
)
"""The kinds that open an incident at the start, without waiting for more rounds."""

SHOWN_FINDINGS = 3
"""The number of faults of the data that a line names."""

START_CHECKS = (*PROBED, "Alerts")
_MARKS = {CheckState.OK: Mark.OK, CheckState.WARN: Mark.WARNING, CheckState.CRITICAL: Mark.FAILED}


@dataclass(frozen=True, slots=True)
class EarlyChecks:
    """The checks of a start before the application is built, and the report about the data."""

    checks: Sequence[SelfCheck]
    data: VerificationReport


async def verify_early(database: SafeDatabase, settings: Settings) -> EarlyChecks:
    """Verify what needs no application.

    Raises:
        StorageError: the database is away.
    """
    facts = await database.command("buildInfo")
    report = await verify_data(database, settings)
    problems = [str(one.said) for one in report.findings if one.fault is DataFault.INDEX]
    checks = [
        SelfCheck("MongoDB", Mark.OK, f"version {facts['version']}, transactions work"),
        SelfCheck("Data", Mark.OK, f"of version {MIGRATIONS.newest}"),
        SelfCheck("Indexes", Mark.WARNING if problems else Mark.OK, " ".join(problems) or "all are there"),
        describe_data(report),
    ]
    return EarlyChecks(checks, report)


async def verify_data(database: SafeDatabase, settings: Settings) -> VerificationReport:
    """Verify samples of the data, and the numbers of deaths and communities against the newest backup.

    Raises:
        StorageError: the database is away.
    """
    measure = await find_measure(settings, database)
    expected = measure.manifest.deaths_by_server if measure else None
    kept = measure.manifest.communities if measure else None
    return await database.call(partial(verify_quickly, database.operations, expected=expected, kept=kept))


def describe_data(report: VerificationReport) -> SelfCheck:
    """Return the line about the data itself; its indexes have a line of their own."""
    found = [str(one.said) for one in report.findings if one.fault is not DataFault.INDEX]
    if found:
        more = f" And {len(found) - SHOWN_FINDINGS} more." if len(found) > SHOWN_FINDINGS else ""
        return SelfCheck("Data check", Mark.WARNING, f"{' '.join(found[:SHOWN_FINDINGS])}{more}")
    counted = f"{report.players} players on {report.servers} game servers, {report.wallets} wallets"
    return SelfCheck("Data check", Mark.OK, f"{counted} are right")


async def probe_start(application: Application) -> Found:
    """Run every probe that the report of a start or its incidents need, each once."""
    return await application.health.checker.look_once({*PROBED.values(), *AT_ONCE})


async def list_start_checks(application: Application, found: Found) -> AsyncIterator[SelfCheck]:
    """Yield the result of each of ``START_CHECKS``; a warning is unwise, and does not stop a start."""
    own = {probe.kind for probe in application.health.checker.probes}
    for name, kind in PROBED.items():
        if kind in own:
            yield _describe(name, found.get(kind, ()))
        else:
            yield SelfCheck(name, Mark.OK, "the process of the first shard looks after it")
    yield await _check_alerts(application)


def _describe(name: str, findings: Sequence[Finding]) -> SelfCheck:
    if not findings:
        return SelfCheck(name, Mark.UNCHECKED, "not known in time")
    worst = max(findings, key=lambda one: one.state)
    is_fatal = worst.key.kind is IncidentKind.DATABASE_AWAY
    mark = _MARKS[worst.state]
    return SelfCheck(name, Mark.WARNING if mark is Mark.FAILED and not is_fatal else mark, str(worst.said))


async def _check_alerts(application: Application) -> SelfCheck:
    """Tell where the owners of the bot learn of incidents."""
    home = application.base.settings.discord.home_guild_id
    if home is None:
        return SelfCheck("Alerts", Mark.OK, "to each owner in a direct message")
    try:
        channels = (await application.guild.settings.get_settings(GuildId(home))).channels
    except StorageError:
        return SelfCheck("Alerts", Mark.UNCHECKED, "the settings of the home guild are not known")
    if ChannelKind.ALERTS in channels:
        return SelfCheck("Alerts", Mark.OK, "to the alerts channel of the home guild")
    advice = "the home guild has no alerts channel (/admin channel set): each owner gets a direct message"
    return SelfCheck("Alerts", Mark.WARNING, advice)


async def verify_start(application: Application, status: StatusWriter, before: EarlyChecks) -> None:
    """Verify what the bot needs before it begins to read; report it, and open incidents at once.

    Args:
        application: the bot, which does not run yet.
        status: gets the report.
        before: what the start has verified by itself.

    Raises:
        StorageUnavailableError: nothing can be stored.
    """
    health = application.health
    health.note_start()
    health.data.sampled = before.data.findings
    commands = f"{len(list_commands(application.bot))} commands"
    checks = [*before.checks, SelfCheck("Commands", Mark.OK, commands)]
    found = await probe_start(application)
    checks += [check async for check in list_start_checks(application, found)]
    status.startup = [(check.name, check.mark.value, check.detail) for check in checks]
    logger.info("startup report", steps={one.name: f"{one.mark}: {one.detail}" for one in checks})
    for check in checks:
        if check.mark is Mark.FAILED:
            raise StorageUnavailableError(f"{check.name}: {check.detail} Look at MongoDB and its disk.")
    await health.checker.open_at_once([finding for kind in AT_ONCE for finding in found.get(kind, ())])
