"""The simulated Discord as its own process."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[3]


async def test_process_serves_when_started_from_the_command_line() -> None:
    """The process prints address and token, answers, and ends cleanly on a signal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulation.discord",
        "--token",
        "secret",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    base_url = first.removeprefix("api_base_url: ").strip().format(API_VERSION=10)
    headers = {"Authorization": "Bot secret"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(base_url + "/users/@me/guilds", headers=headers) as response,
    ):
        names = [guild["name"] for guild in await response.json()]
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert (names, process.returncode) == (["Deadside Community"], 0)
