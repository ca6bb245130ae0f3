"""The command line: its arguments, and the commands besides running the bot: ``check`` and ``rekey``."""

import argparse
import asyncio
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import discord

from utils.checkup import Mark, SelfCheck, check_bot
from utils.clock import SystemClock
from utils.composition.storage import build_key_place, build_place
from utils.data_folder import (
    explain_unusable,
    list_readable_by_others,
    load_instance_id,
    lock_data_folder,
)
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.migrations.secret_keys import OLD_DATA, Rekeying, StoredLogins
from utils.database.process.opening import open_database
from utils.database.repositories.leases import LeaseRepository
from utils.errors import ConfigurationError, KillfeedError
from utils.redaction import Redactor
from utils.secret_key import change_secret_key
from utils.settings import Settings
from utils.tasks import TaskManager
from utils.telemetry.log_folder import LogLimits
from utils.telemetry.log_setup import configure_logging

NEW_KEY_VARIABLE = "KILLFEED_NEW_SECRET_KEY"  # of the environment, for rekey alone
PROJECT = Path(__file__).parents[1]
CONFIG_PATH = PROJECT / "config.json"


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(prog="bot.py", description="The killfeed bot for Deadside game servers.")
    parser.add_argument(
        "action",
        nargs="?",
        choices=["check", "rekey"],
        help="check: tell whether the bot could run; rekey: encrypt the stored logins with a new secret key",
    )
    parser.add_argument(
        "--config", type=Path, default=CONFIG_PATH, metavar="PATH", help="the configuration (%(default)s)"
    )
    parser.add_argument("--lost", action="store_true", help="with rekey: nobody has the old key any more")
    parser.add_argument(
        "--version", action="version", version=read_version(), help="show the bot's version and end"
    )
    options = parser.parse_args(arguments)
    if options.lost and options.action != "rekey":
        parser.error("--lost belongs to rekey")
    return options


def read_version() -> str:
    """Return the name and the version of the project, as ``pyproject.toml`` gives them."""
    project = _read_project()
    return f"{project['name']} {project['version']}"


def read_version_number() -> str:
    """Return the version of the project alone."""
    return _read_project()["version"]


def _read_project() -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def build_redactor(settings: Settings) -> Redactor:
    """Return the redactor that keeps the configured secrets out of everything that is written."""
    redactor = Redactor()
    for secret in (settings.discord.token, settings.mongodb.uri, settings.secret_key):
        redactor.register(secret.get_secret_value())
    return redactor


def apply_api_address(settings: Settings) -> None:
    """Set the address of Discord's API, for a proxy or a simulator; the library's own setting."""
    if settings.discord.api_base_url:
        discord.http.Route.API_BASE_URL = settings.discord.api_base_url


@contextmanager
def open_logs(settings: Settings, redactor: Redactor, *, level: str) -> Iterator[None]:
    """Write logs to the console and the data folder.

    Raises:
        ConfigurationError: the data folder cannot be used.
    """
    with explain_unusable(settings.data_dir):
        logs = configure_logging(
            settings.data_dir / "logs",
            level=level,
            limits=LogLimits(settings.logging.keep_days, settings.logging.max_total_megabytes),
            version=read_version_number(),
            redact=redactor,
            clock=SystemClock(),
            console=sys.stderr,
        )
    try:
        yield
    finally:
        logs.close()


def check(settings: Settings, config: Path, *, extensions: Sequence[str]) -> int:
    """Print what works, what fails, what is unwise and what was not checked, and return the exit code."""
    redactor = build_redactor(settings)
    apply_api_address(settings)
    logs = open_logs(settings, redactor, level="ERROR")
    checks = asyncio.run(check_bot(settings, redactor, logs, extensions=extensions))
    checks += [
        SelfCheck("Readable by others", Mark.WARNING, sentence)
        for sentence in list_readable_by_others(config, settings.data_dir)
    ]
    for one in checks:
        sys.stdout.write(f"{one.mark:<4}  {one.name:<20} {redactor.redact(one.detail)}\n")
    return 1 if any(one.mark is Mark.FAILED for one in checks) else 0


async def rekey_logins(settings: Settings, redactor: Redactor, *, is_lost: bool) -> str:
    """Encrypt every stored login with a new key, and return the sentence that says so."""
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
    """Change the secret key, print what to do next, and return the exit code."""
    redactor = build_redactor(settings)
    try:
        with lock_data_folder(settings.data_dir), open_logs(settings, redactor, level="ERROR"):
            sentence = asyncio.run(rekey_logins(settings, redactor, is_lost=is_lost))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return 1
    sys.stdout.write(f"{sentence}\n")
    return 0
