"""Waiting for the bot's process, and running its commands to their end."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient

from simulation.bot_process import LOOK_SECONDS, READY_SECONDS, BotProcess, build_environment
from simulation.starts import PROJECT

# longest wait for something that normally takes moments; only a failing test waits until its end
PATIENCE_SECONDS = 90.0


async def until(
    condition: Callable[[], bool],
    *,
    within_seconds: float = PATIENCE_SECONDS,
    what: Callable[[], object] | str = "",
) -> None:
    """Wait until a condition is true, checking it again and again.

    Raises:
        TimeoutError: it was not true in time. The text is ``what``, computed at the end if it is a function.
    """
    try:
        async with asyncio.timeout(within_seconds):
            while not condition():  # noqa: ASYNC110 - files and processes announce no change
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise TimeoutError(what() if callable(what) else what) from None


async def run_command(*arguments: str, within_seconds: float = READY_SECONDS) -> tuple[int, str, str]:
    """Run ``bot.py`` to its end; return exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "bot.py",
        *arguments,
        cwd=PROJECT,
        env=build_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, error = await asyncio.wait_for(process.communicate(), within_seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), error.decode()


def drop_database(bot: BotProcess, mongodb_uri: str) -> None:
    """Drop the database of a stopped bot in a MongoDB of the tests."""
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        # without this, an open transaction of a killed bot would delay the drop by a minute
        client.admin.command("killAllSessions", [])
        client.drop_database(bot.database)
