"""A scratch mongod: for a trial, in a folder of its own, ended and deleted afterwards.

It is no replica set, takes little memory and listens on a socket alone. A child process of the bot runs it.
If that process is killed, its mongod stays; ``clear_scratch`` ends it by its process file and deletes its
folder.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from structlog import get_logger

from utils.clock import Clock
from utils.database.core.operations import Document, Operations
from utils.database.process.mongod_binary import explain_failure
from utils.database.process.mongod_process import (
    PRIVATE,
    MongodProcess,
    ProcessFile,
    build_plain_uri,
    choose_socket,
    is_alive,
    leave_socket,
    read_last_line,
    spawn,
)

CACHE_GIGABYTES = 0.25  # mongod's least
INDEX_MEGABYTES = 50  # memory for building an index; mongod's least
START_TRIES = 300  # of a second each: a trial is nice to everything else on a busy machine
STOP_SECONDS = 20.0
DATABASE = "trial"
OPTIONS = (
    *("--wiredTigerCacheSizeGB", str(CACHE_GIGABYTES)),
    *("--setParameter", f"maxIndexBuildMemoryUsageMegabytes={INDEX_MEGABYTES}"),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
)

_OWNER = "owner.pid"
_PROCESS = "process.json"
_log = get_logger(__name__)


@contextmanager
def open_scratch(parent: Path, mongod: Path, *, clock: Clock) -> Iterator[Operations]:
    """Start a mongod below ``parent``; end it and delete its folder at the end of the block.

    Raises:
        ConfigurationError: it does not start.
        OSError: the disk is full.
    """
    folder = parent / str(os.getpid())
    folder.mkdir(mode=PRIVATE, parents=True)
    try:
        (folder / _OWNER).write_text(str(os.getpid()), "ascii")
        process, address = _start(folder, mongod)
        client = _build_client(address)
        try:
            _wait_until_it_answers(client, process, mongod, folder)
            yield Operations(client[DATABASE], clock=clock)
        finally:
            client.close()
            process.kill()  # its data is thrown away
            process.wait()
    finally:
        _clear(folder)


def clear_scratch(parent: Path) -> None:
    """End every scratch mongod whose owner has died, and delete its folder."""
    for folder in sorted(parent.iterdir()) if parent.exists() else ():
        owner = _read_pid(folder / _OWNER)
        if owner is None or not is_alive(owner):
            _log.info("a trial that was cut off is cleared away", folder=str(folder))
            _clear(folder)


def _start(folder: Path, mongod: Path) -> tuple[MongodProcess, str]:
    data = folder / "data"
    data.mkdir(mode=PRIVATE)
    address = choose_socket(folder, None)
    process = spawn(
        mongod,
        data=data,
        address=address,
        log=folder / "mongod.log",
        errors=folder / "errors.txt",
        options=OPTIONS,
    )
    ProcessFile(process.pid, address).write(folder / _PROCESS)
    return process, address


def _build_client(address: str) -> "MongoClient[Document]":
    return MongoClient(
        build_plain_uri(address),
        directConnection=True,
        serverSelectionTimeoutMS=1_000,
        socketTimeoutMS=120_000,
        w=1,
        tz_aware=True,
    )


def _wait_until_it_answers(
    client: "MongoClient[Any]", process: MongodProcess, mongod: Path, folder: Path
) -> None:
    for _ in range(START_TRIES):
        try:
            client.admin.command("ping")
        except PyMongoError:
            if not process.is_alive():
                break
        else:
            return
    else:
        raise explain_failure(
            mongod, errors=f"it doesn't answer after {START_TRIES} seconds", last_log_line=""
        )
    words = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
    raise explain_failure(mongod, errors=words, last_log_line=read_last_line(folder / "mongod.log"))


def _clear(folder: Path) -> None:
    kept = ProcessFile.read(folder / _PROCESS)
    if kept is not None:
        if _is_our_mongod(kept.pid, folder):
            MongodProcess(kept.pid).kill()
        leave_socket(kept.address)
    shutil.rmtree(folder, ignore_errors=True)


def _is_our_mongod(pid: int, folder: Path) -> bool:
    """Tell whether a process is the mongod of a folder; another program may have its id by now."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(folder / "data") in arguments


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
