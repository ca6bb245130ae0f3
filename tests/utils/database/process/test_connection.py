"""Connecting: the database is ready, or the error says why not."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import DEVNULL, Popen

import pytest

from utils.clock import SystemClock
from utils.database.process.connection import SafeMongoDBConnection, ServerFacts, _check
from utils.database.process.mongod_binary import find_mongod
from utils.errors import ConfigurationError, StorageUnavailableError, TransactionsUnsupportedError


@pytest.fixture(name="standalone_uri")
async def _standalone_uri(tmp_path: Path, mongod_uri: str) -> AsyncIterator[str]:
    """Run a mongod without a replica set; ``mongod_uri`` skips the test without mongod."""
    assert mongod_uri
    port = _choose_port()
    arguments = ("--dbpath", str(tmp_path), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket")
    with Popen([find_mongod(), *arguments], stdout=DEVNULL, stderr=DEVNULL) as mongod:  # noqa: ASYNC220, S603 - no shell
        yield f"mongodb://127.0.0.1:{port}/"
        mongod.terminate()
        await asyncio.to_thread(mongod.wait)


def _choose_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _connect(uri: str, **options: float) -> SafeMongoDBConnection:
    return SafeMongoDBConnection(uri, database="unused", clock=SystemClock(), **options)


async def test_connection_answers_and_tells_its_facts_when_open(connection: SafeMongoDBConnection) -> None:
    """Ping and verify return values; opening makes the connection ready."""
    assert not connection.is_open
    await connection.open()
    ping, facts = await connection.ping(), await connection.verify()
    assert (connection.is_open, ping.is_ok, facts.unwrap().has_transactions) == (True, True, True)
    assert facts.unwrap().version >= (6, 0)


async def test_ping_is_a_failed_result_when_closed(connection: SafeMongoDBConnection) -> None:
    """A ping on a closed connection raises nothing."""
    await connection.open()
    await connection.close()
    await connection.close()
    result = await connection.ping()
    assert (connection.is_open, type(result.error)) == (False, StorageUnavailableError)


async def test_standalone_mongod_is_refused_plainly(standalone_uri: str) -> None:
    """Without a replica set there are no transactions; the text says what to do."""
    connection = _connect(standalone_uri)
    with pytest.raises(TransactionsUnsupportedError, match="--replSet"):
        await connection.open()
    assert not connection.is_open


async def test_opening_fails_when_nothing_answers_for_as_long_as_its_patience() -> None:
    """The bot tries a missing database for its patience, then tells its address and the way out."""
    place = f"127.0.0.1:{_choose_port()}"
    uri = f"mongodb://renter:hunter%402@{place},localhost/?replicaSet=rs0"
    with pytest.raises(StorageUnavailableError) as caught:
        await _connect(uri, patience_seconds=0.4, selection_seconds=0.1).open()
    assert str(caught.value) == (
        f"MongoDB doesn't answer at {place}, localhost:27017. Start it, or correct mongodb.uri; "
        "with an empty mongodb.uri the bot runs a MongoDB of its own."
    )


@pytest.mark.parametrize("uri", ["http://user:hunter2@host/", "mongodb://", "mongodb://u:hunter2@h:99999/"])
async def test_malformed_address_is_refused_without_showing_it(uri: str) -> None:
    """The URI may contain a password, so the text names only the key."""
    with pytest.raises(ConfigurationError, match=r"mongodb\.uri") as caught:
        await _connect(uri).open()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_wrong_login_is_refused_at_once_without_showing_it(mongod_uri: str) -> None:
    """A refused login is not tried again."""
    uri = mongod_uri.replace("mongodb://", "mongodb://nobody:hunter2@")
    with pytest.raises(ConfigurationError, match="refused the login") as caught:
        await _connect(uri).open()
    assert "hunter2" not in str(caught.value)


def test_old_version_is_refused_plainly() -> None:
    """The text names the found and the needed version."""
    with pytest.raises(ConfigurationError, match=r"MongoDB 5\.0\.14 is too old: this bot needs 6\.0"):
        _check(ServerFacts(version=(5, 0, 14), has_transactions=True))
