"""Faults of MongoDB under the bot: transactions that fail at every point, and a long absence."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from simulation.counting import count_rows
from simulation.posts import expect_posts, read_posts
from simulation.starts import Starter
from tests.bot.conftest import open_stage
from tests.bot.stage import Stage
from utils.clock import SystemClock
from utils.database.process.embedded import EmbeddedMongod
from utils.database.process.mongod_binary import find_mongod
from utils.errors import ConfigurationError

WRITE_CONFLICT, NO_SUCH_TRANSACTION = 112, 251
INTERRUPTED, STEPPED_DOWN, WRITE_CONCERN_FAILED = 11601, 189, 64
TRANSIENT = ["TransientTransactionError"]
ABSENCE_SECONDS = 25.0  # longer than a lease

pytestmark = pytest.mark.fault


@dataclass(frozen=True, slots=True)
class Failure:
    """How a command of the bot's own connection fails, and how often."""

    command: str
    how: Mapping[str, Any]
    times: int = 3


CUT = {"closeConnection": True}
FAILURES = (
    Failure("insert", {"errorCode": WRITE_CONFLICT, "errorLabels": TRANSIENT}),
    Failure("update", {"errorCode": NO_SUCH_TRANSACTION, "errorLabels": TRANSIENT}),
    Failure("find", {"errorCode": INTERRUPTED, "errorLabels": TRANSIENT}, times=2),
    Failure("insert", CUT, times=2),
    Failure("update", CUT, times=2),
    Failure("find", CUT, times=3),
    Failure("commitTransaction", CUT),
    Failure("commitTransaction", {"errorCode": STEPPED_DOWN}),
    Failure("commitTransaction", {"errorCode": NO_SUCH_TRANSACTION, "errorLabels": TRANSIENT}),
    Failure("commitTransaction", {"writeConcernError": {"code": WRITE_CONCERN_FAILED, "errmsg": "late"}}),
    Failure("abortTransaction", CUT, times=2),
)


@pytest.fixture(name="mongod")
async def _mongod(tmp_path: Path) -> AsyncIterator[EmbeddedMongod]:
    """Run a mongod that fails on demand; skip the test if the machine has no mongod."""
    try:
        program = find_mongod(None)
    except ConfigurationError as error:
        pytest.skip(str(error))
    script = tmp_path / "mongod.sh"
    script.write_text(f'#!/bin/sh\nexec "{program}" "$@" --setParameter enableTestCommands=1\n', "ascii")
    script.chmod(0o700)
    mongod = EmbeddedMongod(tmp_path, clock=SystemClock(), mongod_path=script)
    await mongod.start()
    yield mongod
    await mongod.stop()


@pytest.fixture(name="stage")
async def _stage(tmp_path: Path, seed: int, mongod: EmbeddedMongod, starter: Starter) -> AsyncIterator[Stage]:
    """Open a stage with a running bot over that mongod."""
    async with open_stage(tmp_path, mongodb_uri=mongod.uri, seed=seed, starter=starter) as stage:
        await stage.bot.start()
        yield stage
        assert await stage.bot.stop() == 0, stage.bot.output


def set_failure(uri: str, failure: Failure | None) -> None:
    """Let a command of the bot fail from now on; None ends the failures."""
    order: dict[str, Any] = {"configureFailPoint": "failCommand", "mode": "off"}
    if failure is not None:
        data = {"failCommands": [failure.command], "appName": "killfeed", **failure.how}
        order |= {"mode": {"times": failure.times}, "data": data}
    with MongoClient[dict[str, Any]](uri) as client:
        client.admin.command(order)


async def test_every_death_counts_once_however_a_transaction_fails(
    stage: Stage, mongod: EmbeddedMongod
) -> None:
    """Conflicts, lost answers to a commit, cut connections, ended sessions and a new election."""
    files, history = stage.open_files(), stage.take(20)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    live = stage.take(5 * len(FAILURES) + 10)
    for position, failure in enumerate(FAILURES):
        set_failure(mongod.uri, failure)
        files.append(*live[5 * position : 5 * position + 5])
        await stage.wait_for_posts(5 * position + 5)
    set_failure(mongod.uri, None)
    with MongoClient[dict[str, Any]](mongod.uri) as client:
        files.append(*live[-10:-5])
        client.admin.command("killAllSessions", [])
        files.append(*live[-5:])
        client.admin.command({"replSetStepDown": 2, "secondaryCatchUpPeriodSecs": 0, "force": True})
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert stage.count_deaths() == len(history) + len(live)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()


async def test_deaths_wait_in_their_files_while_the_database_is_away_for_long(
    stage: Stage, mongod: EmbeddedMongod
) -> None:
    """MongoDB is away for longer than a lease. Commands report it, and afterwards each death counts once."""
    files, history = stage.open_files(), stage.take(20)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    live = stage.take(30)
    files.append(*live[:10])
    await mongod.stop()
    files.append(*live[10:20])
    answer = await stage.ask("/leaderboard")
    assert (answer.is_ephemeral, answer.embed["title"]) == (True, "❌ The database isn't answering")
    await SystemClock().sleep(ABSENCE_SECONDS)
    files.append(*live[20:])
    await mongod.start()
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()


async def test_bot_stops_in_time_while_the_database_is_away(stage: Stage, mongod: EmbeddedMongod) -> None:
    """It ends by itself: its leases are left to expire, and what it would store is kept in a file or lost."""
    files, history = stage.open_files(), stage.take(20)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    await mongod.stop()
    files.append(*stage.take(10))
    assert await stage.bot.stop() == 0, stage.bot.output
    await mongod.start()
