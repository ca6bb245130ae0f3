"""Opening: opens and checks the configured MongoDB, or our own."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from utils.clock import Clock
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import ensure_indexes
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.connection import PATIENCE_SECONDS, SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod, find_process_file
from utils.database.process.mongod_process import ProcessFile, build_uri
from utils.errors import StorageUnavailableError
from utils.tasks import TaskManager

MONGOD_TASK = "mongod"


@dataclass(frozen=True, slots=True)
class MongoDBPlace:
    """The place of the database.

    Attributes:
        uri: empty for a mongod of our own; it may hold a password, so it is never shown.
        data_dir: the folder for the data of our own mongod.
        mongod_path: the program of our own mongod; searched for if None.
    """

    uri: str = field(repr=False)
    database: str
    data_dir: Path
    mongod_path: Path | None = None


Recover = Callable[[SafeDatabase], Awaitable[None]]
"""Ends a restore that was cut off, before anything else is done with the data."""


@asynccontextmanager
async def open_database(
    place: MongoDBPlace,
    tasks: TaskManager,
    *,
    clock: Clock,
    recover: Recover,
    patience_seconds: float = PATIENCE_SECONDS,
) -> AsyncIterator[SafeDatabase]:
    """Open the database; close it, and stop a mongod of our own, at the end.

    Every index is created, unless the data is of an older version (``utils.database.migrations.upgrade``).

    Raises:
        ConfigurationError, StorageError: it cannot be used; the text says why and what to do.
    """
    opened = open_as_it_is(place, tasks, clock=clock, patience_seconds=patience_seconds)
    async with opened as database:
        await recover(database)
        if MIGRATIONS.is_current(await MIGRATIONS.ensure_version(database)):
            await ensure_indexes(database)
        yield database


@asynccontextmanager
async def open_as_it_is(
    place: MongoDBPlace, tasks: TaskManager, *, clock: Clock, patience_seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[SafeDatabase]:
    """Open the database with any content, and write nothing.

    ``tasks`` gets the task that restarts a mongod of our own when it dies. A database that does not answer is
    tried for ``patience_seconds``.

    Raises:
        ConfigurationError, StorageError: it cannot be reached; the text says why and what to do.
    """
    async with AsyncExitStack() as stack:
        uri = place.uri
        if not uri:
            mongod = EmbeddedMongod(place.data_dir, clock=clock, mongod_path=place.mongod_path)
            uri = await mongod.start()
            stack.push_async_callback(mongod.leave)
            tasks.start(MONGOD_TASK, mongod.watch, is_critical=True)
            stack.push_async_callback(tasks.cancel, MONGOD_TASK)
        connection = SafeMongoDBConnection(
            uri, database=place.database, clock=clock, patience_seconds=patience_seconds
        )
        stack.push_async_callback(connection.close)
        yield await connection.open()


@asynccontextmanager
async def join_database(
    place: MongoDBPlace, *, clock: Clock, patience_seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[SafeDatabase]:
    """Open the database beside the bot that runs; nothing is started, stopped or created.

    Raises:
        ConfigurationError, StorageError: it cannot be used; the text says why.
    """
    connection = SafeMongoDBConnection(
        find_uri(place), database=place.database, clock=clock, patience_seconds=patience_seconds
    )
    try:
        yield await connection.open()
    finally:
        await connection.close()


def find_uri(place: MongoDBPlace) -> str:
    """Return the address of the database, also of the mongod of a bot that runs; it may hold a password.

    Raises:
        StorageUnavailableError: that mongod does not run.
    """
    if place.uri:
        return place.uri
    kept = ProcessFile.read(find_process_file(place.data_dir))
    if kept is None or not kept.is_private:
        raise StorageUnavailableError("The bot is starting or stopping. Try again in a minute.")
    return build_uri(kept.address)


def set_mongod_aside(place: MongoDBPlace, *, at: datetime) -> Path:
    """Rename the folder of a mongod of our own that does not start, and return its new name."""
    folder = find_process_file(place.data_dir).parent
    aside = folder.with_name(f"{folder.name}.broken-{at:%Y%m%dT%H%M%SZ}")
    folder.rename(aside)
    return aside


def put_mongod_back(place: MongoDBPlace, aside: Path) -> None:
    """Undo ``set_mongod_aside``; nothing was stored in between."""
    folder = find_process_file(place.data_dir).parent
    if folder.exists():
        shutil.rmtree(folder)
    aside.rename(folder)
