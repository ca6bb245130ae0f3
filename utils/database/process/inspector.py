"""The inspector: looks at the database for the health checks."""

from datetime import UTC, datetime

from structlog import get_logger

from utils.clock import Clock
from utils.database.core.database import SafeDatabase
from utils.database.core.transaction import Transaction
from utils.errors import StorageError

PROBE_ID = "probe"
UP_STATES = frozenset({1, 2, 7})  # primary, secondary, arbiter

logger = get_logger(__name__)


class DatabaseInspector:
    """Looks at the database, without a scope: nothing here belongs to a guild.

    Args:
        process: what tells this process from others that run beside it.
    """

    def __init__(self, database: SafeDatabase, *, process: str, clock: Clock) -> None:
        self._database = database
        self._id = f"{PROBE_ID}{process}"
        self._clock = clock

    async def write_and_read(self) -> None:
        """Write something and read it back, in one transaction that is tried once.

        Raises:
            StorageError: it went wrong.
        """
        key, written = {"_id": self._id}, {"_id": self._id, "at": self._clock.now()}

        def write(transaction: Transaction) -> None:
            schema, session = transaction.unscoped("schema"), transaction.session
            transaction.run("probe.write", schema.replace_one, key, written, upsert=True, session=session)
            found = transaction.run("probe.read", schema.find_one, key, session=session)
            if found is None:
                raise StorageError("The probe was written and is not there.")

        await self._database.in_transaction(write, repeats=False)

    async def read_clock(self) -> datetime:
        """Return the time of MongoDB's machine.

        Raises:
            StorageError: it does not answer.
        """
        answer = await self._database.command("hello")
        at: datetime = answer["localTime"]
        return at.replace(tzinfo=UTC)  # the answers of commands have no zone

    async def list_at_work(self) -> frozenset[int]:
        """Return the leases that are held now and are not a shard's: upgrade, backup, restore.

        Raises:
            StorageError: MongoDB does not answer.
        """
        held = {"_id": {"$lt": 0}, "expires_at": {"$gt": self._clock.now()}}
        cursor = self._database.unscoped("leases").find(held)
        found = await self._database.run("leases.list", cursor.to_list(None))
        return frozenset(int(one["_id"]) for one in found)

    async def count_members(self) -> tuple[int, int] | None:
        """Return how many members of the replica set are up, and how many there are.

        None if the user of the address may not ask, or there is one alone.

        Raises:
            StorageError: MongoDB does not answer.
        """
        try:
            status = await self._database.admin_command("replSetGetStatus")
        except StorageError as error:
            if error.may_pass:
                raise
            logger.debug("members of the replica set are not known", problem=str(error))
            return None
        states = [member.get("state") for member in status.get("members", ())]
        return None if len(states) < 2 else (sum(one in UP_STATES for one in states), len(states))
