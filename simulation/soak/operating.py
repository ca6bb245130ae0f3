"""Troubles of the machine, and the calls of a person who runs the bot: full disk, clock, backups, restores.

A restore brings back a backup of a moment ago: deaths whose lines the host has thrown away since an older
backup are the only ones that a restore may lose, and the judge wants every death.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from simulation.bot_process import BotFailedError, BotProcess, build_environment
from simulation.starts import Process, start_cold
from utils.database.process.mongod_binary import find_mongod

CALL_SECONDS = 900.0  # a trial is nice to everything else
CLOCK_LIBRARY = "libfaketimeMT.so.1"
CLOCK_PLACES = ("/usr/lib", "/usr/local/lib")


@dataclass(frozen=True, slots=True)
class Calls:
    """The command line of a bot.

    Attributes:
        bot: the bot.
        folder: a folder for the output of the calls.
    """

    bot: BotProcess
    folder: Path

    async def begin(self, *arguments: str) -> Process:
        """Begin a call beside the bot, or with the bot stopped."""
        arguments = (*arguments, "--config", str(self.bot.config_path))
        return await start_cold(arguments, build_environment(), self._output, self._output)

    @property
    def _output(self) -> Path:
        return self.folder / "calls.txt"

    async def run(self, *arguments: str) -> int:
        """Run a call to its end; return its exit code.

        Raises:
            TimeoutError: it did not end.
        """
        process = await self.begin(*arguments)
        return await asyncio.wait_for(process.wait(), CALL_SECONDS)

    async def restore(self, *arguments: str) -> None:
        """Back up, stop the bot, restore that backup, and start the bot.

        An unproven backup is not restored, because ``latest`` is an older one then.

        Raises:
            BotFailedError: the stop or the restore did not succeed.
        """
        if await self.run("backup"):
            return
        codes = [await self.bot.stop(), await self.run("restore", *arguments, "--yes")]
        await self.bot.start(is_awaited=False)
        if any(codes):
            raise BotFailedError(f"stop and restore ended with {codes}: {self._read_end()}")

    def _read_end(self) -> str:
        return self._output.read_text("utf-8")[-1000:]


class DatabaseClock:
    """The clock of the bot's own MongoDB; it can be set if the library of faketime is installed.

    Args:
        folder: a folder for a program that starts MongoDB with this clock.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "database-clock"
        found = [path for place in CLOCK_PLACES for path in Path(place).rglob(CLOCK_LIBRARY)]
        self.program = self._write_program(folder / "mongod", found[0]) if found else None

    def _write_program(self, path: Path, library: Path) -> Path:
        """Return a program that is the machine's mongod with another clock."""
        self._file.write_text("+0\n", "ascii")
        # otherwise the library changes the waits of mongod's threads, which then take a whole core
        waits = "FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0"
        variables = f"LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={self._file} FAKETIME_CACHE_DURATION=1"
        path.write_text(f'#!/bin/sh\n{waits} {variables} exec {find_mongod()} "$@"\n', "utf-8")
        path.chmod(0o700)
        return path

    def set(self, seconds: int) -> None:
        """Let it differ from the machine's clock by some seconds."""
        self._file.write_text(f"{seconds:+d}\n", "ascii")
