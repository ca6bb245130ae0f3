"""The arguments of ``bot.py``: the options of every call, and the table of the calls.

Only the call that is made loads its module, so this module imports none of them.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from utils.commandline.call import BEFORE_MIGRATION, LATEST, NOTHING, Call
from utils.composition.version import CHILD, PROJECT, read_project

CONFIG_PATH = PROJECT / "config.json"
PACKAGE = "utils.commandline"


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "backup",
        metavar="BACKUP",
        nargs="?",
        help=f"a path, an id, {LATEST} (the newest proven one) or {BEFORE_MIGRATION} (the newest from before "
        "an upgrade); without a name the data itself is verified",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="repair what can be repaired; stop the bot before",
    )


def _add_restore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "backup",
        metavar="BACKUP",
        help=f"a path, an id, {LATEST} (the newest proven one), {BEFORE_MIGRATION} (the newest from before "
        f"an upgrade), or {NOTHING} (begin again with an empty database)",
    )
    parser.add_argument("--guild", type=int, metavar="ID", help="one community alone, by its id in Discord")
    for name, purpose in (
        ("--dry-run", "tell what would change, and change nothing"),
        ("--yes", "do not ask for the id of the backup"),
        ("--discard-current", "go on if the present data can't be read or backed up"),
        ("--without-logins", "go on with another secret key; every SFTP login has to be typed again"),
    ):
        parser.add_argument(name, action="store_true", help=purpose)


def _add_migrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="try the upgrade on a copy of the newest backup, in a MongoDB of its own",
    )
    parser.add_argument("--without-backup", action="store_true", help="make no backup before")


def _add_rekey(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lost", action="store_true", help="nobody has the old key any more")


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


CALLS: Mapping[str, Call] = {
    call.name: call
    for call in (
        Call("check", "tell whether the bot could run", f"{PACKAGE}.checking", "check"),
        Call(
            "backup",
            "make a backup, prove it and copy it to every place; the bot may run",
            f"{PACKAGE}.backing_up",
            "back_up",
        ),
        Call(
            "verify",
            "read a backup back and restore it on trial, or verify all of the data; the bot may run",
            f"{PACKAGE}.verifying",
            "verify",
            add_options=_add_verify,
        ),
        Call(
            "restore",
            "put a backup in the place of the present data",
            f"{PACKAGE}.restoring",
            "restore",
            add_options=_add_restore,
        ),
        Call(
            "migrate",
            "bring the data up to date without running the bot; stop the bot before",
            f"{PACKAGE}.migrating",
            "migrate",
            add_options=_add_migrate,
        ),
        Call(
            "rekey",
            "encrypt the stored logins with a new secret key",
            f"{PACKAGE}.rekeying",
            "rekey",
            add_options=_add_rekey,
        ),
        Call(
            "status",
            "tell whether a bot runs and is well",
            f"{PACKAGE}.status",
            "show_status",
            add_options=_add_status,
        ),
        Call(
            "doctor",
            "tell everything that is wrong, and where the help with it is",
            f"{PACKAGE}.doctor.examining",
            "examine",
        ),
    )
}
"""Every call by its name; without one of them ``bot.py`` runs the bot."""

RUN = Call("", "run the bot", f"{PACKAGE}.running", "run")
AS_CHILD = Call(CHILD, "do heavy work for another process", f"{PACKAGE}.child", "work_as_child")
CONFIGURED = Call("", "read the configuration and make a call", f"{PACKAGE}.configured", "run_configured")


def find_call(options: argparse.Namespace) -> Call:
    """Return the call that the arguments name."""
    return RUN if options.call is None else CALLS[options.call]


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
    calls.add_parser(CHILD)  # without help, because nobody calls it by hand
    return parser.parse_args(arguments)


def _add_config(parser: argparse.ArgumentParser, *, default: object) -> None:
    parser.add_argument(
        "--config", type=Path, default=default, metavar="PATH", help=f"the configuration ({CONFIG_PATH})"
    )


def read_version() -> str:
    """Return the name and the version of the project."""
    project = read_project()
    return f"{project['name']} {project['version']}"
