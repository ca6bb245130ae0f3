"""``python -m benchmarks.host FOLDER``: a game host of its own process, which prints its port."""

import asyncio
import signal
import sys
from pathlib import Path

from simulation.game_host.host import GameHost

USERNAME = "renter"
PASSWORD = "benchmark"  # noqa: S105 - of a host that lives for a minute, on loopback


async def serve(folder: Path) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with GameHost(folder, {USERNAME: PASSWORD}) as host:
        print(host.port, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
