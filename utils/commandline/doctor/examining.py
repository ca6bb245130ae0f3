"""The call ``bot.py doctor``: looks at everything, prints a line for each finding, the worst first.

It works while the bot runs and while it is stopped, and while MongoDB is away. Beside a running bot it starts
nothing: what that bot holds is taken from its status file. Without one it does what ``bot.py check`` does.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from utils.backup.steps import run_in_thread
from utils.checkup import CHECK_PATIENCE_SECONDS, check_bot, check_discord
from utils.clock import Clock, SystemClock
from utils.commandline.backing_up import run_until_stopped
from utils.commandline.call import DONE, FAILED
from utils.commandline.checking import STOPPED
from utils.commandline.configured import CallContext
from utils.commandline.doctor.diagnoses import (
    Diagnosis,
    Rank,
    diagnose_checks,
    find_runbook,
    list_lines,
)
from utils.commandline.doctor.log_counts import diagnose_log
from utils.commandline.doctor.machine import diagnose_backups, diagnose_disks
from utils.commandline.doctor.status_file import (
    diagnose_errors_of_status,
    diagnose_process,
    diagnose_troubles,
    is_fresh,
    list_start_checks,
    list_troubles,
)
from utils.commandline.doctor.stored import (
    StoredFacts,
    diagnose_errors,
    diagnose_key,
    diagnose_unfinished,
    diagnose_version,
    read_facts,
)
from utils.commandline.preparing import apply_api_address, build_redactor, open_logs
from utils.commandline.status import is_alive
from utils.composition.start_checks import PROBED, Mark, SelfCheck
from utils.composition.storage import build_key_place, build_place
from utils.data_folder import list_readable_by_others, lock_data_folder
from utils.database.core.database import SafeDatabase
from utils.database.process.opening import join_database, open_as_it_is
from utils.errors import (
    ConfigurationError,
    DataFolderInUseError,
    KillfeedError,
    StorageUnavailableError,
)
from utils.models.incident_kinds import IncidentKind
from utils.redaction import Redactor
from utils.settings import Settings
from utils.tasks import TaskManager
from utils.telemetry.health.status import read_status
from utils.telemetry.last_words import STATUS_FOLDER
from utils.telemetry.log_setup import log_to_console

KNOWN_BETTER = ("Disk", "Clock", "Secret key", "Last backup", "Data")
"""The checks of a start about which the doctor has lines of its own."""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that is looked at for one run of the doctor.

    Attributes:
        status: the content of the status file; None if there is none.
        is_alive: the process of the status file exists.
        is_in_use: another process has the data folder, usually the bot.
        facts: of the database; None if it does not answer.
        failure: why it does not.
    """

    status: Mapping[str, Any] | None
    is_alive: bool
    is_in_use: bool
    facts: StoredFacts | None = None
    failure: KillfeedError | None = None

    @property
    def is_restoring(self) -> bool:
        """Tell whether a restore is under way or was cut off; a check would end it."""
        return self.facts is not None and self.facts.restore is not None


def examine(context: CallContext) -> int:
    """Print every finding, and return the exit code: 1 if one of them is critical."""
    redactor = build_redactor(context.settings)
    apply_api_address(context.settings)
    log_to_console(level=logging.CRITICAL)  # every finding is a line of its own
    looking = run_until_stopped(partial(_diagnose_all, context, redactor, SystemClock()))
    if (found := asyncio.run(looking)) is None:
        sys.stderr.write(STOPPED)
        return FAILED
    sys.stdout.writelines(f"{redactor.redact(line)}\n" for line in list_lines(found))
    return FAILED if any(one.rank is Rank.CRITICAL for one in found) else DONE


async def _diagnose_all(context: CallContext, redactor: Redactor, clock: Clock) -> list[Diagnosis]:
    settings = context.settings
    seen = await _look(settings, clock)
    checked = await _check(context, redactor, seen, clock.now())
    log_to_console(level=logging.CRITICAL)  # the check has ended the log that it used
    now = clock.now()
    return [
        diagnose_process(seen.status, now=now, is_alive=seen.is_alive),
        *_diagnose_data(seen, clock),
        *checked,
        *diagnose_checks(await run_in_thread(partial(_check_rights, context))),
        *await diagnose_backups(settings, clock),
        *await diagnose_disks(settings),
        await run_in_thread(partial(_diagnose_key, settings, redactor, seen.facts)),
        await run_in_thread(partial(diagnose_log, settings.data_dir / "logs", now=now)),
    ]


async def _look(settings: Settings, clock: Clock) -> Examination:
    status = await run_in_thread(partial(read_status, settings.data_dir / STATUS_FOLDER))
    seen = Examination(
        status,
        is_alive=status is not None and is_alive(status["pid"]),
        is_in_use=await run_in_thread(partial(_is_in_use, settings)),
    )
    try:
        async with _look_into_database(settings, clock, is_in_use=seen.is_in_use) as database:
            return replace(seen, facts=await read_facts(database, clock))
    except KillfeedError as error:
        return replace(seen, failure=error)


def _is_in_use(settings: Settings) -> bool:
    try:
        lock_data_folder(settings.data_dir).release(force=True)
    except DataFolderInUseError:
        return True
    except ConfigurationError:
        return False  # the check of the data folder says why it cannot be used
    return False


@asynccontextmanager
async def _look_into_database(
    settings: Settings, clock: Clock, *, is_in_use: bool
) -> AsyncIterator[SafeDatabase]:
    """Open the database as it is; beside a bot, join its own.

    Raises:
        ConfigurationError, StorageError: it cannot be reached.
    """
    place, patience = build_place(settings), CHECK_PATIENCE_SECONDS
    if is_in_use:
        async with join_database(place, clock=clock, patience_seconds=patience) as database:
            yield database
        return
    lock = lock_data_folder(settings.data_dir)
    try:
        tasks = TaskManager(clock)
        async with open_as_it_is(place, tasks, clock=clock, patience_seconds=patience) as database:
            yield database
    finally:
        lock.release(force=True)


async def _check(
    context: CallContext, redactor: Redactor, seen: Examination, now: datetime
) -> list[Diagnosis]:
    """Return what ``bot.py check`` finds; beside a bot that runs, what that bot found at its start."""
    if isinstance(seen.failure, StorageUnavailableError) and not seen.is_in_use:
        away = SelfCheck("MongoDB", Mark.FAILED, str(seen.failure))
        return diagnose_checks([away, await check_discord(context.settings)])  # nothing else can be tried
    if not seen.is_in_use and not seen.is_restoring:
        logs = open_logs(context.settings, redactor, level="ERROR")
        checks = await check_bot(context.settings, redactor, logs, extensions=context.extensions)
        return diagnose_checks(checks, without=KNOWN_BETTER)
    mark, said = (Mark.OK, "it answers") if seen.failure is None else (Mark.FAILED, str(seen.failure))
    checks = [SelfCheck("MongoDB", mark, said)]
    if seen.status is not None and is_fresh(seen.status, now=now, is_alive=seen.is_alive):
        started = [one for one in list_start_checks(seen.status) if one.name != "MongoDB"]
        return diagnose_checks([*checks, *started], without=(*KNOWN_BETTER, *PROBED))
    why = "a restore is not finished" if seen.is_restoring else "another process has the data folder"
    return diagnose_checks([*checks, SelfCheck("Check", Mark.UNCHECKED, f"not made, because {why}")])


def _check_rights(context: CallContext) -> list[SelfCheck]:
    """Return who else can read what they should not."""
    found = list_readable_by_others(context.config, context.settings.data_dir)
    return [SelfCheck("Readable by others", Mark.WARNING, sentence) for sentence in found]


def _diagnose_data(seen: Examination, clock: Clock) -> list[Diagnosis]:
    """Return what the status file and the database tell of checks, incidents, errors and work."""
    now, status, facts = clock.now(), seen.status, seen.facts
    is_running = is_fresh(status, now=now, is_alive=seen.is_alive)
    checks = status["checks"] if status is not None and is_running else {}
    if facts is None:
        return [
            *diagnose_troubles(checks, list_troubles(status), now=now),
            diagnose_errors_of_status(status),
            Diagnosis(
                Rank.UNKNOWN, "Clock", "MongoDB does not answer.", find_runbook(IncidentKind.CLOCK_SKEW)
            ),
        ]
    return [
        *diagnose_troubles(checks, facts.troubles, now=now),
        *diagnose_unfinished(facts),
        *diagnose_version(facts.version),
        *facts.clock,
        *diagnose_errors(facts.groups, now=now),
    ]


def _diagnose_key(settings: Settings, redactor: Redactor, facts: StoredFacts | None) -> Diagnosis:
    try:
        box = build_key_place(settings).find_box(redactor)
    except ConfigurationError as error:
        return Diagnosis(Rank.CRITICAL, "Secret key", str(error), find_runbook(IncidentKind.SECRET_KEY))
    return diagnose_key(box, None if facts is None else facts.proof)
