"""Migrations: which version the data has, and whether this bot understands it."""

from collections.abc import Awaitable, Callable, Mapping

from pymongo.errors import DuplicateKeyError
from structlog import get_logger

from utils.database.database import SafeDatabase
from utils.database.head_migration import digest_heads
from utils.database.message_migration import move_messages
from utils.database.weapon_migration import count_weapons
from utils.errors import ConfigurationError, StorageConflictError

MIGRATIONS: Mapping[int, Callable[[SafeDatabase], Awaitable[None]]] = {
    2: count_weapons,
    3: digest_heads,
    4: move_messages,
}
"""What brings the data to each version, from the one before; can be repeated."""

DATA_VERSION = max(MIGRATIONS)
"""Version of the data that this code reads and writes; counts up with every change that needs a migration."""

_ID = "data"

_log = get_logger(__name__)


async def find_data_version(database: SafeDatabase) -> int | None:
    """Return the version of the stored data; None in a database that was never used."""
    found = await database.run("schema.find", database.unscoped("schema").find_one({"_id": _ID}))
    return None if found is None else int(found["version"])


async def ensure_data_version(database: SafeDatabase) -> None:
    """Write the version at the first start, bring older data up to it, and refuse data of a later one.

    Every step can be repeated, so one that was cut off is begun again; the version is written when it is
    done.

    Raises:
        ConfigurationError: the data was written by a newer bot.
    """
    version = await find_data_version(database)
    if version is None:
        await _write_first_version(database)
    elif version > DATA_VERSION:
        raise ConfigurationError(
            f"The database “{database.name}” has data of version {version}, "
            f"this bot knows version {DATA_VERSION}. Update the bot, or restore a backup made with it."
        )
    elif version < DATA_VERSION:
        _log.info("data of an older version is brought up to date", version=version)
        for reached in sorted(MIGRATIONS):
            if reached > version:
                await MIGRATIONS[reached](database)
        update = {"$set": {"version": DATA_VERSION}}
        await database.run("schema.update", database.unscoped("schema").update_one({"_id": _ID}, update))


async def _write_first_version(database: SafeDatabase) -> None:
    first = {"_id": _ID, "version": DATA_VERSION}
    try:
        await database.run("schema.insert", database.unscoped("schema").insert_one(first))
    except StorageConflictError as error:
        # A second process starting beside this one wrote it a moment earlier.
        if not isinstance(error.__cause__, DuplicateKeyError):
            raise
