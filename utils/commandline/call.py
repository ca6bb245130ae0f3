"""A call of the command line: what it is given, and what every call needs."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import discord

from utils.clock import SystemClock
from utils.composition.version import read_project
from utils.data_folder import explain_unusable
from utils.redaction import Redactor
from utils.settings import Settings
from utils.telemetry.log_folder import LogLimits
from utils.telemetry.log_setup import configure_logging

DONE, FAILED, WRONG_USAGE = 0, 1, 2
"""The exit codes of every call: done, failed or refused, wrong usage or configuration."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """The input of a call.

    Attributes:
        settings: the configuration.
        options: the parsed arguments.
        extensions: the modules of the bot's features.
    """

    settings: Settings
    options: argparse.Namespace
    extensions: Sequence[str]

    @property
    def config(self) -> Path:
        """The file of the configuration."""
        path: Path = self.options.config
        return path


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the command line, for example ``python bot.py check``.

    Attributes:
        name: the word after ``bot.py``.
        purpose: what it does, in one line of the help.
        run: does it and returns the exit code: 0 done, 1 failed or refused, 2 wrong usage.
        add_options: adds the arguments of this call alone.
    """

    name: str
    purpose: str
    run: Callable[[CallContext], int]
    _: KW_ONLY
    add_options: Callable[[argparse.ArgumentParser], None] = lambda _: None


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
def open_logs(
    settings: Settings, redactor: Redactor, *, level: str, console_level: str = "NOTSET"
) -> Iterator[None]:
    """Write logs to the data folder, and those of ``console_level`` and above to the console.

    Raises:
        ConfigurationError: the data folder cannot be used.
    """
    with explain_unusable(settings.data_dir):
        logs = configure_logging(
            settings.data_dir / "logs",
            level=level,
            limits=LogLimits(settings.logging.keep_days, settings.logging.max_total_megabytes),
            version=read_project()["version"],
            redact=redactor,
            clock=SystemClock(),
            console=sys.stderr,
            console_level=console_level,
        )
    try:
        yield
    finally:
        logs.close()
