"""``bot.py verify``: a backup, or all of the data, also beside a bot that runs."""

import sys
from contextlib import AsyncExitStack
from functools import partial

from utils.backup.steps import run_in_thread
from utils.clock import Clock
from utils.commandline.backing_up import (
    ProgressPrinter,
    choose_archive,
    describe_proof,
    reach_database,
    run_call,
)
from utils.commandline.call import WRONG_USAGE
from utils.commandline.configured import CallContext
from utils.composition.backups import build_verifier, list_places
from utils.composition.data_care import build_care
from utils.composition.data_checks import FullCheck
from utils.composition.restores import build_recovery, open_recovery
from utils.composition.storage import build_key_place, build_place
from utils.data_folder import lock_data_folder
from utils.database.core.database import Fence
from utils.database.process.opening import open_database
from utils.database.repositories.leases import RESTORE_LEASE
from utils.models.quantities import write_quantity
from utils.models.verification import VerificationReport
from utils.redaction import Redactor
from utils.tasks import TaskManager


def verify(context: CallContext) -> int:
    """Verify a backup or the data, print how it went, and return the exit code."""
    if context.options.repair:
        if context.options.backup is not None:
            sys.stderr.write("--repair is for the data itself: leave the name of the backup out.\n")
            return WRONG_USAGE
        return run_call(context, _repair_data, given_up="What was repaired until now stays.")
    if context.options.backup is None:
        return run_call(context, _verify_data, given_up="The data was not verified to the end.")
    return run_call(context, _verify_backup, given_up="The backup was not verified to the end.")


async def _verify_backup(context: CallContext, redactor: Redactor, clock: Clock) -> bool:
    settings = context.settings
    verifier = build_verifier(settings, build_key_place(settings).find_box(redactor), clock)
    archive = await run_in_thread(partial(choose_archive, list_places(settings), context.options.backup))
    sys.stdout.write(f"{archive.path}: {archive.manifest.documents:,} documents\n")
    began = clock.monotonic()
    verified = await verifier.verify(archive, show=ProgressPrinter(sys.stdout.write).show)
    for difference in verified.differences:
        sys.stderr.write(f"{difference}\n")
    sys.stdout.write(f"{describe_proof(verified.unproven, clock.monotonic() - began)}\n")
    return verified.unproven is None and not verified.differences


async def _verify_data(context: CallContext, redactor: Redactor, clock: Clock) -> bool:
    del redactor
    began = clock.monotonic()
    async with reach_database(context.settings, clock) as database:
        check = FullCheck(context.settings, database)
        report = await check.run(is_gentle=False, show=ProgressPrinter(sys.stdout.write).show)
    for finding in report.findings:
        sys.stderr.write(f"{finding.said}\n")
    sys.stdout.write(f"{_describe(report)} ({clock.monotonic() - began:.0f} s)\n")
    return report.is_good


async def _repair_data(context: CallContext, redactor: Redactor, clock: Clock) -> bool:
    """Repair the data while no bot runs; then verify it once more."""
    del redactor
    settings, printer = context.settings, ProgressPrinter(sys.stdout.write)
    with lock_data_folder(settings.data_dir):
        async with AsyncExitStack() as stack:
            recover = build_recovery(settings, clock, waits=False)
            opened = open_database(build_place(settings), TaskManager(clock), clock=clock, recover=recover)
            database = await stack.enter_async_context(opened)
            lease = open_recovery(settings, database, clock).lease
            token = await stack.enter_async_context(lease.hold())
            care = build_care(settings, database, Fence(RESTORE_LEASE, token), clock)
            check = await care.run(day=None, is_gentle=False, show=printer.show)
            for finding in check.findings:
                mark = "repaired" if finding.is_repaired else "NOT repaired"
                sys.stdout.write(f"{mark}: {finding.said}\n")
            left = await FullCheck(settings, database).run(is_gentle=False, show=printer.show)
    for finding in left.findings:
        sys.stderr.write(f"{finding.said}\n")
    sys.stdout.write(f"{_describe(left)}\n")
    return left.is_good


def _describe(report: VerificationReport) -> str:
    deaths = write_quantity(report.deaths, "death")
    servers, wallets = write_quantity(report.servers, "game server"), write_quantity(report.wallets, "wallet")
    faults = write_quantity(len(report.findings), "fault")
    return f"Verified: {deaths} on {servers} and {wallets}; {faults}."
