"""What tests of several rooms share: one real mongod for the whole run, a fresh database for each test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from utils.clock import SystemClock
from utils.database.connection import SafeMongoDBConnection
from utils.database.database import SafeDatabase
from utils.database.embedded import EmbeddedMongod
from utils.database.indexes import ensure_indexes
from utils.database.mongod_binary import find_mongod
from utils.errors import ConfigurationError


@pytest.fixture(name="mongod_uri", scope="session")
def _mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a mongod until the last test is done; skip where the machine has none."""
    try:
        find_mongod()
    except ConfigurationError as error:
        pytest.skip(str(error))
    mongod = EmbeddedMongod(tmp_path_factory.mktemp("mongod"), clock=SystemClock())
    try:
        yield asyncio.run(mongod.start())
    finally:
        asyncio.run(mongod.stop())


@pytest.fixture(name="connection")
async def _connection(mongod_uri: str) -> AsyncIterator[SafeMongoDBConnection]:
    """Return a connection to a database that nobody else uses; closed afterwards."""
    connection = SafeMongoDBConnection(mongod_uri, database=f"test_{uuid4().hex[:16]}", clock=SystemClock())
    yield connection
    await connection.close()


@pytest.fixture(name="database")
async def _database(connection: SafeMongoDBConnection) -> AsyncIterator[SafeDatabase]:
    """Return that database, with its indexes; dropped afterwards."""
    database = await connection.open()
    await ensure_indexes(database)
    yield database
    await database.drop()
