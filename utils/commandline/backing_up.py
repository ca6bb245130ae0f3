"""``bot.py backup``: a backup by hand, also beside a bot that runs.

A call beside a bot joins its mongod and has an instance id of its own, so it never takes the bot's lease for
its own. Without a bot it uses the data folder alone, and starts the mongod itself.
"""

import asyncio
import logging
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from utils.backup.archive import Archive, list_if_there, read_archive
from utils.backup.places import find_archive
from utils.backup.steps import do_not_pause
from utils.clock import Clock, SystemClock
from utils.commandline.call import BEFORE_MIGRATION, DONE, FAILED, LATEST
from utils.commandline.configured import CallContext
from utils.commandline.preparing import build_redactor
from utils.composition.backups import build_backups, build_verifier
from utils.composition.restores import build_recovery
from utils.composition.storage import build_key_place, build_place
from utils.data_folder import lock_data_folder
from utils.database.core.database import SafeDatabase
from utils.database.process.opening import join_database, open_database
from utils.errors import ArchiveRefusedError, DataFolderInUseError, KillfeedError
from utils.models.backups import BackupProgress, BackupReason, BackupStep
from utils.models.texts import Text, text
from utils.redaction import Redactor
from utils.settings import Settings
from utils.tasks import TaskManager
from utils.telemetry.log_setup import log_to_console
from utils.waiting import wait_for_first

T = TypeVar("T")

INSTANCE_BYTES = 8
STEP_WORDS = {
    BackupStep.TAKING: "taken",
    BackupStep.CHECKING: "read back from the disk",
    BackupStep.LOADING: "restored on trial",
    BackupStep.COMPARING: "compared",
    BackupStep.COPYING: "copied",
    BackupStep.VERIFYING: "verified",
}


@dataclass(eq=False)
class ProgressPrinter:
    """Prints a line when a step begins with another collection.

    Args:
        write: takes each line.
    """

    write: Callable[[str], object]
    _: KW_ONLY
    shown: tuple[BackupStep, str] | None = None

    def show(self, progress: BackupProgress) -> None:
        """Print the progress if it is of another collection than the last one."""
        now = progress.step, progress.collection
        if now != self.shown:
            self.shown = now
            megabytes = progress.stored_bytes / 1000**2
            size = f", {megabytes:,.0f} MB" if progress.stored_bytes else ""
            self.write(
                f"{STEP_WORDS[progress.step]}: {progress.collections_done} of {progress.collections}"
                f" collections, {progress.documents:,} documents{size}; at {progress.collection}\n"
            )


def back_up(context: CallContext) -> int:
    """Make a backup, print its progress and its outcome, and return the exit code."""
    return run_call(context, _make_backup, given_up="No backup was made; the unfinished folder is removed.")


def run_call(
    context: CallContext,
    work: Callable[[CallContext, Redactor, Clock], Awaitable[bool]],
    *,
    given_up: str,
) -> int:
    """Do the work of a call until its end or a signal, and return the exit code."""
    redactor = build_redactor(context.settings)
    try:
        log_to_console(level=logging.ERROR)  # a bot that runs has the files
        is_good = asyncio.run(run_until_stopped(partial(work, context, redactor, SystemClock())))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return FAILED
    if is_good is None:
        sys.stderr.write(f"Stopped. {given_up}\n")
    return DONE if is_good else FAILED


async def run_until_stopped(work: Callable[[], Awaitable[T]]) -> T | None:
    """Return what the work returns; None if a signal ended it."""
    stop, results = asyncio.Event(), list[T]()

    async def do_work() -> None:
        results.append(await work())

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await wait_for_first(do_work(), stop.wait())
    return results[0] if results else None


async def _make_backup(context: CallContext, redactor: Redactor, clock: Clock) -> bool:
    settings = context.settings
    box = build_key_place(settings).find_box(redactor)
    async with reach_database(settings, clock) as database:
        manager = build_backups(
            settings,
            database,
            build_verifier(settings, box, clock),
            instance_id=secrets.token_hex(INSTANCE_BYTES),
            go_first=do_not_pause,
            clock=clock,
        )
        outcome = await manager.make(BackupReason.BY_HAND, show=ProgressPrinter(sys.stdout.write).show)
    for place in outcome.backup.places:
        sys.stdout.write(f"{Path(place) / outcome.backup.id}\n")
    for problem in outcome.problems:
        sys.stderr.write(f"{problem}\n")
    sys.stdout.write(f"{describe_proof(outcome.unproven, outcome.seconds)}\n")
    return outcome.unproven is None and not outcome.problems


def choose_archive(places: tuple[Path, ...], named: str) -> Archive:
    """Return the backup that a person names: by its path or id, the newest proven one, or by its reason.

    Raises:
        ArchiveRefusedError: there is none, or it is not complete.
    """
    if named not in {LATEST, BEFORE_MIGRATION}:
        path = Path(named)
        return read_archive(path.absolute()) if path.is_dir() else find_archive(places, named)
    found = [archive for place in places for archive in list_if_there(place)]
    if named == LATEST:
        fitting = [archive for archive in found if archive.proven_at is not None]
        sentence = text("No backup is proven yet. Name one by its id.")
    else:
        fitting = [one for one in found if one.manifest.reason is BackupReason.BEFORE_MIGRATION]
        sentence = text("No backup was made before an upgrade. Name one by its id.")
    if not fitting:
        raise ArchiveRefusedError(sentence)
    return max(fitting, key=lambda archive: archive.manifest.started_at)


def describe_proof(unproven: Text | None, seconds: float) -> str:
    """Return whether a backup is proven, and how long that took."""
    proven = "It is proven: it was restored on trial, and every document was the same."
    return f"{proven if unproven is None else unproven} ({seconds:.0f} s)"


@asynccontextmanager
async def reach_database(settings: Settings, clock: Clock) -> AsyncIterator[SafeDatabase]:
    """Open the database as a bot does, or join the one of the bot that runs with this data folder.

    Raises:
        ConfigurationError, StorageError: it cannot be reached.
    """
    place = build_place(settings)
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(lock_data_folder(settings.data_dir))
        except DataFolderInUseError:
            yield await stack.enter_async_context(join_database(place, clock=clock))
        else:
            recover = build_recovery(settings, clock, waits=False)
            opened = open_database(place, TaskManager(clock), clock=clock, recover=recover)
            yield await stack.enter_async_context(opened)
