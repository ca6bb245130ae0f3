"""Migrations: which version the data has, and whether this bot understands it."""

from pymongo.errors import DuplicateKeyError

from utils.database.database import SafeDatabase
from utils.errors import ConfigurationError, StorageConflictError

DATA_VERSION = 1
"""Version of the data that this code reads and writes; counts up with every change that needs a migration."""

_ID = "data"


async def find_data_version(database: SafeDatabase) -> int | None:
    """Return the version of the stored data; None in a database that was never used."""
    found = await database.run("schema.find", database.unscoped("schema").find_one({"_id": _ID}))
    return None if found is None else int(found["version"])


async def ensure_data_version(database: SafeDatabase) -> None:
    """Write the version at the first start, and refuse data of a later one.

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


async def _write_first_version(database: SafeDatabase) -> None:
    first = {"_id": _ID, "version": DATA_VERSION}
    try:
        await database.run("schema.insert", database.unscoped("schema").insert_one(first))
    except StorageConflictError as error:
        # A second process starting beside this one wrote it a moment earlier.
        if not isinstance(error.__cause__, DuplicateKeyError):
            raise
