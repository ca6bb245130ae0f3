"""``bot.py verify``: a backup, or all of the data, also beside a bot that runs."""

import argparse
import sys
from functools import partial

from utils.backup.steps import run_in_thread
from utils.clock import Clock
from utils.commandline.backing_up import (
    BEFORE_MIGRATION,
    LATEST,
    ProgressPrinter,
    choose_archive,
    describe_proof,
    find_key,
    reach_database,
    run_call,
)
from utils.commandline.call import Call, CallContext
from utils.composition.backups import build_verifier, find_home
from utils.composition.data_checks import FullCheck
from utils.models.verification import VerificationReport
from utils.redaction import Redactor


def verify(context: CallContext) -> int:
    """Verify a backup or the data, print how it went, and return the exit code."""
    if context.options.backup is None:
        return run_call(context, _verify_data, given_up="The data was not verified to the end.")
    return run_call(context, _verify_backup, given_up="The backup was not verified to the end.")


async def _verify_backup(context: CallContext, redactor: Redactor, clock: Clock) -> bool:
    settings = context.settings
    verifier = build_verifier(settings, find_key(settings, redactor), clock)
    places = (find_home(settings), *settings.backup.directories)
    archive = await run_in_thread(partial(choose_archive, places, context.options.backup))
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


def _describe(report: VerificationReport) -> str:
    looked_at = f"{report.deaths:,} deaths on {report.servers} game servers and {report.wallets:,} wallets"
    return f"Verified: {looked_at}; {len(report.findings)} faults."


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "backup",
        metavar="BACKUP",
        nargs="?",
        help=f"a path, an id, {LATEST} (the newest proven one) or {BEFORE_MIGRATION} (the newest such); "
        "without it the data itself is verified",
    )


VERIFY = Call(
    "verify",
    "read a backup back and restore it on trial, or verify all of the data; the bot may run",
    verify,
    add_options=_add_options,
)
