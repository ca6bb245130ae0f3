"""Processes around a benchmark: the host that serves logs, and what a process costs."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@asynccontextmanager
async def running_host(folder: Path) -> AsyncIterator[int]:
    """Serve a folder over SFTP from a process of its own until the end of the block; yield the port.

    Raises:
        RuntimeError: it did not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.host", str(folder)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise RuntimeError("the game host did not start")
        yield int(line)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def read_peak_megabytes(pid: int) -> float:
    """Return the most memory a process has held so far (Linux: ``VmHWM``).

    Raises:
        RuntimeError: this system does not tell.
    """
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text("ascii").splitlines() if status.exists() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("The peak memory of a process can be read on Linux alone.")
