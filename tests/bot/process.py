"""The bot as its host runs it: a process with a configuration, a data folder and signals."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from simulation.discord import SimulatedDiscord
from utils.database.process.mongod_process import ProcessFile, build_uri

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120.0  # mongod's first start on a busy machine
STOP_SECONDS = 40.0  # the bot allows itself ten, on a machine that does not stand still meanwhile
PATIENCE_SECONDS = 90.0  # for what takes moments; only what never comes costs them
LOOK_SECONDS = 0.02


async def until(
    condition: Callable[[], bool],
    *,
    within_seconds: float = PATIENCE_SECONDS,
    what: Callable[[], object] | str = "",
) -> None:
    """Wait until something holds, looking again and again.

    Raises:
        TimeoutError: it did not; ``what`` is told, computed at the end when it is a function.
    """
    try:
        async with asyncio.timeout(within_seconds):
            while not condition():  # noqa: ASYNC110 - files and processes announce no change
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise TimeoutError(what() if callable(what) else what) from None


def build_environment() -> dict[str, str]:
    """Return this process's environment without variables that would overrule the configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KILLFEED__")}


async def run_command(*arguments: str, within_seconds: float = READY_SECONDS) -> tuple[int, str, str]:
    """Run ``bot.py`` to its end; return exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "bot.py",
        *arguments,
        cwd=ROOT,
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


class BotProcess:
    """``python bot.py --config ...``, started, stopped and killed as often as a test likes.

    Attributes:
        data_dir: the same over all starts.
        config_path: written by ``configure``.
    """

    def __init__(self, folder: Path, world: SimulatedDiscord, *, mongodb_uri: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data_dir = folder / "data"
        self.config_path = folder / "config.json"
        self.database = f"test_{os.urandom(8).hex()}"
        self._world = world
        self._mongodb_uri = mongodb_uri
        self._output_path = folder / "output.txt"
        self._process: asyncio.subprocess.Process | None = None
        self._shard_ids: Sequence[int] = (0,)
        self.configure()

    def configure(self, **sections: Mapping[str, Any] | str) -> None:
        """Write the configuration; sections and values given here are laid over those of the tests."""
        values: dict[str, Any] = {
            "discord": {"token": self._world.token, "api_base_url": self._world.api_base_url},
            "mongodb": {"uri": self._mongodb_uri, "database": self.database},
            "data_dir": str(self.data_dir),
            "polling": {"min_interval_seconds": 0.2},
        }
        for name, section in sections.items():
            values[name] = section if isinstance(section, str) else values.get(name, {}) | dict(section)
        self._shard_ids = values["discord"].get("shard_ids", (0,))
        self.config_path.write_text(json.dumps(values), "utf-8")

    @property
    def output(self) -> str:
        """Everything that all starts wrote to standard output and standard error."""
        return self._output_path.read_text("utf-8") if self._output_path.exists() else ""

    @property
    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def mongodb_uri(self) -> str:
        """Where the data is: the configured MongoDB, or the bot's own by its process file."""
        if self._mongodb_uri:
            return self._mongodb_uri
        return build_uri(self.read_mongod().address)

    def read_mongod(self) -> ProcessFile:
        """Return process id and address of the bot's own mongod."""
        found = ProcessFile.read(self.data_dir / "mongodb" / "process.json")
        assert found is not None
        return found

    async def start(self, *, is_awaited: bool = True) -> None:
        """Start, and wait until the bot is connected and its commands are there."""
        identified = self._world.gateway.identifies
        with self._output_path.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "bot.py",
                "--config",
                str(self.config_path),
                cwd=ROOT,
                env=build_environment() | {"PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=output,
            )
        if is_awaited:
            await self.wait_until_ready(identified)

    async def wait_until_ready(self, identified_before: int) -> None:
        """Wait for a new session at the gateway, one for each shard, and the commands.

        Raises:
            AssertionError: the process ended instead.
        """

        def is_ready() -> bool:
            assert self.is_running, f"the bot ended:\n{self.output}"
            gateway = self._world.gateway
            has_sessions = all(gateway.is_shard_connected(shard) for shard in self._shard_ids)
            is_new = gateway.identifies > identified_before
            return is_new and has_sessions and bool(self._world.commands.list_commands(None))

        await until(is_ready, within_seconds=READY_SECONDS, what=lambda: f"not ready:\n{self.output}")

    async def wait_for_exit(self, within_seconds: float = STOP_SECONDS) -> int:
        """Wait for the end of the process; return its exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), within_seconds)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the process to stop; return its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return await self.wait_for_exit()

    async def kill(self) -> None:
        """End the process, if there is one, at once, as a lost machine would."""
        if self._process is None:
            return
        if self.is_running:
            self._process.kill()
        await self._process.wait()

    async def clean_up(self) -> None:
        """End what a test left behind: the process, its own mongod, its database in a shared one."""
        if self.is_running:
            await self.kill()
        if self._mongodb_uri:
            with MongoClient[dict[str, Any]](self._mongodb_uri) as client:
                # a transaction that a killed bot left open would hold the drop up for a minute
                client.admin.command("killAllSessions", [])
                client.drop_database(self.database)
        process_file = self.data_dir / "mongodb" / "process.json"
        if not process_file.exists():
            return
        pid = self.read_mongod().pid
        if is_mongod_of(pid, self.data_dir):
            os.kill(pid, signal.SIGKILL)
            await until(lambda: not is_mongod_of(pid, self.data_dir), what="mongod outlives its end")


def is_mongod_of(pid: int, data_dir: Path) -> bool:
    """Tell whether a process is the living mongod of a data folder: process ids are used again."""
    try:
        return str(data_dir).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
