"""Runs the bot: settings become a database, leases and the application that joins the rooms."""

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from functools import partial

from utils.clock import SystemClock
from utils.commandline.arguments import read_version
from utils.commandline.call import DONE, FAILED
from utils.commandline.configured import CallContext
from utils.commandline.preparing import apply_api_address, build_redactor, open_logs
from utils.composition.application import Application
from utils.composition.build import build_application
from utils.composition.errors import build_errors, watch_errors
from utils.composition.health import build_status, show_status
from utils.composition.restores import build_recovery, restore_if_asked, verify_unrestored
from utils.composition.start_checks import verify_early, verify_start
from utils.composition.storage import build_key_place, build_leases, build_place
from utils.composition.upgrading import build_backed_upgrade
from utils.data_folder import explain_unusable, load_instance_id, lock_data_folder
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.opening import open_database
from utils.errors import ConfigurationError, KillfeedError
from utils.gateway.login import check_token
from utils.models.restores import RestoreOutcome
from utils.redaction import Redactor
from utils.secret_key import open_secret_box
from utils.services.shards.leases import LeaseHolder
from utils.tasks import TaskManager, beside
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.health.status import ProcessState
from utils.telemetry.last_words import STATUS_FOLDER
from utils.telemetry.process_end import ProcessEnd
from utils.telemetry.systemd import ServiceManager
from utils.waiting import wait_for_first

if sys.platform == "win32":  # uvloop is not made for it
    from asyncio import run as run_in_loop
else:
    from uvloop import run as run_in_loop


async def run_bot(
    context: CallContext, redactor: Redactor, end: ProcessEnd, *, restored: RestoreOutcome | None = None
) -> RestoreOutcome | None:
    """Run until SIGINT or SIGTERM, or until an owner wants a restore.

    Args:
        context: the configuration, and the bot's features.
        redactor: keeps secrets out of everything that is written.
        end: limits the stop.
        restored: the outcome of the restore for which the bot ended before.

    Returns:
        The outcome of a restore, after which the bot is to begin again; None after a stop.

    Raises:
        KillfeedError: the bot could not start or had to stop; the text says why.
    """
    settings = context.settings
    clock, stop, loop = SystemClock(), asyncio.Event(), asyncio.get_running_loop()
    service, status = ServiceManager(os.environ, clock=clock), build_status(settings, read_version(), clock)

    def begin_stop() -> None:
        service.note_stopping()
        status.change(ProcessState.STOPPING)
        stop.set()

    end.listen(partial(loop.call_soon_threadsafe, begin_stop))
    errors = build_errors(clock, redactor)
    tasks = TaskManager(clock, errors=errors)
    recover = build_recovery(settings, clock, waits=True)

    async def recover_unless_stopped(database: SafeDatabase) -> None:
        if not await _wait(recover(database), stop):
            raise ConfigurationError("Stopped before the restore of a backup was finished.")

    opened = open_database(build_place(settings), tasks, clock=clock, recover=recover_unless_stopped)
    alive = beside(service.keep_alive)
    async with alive, show_status(status, tasks), watch_errors(settings, errors), opened as database:
        instance_id = load_instance_id(settings.data_dir)
        upgrade = build_backed_upgrade(settings, database, redactor, instance_id, clock)
        leases = build_leases(settings, database, instance_id, clock, errors=errors)
        status.state = ProcessState.STANDBY
        if await _wait(upgrade.wait_until_current(), stop) and await _wait(
            leases.wait_for_leases(on_standby=service.note_standby), stop
        ):
            outcome = None
            try:
                application = await _prepare(context, database, leases, tasks, errors, redactor)
                await verify_start(application, status, await verify_early(database, settings))
                sys.stderr.writelines(f"{line}\n" for line in status.list_startup())
                status.content = application.health.status
                status.change(ProcessState.RUNNING)
                if restored is not None:
                    application.tell_of_restore(restored)
                await application.run(stop, service)
                outcome = await restore_if_asked(application.backups, settings, database, clock)
            finally:
                if outcome is None:
                    end.limit_stop()
                    service.note_stopping()
                await leases.give_back()
            return outcome
    return None


async def _prepare(
    context: CallContext,
    database: SafeDatabase,
    leases: LeaseHolder,
    tasks: TaskManager,
    errors: ErrorTelemetry,
    redactor: Redactor,
) -> Application:
    """Return the application over data that this process alone uses.

    Raises:
        ConfigurationError: the data or the secret key does not fit, or a backup is being restored.
    """
    settings, clock = context.settings, SystemClock()
    await MIGRATIONS.ensure_version(database)  # a newer bot may have raised it
    await verify_unrestored(settings, database, clock)
    secret_box = await open_secret_box(build_key_place(settings), database, redactor)
    return build_application(
        settings,
        database,
        leases,
        secret_box,
        tasks,
        extensions=context.extensions,
        clock=clock,
        errors=errors,
    )


async def _wait(until: Coroutine[None, None, None], stop: asyncio.Event) -> bool:
    """Return True when the awaited event comes, False when the process is stopped first."""
    return await wait_for_first(until, stop.wait()) == 0


def relax_garbage_collection() -> None:
    """Look for reference cycles less often, and never among the objects that are loaded by now.

    The loaded objects stay for good. An import makes many values and no cycles. With Python's own settings
    the search takes a fifth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def run(context: CallContext) -> int:
    """Run the bot and return its exit code."""
    settings = context.settings
    redactor = build_redactor(settings)
    relax_garbage_collection()
    apply_api_address(settings)
    try:
        check_token(settings.discord.token.get_secret_value())
        with (
            lock_data_folder(settings.data_dir),
            open_logs(settings, redactor, level=settings.logging.level),
        ):
            end = ProcessEnd(settings.data_dir / STATUS_FOLDER)
            with explain_unusable(settings.data_dir):
                end.begin()
            restored = run_in_loop(run_bot(context, redactor, end))
            while restored is not None:
                restored = run_in_loop(run_bot(context, redactor, end, restored=restored))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return FAILED
    return DONE
