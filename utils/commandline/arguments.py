"""The arguments of ``bot.py``: the options of every call, and the table of the calls."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from utils.commandline.backing_up import BACKUP
from utils.commandline.call import Call
from utils.commandline.checking import CHECK
from utils.commandline.doctor.examining import DOCTOR
from utils.commandline.migrating import MIGRATE
from utils.commandline.rekeying import REKEY
from utils.commandline.restoring import RESTORE
from utils.commandline.status import STATUS
from utils.commandline.verifying import VERIFY
from utils.composition.version import PROJECT, read_project

CONFIG_PATH = PROJECT / "config.json"

CALLS: Mapping[str, Call] = {
    call.name: call for call in (CHECK, BACKUP, VERIFY, RESTORE, MIGRATE, REKEY, STATUS, DOCTOR)
}
"""Every call by its name; without one of them ``bot.py`` runs the bot."""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="bot.py",
        description="The killfeed bot for Deadside game servers. Without a call it runs the bot.",
        epilog="bot.py CALL --help shows the options of a call.",
    )
    _add_config(parser, default=CONFIG_PATH)
    parser.add_argument(
        "--version", action="version", version=read_version(), help="show the bot's version and end"
    )
    calls = parser.add_subparsers(dest="call", metavar="CALL", title="calls")
    for call in CALLS.values():
        own = calls.add_parser(call.name, help=call.purpose, description=f"{call.purpose.capitalize()}.")
        _add_config(own, default=argparse.SUPPRESS)  # so that it may stand before or after the call
        call.add_options(own)
    return parser.parse_args(arguments)


def _add_config(parser: argparse.ArgumentParser, *, default: object) -> None:
    parser.add_argument(
        "--config", type=Path, default=default, metavar="PATH", help=f"the configuration ({CONFIG_PATH})"
    )


def read_version() -> str:
    """Return the name and the version of the project."""
    project = read_project()
    return f"{project['name']} {project['version']}"
