"""Processes around a benchmark: the host that serves logs, the bot itself, and what they cost."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulation.discord import SimulatedDiscord

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 30.0


@asynccontextmanager
async def running_process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python program in the project's folder until the end of the block; its output is read by us."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), STOP_SECONDS)


async def read_line(process: asyncio.subprocess.Process) -> str:
    """Return the next line a program prints.

    Raises:
        RuntimeError: it ended.
    """
    if process.stdout is None:
        raise RuntimeError("the program's output is not read")
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the program ended early")
    return line.decode().rstrip("\n")


@asynccontextmanager
async def running_host(folder: Path) -> AsyncIterator[int]:
    """Serve a folder over SFTP from a process of its own; yield the port."""
    async with running_process("-m", "benchmarks.host", str(folder)) as process:
        yield int(await read_line(process))


@asynccontextmanager
async def running_bot(
    data_dir: Path, world: SimulatedDiscord, *, poll_seconds: float = 5.0
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``bot.py`` against a simulated Discord; begins when it says that it is ready."""
    config = data_dir / "config.json"
    config.write_text(json.dumps(_build_config(data_dir, world, poll_seconds)), "utf-8")
    async with running_process("bot.py", "--config", str(config)) as process:
        while "ready" not in (await read_line(process)).split():
            pass
        draining = asyncio.create_task(_drain(process))
        try:
            yield process
        finally:
            process.terminate()
            await draining


def _build_config(data_dir: Path, world: SimulatedDiscord, poll_seconds: float) -> dict[str, Any]:
    return {
        "discord": {"token": world.token, "api_base_url": world.api_base_url},
        "data_dir": str(data_dir),
        "polling": {"min_interval_seconds": poll_seconds},
    }


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Read what the bot logs, or it would wait for a reader."""
    if process.stdout is not None:
        await process.stdout.read()


def read_peak_megabytes(pid: int) -> float:
    """Return the most memory a process has held so far (Linux: ``VmHWM``)."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status shows no VmHWM")
