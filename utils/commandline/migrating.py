"""``bot.py migrate``: brings the data up to date without running the bot, or tries that on a copy."""

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from utils.backup.proof import prove
from utils.backup.steps import carry_out, run_in_thread
from utils.clock import Clock
from utils.commandline.backing_up import ProgressPrinter, run_call
from utils.commandline.configured import CallContext
from utils.composition.backups import find_home
from utils.composition.restores import build_recovery
from utils.composition.storage import build_place
from utils.composition.upgrading import build_backed_upgrade, build_upgrade
from utils.composition.verification import find_measured, verify_quickly
from utils.data_folder import load_instance_id, lock_data_folder
from utils.database.archives.trial import TrialDatabase
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES
from utils.database.migrations.migrations import MIGRATIONS, find_data_version
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod
from utils.database.process.opening import open_database
from utils.errors import ConfigurationError
from utils.models.quantities import write_quantity
from utils.redaction import Redactor
from utils.tasks import TaskManager


def migrate(context: CallContext) -> int:
    """Upgrade the data, or a copy of it; print how it went, and return the exit code."""
    if context.options.dry_run:
        return run_call(context, _try_on_copy, given_up="The copy is thrown away; the data is as it was.")
    return run_call(context, _migrate, given_up="The next start of the bot begins the upgrade again.")


async def _migrate(context: CallContext, redactor: Redactor, clock: Clock) -> bool:
    settings, printer = context.settings, ProgressPrinter(sys.stdout.write)
    with lock_data_folder(settings.data_dir):
        recover = build_recovery(settings, clock, waits=False)
        opened = open_database(build_place(settings), TaskManager(clock), clock=clock, recover=recover)
        async with opened as database:
            before = await find_data_version(database)
            instance_id = load_instance_id(settings.data_dir)
            if context.options.without_backup:
                upgrade = build_upgrade(settings, database, instance_id, clock)
            else:
                upgrade = build_backed_upgrade(
                    settings, database, redactor, instance_id, clock, show=printer.show
                )
            await upgrade.upgrade_now()
    was = "new" if before is None else f"of version {before.upgraded_from or before.number}"
    sys.stdout.write(f"The data was {was} and is of version {MIGRATIONS.newest}.\n")
    return True


async def _try_on_copy(context: CallContext, redactor: Redactor, clock: Clock) -> bool:
    """Restore the newest backup into a MongoDB of its own, and upgrade it there."""
    del redactor
    settings, printer = context.settings, ProgressPrinter(sys.stdout.write)
    archive = await run_in_thread(partial(find_measured, find_home(settings), settings.mongodb.database))
    if archive is None:
        raise ConfigurationError(
            "There is no backup to try the upgrade on. Make one with `python bot.py backup`."
        )
    began = clock.monotonic()
    with TemporaryDirectory(dir=settings.data_dir, prefix="migrate-") as folder:
        mongod = EmbeddedMongod(Path(folder), clock=clock, mongod_path=settings.mongodb.mongod_path)
        connection = SafeMongoDBConnection(await mongod.start(), database="copy", clock=clock)
        try:
            database = await connection.open()
            trial = TrialDatabase(database.operations, indexes=INDEXES)
            await carry_out(prove(archive, trial), show=printer.show)
            await _write_version(database, archive.manifest.data_version, archive.manifest.upgraded_from)
            await build_upgrade(settings, database, "copy", clock).upgrade_now()
            expected = archive.manifest.deaths_by_server
            report = await database.call(partial(verify_quickly, database.operations, expected=expected))
        finally:
            await connection.close()
            await mongod.stop()
    for finding in report.findings:
        sys.stderr.write(f"{finding.said}\n")
    sys.stdout.write(
        f"{archive.id} goes from version {archive.manifest.data_version} to {MIGRATIONS.newest} in "
        f"{clock.monotonic() - began:.0f} s; {write_quantity(len(report.findings), 'fault')}. "
        "The data itself is as it was.\n"
    )
    return report.is_good


async def _write_version(database: SafeDatabase, version: int, upgraded_from: int | None) -> None:
    fields = {"_id": "data", "version": version}
    if upgraded_from is not None:
        fields["upgraded_from"] = upgraded_from
    await database.run("schema.insert", database.unscoped("schema").insert_one(fields))
