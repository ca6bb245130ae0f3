"""Migrations: which version the data has, whether this bot understands it, and what brings it up to date.

``utils.database.migrations.upgrade`` runs them, in one process at a time, while no other works with the data.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.migrations.head_migration import digest_heads
from utils.database.migrations.message_migration import move_messages
from utils.database.migrations.number_migration import join_numbers
from utils.database.migrations.weapon_migration import count_weapons
from utils.errors import ConfigurationError, StorageConflictError

Migration = Callable[[SafeDatabase, Fence], Awaitable[None]]

MIGRATIONS: Mapping[int, Migration] = {2: count_weapons, 3: digest_heads, 4: move_messages, 5: join_numbers}
"""What brings the data to each version, from the one before; can be repeated, and writes behind the fence."""

DATA_VERSION = max(MIGRATIONS)
"""Version of the data that this code reads and writes; counts up with every change that needs a migration."""

_ID = "data"


@dataclass(frozen=True, slots=True)
class DataVersion:
    """The version of stored data.

    Attributes:
        upgraded_from: the version it comes from, until every migration is done.
    """

    number: int
    upgraded_from: int | None = None

    @property
    def is_current(self) -> bool:
        """Tell whether this bot can work with it as it is."""
        return self == DataVersion(DATA_VERSION)


async def find_data_version(database: SafeDatabase) -> DataVersion | None:
    """Return the version of the stored data; None in a database that was never used."""
    found = await database.run("schema.find", database.unscoped("schema").find_one({"_id": _ID}))
    return None if found is None else DataVersion(int(found["version"]), found.get("upgraded_from"))


async def ensure_data_version(database: SafeDatabase) -> DataVersion:
    """Return the version of the stored data; at the first start, write it.

    Raises:
        ConfigurationError: the data was written by a newer bot.
    """
    version = await find_data_version(database)
    if version is None:
        await _write_first_version(database)
        return DataVersion(DATA_VERSION)
    if version.number > DATA_VERSION:
        raise ConfigurationError(
            f"The database “{database.name}” has data of version {version.number}, "
            f"this bot knows version {DATA_VERSION}. Update the bot, or restore a backup made with it."
        )
    return version


async def begin_upgrade(database: SafeDatabase, version: DataVersion, fence: Fence) -> int:
    """Write this bot's version before the data is of it; return the one that it comes from.

    From then on no older bot starts, and a migration that is cut off is begun again.
    """
    first = version.number if version.upgraded_from is None else version.upgraded_from
    await _write(database, fence, {"$set": {"version": DATA_VERSION, "upgraded_from": first}})
    return first


async def run_migrations(database: SafeDatabase, first: int, fence: Fence) -> None:
    """Bring data of the version ``first`` up to date, and note that it is."""
    for reached in sorted(MIGRATIONS):
        if reached > first:
            await MIGRATIONS[reached](database, fence)
    await _write(database, fence, {"$unset": {"upgraded_from": ""}})


async def _write(database: SafeDatabase, fence: Fence, update: dict[str, object]) -> None:
    def write(transaction: Transaction) -> None:
        change, session = transaction.unscoped("schema").update_one, transaction.session
        transaction.run("schema.update", change, {"_id": _ID}, update, session=session)

    await database.in_transaction(write, fence=fence)


async def _write_first_version(database: SafeDatabase) -> None:
    first = {"_id": _ID, "version": DATA_VERSION}
    try:
        await database.run("schema.insert", database.unscoped("schema").insert_one(first))
    except StorageConflictError as error:
        # A second process starting beside this one wrote it a moment earlier.
        if not isinstance(error.__cause__, DuplicateKeyError):
            raise
