"""The allowed imports between rooms, as a table."""

from collections.abc import Callable

import pytest

from tests.architecture.source_tree import Module, build_module, find_room, list_imports, list_modules

KERNEL = {
    "utils.models",
    "utils.errors",
    "utils.error_sink",
    "utils.clock",
    "utils.events",
    "utils.log_context",
    "utils.tasks",
    "utils.turns",
    "utils.locks",
    "utils.caching",
    "utils.backoff",
    "utils.waiting",
    "utils.queues",
    "utils.group_commit",
    "utils.incident_log",
    "utils.tallies",
}

ROOMS: dict[str, set[str]] = {
    **{room: set() for room in KERNEL},
    "utils.parsers": set(),
    "utils.settings": set(),
    "utils.redaction": set(),
    "utils.secrets": {"utils.redaction"},
    "utils.data_folder": set(),
    "utils.sftp": set(),
    "utils.database": set(),
    "utils.services": {"utils.parsers"},
    "utils.localization": set(),
    "utils.embeds": {"utils.localization"},
    "utils.interactions": {"utils.services", "utils.localization", "utils.embeds"},
    "utils.delivery": {"utils.services", "utils.localization", "utils.embeds"},
    "utils.telemetry": set(),
    "utils.gateway": set(),
    "utils.backup": {"utils.database"},
    "utils.secret_key": {"utils.redaction", "utils.secrets", "utils.database"},
    "cogs": {"utils.services", "utils.localization", "utils.embeds", "utils.interactions"},
}
"""The rooms below the top, and the allowed imports of each besides itself and the kernel."""

COMMAND_LINE = ("utils.composition", "utils.checkup", "utils.commandline")  # each imports the earlier ones
TOP_ROOMS = {*COMMAND_LINE, "bot", "simulation"}  # they join everything; the bot never imports the simulation

OWNERS: dict[str, set[str]] = {
    "babel": {"utils.localization"},
    "asyncssh": {"utils.sftp", "simulation"},
    "motor": {"utils.database"},
    "pymongo": {"utils.database"},
    "bson": {"utils.database"},
    "zstandard": {"utils.backup"},
    "fiftyone": {"utils.database"},
    "gridfs": {"utils.database"},
    "cryptography": {"utils.secrets"},
    "filelock": {"utils.data_folder"},
    "uvloop": {"utils.commandline"},
    "matplotlib": {"utils.embeds"},
    "numpy": {"utils.database"},
    "pydantic": {"utils.settings", "utils.database"},
    "pydantic_core": {"utils.settings"},
    "pydantic_settings": {"utils.settings"},
    "PIL": {"simulation"},
    "prometheus_client": {"utils.telemetry"},
    "discord": {
        "utils.embeds",
        "utils.interactions",
        "utils.delivery",
        "cogs",
        "utils.gateway",
        "utils.composition",
        "utils.checkup",
        "utils.commandline",
        "simulation",
    },
    "aiohttp": {
        "utils.interactions",
        "utils.delivery",
        "utils.gateway",
        "utils.checkup",
        "simulation",
    },  # py-cord raises its connection errors unchanged
}
"""Third-party packages, and the only rooms that may import them."""

REFUSED = {
    "sqlite3",
    "sqlalchemy",
    "aiosqlite",
    "asyncpg",
    "flask",
    "fastapi",
    "unittest.mock",
    "mock",
    "nest_asyncio",
}
SILENT_ROOMS = {"utils.models", "utils.parsers"}


def list_wrong_rooms(module: Module) -> list[str]:
    """Return the rooms that a module imports without permission."""
    rooms = {
        find_room(f"{name}.{member}" if name == "utils" else name)
        for name, member in list_imports(module)
        if name.split(".")[0] in {"bot", "cogs", "simulation", "utils", "tests", "benchmarks"}
    }
    if module.room == "simulation":
        return sorted(rooms & {"tests", "benchmarks"})
    if module.room == "bot":
        return sorted(rooms & {"tests", "benchmarks", "simulation"})
    if module.room in TOP_ROOMS:
        above = COMMAND_LINE[COMMAND_LINE.index(module.room) + 1 :]
        return sorted(rooms & {"tests", "benchmarks", "simulation", "cogs", "bot", *above})
    return sorted(rooms - {module.room} - KERNEL - ROOMS.get(module.room, set()))


def list_foreign_packages(module: Module) -> list[str]:
    """Return the third-party packages that a module imports without permission."""
    packages = {name.split(".")[0] for name, _ in list_imports(module)}
    return sorted(package for package in packages & OWNERS.keys() if module.room not in OWNERS[package])


def list_refused_packages(module: Module) -> list[str]:
    """Return imports that are forbidden everywhere: SQL, web frameworks, mocks."""
    names = {text for name, member in list_imports(module) for text in (name, f"{name}.{member}")}
    return sorted(names & REFUSED)


def list_log_setups(module: Module) -> list[str]:
    """Return uses of structlog other than ``get_logger``. In models and parsers every use is forbidden."""
    used = {member or name for name, member in list_imports(module) if name.split(".")[0] == "structlog"}
    if module.room in {"utils.telemetry", "utils.log_context", "simulation"}:
        return []
    return sorted(used if module.room in SILENT_ROOMS else used - {"get_logger"})


CHECKS = (list_wrong_rooms, list_foreign_packages, list_refused_packages, list_log_setups)


@pytest.mark.parametrize("check", CHECKS)
def test_every_module_imports_only_what_its_room_may(check: Callable[[Module], list[str]]) -> None:
    """A room imports only the rooms above it that the table names."""
    assert {module.path: found for module in list_modules() if (found := check(module))} == {}


def test_every_module_stands_in_a_known_room() -> None:
    """A new room is added to the table first."""
    rooms = {module.room for module in list_modules()}
    assert rooms - ROOMS.keys() - TOP_ROOMS - {"utils"} == set()


def test_every_room_of_the_kernel_and_the_services_exists() -> None:
    """Every room of the kernel and the services exists, so the walk over the tree really sees the tree."""
    rooms = {module.room for module in list_modules()}
    assert rooms >= {*KERNEL, "utils.parsers", "utils.services", "utils.sftp", "simulation"}


@pytest.mark.parametrize(
    ("check", "path", "source", "expected"),
    [
        (list_wrong_rooms, "utils/services/a.py", "from utils.sftp.pool import X", ["utils.sftp"]),
        (list_wrong_rooms, "utils/services/a.py", "from utils import database", ["utils.database"]),
        (list_wrong_rooms, "utils/models/a.py", "import utils.parsers.deathlog", ["utils.parsers"]),
        (list_wrong_rooms, "cogs/a.py", "from utils.database.core.database import X", ["utils.database"]),
        (list_wrong_rooms, "bot.py", "from simulation.discord import X", ["simulation"]),
        (list_wrong_rooms, "simulation/a.py", "from bot import main", []),
        (list_wrong_rooms, "utils/commandline/a.py", "from utils.composition.build import X", []),
        (list_wrong_rooms, "utils/composition/a.py", "from utils.checkup import X", ["utils.checkup"]),
        (list_wrong_rooms, "utils/checkup.py", "from cogs import stats", ["cogs"]),
        (list_wrong_rooms, "utils/delivery/a.py", "def f():\n    from cogs import x", ["cogs"]),
        (list_foreign_packages, "utils/services/a.py", "import discord", ["discord"]),
        (list_foreign_packages, "utils/services/a.py", "from motor.motor_asyncio import X", ["motor"]),
        (list_foreign_packages, "cogs/a.py", "from discord.ext import commands", []),
        (list_refused_packages, "utils/database/a.py", "import sqlite3", ["sqlite3"]),
        (list_refused_packages, "utils/database/a.py", "from unittest import mock", ["unittest.mock"]),
        (list_log_setups, "utils/parsers/a.py", "from structlog import get_logger", ["get_logger"]),
        (list_log_setups, "cogs/a.py", "import structlog", ["structlog"]),
        (list_log_setups, "utils/telemetry/a.py", "import structlog", []),
    ],
)
def test_check_finds_what_it_looks_for(
    check: Callable[[Module], list[str]], path: str, source: str, expected: list[str]
) -> None:
    """The check finds the breaches of the examples and nothing else."""
    assert check(build_module(source, path)) == expected
