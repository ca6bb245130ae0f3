"""Preparations of calls that reach the database or Discord: secrets kept back, logs, the API's address."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import discord

from utils.clock import SystemClock
from utils.composition.version import read_project
from utils.data_folder import explain_unusable
from utils.redaction import Redactor
from utils.settings import Settings
from utils.telemetry.log_folder import LogLimits
from utils.telemetry.log_setup import configure_logging


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
