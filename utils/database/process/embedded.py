"""The bot's own MongoDB: a mongod as child process, a replica set of one node, for this user alone.

It does not ask for a password. So it listens on no port, but on a socket in a folder that only the bot's user
may enter, and other users of the machine cannot reach it. A bot that was killed leaves mongod running. The
next bot finds it by its process file, makes sure that it serves the same folder, and adopts it.
"""

import asyncio
from pathlib import Path
from threading import Thread
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import OperationFailure, PyMongoError
from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.database.core.sessions import Client
from utils.database.process.mongod_binary import explain_failure, find_mongod
from utils.database.process.mongod_log import MongodLog
from utils.database.process.mongod_process import (
    PRIVATE,
    REPLICA_SET,
    MongodProcess,
    ProcessFile,
    build_plain_uri,
    build_uri,
    choose_socket,
    close_folder,
    is_alive,
    leave_socket,
    read_last_line,
    spawn,
)
from utils.errors import ConfigurationError

START_SECONDS = 60.0  # after a crash with much data, mongod first replays its journal
STOP_SECONDS = 30.0
LEAVE_SECONDS = 3.0  # of the ten that a whole stop of the bot may take
ADOPT_SECONDS = 10.0
END_SECONDS = 60.0  # for a mongod that was left to itself
POLL_SECONDS = 0.02
WATCH_SECONDS = 0.5
HISTORY_SECONDS = 300  # mongod's own default
RESTART_BACKOFF = Backoff(first_seconds=0.5, longest_seconds=30, jitter=0.5)
_NOT_INITIALIZED = 94
_ALREADY_INITIALIZED = 23

_log = get_logger(__name__)


class EmbeddedMongod:
    """A mongod that belongs to this bot.

    Args:
        data_dir: the bot's data folder; ``mongodb/`` below it holds the data, ``logs/`` the log.
        mongod_path: the configured program; searched for if None.
    """

    def __init__(self, data_dir: Path, *, clock: Clock, mongod_path: Path | None = None) -> None:
        self._data = (data_dir / "mongodb").absolute()
        self._log_path = (data_dir / "logs" / "mongod.log").absolute()
        self._errors = self._data / "startup-errors.txt"
        self._file = find_process_file(data_dir)
        self._clock = clock
        self._configured = mongod_path
        self._process: MongodProcess | None = None
        self._address = ""

    @property
    def uri(self) -> str:
        """The address of the running mongod."""
        return build_uri(self._address)

    @property
    def pid(self) -> int | None:
        """The process id; None before the start and after the stop."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.is_alive()

    async def start(self) -> str:
        """Start mongod, or adopt the running one, and return its URI when it accepts writes.

        Raises:
            ConfigurationError: it cannot be found or does not start; the text says why and what to do.
        """
        kept = ProcessFile.read(self._file)
        if kept is None or not await self._adopt(kept):
            self._address = choose_socket(self._data, kept.address if kept and kept.is_private else None)
            await self._spawn()
        return self.uri

    async def stop(self) -> None:
        """End mongod cleanly and wait for it; a second call does nothing."""
        process, self._process = self._process, None
        if process is not None:
            await self._end(process)
            leave_socket(self._address)

    async def leave(self, *, wait_seconds: float = LEAVE_SECONDS) -> None:
        """End mongod cleanly, but wait for a moment only: a disk can be slow.

        It goes on alone, and the next start waits until it has ended.
        """
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        if await self._wait_until_gone(process, wait_seconds):
            leave_socket(self._address)
        else:
            Thread(target=process.wait, name="mongod-end", daemon=True).start()  # otherwise it stays a zombie
            _log.info("mongod needs longer to end and is left to itself", pid=process.pid)

    async def watch(self) -> None:
        """Start mongod again whenever it dies; runs until cancelled or ``stop``."""
        log = MongodLog(self._log_path, self._clock)
        while self._process is not None:
            if not self._process.is_alive():
                _log.error("mongod died", pid=self.pid, last_line=read_last_line(self._log_path))
                await self._restart()
            elif await log.is_rotation_due():
                await self._rotate_log()
            await self._clock.sleep(WATCH_SECONDS)

    async def _rotate_log(self) -> None:
        """Let mongod move its log aside, under a name with the time, and begin a new one."""
        client = _build_client(self._address)
        try:
            await client.admin.command("logRotate", 1)
        except PyMongoError as error:
            _log.warning("the log of mongod is not rotated", reason=str(error))
        finally:
            client.close()

    async def _restart(self) -> None:
        pauses = RESTART_BACKOFF.generate_seconds()
        while self._process is not None:
            try:
                await self._spawn()  # on the same socket, which the client in this process uses
            except ConfigurationError as error:
                _log.error("mongod does not start again", reason=str(error))
                await self._clock.sleep(next(pauses))
            else:
                _log.info("mongod runs again", pid=self.pid)
                return

    async def _spawn(self) -> None:
        mongod = find_mongod(self._configured)
        try:
            self._make_folders()
            self._process = spawn(
                mongod, data=self._data, address=self._address, log=self._log_path, errors=self._errors
            )
            ProcessFile(self._process.pid, self._address).write(self._file)
        except OSError as error:
            if self.is_running and self._process is not None:
                self._process.kill()  # without its file it could not be found again
            raise explain_failure(mongod, errors=str(error), last_log_line="") from error
        if not await self._wait_until_primary(self._process):
            await self._give_up(mongod)

    def _make_folders(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        close_folder(self._data)
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        if self._log_path.exists():
            self._log_path.replace(self._log_path.with_suffix(".log.1"))  # keep the last run's

    async def _give_up(self, mongod: Path) -> None:
        words = self._errors.read_text(encoding="utf-8", errors="replace")
        error = explain_failure(mongod, errors=words, last_log_line=read_last_line(self._log_path))
        if self._process is not None:
            await self._end(self._process)  # kept as a dead one, so that it is started again
        raise error

    async def _end(self, process: MongodProcess) -> None:
        process.terminate()
        if not await self._wait_until_gone(process, STOP_SECONDS):
            _log.warning("mongod does not end and is killed", pid=process.pid)
            process.kill()
            await self._wait_until_gone(process, STOP_SECONDS)

    async def _adopt(self, kept: ProcessFile) -> bool:
        patience = END_SECONDS if self._uses_our_folder(kept.pid) else ADOPT_SECONDS
        deadline = self._clock.monotonic() + patience
        while is_alive(kept.pid) and self._clock.monotonic() < deadline:
            if await self._serves_our_folder(kept):
                if not kept.is_private:
                    _log.info("the mongod that runs already listens on a port: restarting it", pid=kept.pid)
                    await self._end(MongodProcess(kept.pid))
                    return False
                self._process, self._address = MongodProcess(kept.pid), kept.address
                await self._forget_past()
                _log.info("adopted the mongod that runs already", pid=kept.pid)
                return await self._wait_until_primary(self._process)
            await self._clock.sleep(POLL_SECONDS * 5)
        return False

    def _uses_our_folder(self, pid: int) -> bool:
        """Tell whether a process has our folder: mongod keeps its id in a file there until it has ended."""
        lock = self._data / "mongod.lock"
        return lock.exists() and lock.read_text("ascii", errors="replace").strip() == str(pid)

    async def _forget_past(self) -> None:
        """Let mongod keep its past as long as usual; a backup that was killed leaves it longer."""
        client = _build_client(self._address)
        try:
            await client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=HISTORY_SECONDS)
        except PyMongoError as error:
            _log.warning("mongod keeps its past for longer", problem=str(error))
        finally:
            client.close()

    async def _serves_our_folder(self, kept: ProcessFile) -> bool:
        # Other programs may use the process id or port by now, so mongod itself is asked.
        client = _build_client(kept.address)
        try:
            options = await client.admin.command("getCmdLineOpts")
            status = await client.admin.command("serverStatus")
        except PyMongoError:
            return False
        finally:
            client.close()
        folder = options["parsed"].get("storage", {}).get("dbPath", "")
        return Path(folder) == self._data and int(status["pid"]) == kept.pid

    async def _wait_until_primary(self, process: MongodProcess) -> bool:
        deadline = self._clock.monotonic() + START_SECONDS
        while process.is_alive() and self._clock.monotonic() < deadline:
            if await _answers(self._address) and await self._is_primary():
                return True
            await self._clock.sleep(POLL_SECONDS)
        return False

    async def _is_primary(self) -> bool:
        client = _build_client(self._address)
        try:
            for _ in range(50):
                hello = await client.admin.command("hello")
                if hello.get("isWritablePrimary"):
                    return True
                await _configure_replica_set(client, self._address)
                await self._clock.sleep(POLL_SECONDS)
        except PyMongoError as error:
            _log.debug("mongod is not ready yet", reason=str(error))
        finally:
            client.close()
        return False

    async def _wait_until_gone(self, process: MongodProcess, seconds: float) -> bool:
        deadline = self._clock.monotonic() + seconds
        while process.is_alive() and self._clock.monotonic() < deadline:
            await self._clock.sleep(POLL_SECONDS)
        return not process.is_alive()


def find_process_file(data_dir: Path) -> Path:
    """Return the file by which the mongod of a data folder is found."""
    return (data_dir / "mongodb" / "process.json").absolute()


def _build_client(address: str) -> Client:
    return AsyncIOMotorClient(
        build_plain_uri(address),
        directConnection=True,
        serverSelectionTimeoutMS=1_000,
        socketTimeoutMS=5_000,
    )


async def _answers(address: str) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(address)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _configure_replica_set(client: Client, host: str) -> None:
    try:
        config = (await client.admin.command("replSetGetConfig"))["config"]
        if config["members"][0]["host"] != host:
            await _move_member(client, config, host)
    except OperationFailure as error:
        if error.code != _NOT_INITIALIZED:
            raise
        await _initiate(client, host)


async def _initiate(client: Client, host: str) -> None:
    config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]}
    try:
        await client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        # It said that there is no configuration while it still read it from the disk.
        if error.code != _ALREADY_INITIALIZED:
            raise


async def _move_member(client: Client, config: dict[str, Any], host: str) -> None:
    # The data folder was moved, or its mongod had a port before: the member has another address now.
    member = {**config["members"][0], "host": host}
    moved = {**config, "version": config["version"] + 1, "members": [member]}
    await client.admin.command("replSetReconfig", moved, force=True)
