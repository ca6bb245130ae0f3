"""``bot.py restore``: a backup takes the place of the present data, while no bot runs.

The call says what it will change and what is lost by that, and asks for the id of the backup before it
changes anything.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from structlog import get_logger

from utils.backup.archive import Archive
from utils.backup.backups import BackupManager
from utils.backup.erasure_files import read_records
from utils.backup.files import replace_file
from utils.backup.manifest import write_time
from utils.backup.recovery import Recovery
from utils.backup.restore import RestoreOrder, Restorer
from utils.backup.steps import do_not_pause, run_in_thread
from utils.backup.verification import BackupVerifier, refuse_newer
from utils.clock import Clock, SystemClock
from utils.commandline.backing_up import (
    ProgressPrinter,
    choose_archive,
    run_until_stopped,
)
from utils.commandline.call import DONE, FAILED, NOTHING, WRONG_USAGE
from utils.commandline.configured import CallContext
from utils.commandline.preparing import build_redactor, open_logs
from utils.composition.backups import build_backups, build_verifier, list_places
from utils.composition.erasures import take_in_erasures
from utils.composition.restores import build_restorer, open_recovery
from utils.composition.storage import build_key_place, build_place
from utils.data_folder import load_instance_id, lock_data_folder
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS, find_data_version
from utils.database.process.opening import (
    MongoDBPlace,
    open_as_it_is,
    put_mongod_back,
    set_mongod_aside,
)
from utils.database.repositories.leases import RESTORE_LEASE
from utils.errors import ArchiveRefusedError, ConfigurationError, KillfeedError, StorageError
from utils.models.quantities import write_quantity
from utils.models.restores import RestoreGap, RestorePlan
from utils.models.scope import GuildId
from utils.models.texts import text
from utils.redaction import Redactor
from utils.secrets import SecretBox
from utils.tasks import TaskManager

LOG_SYSTEM = "backup"
SET_ASIDE = (
    "If its data is damaged: with --discard-current that folder is set aside, and the backup is restored "
    "into a new one."
)
UNREADABLE = (
    "The bot's own MongoDB can't read its data: {why} Nothing was restored. Free some space if its disk is "
    "full, and try again. {set_aside}"
)
NO_TERMINAL = (
    "A restore asks for the id of the backup, and there is no terminal to type it. Add --yes to restore "
    "without the question."
)
AS_BEFORE = "Stopped. Nothing was restored; the data is as it was."
GOES_ON = (
    "Stopped in the middle of the switch. The next start of the bot or of any call finishes the restore."
)
UNKNOWN_GAP = (
    "The data before the restore couldn't be read, so nobody knows how many deaths are newer than the "
    "backup. The bot reads them again from the logs of the game hosts, as far as the hosts still have them."
)
TO_READ_AGAIN = (
    "Deaths that aren't in the backup: {deaths:,}. The bot reads them again from the logs of the game hosts. "
    "Those whose lines no host has any more are lost: backup.log has their number, and the admins are told."
)
GONE = (
    "Deaths of game servers that were added after the backup: {deaths:,} on {servers}. The bot doesn't know "
    "these servers any more. Add them again, and their logs are imported as far as the hosts still have them."
)
NO_GAP = "The backup has every death of the data before the restore."
NEWER_WORDS = {
    "changes": ("newer and lost", "change by hand", "changes by hand"),
    "ledger": ("newer and lost", "change of a balance", "changes of balances"),
    "links": ("newer and lost", "link or request for one", "links and requests for links"),
    "grants": ("newer and lost", "community with changed premium", "communities with changed premium"),
    "erasures": ("newer and carried out again", "erasure", "erasures"),
}
"""The fate of each kind of newer data in a restore, and its name for one and for many."""

_log = get_logger(__name__)


class RestoreCall:
    """One call, from its arguments to its outcome."""

    def __init__(self, context: CallContext, redactor: Redactor, clock: Clock) -> None:
        self._options = context.options
        self._settings = context.settings
        self._redactor = redactor
        self._clock = clock
        guild = context.options.guild
        self._guild_id = None if guild is None else GuildId(guild)
        self._recovery: Recovery | None = None
        self._restorer: Restorer | None = None

    @property
    def is_switching(self) -> bool:
        """Tell whether the backup was being put in place when the call ended."""
        return self._recovery is not None and self._recovery.is_switching

    async def run_and_note(self) -> bool:
        """Restore as ``run`` does, and note in the log why nothing was restored."""
        try:
            return await self.run()
        except KillfeedError as error:
            _log.warning("the restore has failed", why=str(error), system=LOG_SYSTEM)
            raise

    async def run(self) -> bool:
        """Restore and return True; False if the wrong id was typed.

        Raises:
            KillfeedError: it is refused, or failed; the text says why.
        """
        if self._options.backup == NOTHING:
            return await self._begin_again()
        archive = await run_in_thread(
            partial(choose_archive, list_places(self._settings), self._options.backup)
        )
        box, place = self._find_key(archive), build_place(self._settings)
        try:
            async with self._open() as database:
                return await self._restore(archive, box, database)
        except StorageError as error:
            is_set_aside = not place.uri and self._restorer is not None and not self._restorer.has_begun
            if not is_set_aside:
                raise
            if not self._options.discard_current or self._options.dry_run:
                raise ConfigurationError(UNREADABLE.format(why=error, set_aside=SET_ASIDE)) from error
            _log.warning("the present data cannot be read", why=str(error), system=LOG_SYSTEM)
        async with self._reach_new(place) as database:
            return await self._restore(archive, box, database, is_confirmed=True)

    async def _begin_again(self) -> bool:
        """Make an empty database the beginning of a new one."""
        async with self._open() as database:
            if await find_data_version(database) is not None:
                raise ConfigurationError(
                    f"The database “{database.name}” is not empty. Nothing was changed: to go back to an "
                    "earlier state, name a backup."
                )
            await MIGRATIONS.ensure_version(database)
        self._say(f"The database “{self._settings.mongodb.database}” begins again without a backup.")
        return True

    async def _restore(
        self, archive: Archive, box: SecretBox | None, database: SafeDatabase, *, is_confirmed: bool = False
    ) -> bool:
        recovery = self._recovery = open_recovery(self._settings, database, self._clock)
        printer = ProgressPrinter(self._write)
        order = RestoreOrder(
            archive,
            guild_id=self._guild_id,
            secret_proof=None if box is None or self._guild_id is not None else box.seal_proof(),
            discards_current=self._options.discard_current,
            keeps_unreadable=not self._settings.mongodb.uri.get_secret_value(),
        )
        restorer = self._restorer = build_restorer(
            recovery, self._build_backups(database, box), self._clock, show=printer.show
        )
        async with recovery.lease.hold() as token:
            fence = Fence(RESTORE_LEASE, token)
            await recovery.end(fence)
            plan = await restorer.plan(order)
            if not is_confirmed:
                await self._show_plan(plan)
            if self._options.dry_run:
                self._say("Nothing was changed: this was a dry run.")
                return True
            is_sure = is_confirmed or self._options.yes or await self._is_confirmed(archive)
            if not is_sure:
                self._say("That is not the id of the backup. Nothing was restored.")
                return False
            began = self._clock.monotonic()
            _log.info("newer and lost by the restore", system=LOG_SYSTEM, **plan.losses.counts)
            # a backup from another machine brings its erasures along
            beside = partial(read_records, [archive.path.parent])
            await take_in_erasures(database, await run_in_thread(beside))
            gap = await restorer.restore(order, fence, show=printer.show)
        self._say(f"{archive.id} is restored ({self._clock.monotonic() - began:.0f} s). Start the bot now.")
        for line in describe_gap(gap):
            self._say(line)
        return True

    async def _show_plan(self, plan: RestorePlan) -> None:
        path = await run_in_thread(partial(self._write_losses, plan))
        self._say(
            f"Backup {plan.backup_id} of {write_time(plan.taken_at)}, data of version {plan.data_version}"
        )
        for name, (now, then) in plan.documents.items():
            present = "unreadable" if now is None else f"{now:,}"
            self._say(f"  {name:<16} {present:>12} now {then:>12,} in the backup")
        for kind, count in plan.losses.counts.items():
            fate, one, many = NEWER_WORDS[kind]
            if count is None:
                self._say(f"  {fate}: {many} (they can't be read)")
            elif count:
                self._say(f"  {fate}: {write_quantity(count, one, many)}")
        self._say(f"What is newer than the backup is listed in {path}.")

    def _write_losses(self, plan: RestorePlan) -> Path:
        path = self._settings.data_dir / f"restore-{self._clock.now():%Y%m%dT%H%M%SZ}-lost.json"
        of = {} if self._guild_id is None else {"guild_id": str(int(self._guild_id))}
        listed = of | {"backup": plan.backup_id, "taken_at": write_time(plan.taken_at), **asdict(plan.losses)}
        replace_file(path, json.dumps(listed, indent=1, ensure_ascii=False).encode() + b"\n")
        return path

    async def _is_confirmed(self, archive: Archive) -> bool:
        self._write("Type the id of the backup to restore it: ")
        return (await _read_line()).strip() == archive.id

    def _find_key(self, archive: Archive) -> SecretBox | None:
        """Return the secret key, after everything that needs no database was checked."""
        place = build_key_place(self._settings)
        box = place.find_box(self._redactor)
        refuse_newer(archive)
        try:
            self._build_verifier(box).refuse_other_key(archive)
        except ArchiveRefusedError as error:
            if not self._options.without_logins:
                raise ArchiveRefusedError(
                    text("{why} With --without-logins everything but the logins is restored.", why=error.said)
                ) from error
            return place.load_box(self._redactor)
        return box

    def _build_verifier(self, box: SecretBox | None) -> BackupVerifier:
        return build_verifier(self._settings, box, self._clock)

    def _build_backups(self, database: SafeDatabase, box: SecretBox | None) -> BackupManager:
        return build_backups(
            self._settings,
            database,
            self._build_verifier(box),
            instance_id=load_instance_id(self._settings.data_dir),
            go_first=do_not_pause,
            clock=self._clock,
        )

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[SafeDatabase]:
        """Open the database; a mongod of the bot that does not start is set aside if that is allowed."""
        place = build_place(self._settings)
        async with AsyncExitStack() as stack:
            try:
                database = await stack.enter_async_context(self._reach(place))
            except ConfigurationError as error:
                if place.uri:
                    raise
                if not self._options.discard_current:
                    raise ConfigurationError(f"{error} {SET_ASIDE}") from error
                database = await stack.enter_async_context(self._reach_new(place))
            yield database

    def _reach(self, place: MongoDBPlace) -> AbstractAsyncContextManager[SafeDatabase]:
        return open_as_it_is(place, TaskManager(self._clock), clock=self._clock)

    @asynccontextmanager
    async def _reach_new(self, place: MongoDBPlace) -> AsyncIterator[SafeDatabase]:
        """Open a new mongod of the bot, with the folder of the broken one beside it."""
        aside = set_mongod_aside(place, at=self._clock.now())
        async with AsyncExitStack() as stack:
            try:
                database = await stack.enter_async_context(self._reach(place))
            except ConfigurationError:
                put_mongod_back(place, aside)  # its data is not what keeps it from starting
                raise
            self._say(f"The MongoDB that can't be used is set aside in {aside}.")
            yield database

    def _say(self, line: str) -> None:
        self._write(f"{line}\n")

    def _write(self, words: str) -> None:
        sys.stdout.write(words)
        sys.stdout.flush()


def describe_gap(gap: RestoreGap) -> list[str]:
    """Return sentences about the deaths that a backup does not have."""
    if gap.deaths is None:
        return [UNKNOWN_GAP]
    lines = []
    if gap.deaths:
        lines.append(TO_READ_AGAIN.format(deaths=gap.deaths))
    if gap.gone:
        lines.append(GONE.format(deaths=gap.gone, servers=write_quantity(gap.servers, "server")))
    return lines or [NO_GAP]


async def _read_line() -> str:
    """Return the line that a person types; a signal can end the wait."""
    loop, typed = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def take() -> None:
        if not typed.done():
            typed.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), take)
    try:
        line: str = await typed
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return line


def restore(context: CallContext) -> int:
    """Restore a backup, print what happens, and return the exit code."""
    options, settings = context.options, context.settings
    redactor = build_redactor(settings)
    is_asked = not (options.yes or options.dry_run or options.backup == NOTHING)
    if is_asked and not sys.stdin.isatty():
        sys.stderr.write(f"{NO_TERMINAL}\n")
        return WRONG_USAGE
    call = RestoreCall(context, redactor, SystemClock())
    try:
        with (
            lock_data_folder(settings.data_dir),
            open_logs(settings, redactor, level="INFO", console_level="ERROR"),
        ):
            is_done = asyncio.run(run_until_stopped(call.run_and_note))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return FAILED
    if is_done is None:
        sys.stderr.write(f"{GOES_ON if call.is_switching else AS_BEFORE}\n")
    return DONE if is_done else FAILED
