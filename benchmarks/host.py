"""A game host in a process of its own: ``python -m benchmarks.host ROOT FOLDER...``, one user a folder."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from simulation.game_host.host import GameHost, HostUser

ROOT = Path(__file__).resolve().parent.parent
USERNAME = "renter"
PASSWORD = "benchmark"  # noqa: S105 - of a host that lives for a minute, on loopback


def name_user(number: int) -> str:
    """Return the name of a user; the first one has the name of a single user."""
    return USERNAME if number == 0 else f"{USERNAME}{number}"


class HostProcess:
    """A game host that serves folders over SFTP.

    Args:
        folders: the folders of the users (``name_user``), below the root; by default one user gets the whole
            root.

    Attributes:
        port: the port on which it listens, set on entering.
    """

    password = PASSWORD

    def __init__(self, root: Path, *, folders: Sequence[str] = ("",)) -> None:
        self._arguments = (str(root), *folders)
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0
        self.host_key = ""

    async def __aenter__(self) -> Self:
        """Start it.

        Raises:
            RuntimeError: it did not start.
        """
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.host", *self._arguments),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        told = await self._read()
        self.port, self.host_key = int(told["port"]), str(told["host_key"])
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.communicate()

    async def count_requests(self) -> int:
        """Return the number of SFTP requests that it has answered so far."""
        self._tell(signal.SIGUSR1)
        return int((await self._read())["requests"])

    def go_away(self) -> None:
        """Cut every connection and accept no more."""
        self._tell(signal.SIGUSR2)

    def come_back(self) -> None:
        """Listen again, on the same port, after ``go_away``."""
        self._tell(signal.SIGUSR2)

    def _tell(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    async def _read(self) -> dict[str, str]:
        stream = self._process.stdout if self._process else None
        line = await stream.readline() if stream else b""
        if not line:
            raise RuntimeError("the game host did not start")
        told: dict[str, str] = json.loads(line)
        return told


async def serve(root: Path, folders: Sequence[str]) -> None:
    """Serve until SIGTERM; print the number of requests at SIGUSR1, go away and come back at SIGUSR2."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    users = {
        name_user(number): HostUser(password=PASSWORD, folder=folder) for number, folder in enumerate(folders)
    }
    async with GameHost(root, users) as host:

        def tell() -> None:
            print(json.dumps({"requests": host.requests.total()}), flush=True)

        def turn() -> None:
            turning.append(asyncio.ensure_future(host.stop() if host.is_up else host.start()))

        turning: list[asyncio.Future[None]] = []
        loop.add_signal_handler(signal.SIGUSR1, tell)
        loop.add_signal_handler(signal.SIGUSR2, turn)
        print(json.dumps({"port": host.port, "host_key": host.host_key}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
