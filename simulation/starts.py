"""Ways to start the bot as a process: as a user does, or, for many tests, with its modules loaded already."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

PROJECT = Path(__file__).parent.parent
CONNECT_SECONDS = 60.0  # a busy machine loads the modules slowly
LOOK_SECONDS = 0.02


class Process(Protocol):  # asyncio.subprocess.Process, WarmProcess
    """A child process."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs; a signal's number below zero."""

    async def wait(self) -> int:
        """Wait for the end; return the exit code."""

    def send_signal(self, signal: int) -> None:
        """Send a signal, if the process runs."""

    def kill(self) -> None:
        """End the process at once."""


class Starter(Protocol):
    """Starts ``bot.py`` as a process; its standard output and its standard error are appended to files."""

    async def __call__(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: Path, errors: Path
    ) -> Process:
        """Start it."""


async def start_cold(
    arguments: Sequence[str], environment: Mapping[str, str], output: Path, errors: Path
) -> Process:
    """Start ``python bot.py`` as a user does."""
    with output.open("ab") as out, errors.open("ab") as error:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "bot.py", *arguments),
            cwd=PROJECT,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=error,
            # so that Ctrl-C reaches only the simulation, which then stops the bot
            start_new_session=True,
        )


class WarmProcess:
    """A bot that a keeper has started."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._writer = writer
        self._ended = asyncio.create_task(self._wait_for_code(reader))

    async def _wait_for_code(self, reader: asyncio.StreamReader) -> int:
        try:
            return int(await reader.readline())
        finally:
            self._writer.close()

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs; a signal's number below zero."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Wait for the end; return the exit code."""
        return await asyncio.shield(self._ended)

    def send_signal(self, signal: int) -> None:
        """Send a signal, if the process runs."""
        if self.returncode is None:
            os.kill(self.pid, signal)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)


class WarmStarter:
    """Asks the process with the loaded modules for starts."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __call__(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: Path, errors: Path
    ) -> WarmProcess:
        """Start the bot; see ``Starter``."""
        reader, writer = await self._connect()
        streams = {"output": str(output), "errors": str(errors)}
        request = {"arguments": [*arguments], "environment": {**environment}, **streams}
        writer.write(json.dumps(request).encode() + b"\n")
        return WarmProcess(int(await reader.readline()), reader, writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(CONNECT_SECONDS):
            while True:
                try:
                    return await asyncio.open_unix_connection(self._address)
                except (FileNotFoundError, ConnectionRefusedError):
                    await asyncio.sleep(LOOK_SECONDS)


@contextmanager
def open_warm_starts(environment: Mapping[str, str]) -> Iterator[Starter]:
    """Start the bots of a block warm; where the system cannot fork, start them cold."""
    if not hasattr(os, "fork"):
        yield start_cold
        return
    folder = tempfile.mkdtemp(prefix="warm-")  # a socket's address is short
    address = f"{folder}/socket"
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "simulation.warm_process", address],
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield WarmStarter(address)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)
