"""The real bot as a child process of its own, pointed at the simulated world."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from simulation.discord import SimulatedDiscord
from simulation.starts import Process, Starter, start_cold
from utils.database.process.mongod_process import MongodProcess, ProcessFile, build_uri, is_alive
from utils.settings import ENVIRONMENT_PREFIX

READY_SECONDS = 120.0  # a first start makes the database; a busy machine takes its time
STOP_SECONDS = 40.0  # four times the bot's own limit
OUTPUT_CHARACTERS = 2000
LOOK_SECONDS = 0.02

Settings = Mapping[str, Mapping[str, Any]]
NONE: Settings = {}


class BotFailedError(Exception):
    """The bot ended too early or with an exit code other than 0; the text has the end of its output."""


class BotProcess:
    """``python bot.py --config ...``, which a test can start, stop and kill any number of times.

    Args:
        folder: the folder of its configuration, data and output.
        world: its Discord.
        settings: sections of the configuration for every start, laid over those that the world needs.
        mongodb_uri: a MongoDB that runs already, in which the bot gets a database of its own; None: the bot
            starts its own MongoDB.
        starter: the way to start the process.

    Attributes:
        data_dir: the bot's data folder, the same for all starts.
        config_path: the configuration file that ``configure`` writes.
        database: the name of its database.
        starter: the way to start the process.
    """

    def __init__(
        self,
        folder: Path,
        world: SimulatedDiscord,
        *,
        settings: Settings = NONE,
        mongodb_uri: str = "",
        starter: Starter = start_cold,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data_dir = folder / "data"
        self.config_path = folder / "config.json"
        self.database = f"test_{uuid4().hex[:16]}" if mongodb_uri else "killfeed"
        self._world = world
        self._mongodb_uri = mongodb_uri
        self._output_path = folder / "output.txt"
        self._process_file = self.data_dir / "mongodb" / "process.json"
        self._process: Process | None = None
        self.starter = starter
        self._shard_ids: Sequence[int] = (0,)
        self._settings = settings
        self.configure()

    def configure(self, **sections: Mapping[str, Any] | str) -> None:
        """Write the configuration; sections and values given here are laid over those of all starts."""
        values: dict[str, Any] = {
            "discord": {"token": self._world.token, "api_base_url": self._world.api_base_url},
            "mongodb": {"uri": self._mongodb_uri, "database": self.database},
            "data_dir": str(self.data_dir),
        }
        for name, section in (*self._settings.items(), *sections.items()):
            values[name] = section if isinstance(section, str) else values.get(name, {}) | dict(section)
        self._shard_ids = values["discord"].get("shard_ids", (0,))
        self.config_path.write_text(json.dumps(values), "utf-8")

    # properties

    @property
    def output(self) -> str:
        """Everything that all starts wrote to standard output and standard error."""
        return self._output_path.read_text("utf-8", "replace") if self._output_path.exists() else ""

    def read_last_words(self) -> str:
        """Return the end of the bot's output."""
        return self.output[-OUTPUT_CHARACTERS:].strip()

    def read_traces(self) -> dict[str, bytes]:
        """Return the bot's output and its log files, by name."""
        paths = [path for path in (self.data_dir / "logs").glob("**/*") if path.is_file()]
        return {"output": self.output.encode()} | {path.name: path.read_bytes() for path in paths}

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process id of the latest start; 0 before the first."""
        return self._process.pid if self._process else 0

    def read_memory_megabytes(self) -> int:
        """Return the resident memory of the process; 0 if the system does not show it."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        except OSError:
            return 0
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) // 1024 if found else 0

    @property
    def has_own_mongod(self) -> bool:
        """Whether the bot starts its own MongoDB."""
        return not self._mongodb_uri

    @property
    def mongodb_uri(self) -> str:
        """The address of MongoDB.

        Before the first start of the bot's own MongoDB it is an address on which nothing listens.
        """
        found = ProcessFile.read(self._process_file)
        return self._mongodb_uri or build_uri(found.address if found else "/nowhere.sock")

    def read_mongod(self) -> ProcessFile:
        """Return process id and address of the bot's own mongod.

        Raises:
            FileNotFoundError: the bot has not started one yet.
        """
        found = ProcessFile.read(self._process_file)
        if found is None:
            raise FileNotFoundError(f"no mongod was started in {self.data_dir}")
        return found

    def is_mongod_running(self) -> bool:
        """Tell whether the bot's own mongod runs."""
        try:
            return is_mongod_of(self.read_mongod().pid, self.data_dir)
        except FileNotFoundError:
            return False

    # start, stop and kill

    async def start(self, *, is_awaited: bool = True) -> None:
        """Start, and wait until the bot is ready; its output is appended to that of earlier starts."""
        identified = self._world.gateway.identifies
        arguments = ("--config", str(self.config_path))
        path = self._output_path
        self._process = await self.starter(arguments, build_environment(), output=path, errors=path)
        if is_awaited:
            await self.wait_until_ready(identified)

    async def wait_until_ready(self, identified_before: int) -> None:
        """Wait for a new session at the gateway, one for each shard, and the commands.

        Raises:
            BotFailedError: the process ended before it was ready.
            TimeoutError: the bot was not ready in time.
        """

        def is_ready() -> bool:
            gateway = self._world.gateway
            has_sessions = all(gateway.is_shard_connected(shard) for shard in self._shard_ids)
            is_new = gateway.identifies > identified_before
            return is_new and has_sessions and bool(self._world.commands.list_commands(None))

        ended = asyncio.create_task(self.wait_for_exit(2 * READY_SECONDS))
        ready = asyncio.create_task(self._world.until(is_ready, READY_SECONDS, "the bot to be ready"))
        try:
            await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise BotFailedError(f"The bot ended.\n{self.read_last_words()}")
            await ready
        finally:
            ended.cancel()
            ready.cancel()
            await asyncio.gather(ended, ready, return_exceptions=True)

    async def wait_for_exit(self, within_seconds: float = STOP_SECONDS) -> int:
        """Wait for the end of the process; return its exit code.

        Raises:
            TimeoutError: it did not end.
        """
        if self._process is None:
            raise BotFailedError("The bot was never started.")
        return await asyncio.wait_for(self._process.wait(), within_seconds)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the process to stop; return its exit code.

        Raises:
            TimeoutError: it did not end.
        """
        if self._process is not None and self.is_running:
            self._process.send_signal(number)
        return await self.wait_for_exit()

    async def kill(self) -> None:
        """End the process at once, if it runs, as a fault would; its mongod goes on running."""
        if self._process is None:
            return
        if self.is_running:
            self._process.kill()
        await self._process.wait()

    def kill_mongod(self) -> None:
        """End the bot's own mongod, if there is one, at once."""
        if self.is_mongod_running():
            MongodProcess(self.read_mongod().pid).kill()

    async def clean_up(self) -> None:
        """End the process and its own mongod, if they still run."""
        await self.kill()
        self.kill_mongod()
        async with asyncio.timeout(STOP_SECONDS):
            while self.is_mongod_running():  # noqa: ASYNC110 - processes announce no change
                await asyncio.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the end of a block; then the bot must end cleanly.

        Raises:
            BotFailedError: it does not start, or does not end cleanly.
        """
        try:
            await self.start()
            yield
        finally:
            await self._end()

    async def _end(self) -> None:
        code: int | None = None
        with suppress(TimeoutError):
            code = await self.stop()
        if code not in (0, -signal.SIGTERM):  # SIGTERM itself kills a bot that has only just started
            await self.clean_up()
            how = "did not end" if code is None else f"ended with exit code {code}"
            raise BotFailedError(f"The bot {how}.\n{self.read_last_words()}")


@asynccontextmanager
async def run_bot(
    folder: Path, world: SimulatedDiscord, *, settings: Settings = NONE
) -> AsyncIterator[BotProcess]:
    """Run ``bot.py`` against the world for the time of a block; see ``BotProcess``.

    Raises:
        BotFailedError: it does not start, or does not end cleanly.
    """
    bot = BotProcess(folder, world, settings=settings)
    async with bot.running():
        yield bot


def is_mongod_of(pid: int, data_dir: Path) -> bool:
    """Tell whether a process is the mongod of a data folder.

    The id alone does not show that, because the system uses process ids again.
    """
    try:
        return str(data_dir).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc").exists() and is_alive(pid)


def build_environment() -> dict[str, str]:
    """Return this process's environment without a person's own settings, which must not reach this bot."""
    own = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(ENVIRONMENT_PREFIX)
    }
    return {**own, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
