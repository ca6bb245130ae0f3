"""Fixtures for tests of several packages: one real mongod for the whole run, one database for each test."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient

from simulation.discord import Channel, Guild, Member, Permission, SimulatedDiscord
from tests.fakes.beside import describe_missing
from tests.fakes.clock import FakeClock
from tests.fakes.emptied import open_emptied
from tests.fakes.examples import register_profiles
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import ensure_indexes
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod
from utils.database.process.mongod_binary import find_mongod
from utils.errors import ConfigurationError

HISTORY_SECONDS = 5

register_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the snapshots again."""
    parser.addoption("--record", action="store_true", help="write the snapshots of replies anew")


def pytest_report_header() -> list[str]:
    """Report at the top of a run what it skips because files beside the project are missing."""
    return [missing] if (missing := describe_missing()) else []


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Load the tests without the collector of garbage, and let it never look through what they loaded.

    Modules stay until the end, and looking through all of them again and again takes a tenth of a run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(name="mongod_uri", scope="session")
def _mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a mongod until the last test has ended; skip the test if the machine has no mongod."""
    try:
        find_mongod()
    except ConfigurationError as error:
        pytest.skip(str(error))
    mongod = EmbeddedMongod(tmp_path_factory.mktemp("mongod"), clock=SystemClock())
    try:
        uri = asyncio.run(mongod.start())
        _forget_dropped_soon(uri)
        yield uri
    finally:
        asyncio.run(mongod.stop())


def _forget_dropped_soon(uri: str) -> None:
    """Let mongod close the files of a dropped database within a minute instead of six.

    Every test drops some 80 files. In six minutes they are more than mongod may open (20,000 on many
    machines), and then it dies.
    """
    with MongoClient[dict[str, Any]](uri) as client:
        client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=HISTORY_SECONDS)


@pytest.fixture(name="connection")
async def _connection(mongod_uri: str) -> AsyncIterator[SafeMongoDBConnection]:
    """Return a connection to a database of this test alone; close it afterwards."""
    connection = SafeMongoDBConnection(mongod_uri, database=f"test_{uuid4().hex[:16]}", clock=SystemClock())
    yield connection
    await connection.close()


@pytest.fixture(name="database")
async def _database(mongod_uri: str) -> AsyncIterator[SafeDatabase]:
    """Return an empty database with its indexes."""
    connection = SafeMongoDBConnection(mongod_uri, database="test", clock=SystemClock())
    yield await open_emptied(connection)
    await connection.close()


@pytest.fixture(name="new_database")
async def _new_database(connection: SafeMongoDBConnection) -> AsyncIterator[SafeDatabase]:
    """Return a new database with its indexes, for tests of indexes: mongod remembers nothing about it."""
    database = await connection.open()
    await ensure_indexes(database)
    yield database
    await database.drop()


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    """A clock that only tests move."""
    return FakeClock()


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[SimulatedDiscord]:
    """A Discord without rate limits. The test fails if a request breaks Discord's API document."""
    async with SimulatedDiscord(enforce_rate_limits=False) as world:
        yield world
        assert world.contract_violations == []


@pytest.fixture(name="guild")
def _guild(world: SimulatedDiscord) -> Guild:
    return world.create_guild("Community")


@pytest.fixture(name="channel")
def _channel(world: SimulatedDiscord, guild: Guild) -> Channel:
    return world.create_channel(guild, "general")


@pytest.fixture(name="alice")
def _alice(world: SimulatedDiscord, guild: Guild) -> Member:
    """A member without any permission."""
    return world.add_member(guild, "alice")


@pytest.fixture(name="manager")
def _manager(world: SimulatedDiscord, guild: Guild) -> Member:
    """A member with Manage Server."""
    role = world.create_role(guild, "managers", permissions=int(Permission.MANAGE_GUILD))
    return world.add_member(guild, "manager", roles=[role])
