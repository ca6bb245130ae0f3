"""A snapshot: all collections as they were at one moment, read in threads while everybody goes on writing.

MongoDB keeps the past of its data for some minutes (``minSnapshotHistoryWindowInSeconds``). A session of
snapshot reads names the moment with its first read, and each later read sees that moment, in every
collection. It holds no lock and needs no right besides reading. When the past is gone, reads fail with
``SnapshotGoneError``, and the backup begins again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from pymongo.client_session import ClientSession
from structlog import get_logger

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Operations
from utils.database.process.embedded import HISTORY_SECONDS
from utils.errors import StorageError

BATCH_DOCUMENTS = 5_000
LONG_HISTORY_SECONDS = 3_600  # of the bot's own mongod, while a backup is made

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """The moment of a snapshot.

    Attributes:
        cluster_time: the moment, as seconds and a number within the second.
        data_version: the version of the data.
        upgraded_from: the version it was upgraded from, if the upgrade was cut off.
        lease_tokens: the token of each lease, by its id.
    """

    cluster_time: tuple[int, int]
    data_version: int
    upgraded_from: int | None
    lease_tokens: Mapping[str, int]


class Snapshot:
    """One moment of the database; every method blocks, and belongs into a thread."""

    def __init__(self, operations: Operations, session: ClientSession) -> None:
        self._operations = operations
        self._session = session

    def read_facts(self) -> SnapshotFacts:
        """Return the facts about the moment; the first call chooses it."""
        schema = self._read_all("schema")
        data = next((one for one in schema["firstBatch"] if one["_id"] == "data"), None)
        leases = self._read_all("leases")["firstBatch"]
        moment = schema["atClusterTime"]
        return SnapshotFacts(
            cluster_time=(moment.time, moment.inc),
            data_version=0 if data is None else int(data["version"]),
            upgraded_from=None if data is None else data.get("upgraded_from"),
            lease_tokens={str(one["_id"]): int(one["token"]) for one in leases},
        )

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the raw documents of a collection by ``_id``, many in each piece."""
        collection = self._operations.get_collection(name)
        cursor = collection.find_raw_batches(
            sort=[("_id", 1)], hint="_id_", batch_size=BATCH_DOCUMENTS, session=self._session
        )
        with cursor:
            while (piece := self._operations.run(f"{name}.snapshot", next, cursor, None)) is not None:
                yield cast("bytes", piece)  # typed as if it were a document

    def count_by_guild(self, name: str) -> dict[int | None, int]:
        """Return the number of documents of each guild, and of those that belong to none."""
        return count_by_guild(self._operations, name, session=self._session)

    def count_deaths(self) -> dict[int, dict[str, int]]:
        """Return the number of deaths by guild and game server."""
        key = {"guild_id": "$guild_id", "server_id": "$server_id"}
        pipeline = [{"$group": {"_id": key, "deaths": {"$sum": 1}}}]
        collection = self._operations.get_collection("kills")
        cursor = self._operations.run(
            "kills.count_deaths", collection.aggregate, pipeline, session=self._session
        )
        counts: dict[int, dict[str, int]] = {}
        for one in self._operations.run("kills.count_deaths", list, cursor):
            guild_id, server_id = one["_id"].get("guild_id"), one["_id"].get("server_id")
            if isinstance(guild_id, int) and isinstance(server_id, str):
                counts.setdefault(guild_id, {})[server_id] = int(one["deaths"])
        return counts

    def _read_all(self, name: str) -> dict[str, Any]:
        """Return the reply to a read of a small collection, which also names the moment."""
        database = self._operations.get_collection(name).database
        command = {"aggregate": name, "pipeline": [], "cursor": {}}
        reply = self._operations.run(f"{name}.snapshot", database.command, command, session=self._session)
        found: dict[str, Any] = reply["cursor"]
        return found


class SnapshotSource:
    """Opens snapshots of one database.

    Args:
        is_embedded: it is the bot's own mongod, whose settings the bot may change.
    """

    def __init__(self, database: SafeDatabase, *, is_embedded: bool) -> None:
        self._database = database
        self._operations = database.operations
        self._is_embedded = is_embedded

    @property
    def database_name(self) -> str:
        """The name of the database."""
        return self._database.name

    @contextmanager
    def open(self) -> Iterator[Snapshot]:
        """Open a snapshot; the bot's own mongod keeps its past for longer in this block."""
        with self.long_history(), self._database.open_snapshot() as session:
            yield Snapshot(self._operations, session)

    @contextmanager
    def long_history(self) -> Iterator[None]:
        """Let the bot's own mongod keep its past for longer in this block."""
        self.lengthen_history()
        try:
            yield
        finally:
            self.shorten_history()

    def lengthen_history(self) -> None:
        """Let the bot's own mongod keep its past for longer from now on."""
        self._keep_history(LONG_HISTORY_SECONDS)

    def shorten_history(self) -> None:
        """Let the bot's own mongod keep its past as long as before."""
        self._keep_history(HISTORY_SECONDS)

    def measure_bytes(self) -> int:
        """Return the size of all documents in the database."""
        database = self._operations.get_collection("schema").database
        return int(self._operations.run("dbStats", database.command, "dbStats")["dataSize"])

    def read_mongodb_version(self) -> str:
        """Return the version of MongoDB."""
        database = self._operations.get_collection("schema").database
        return str(self._operations.run("buildInfo", database.command, "buildInfo")["version"])

    def _keep_history(self, seconds: int) -> None:
        if not self._is_embedded:
            return
        admin = self._operations.get_collection("schema").database.client.admin
        command = {"setParameter": 1, "minSnapshotHistoryWindowInSeconds": seconds}
        try:
            self._operations.run("setParameter", admin.command, command)
        except StorageError as error:
            _log.warning("mongod keeps its past as long as before", problem=str(error))


def count_by_guild(
    operations: Operations, name: str, *, session: ClientSession | None = None
) -> dict[int | None, int]:
    """Return how many documents of a collection each guild has, and how many belong to none."""
    pipeline = [{"$group": {"_id": "$guild_id", "documents": {"$sum": 1}}}]
    collection = operations.get_collection(name)
    cursor = operations.run(f"{name}.count_by_guild", collection.aggregate, pipeline, session=session)
    found = operations.run(f"{name}.count_by_guild", list, cursor)
    counts: dict[int | None, int] = {}
    for one in found:
        key = one["_id"] if isinstance(one["_id"], int) else None
        counts[key] = counts.get(key, 0) + int(one["documents"])
    return counts
