"""Migrations: the version of the data, whether this bot can use it, and the steps that upgrade it.

``utils.database.migrations.upgrade`` runs them in one process, while no other process uses the data.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError
from structlog import get_logger

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.migrations.experience import ask_for_recounts
from utils.database.migrations.post_shapes import shape_posts
from utils.database.migrations.respawns import silence_respawns
from utils.errors import ConfigurationError, StorageConflictError

_ID = "data"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step to the next version of the data.

    Attributes:
        change: makes it, and can be repeated; it writes behind the fence.
        touches: the collections that it may change; all others are compared with the backup afterwards.
    """

    change: Callable[[SafeDatabase, Fence], Awaitable[None]]
    touches: frozenset[str]


@dataclass(frozen=True, slots=True)
class DataVersion:
    """The version of stored data.

    Attributes:
        upgraded_from: the version it comes from, until every migration is done.
    """

    number: int
    upgraded_from: int | None = None


class Migrations:
    """The steps from each version of the data to the next one.

    Args:
        steps: the steps by the version they lead to, from 2 on.
    """

    def __init__(self, steps: Mapping[int, Migration]) -> None:
        self._steps = steps
        self.newest = max(steps, default=1)

    def is_current(self, version: DataVersion) -> bool:
        """Tell whether this bot can use data of a version without an upgrade."""
        return version == DataVersion(self.newest)

    async def is_up_to_date(self, database: SafeDatabase) -> bool:
        """Tell whether this bot can use the stored data without an upgrade."""
        version = await find_data_version(database)
        return version is not None and self.is_current(version)

    async def ensure_version(self, database: SafeDatabase) -> DataVersion:
        """Return the version of the stored data; at the first start, write it.

        Raises:
            ConfigurationError: the data was written by a newer bot.
        """
        version = await find_data_version(database)
        if version is None:
            await self._write_first_version(database)
            return DataVersion(self.newest)
        if version.number > self.newest:
            raise ConfigurationError(
                f"The database “{database.name}” has data of version {version.number}. This bot knows "
                f"no version after {self.newest}. Update the bot, or run `python bot.py restore before-"
                "migration` to go back to the data from before the upgrade."
            )
        return version

    async def begin(self, database: SafeDatabase, version: DataVersion, fence: Fence) -> int:
        """Write this bot's version before the data is changed; return the version it comes from.

        From then on no older bot starts, and an interrupted migration begins again.
        """
        first = version.number if version.upgraded_from is None else version.upgraded_from
        await _write(database, fence, {"$set": {"version": self.newest, "upgraded_from": first}})
        return first

    async def run(self, database: SafeDatabase, first: int, fence: Fence) -> None:
        """Upgrade data of the version ``first``; ``finish`` notes that it is done."""
        for reached in self._list_due(first):
            began = database.clock.monotonic()
            await self._steps[reached].change(database, fence)
            seconds = round(database.clock.monotonic() - began, 1)
            _log.info("the data is brought to the next version", version=reached, seconds=seconds)

    async def finish(self, database: SafeDatabase, fence: Fence) -> None:
        """Note that every step is done."""
        await _write(database, fence, {"$unset": {"upgraded_from": ""}})

    def list_touched(self, first: int) -> frozenset[str]:
        """Return the collections that an upgrade from a version may change."""
        return frozenset(name for reached in self._list_due(first) for name in self._steps[reached].touches)

    def _list_due(self, first: int) -> list[int]:
        return sorted(reached for reached in self._steps if reached > first)

    async def _write_first_version(self, database: SafeDatabase) -> None:
        first = {"_id": _ID, "version": self.newest}
        try:
            await database.run("schema.insert", database.unscoped("schema").insert_one(first))
        except StorageConflictError as error:
            # A second process that starts at the same time wrote it a moment earlier.
            if not isinstance(error.__cause__, DuplicateKeyError):
                raise


MIGRATIONS = Migrations(
    {
        2: Migration(silence_respawns, frozenset({"game_servers"})),
        3: Migration(shape_posts, frozenset({"outbox", "messages"})),
        4: Migration(ask_for_recounts, frozenset({"cursors"})),
    }
)
"""The migrations of the bot; every released change of the stored data's shape adds a step."""


async def find_data_version(database: SafeDatabase) -> DataVersion | None:
    """Return the version of the stored data; None in a database that was never used."""
    found = await database.run("schema.find", database.unscoped("schema").find_one({"_id": _ID}))
    return None if found is None else DataVersion(int(found["version"]), found.get("upgraded_from"))


async def _write(database: SafeDatabase, fence: Fence, update: dict[str, object]) -> None:
    def write(transaction: Transaction) -> None:
        change, session = transaction.unscoped("schema").update_one, transaction.session
        transaction.run("schema.update", change, {"_id": _ID}, update, session=session)

    await database.in_transaction(write, fence=fence)
