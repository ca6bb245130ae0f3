"""Waiting for the bot's process, and running its commands to their end."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pymongo import MongoClient

from simulation.bot_process import LOOK_SECONDS, READY_SECONDS, BotProcess, build_environment
from simulation.starts import Starter, start_cold
from tests.fakes.emptied import build_probe
from utils.database.core.indexes import BACKUP_CLASSES, INDEXES

# longest wait for something that normally takes moments; only a failing test waits until its end
PATIENCE_SECONDS = 90.0
LOOKS_APART = 8  # a pause, in looks
LONGEST_PAUSE_SECONDS = 1.0


async def until(
    condition: Callable[[], bool],
    *,
    within_seconds: float = PATIENCE_SECONDS,
    what: Callable[[], object] | str = "",
) -> None:
    """Wait until a condition is true, checking it again and again.

    The pause after a look is several times as long as the look, so that waiting takes no time from the
    processes that are waited for.

    Raises:
        TimeoutError: it was not true in time. The text is ``what``, computed at the end if it is a function.
    """
    try:
        async with asyncio.timeout(within_seconds):
            began = time.monotonic()
            while not condition():
                looked = time.monotonic() - began
                await asyncio.sleep(min(max(LOOK_SECONDS, LOOKS_APART * looked), LONGEST_PAUSE_SECONDS))
                began = time.monotonic()
    except TimeoutError:
        raise TimeoutError(what() if callable(what) else what) from None


_starters: list[Starter] = [start_cold]
"""The ways to start that are in force, the newest last."""


@contextmanager
def starting_by(starter: Starter) -> Iterator[None]:
    """Let ``run_command`` start its processes in a certain way."""
    _starters.append(starter)
    try:
        yield
    finally:
        _starters.pop()  # the same way may be in force outside too


async def run_command(*arguments: str, within_seconds: float = READY_SECONDS) -> tuple[int, str, str]:
    """Run ``bot.py`` to its end; return exit code, standard output and standard error."""
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "output.txt"), Path(folder, "errors.txt")
        process = await _starters[-1](arguments, build_environment(), output, errors)
        try:
            code = await asyncio.wait_for(process.wait(), within_seconds)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return code, *_read(output, errors)


def _read(output: Path, errors: Path) -> tuple[str, str]:
    return output.read_text("utf-8"), errors.read_text("utf-8")


def clear_database(name: str, mongodb_uri: str) -> None:
    """Delete all that the bots of an earlier test stored.

    Its collections stay, because mongod takes as long to make them as a bot takes to start.
    """
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        # without this, an open transaction of a killed bot would delay the deletion by a minute
        client.admin.command("killAllSessions", [])
        database, ours, kept = client[name], {"$match": {"db": name}}, []
        for entry in list(client.admin.aggregate([{"$listCatalog": {}}, ours])):
            found = {index["spec"]["name"] for index in entry["md"]["indexes"]}
            declared = {"_id_", *(index.name for index in INDEXES.get(entry["name"], ()))}
            if entry["name"] in BACKUP_CLASSES and found == declared:
                kept.append(entry["name"])
            else:
                database.drop_collection(entry["name"])
        if kept:
            first, pipeline = build_probe(kept)
            for one in list(database[first].aggregate(pipeline)):
                database[one["name"]].delete_many({})


def drop_database(bot: BotProcess, mongodb_uri: str) -> None:
    """Drop the database of a stopped bot in a MongoDB of the tests."""
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        # without this, an open transaction of a killed bot would delay the drop by a minute
        client.admin.command("killAllSessions", [])
        client.drop_database(bot.database)
