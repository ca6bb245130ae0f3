"""The connection: opens the database of a URI, or says plainly why that fails."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import errors, timeout
from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.database.core.database import SafeDatabase
from utils.database.core.faults import list_codes, map_storage_errors
from utils.database.core.results import SafeMongoDBResult, wait_for_result
from utils.database.core.sessions import Client, SessionPool
from utils.errors import (
    ConfigurationError,
    StorageError,
    StorageUnavailableError,
    TransactionsUnsupportedError,
)
from utils.waiting import wait_until_done

MINIMUM_VERSION = (6, 0)  # the oldest version the tests run against
SELECTION_SECONDS = 5.0
CLOSE_SECONDS = 0.5
PATIENCE_SECONDS = 30.0  # for a machine that starts both at once
CONNECT_BACKOFF = Backoff(first_seconds=0.25, longest_seconds=5, jitter=0.5)
_AUTHENTICATION_FAILED = (18, 8000)  # the server's code, and that of Atlas

OPTIONS: dict[str, Any] = {
    "tz_aware": True,
    "uuidRepresentation": "standard",
    "w": "majority",
    "journal": True,
    "retryWrites": True,
    "retryReads": True,
    "readConcernLevel": "majority",
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 120_000,  # building an index over millions of kills is one request
    "waitQueueTimeoutMS": 20_000,
    "maxPoolSize": 40,
    "appname": "killfeed",
}

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The properties that a MongoDB reports."""

    version: tuple[int, ...]
    has_transactions: bool

    @property
    def version_text(self) -> str:
        """The version as text."""
        return ".".join(str(part) for part in self.version)


@dataclass(eq=False, repr=False)
class SafeMongoDBConnection:
    """The one client of a process.

    Args:
        uri: the address of MongoDB; it may hold a password, so it is never shown.
        patience_seconds: how long ``open`` tries to reach it.
        selection_seconds: how long one operation waits for a usable server.
    """

    uri: str
    _: KW_ONLY
    database: str
    clock: Clock
    patience_seconds: float = PATIENCE_SECONDS
    selection_seconds: float = SELECTION_SECONDS

    def __post_init__(self) -> None:
        self._client: Client | None = None
        self._sessions: SessionPool | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether ``open`` succeeded and ``close`` was not called."""
        return self._sessions is not None

    async def open(self) -> SafeDatabase:
        """Connect, trying again with growing pauses, and check what was found.

        Raises:
            ConfigurationError: the URI, the login or the version cannot work.
            TransactionsUnsupportedError: the MongoDB is not a replica set.
            StorageUnavailableError: not reached within ``patience_seconds``.
        """
        self._client = self._build_client()
        try:
            _check(await self._wait_for_facts())
            self._sessions = SessionPool.open(self._client)
        finally:
            if self._sessions is None:
                await self.close()
        return SafeDatabase(self._client[self.database], sessions=self._sessions, clock=self.clock)

    async def ping(self) -> SafeMongoDBResult[float]:
        """Return how many milliseconds MongoDB takes to answer."""
        return await wait_for_result(self._ping())

    async def verify(self) -> SafeMongoDBResult[ServerFacts]:
        """Return the properties that MongoDB reports now."""
        return await wait_for_result(self._read_facts())

    async def close(self) -> None:
        """Close everything; a second call does nothing."""
        if self._sessions is not None:
            await self._sessions.close()
            self._sessions = None
        if self._client is not None:
            with timeout(CLOSE_SECONDS):  # it ends its sessions at the server, which may be away
                self._client.close()
            self._client = None

    def _build_client(self) -> Client:
        try:
            selection = int(self.selection_seconds * 1000)
            return AsyncIOMotorClient(self.uri, serverSelectionTimeoutMS=selection, **OPTIONS)
        except (errors.ConfigurationError, errors.InvalidURI, ValueError) as error:
            # The library's sentence may quote the URI, and that may hold a password.
            raise ConfigurationError(
                "mongodb.uri is not a MongoDB address. It looks like mongodb://host:27017/?replicaSet=name "
                f"({type(error).__name__})."
            ) from None

    async def _wait_for_facts(self) -> ServerFacts:
        deadline = self.clock.monotonic() + self.patience_seconds
        pauses = CONNECT_BACKOFF.generate_seconds()
        while True:
            try:
                return await self._read_facts()
            except StorageUnavailableError as error:
                pause = next(pauses)
                if self.clock.monotonic() + pause >= deadline:
                    raise self._explain_silence(error) from error
                _log.warning("MongoDB is not reachable yet", reason=str(error), pause_seconds=round(pause, 2))
            await self.clock.sleep(pause)

    def _explain_silence(self, error: StorageUnavailableError) -> StorageUnavailableError:
        """Return the error with address and advice; the address is read without user and password."""
        if self._client is None:
            return error
        servers = self._client.delegate.topology_description.server_descriptions()
        places = [host if port is None else f"{host}:{port}" for host, port in sorted(servers)]
        return StorageUnavailableError(
            f"MongoDB doesn't answer at {', '.join(places)}. Start it, or correct mongodb.uri; "
            "with an empty mongodb.uri the bot runs a MongoDB of its own."
        )

    async def _read_facts(self) -> ServerFacts:
        try:
            hello = await self._command("hello")
            build = await self._command("buildInfo")
        except StorageError as error:
            _refuse_login(error)
            raise
        return ServerFacts(
            version=tuple(build["versionArray"][:3]),
            has_transactions="setName" in hello or hello.get("msg") == "isdbgrid",
        )

    async def _ping(self) -> float:
        started = self.clock.monotonic()
        await self._command("ping")
        return (self.clock.monotonic() - started) * 1000

    async def _command(self, name: str) -> dict[str, Any]:
        if self._client is None:
            raise StorageUnavailableError("There is no connection to MongoDB.")
        with map_storage_errors():
            return await wait_until_done(self._client.admin.command(name))


def _refuse_login(error: StorageError) -> None:
    cause = error.__cause__
    if isinstance(cause, errors.OperationFailure) and set(list_codes(cause)) & set(_AUTHENTICATION_FAILED):
        raise ConfigurationError(
            "MongoDB refused the login. Check user and password in mongodb.uri."
        ) from None


def _check(facts: ServerFacts) -> None:
    if facts.version < MINIMUM_VERSION:
        raise ConfigurationError(
            f"MongoDB {facts.version_text} is too old: "
            f"this bot needs {'.'.join(map(str, MINIMUM_VERSION))} or newer."
        )
    if not facts.has_transactions:
        raise TransactionsUnsupportedError(
            "This MongoDB is not a replica set, so it has no transactions. Start mongod with --replSet "
            "and run rs.initiate() once (one node is enough), or leave mongodb.uri empty: then the bot runs"
            " its own."
        )
