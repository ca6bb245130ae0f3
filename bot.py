"""The killfeed bot: entry point.

Settings become a database, leases and the ``Application`` that joins the rooms. ``python bot.py`` runs
the bot, ``python bot.py check`` tells whether it could run, ``python bot.py rekey`` changes the secret key.
Exit codes: 0 done or stopped cleanly, 1 could not start or a check failed, 2 wrong usage or configuration.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import discord
from structlog import get_logger

from utils.application import Application
from utils.clock import SystemClock
from utils.data_folder import list_readable_by_others, load_instance_id, lock_data_folder
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import list_index_problems
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.migrations.secret_keys import OLD_DATA, Rekeying, StoredLogins
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.process.opening import MongoDBPlace, open_database
from utils.database.repositories.leases import LeaseRepository
from utils.errors import ConfigurationError, KillfeedError
from utils.gateway import REFUSED_LOGIN
from utils.interactions.client import KillfeedBot
from utils.interactions.command_set import list_commands
from utils.redaction import Redactor
from utils.secret_key import KeyPlace, change_secret_key, open_secret_box
from utils.services.shards.leases import LeaseKeeper
from utils.settings import Settings, load_settings
from utils.tasks import TaskManager
from utils.telemetry.log_setup import configure_logging
from utils.waiting import wait_for_first

if sys.platform == "win32":  # for which no uvloop is made
    from asyncio import run as run_in_loop
else:
    from uvloop import run as run_in_loop

logger = get_logger(__name__)

EXTENSIONS = (
    "cogs.killfeed",
    "cogs.stats",
    "cogs.leaderboard",
    "cogs.link",
    "cogs.premium",
    "cogs.bounty",
    "cogs.admin",
    "cogs.help",
)
CHECK_PATIENCE_SECONDS = 5.0  # whoever runs a check sits and waits
NEW_KEY_VARIABLE = "KILLFEED_NEW_SECRET_KEY"  # of the environment, for rekey alone

STOP_SECONDS = 9.5  # ten are promised

SWITCH_SECONDS = 0.002
"""How long a thread that has MongoDB's answer waits for the interpreter at most. With Python's own 5 ms that
was longer than MongoDB took: posts of 500 busy servers came 6.0 s late, with 0.5 ms 4.8 s. With 2 ms they
come as soon, for a tenth less CPU."""


def build_place(settings: Settings) -> MongoDBPlace:
    """Return where the database is, by the configuration."""
    return MongoDBPlace(
        uri=settings.mongodb.uri.get_secret_value(),
        database=settings.mongodb.database,
        data_dir=settings.data_dir,
        mongod_path=settings.mongodb.mongod_path,
    )


def build_key_place(settings: Settings) -> KeyPlace:
    """Return where the secret key is, by the configuration."""
    return KeyPlace(settings.secret_key.get_secret_value(), settings.data_dir)


async def run_bot(settings: Settings, redactor: Redactor) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        KillfeedError: the bot could not start or go on; the text says why.
    """
    clock, stop = SystemClock(), asyncio.Event()

    def begin_stop() -> None:
        limit_stop()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, begin_stop)
    tasks = TaskManager(clock)
    async with open_database(build_place(settings), tasks, clock=clock) as database:
        instance_id = load_instance_id(settings.data_dir)
        upgrade = build_upgrade(settings, database, instance_id, clock)
        leases = build_leases(settings, database, instance_id, clock)
        if await _wait(upgrade.wait_until_current(), stop) and await _wait(leases.wait_for_leases(), stop):
            try:
                await MIGRATIONS.ensure_version(database)  # a newer bot may have raised it meanwhile
                secret_box = await open_secret_box(build_key_place(settings), database, redactor)
                application = Application(
                    settings, database, leases, secret_box, tasks, extensions=EXTENSIONS, clock=clock
                )
                await application.run(stop)
            finally:
                limit_stop()
                await leases.give_back()


def limit_stop() -> None:
    """End the process by force if it does not stop by itself in time; the next start goes on as after a kill.

    It can wait for long: for a database that does not answer within a transaction, or for a foreign host.
    """
    deadline = threading.Timer(STOP_SECONDS, end_by_force)
    deadline.daemon = True
    deadline.start()


def end_by_force() -> None:
    """End the process now."""
    logger.error("the bot does not stop in time and is ended by force")
    os._exit(1)


def build_upgrade(
    settings: Settings, database: SafeDatabase, instance_id: str, clock: SystemClock
) -> DataUpgrade:
    """Return what brings data of an older version up to date."""
    store = LeaseRepository(database, shard_count=settings.discord.sharding.count)
    return DataUpgrade(database, store, instance_id=instance_id, clock=clock)


def build_leases(
    settings: Settings, database: SafeDatabase, instance_id: str, clock: SystemClock
) -> LeaseKeeper:
    """Return what holds the leases of the configured shards."""
    sharding = settings.discord.sharding
    return LeaseKeeper(
        LeaseRepository(database, shard_count=sharding.count),
        sharding=sharding,
        instance_id=instance_id,
        clock=clock,
    )


async def _wait(until: Coroutine[None, None, None], stop: asyncio.Event) -> bool:
    """Return True once what was waited for has come, False when the process was told to stop before."""
    return await wait_for_first(until, stop.wait()) == 0


def build_redactor(settings: Settings) -> Redactor:
    """Return what keeps the configured secrets out of everything that is written."""
    redactor = Redactor()
    for secret in (settings.discord.token, settings.mongodb.uri, settings.secret_key):
        redactor.register(secret.get_secret_value())
    return redactor


def apply_api_address(settings: Settings) -> None:
    """Set the address of Discord's API, for a proxy or a simulator; the library's own setting."""
    if settings.discord.api_base_url:
        discord.http.Route.API_BASE_URL = settings.discord.api_base_url


def relax_garbage_collection() -> None:
    """Look for reference cycles less often, and never in what is loaded by now, which stays for good.

    An import makes many values and no cycles; with Python's own settings a fifth of its time is this search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def run(settings: Settings) -> int:
    """Run the bot and return its exit code."""
    redactor = build_redactor(settings)
    relax_garbage_collection()
    apply_api_address(settings)
    try:
        with (
            lock_data_folder(settings.data_dir),
            open_logs(settings, redactor, level=settings.logging.level),
        ):
            run_in_loop(run_bot(settings, redactor))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return 1
    return 0


@contextmanager
def open_logs(settings: Settings, redactor: Redactor, *, level: str) -> Iterator[None]:
    """Write logs to the console and the data folder."""
    logs = configure_logging(
        settings.data_dir / "logs",
        level=level,
        keep_days=settings.logging.keep_days,
        redact=redactor,
        console=sys.stderr,
    )
    try:
        yield
    finally:
        logs.close()


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """One line of ``bot.py check``: what was tried, and what came of it, in English."""

    name: str
    ok: bool
    detail: str


async def check_bot(settings: Settings, redactor: Redactor) -> list[SelfCheck]:
    """Try everything the bot needs, in the order in which it needs it."""
    steps = [SelfCheck("Configuration", ok=True, detail="every key is understood")]
    clock = SystemClock()
    try:
        with lock_data_folder(settings.data_dir):
            steps.append(SelfCheck("Data folder", ok=True, detail=f"{settings.data_dir} can be written"))
            place, tasks = build_place(settings), TaskManager(clock)
            async with open_database(
                place, tasks, clock=clock, patience_seconds=CHECK_PATIENCE_SECONDS
            ) as database:
                steps += await _check_database(database)
                leases = build_leases(settings, database, "check", clock)
                box = await open_secret_box(build_key_place(settings), database, redactor)
                steps.append(SelfCheck("Secret key", ok=True, detail="fits the stored logins"))
                application = Application(
                    settings, database, leases, box, tasks, extensions=EXTENSIONS, clock=clock
                )
                steps.append(_check_commands(application.bot))
                steps.append(await _check_token(settings, application.bot))
    except KillfeedError as error:
        steps.append(SelfCheck("Not checked further", ok=False, detail=str(error)))
    return steps


async def _check_database(database: SafeDatabase) -> list[SelfCheck]:
    facts = await database.command("buildInfo")
    server = SelfCheck("MongoDB", ok=True, detail=f"version {facts['version']}, transactions work")
    version = await MIGRATIONS.ensure_version(database)
    if not MIGRATIONS.is_current(version):
        older = version.number if version.upgraded_from is None else version.upgraded_from
        detail = f"of version {older}; the start brings it to {MIGRATIONS.newest} once no older bot runs"
        return [server, SelfCheck("Data", ok=True, detail=detail)]
    problems = await list_index_problems(database)
    indexes = "; ".join(problems) if problems else "all there"
    return [server, SelfCheck("Indexes", ok=not problems, detail=indexes)]


def _check_commands(bot: KillfeedBot) -> SelfCheck:
    detail = f"{len(EXTENSIONS)} features with {len(list_commands(bot))} commands"
    return SelfCheck("Commands", ok=True, detail=detail)


async def _check_token(settings: Settings, bot: KillfeedBot) -> SelfCheck:
    try:
        await bot.login(settings.discord.token.get_secret_value())
    except discord.LoginFailure:
        return SelfCheck("Discord", ok=False, detail=REFUSED_LOGIN)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
        return SelfCheck("Discord", ok=True, detail=f"not reached, so the token is not checked ({failure})")
    finally:
        await bot.close()
    return SelfCheck("Discord", ok=True, detail=f"logged in as {bot.user}")


def check(settings: Settings, config: Path) -> int:
    """Print what works, what does not and what is unwise, and return the exit code."""
    redactor = build_redactor(settings)
    apply_api_address(settings)
    with open_logs(settings, redactor, level="ERROR"):
        steps = asyncio.run(check_bot(settings, redactor))
    for step in steps:
        mark = "ok  " if step.ok else "FAIL"
        sys.stdout.write(f"{mark}  {step.name:<20} {redactor.redact(step.detail)}\n")
    for sentence in list_readable_by_others(config, settings.data_dir):
        sys.stdout.write(f"warn  {'Readable by others':<20} {sentence}\n")
    return 0 if all(step.ok for step in steps) else 1


async def rekey_logins(settings: Settings, redactor: Redactor, *, is_lost: bool) -> str:
    """Have every stored login encrypted with a new key, and return the sentence about it."""
    clock, given = SystemClock(), os.environ.get(NEW_KEY_VARIABLE, "")
    redactor.register(given)
    async with open_database(build_place(settings), TaskManager(clock), clock=clock) as database:
        if not MIGRATIONS.is_current(await MIGRATIONS.ensure_version(database)):
            raise ConfigurationError(OLD_DATA)
        leases = LeaseRepository(database, shard_count=settings.discord.sharding.count)
        instance_id = load_instance_id(settings.data_dir)
        work = Rekeying(StoredLogins(database), leases, instance_id=instance_id, clock=clock)
        place = build_key_place(settings)
        return await change_secret_key(place, work, redactor, given=given, is_lost=is_lost)


def rekey(settings: Settings, *, is_lost: bool) -> int:
    """Change the secret key, print what to do then, and return the exit code."""
    redactor = build_redactor(settings)
    try:
        with lock_data_folder(settings.data_dir), open_logs(settings, redactor, level="ERROR"):
            sentence = asyncio.run(rekey_logins(settings, redactor, is_lost=is_lost))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return 1
    sys.stdout.write(f"{sentence}\n")
    return 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(prog="bot.py", description="The killfeed bot for Deadside game servers.")
    parser.add_argument(
        "action",
        nargs="?",
        choices=["check", "rekey"],
        help="check: tell whether the bot could run; rekey: encrypt the stored logins with a new secret key",
    )
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.json"))
    parser.add_argument("--lost", action="store_true", help="with rekey: nobody has the old key any more")
    options = parser.parse_args(arguments)
    if options.lost and options.action != "rekey":
        parser.error("--lost belongs to rekey")
    return options


def main(arguments: list[str]) -> int:
    """Run the command line."""
    sys.setswitchinterval(SWITCH_SECONDS)
    options = parse_arguments(arguments)
    try:
        settings = load_settings(options.config, os.environ)
    except ConfigurationError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return 2
    if options.action == "check":
        return check(settings, options.config)
    if options.action == "rekey":
        return rekey(settings, is_lost=options.lost)
    return run(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
