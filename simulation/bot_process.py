"""The real bot as a child process of its own, pointed at the simulated world."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.discord import SimulatedDiscord
from utils.database.process.mongod_process import MongodProcess, ProcessFile
from utils.settings import ENVIRONMENT_PREFIX

PROJECT = Path(__file__).parent.parent
READY_SECONDS = 120.0  # a first start makes the database; a busy machine takes its time
STOP_SECONDS = 40.0  # four times what the bot allows itself
OUTPUT_CHARACTERS = 2000


class BotFailedError(Exception):
    """The bot ended when it should not have, or with an exit code other than 0; holds its last words."""


@dataclass(slots=True)
class BotProcess:
    """A running bot.

    Attributes:
        data_dir: its data folder; what it prints goes to ``output`` below it.
    """

    process: asyncio.subprocess.Process
    data_dir: Path

    @property
    def output(self) -> Path:
        """The file of all that the bot printed."""
        return self.data_dir / "output.txt"

    def read_last_words(self) -> str:
        """Return the end of what the bot printed."""
        return self.output.read_text("utf-8", errors="replace")[-OUTPUT_CHARACTERS:].strip()

    async def wait_until_ready(self, world: SimulatedDiscord, *, identified_before: int = 0) -> None:
        """Return when the bot is connected with a session of its own and its commands are registered.

        Args:
            world: its Discord.
            identified_before: how many sessions there were at the gateway before it was started.

        Raises:
            BotFailedError: it ended first.
            TimeoutError: it took too long.
        """
        ended = asyncio.create_task(self.process.wait())
        ready = asyncio.create_task(
            world.until(
                lambda: (
                    world.gateway.identifies > identified_before
                    and world.gateway.is_connected
                    and world.commands.writes > 0
                ),
                within_seconds=READY_SECONDS,
                what="the bot",
            )
        )
        try:
            await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise BotFailedError(self.read_last_words())
            await ready
        finally:
            ended.cancel()
            ready.cancel()

    async def stop(self) -> None:
        """Ask the bot to end, and make it end when it does not.

        Raises:
            BotFailedError: it did not end cleanly.
        """
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                code = await self.process.wait()
        except TimeoutError:
            await self.kill()
            raise BotFailedError(f"The bot did not end.\n{self.read_last_words()}") from None
        if code not in (0, -signal.SIGTERM):  # the latter where it had hardly begun
            raise BotFailedError(f"The bot ended with exit code {code}.\n{self.read_last_words()}")

    async def crash(self) -> None:
        """End the bot at once, as a fault would; the database of its own lives on."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def start_again(self) -> None:
        """Start it on the same data folder after its end; what it prints goes behind the rest."""
        self.process = await _start(self.data_dir / "config.json", self.output)

    def read_memory_megabytes(self) -> int:
        """Return the memory that the process holds now; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        except OSError:
            return 0
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) // 1024 if found else 0

    def read_database(self) -> ProcessFile | None:
        """Return process id and address of its own MongoDB; None before its first start."""
        return ProcessFile.read(self.data_dir / "mongodb" / "process.json")

    def kill_database(self) -> None:
        """End its own MongoDB at once."""
        left = self.read_database()
        if left is not None:
            MongodProcess(left.pid).kill()

    async def kill(self) -> None:
        """End the bot at once, and the database it leaves behind."""
        await self.crash()
        self.kill_database()


@asynccontextmanager
async def run_bot(
    world: SimulatedDiscord, data_dir: Path, settings: Mapping[str, Any]
) -> AsyncIterator[BotProcess]:
    """Run ``bot.py`` against the world for the time of a block; ``settings`` are laid over the needed ones.

    Raises:
        BotFailedError: it does not start, or does not end cleanly.
    """
    discord = {"token": world.token, "api_base_url": world.api_base_url}
    config = _write_config(data_dir, {"discord": discord, "data_dir": str(data_dir), **settings})
    bot = BotProcess(await _start(config, data_dir / "output.txt"), data_dir)
    try:
        await bot.wait_until_ready(world)
        yield bot
    finally:
        await bot.stop()


def _write_config(data_dir: Path, values: Mapping[str, Any]) -> Path:
    data_dir.mkdir(parents=True, exist_ok=True)
    config = data_dir / "config.json"
    config.write_text(json.dumps(values), "utf-8")
    return config


async def _start(config: Path, output: Path) -> asyncio.subprocess.Process:
    # a person's own configuration must not reach this bot
    environment = {name: value for name, value in os.environ.items() if not _is_setting(name)}
    with output.open("ab") as stream:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "bot.py", "--config", str(config)),
            cwd=PROJECT,
            env={**environment, "PYTHONUTF8": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,  # Ctrl-C is for whoever runs the world, who stops the bot
        )


def _is_setting(variable: str) -> bool:
    return variable.upper().startswith(ENVIRONMENT_PREFIX)
