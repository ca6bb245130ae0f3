"""The systems of the bot, each with a log file of its own: which record belongs to which of them."""

from collections.abc import Mapping

MAIN_SYSTEM = "bot"
"""The system of every logger that the table does not name."""

SYSTEMS: Mapping[str, tuple[str, ...]] = {
    MAIN_SYSTEM: (),
    "commands": ("utils.interactions.command_journal",),
    "database": ("utils.database", "motor", "pymongo"),
    "audit": ("utils.services.guilds.audit", "utils.services.personal"),
    "sftp": ("utils.sftp", "asyncssh"),
    "backup": ("utils.backup", "utils.services.verification"),
    "ingestion": ("utils.services.ingestion",),
    "role_connections": (),
    "verification": ("utils.services.links",),
    "xp": ("utils.services.levels",),
    "delivery": ("utils.delivery", "discord.http"),
}
"""The loggers of each system, with all loggers below them. Systems without one are bound (``system``)."""

_OWNERS = {logger: system for system, loggers in SYSTEMS.items() for logger in loggers}


def choose_system(logger: str, bound: object = None) -> str:
    """Return the system of a record: the bound one, else that of its logger or of the nearest one above."""
    if isinstance(bound, str) and bound in SYSTEMS:
        return bound
    while logger:
        if logger in _OWNERS:
            return _OWNERS[logger]
        logger = logger.rpartition(".")[0]
    return MAIN_SYSTEM
