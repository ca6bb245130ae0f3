"""Each record belongs to exactly one system, by its logger or by what is bound."""

import pytest

from tests.architecture.source_tree import list_modules
from utils.telemetry.log_systems import SYSTEMS, choose_system

MIXED = {
    "utils.services": {"audit", "backup", "bot", "ingestion", "verification", "xp"},
    "utils.interactions": {"bot", "commands"},
}
OWN = {
    "utils.database": {"database"},
    "utils.sftp": {"sftp"},
    "utils.delivery": {"delivery"},
    "utils.backup": {"backup"},
}


def test_every_module_that_logs_has_its_system() -> None:
    """A room has the systems that are written here; all others, new ones as well, are the bot's."""
    found: dict[str, set[str]] = {}
    for module in list_modules():
        if "get_logger(__name__)" in module.source and module.room != "simulation":
            found.setdefault(module.room, set()).add(choose_system(module.name))
    assert found == {room: (MIXED | OWN).get(room, {"bot"}) for room in found}


def test_every_module_has_exactly_one_system() -> None:
    """No logger is named by two systems, and none below the one of another system."""
    named = [logger for loggers in SYSTEMS.values() for logger in loggers]
    assert len(named) == len(set(named))
    assert [
        (one, above) for one in named for above in named if one != above and one.startswith(f"{above}.")
    ] == []


@pytest.mark.parametrize(
    ("logger", "bound", "system"),
    [
        ("utils.database", None, "database"),
        ("utils.database.core.operations", None, "database"),
        ("utils.databases", None, "bot"),
        ("utils.services.ingestion.live", None, "ingestion"),
        ("utils.services.guilds.audit", None, "audit"),
        ("utils.services.guilds.changes", None, "bot"),
        ("utils.services.levels.telling", None, "xp"),
        ("utils.services.links.proof_watcher", None, "verification"),
        ("utils.delivery.proofs", "verification", "verification"),
        ("discord.http", None, "delivery"),
        ("discord.gateway", None, "bot"),
        ("pymongo.topology", None, "database"),
        ("__main__", None, "bot"),
        ("", None, "bot"),
        ("utils.delivery.loop", "xp", "xp"),
        ("utils.delivery.loop", "no such system", "delivery"),
        ("utils.delivery.loop", 7, "delivery"),
    ],
)
def test_system_is_the_bound_one_or_that_of_the_nearest_logger(
    logger: str, bound: object, system: str
) -> None:
    """A bound system goes before the logger; an unknown one does not count."""
    assert choose_system(logger, bound) == system
