"""The bot's own mongod: started, watched, adopted, stopped."""

import asyncio
import json
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any
from urllib.parse import unquote

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from tests.fakes.clock import FakeClock
from utils.clock import SystemClock
from utils.database.core.transaction import Transaction
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod
from utils.database.process.mongod_binary import explain_failure, find_in_wheel, find_mongod
from utils.database.process.mongod_log import LOOK_SECONDS, MAX_BYTES, MongodLog
from utils.database.process.mongod_process import (
    REPLICA_SET,
    ProcessFile,
    choose_socket,
    is_alive,
    leave_socket,
)
from utils.errors import ConfigurationError
from utils.tasks import beside

ORPHANING_BOT = """
import asyncio, sys
from pathlib import Path
from utils.clock import SystemClock
from utils.database.process.embedded import EmbeddedMongod

async def run():
    print(await EmbeddedMongod(Path(sys.argv[1]), clock=SystemClock()).start(), flush=True)
    await asyncio.Event().wait()

asyncio.run(run())
"""


@pytest.fixture(name="mongod")
async def _mongod(tmp_path: Path, mongod_uri: str) -> AsyncIterator[EmbeddedMongod]:
    """Return a mongod that is not started yet; ``mongod_uri`` skips the test without mongod."""
    assert mongod_uri
    mongod = EmbeddedMongod(tmp_path, clock=SystemClock())
    yield mongod
    await mongod.stop()


async def _write(uri: str, number: int) -> list[int]:
    """Store a number and return all stored numbers."""
    connection = SafeMongoDBConnection(uri, database="things", clock=SystemClock())
    try:
        database = await connection.open()
        await database.unscoped("things").insert_one({"_id": number})
        return [document["_id"] async for document in database.unscoped("things").find()]
    finally:
        await connection.close()


async def _wait_until_gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while is_alive(pid):  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.02)


async def test_mongod_runs_in_a_session_of_its_own_until_stopped(
    mongod: EmbeddedMongod, tmp_path: Path
) -> None:
    """Ctrl-C in the terminal reaches only the bot; the data is below the data folder."""
    uri = await mongod.start()
    pid = mongod.pid
    assert pid is not None
    assert (mongod.is_running, os.getsid(pid), await _write(uri, 1)) == (True, pid, [1])
    assert (tmp_path / "logs" / "mongod.log").stat().st_mode & 0o777 == 0o600
    await mongod.stop()
    await mongod.stop()
    assert (mongod.is_running, is_alive(pid)) == (False, False)


class MovedClock(SystemClock):
    """The real time, some days ahead."""

    days = 0

    def now(self) -> datetime:
        """Return the time."""
        return super().now() + timedelta(days=self.days)


async def test_log_is_rotated_at_midnight(tmp_path: Path, mongod_uri: str) -> None:
    """Mongod moves its log aside on the first look of a new day, and goes on in a new one."""
    assert mongod_uri  # skips the test without mongod
    clock = MovedClock()
    mongod = EmbeddedMongod(tmp_path, clock=clock)
    await mongod.start()
    logs = tmp_path / "logs"
    try:
        async with beside(mongod.watch), asyncio.timeout(60):
            await asyncio.sleep(0)
            clock.days = 1
            while not (aside := list(logs.glob("mongod.log.2*"))):  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.02)
    finally:
        await mongod.stop()
    assert len(aside) == 1
    assert {path.stat().st_mode & 0o777 for path in logs.iterdir()} == {0o600}


async def test_full_log_is_due_and_a_missing_one_is_not(tmp_path: Path) -> None:
    """Beyond 100 MB the log is rotated; it is looked at twice a minute."""
    clock, path = FakeClock(), tmp_path / "mongod.log"
    log = MongodLog(path, clock)
    clock.move(LOOK_SECONDS)
    assert not await log.is_rotation_due()
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # takes no space
    assert not await log.is_rotation_due()
    clock.move(LOOK_SECONDS)
    assert await log.is_rotation_due()


async def test_data_and_address_stay_when_it_is_started_again(mongod: EmbeddedMongod) -> None:
    """A replica set stores the addresses of its members, so the address is kept."""
    first = await mongod.start()
    await _write(first, 1)
    await mongod.stop()
    second = await mongod.start()
    assert (second, await _write(second, 2)) == (first, [1, 2])


async def test_data_folder_may_be_moved(mongod: EmbeddedMongod, tmp_path: Path) -> None:
    """A moved mongod has a new address, which the replica set accepts."""
    first = await mongod.start()
    await _write(first, 1)
    await mongod.stop()
    (tmp_path / "mongodb").rename(tmp_path / "elsewhere")
    (tmp_path / "moved").mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / "moved" / "mongodb")
    moved = EmbeddedMongod(tmp_path / "moved", clock=SystemClock())
    second = await moved.start()
    assert (second != first, await _write(second, 2)) == (True, [1, 2])
    await moved.stop()


def test_socket_never_stands_in_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    """A copied data folder contains the original's address, which must not be touched."""
    original = tmp_path / "mongodb"
    original.mkdir(mode=0o700)
    (original / "mongod.sock").touch()
    (original / "WiredTiger").touch()
    chosen = choose_socket(Path("/a copy/mongodb"), str(original / "mongod.sock"))
    assert Path(chosen).parent not in {original, Path("/a copy/mongodb")}
    assert choose_socket(Path("/a copy/mongodb"), chosen) == chosen
    Path(chosen).parent.chmod(0o755)
    other = choose_socket(Path("/a copy/mongodb"), chosen)
    assert other != chosen
    leave_socket(other)
    Path(chosen).parent.chmod(0o700)
    leave_socket(chosen)
    leave_socket(str(original / "mongod.sock"))
    assert [Path(one).parent.exists() for one in (chosen, other)] == [False, False]
    assert list(original.iterdir()) == [original / "WiredTiger"]


def _list_listening(pid: int) -> list[str]:
    """Return the ports on which a process listens, from Linux's ``/proc``."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the file was closed at this moment
            sockets.add(str(entry.readlink()))
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]
    ]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]


def _connect_as(user_id: int, address: str) -> str:
    """Return the error that another user gets on connecting to a socket."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(user_id)
        os.setuid(user_id)
        met = "connected"
        try:
            socket.socket(socket.AF_UNIX).connect(address)
        except OSError as error:
            met = type(error).__name__
        os.write(writer, met.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        met = stream.read()
    os.waitpid(child, 0)
    return met


@pytest.fixture(name="open_folder")
def _open_folder() -> Iterator[Path]:
    """Return a folder that all users may enter, unlike those of ``tmp_path``."""
    with tempfile.TemporaryDirectory(prefix="open-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("name", ["data", "a long and strange name: " + "x" * 90])
async def test_no_other_user_of_the_machine_reaches_it(mongod_uri: str, open_folder: Path, name: str) -> None:
    """The mongod listens on no port, and the folder of its socket is closed to other users."""
    assert mongod_uri
    (open_folder / name / "mongodb").mkdir(parents=True)
    (open_folder / name / "mongodb").chmod(0o755)
    mongod = EmbeddedMongod(open_folder / name, clock=SystemClock())
    uri = await mongod.start()
    assert mongod.pid is not None
    kept = ProcessFile.read(open_folder / name / "mongodb" / "process.json")
    assert kept is not None
    assert (await _write(uri, 1), _list_listening(mongod.pid)) == ([1], [])
    assert _connect_as(65534, kept.address) == "PermissionError"
    assert _connect_as(0, kept.address) == "connected"
    assert stat.S_IMODE((open_folder / name / "mongodb").stat().st_mode) == 0o700
    await mongod.stop()
    assert (await mongod.start() == uri) == (name == "data")
    assert await _write(mongod.uri, 2) == [1, 2]
    await mongod.stop()
    assert Path(kept.address).parent.exists() == (name == "data")


@pytest.mark.fault
async def test_data_of_a_bot_that_used_a_port_goes_on_without_it(
    mongod: EmbeddedMongod, tmp_path: Path
) -> None:
    """The mongod of an older bot is ended and started again on a socket, with its data."""
    data = tmp_path / "mongodb"
    data.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    arguments = (find_mongod(), "--dbpath", data, "--port", str(port), "--replSet", REPLICA_SET)
    with Popen([*arguments, "--nounixsocket"], stdout=DEVNULL) as older:  # noqa: ASYNC220, S603 - no shell
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            "127.0.0.1", port, directConnection=True
        )
        members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
        await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        client.close()
        await _write(f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}", 1)
        (data / "process.json").write_text(json.dumps({"pid": older.pid, "port": port}))
        uri = await mongod.start()
        assert await asyncio.to_thread(older.wait) == 0
    assert mongod.pid not in {None, older.pid}
    assert (await _write(uri, 2), _list_listening(mongod.pid or 0)) == ([1, 2], [])


@pytest.mark.fault
async def test_killed_mongod_is_started_again_and_open_work_goes_on(mongod: EmbeddedMongod) -> None:
    """The client reconnects by itself, and a transaction that was cut off runs again."""
    connection = SafeMongoDBConnection(await mongod.start(), database="things", clock=SystemClock())
    database = await connection.open()
    things = database.unscoped("things")
    watch = asyncio.create_task(mongod.watch())
    killed = mongod.pid
    assert killed is not None
    runs = 0

    def work(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        things = transaction.unscoped("things")
        transaction.run("insert", things.insert_one, {"_id": runs}, session=transaction.session)
        if runs == 1:
            os.kill(killed, signal.SIGKILL)

    await database.in_transaction(work)
    assert (runs > 1, mongod.pid != killed, await things.count_documents({})) == (True, True, 1)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await connection.close()


@pytest.mark.fault
async def test_orphan_of_a_killed_bot_is_adopted_and_stopped(mongod: EmbeddedMongod, tmp_path: Path) -> None:
    """A killed bot leaves its mongod running; the next bot adopts it."""
    arguments = [sys.executable, "-c", ORPHANING_BOT, str(tmp_path)]
    with Popen(arguments, stdout=PIPE, text=True) as bot:  # noqa: ASYNC220, S603 - a second bot, no shell
        assert bot.stdout is not None
        uri = (await asyncio.to_thread(bot.stdout.readline)).strip()
        bot.kill()
    orphan = ProcessFile.read(tmp_path / "mongodb" / "process.json")
    assert orphan is not None
    assert is_alive(orphan.pid)
    await _write(uri, 1)
    assert (await mongod.start(), mongod.pid, await _write(uri, 2)) == (uri, orphan.pid, [1, 2])
    await mongod.stop()
    assert not is_alive(orphan.pid)


@pytest.mark.fault
async def test_adopted_orphan_is_watched_like_a_child(mongod: EmbeddedMongod, tmp_path: Path) -> None:
    """After the death of an adopted mongod, the bot starts its own on the same socket."""
    first = EmbeddedMongod(tmp_path, clock=SystemClock())
    uri = await first.start()
    assert await mongod.start() == uri
    adopted = mongod.pid
    assert adopted is not None
    watch = asyncio.create_task(mongod.watch())
    os.kill(adopted, signal.SIGKILL)
    await _wait_until_gone(adopted)
    assert (await _write(uri, 1), mongod.pid != adopted) == ([1], True)
    watch.cancel()
    await asyncio.gather(watch, first.stop(), return_exceptions=True)


async def test_stranger_under_the_kept_process_id_is_left_alone(
    mongod: EmbeddedMongod, tmp_path: Path, mongod_uri: str
) -> None:
    """The system uses process ids and addresses again; only a mongod on this folder belongs to the bot."""
    address = unquote(mongod_uri.removeprefix("mongodb://").partition("/?")[0])
    (tmp_path / "mongodb").mkdir()
    ProcessFile(pid=os.getpid(), address=address).write(tmp_path / "mongodb" / "process.json")
    mongod_of_our_own = EmbeddedMongod(tmp_path, clock=ImpatientClock())
    assert await mongod_of_our_own.start() != mongod_uri
    assert mongod_of_our_own.pid != os.getpid()
    await mongod_of_our_own.stop()
    assert not mongod.is_running


class ImpatientClock(SystemClock):
    """A clock on which waits for another process end soon."""

    def __init__(self) -> None:
        self._asked = 0

    def monotonic(self) -> float:
        """Return a time that grows with every call."""
        self._asked += 1
        return super().monotonic() + min(self._asked, 20) * 0.6


async def test_process_file_that_cannot_be_read_is_no_file(tmp_path: Path) -> None:
    """A half-written or foreign file is ignored."""
    path = tmp_path / "process.json"
    assert ProcessFile.read(path) is None
    for text in (
        "",
        "[]",
        '{"pid": 1}',
        json.dumps({"pid": "x", "port": 1}),
        json.dumps({"pid": 1, "port": "x"}),
    ):
        path.write_text(text)
        assert ProcessFile.read(path) is None


async def test_missing_program_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """The error names a configured path that is not a program."""
    with pytest.raises(
        ConfigurationError, match=r"mongodb\.mongod_path: .*nowhere is not a program.*mongodb\.uri"
    ):
        await EmbeddedMongod(tmp_path, clock=SystemClock(), mongod_path=tmp_path / "nowhere").start()


async def test_program_without_its_libraries_is_refused_by_their_names(tmp_path: Path) -> None:
    """The error contains the loader's text, with the libraries to install."""
    program = tmp_path / "mongod"
    words = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 127\n")
    program.chmod(0o755)
    with pytest.raises(ConfigurationError) as caught:
        await EmbeddedMongod(tmp_path, clock=SystemClock(), mongod_path=program).start()
    text = str(caught.value)
    assert words in text
    assert "libcurl4, liblzma5 and OpenSSL 3" in text
    assert "mongodb.uri" in text


async def test_last_line_of_the_log_is_told_when_it_does_not_start(mongod_uri: str, tmp_path: Path) -> None:
    """If mongod cannot use its folder, the error has mongod's own last line."""
    assert mongod_uri
    (tmp_path / "mongodb").mkdir()
    (tmp_path / "mongodb" / "WiredTiger").write_text("no database")
    (tmp_path / "mongodb" / "storage.bson").write_text("nonsense")
    with pytest.raises(ConfigurationError, match=r"does not start: .+ Or give"):
        await EmbeddedMongod(tmp_path, clock=SystemClock()).start()


def test_program_of_the_wheel_is_found_without_importing_it() -> None:
    """The search for the program must not run the package's own code."""
    found = find_in_wheel()
    if found is None:
        pytest.skip("the wheel is not installed")
    assert (found.name, "fiftyone" in sys.modules) == ("mongod", False)
    assert find_mongod(found) == found


def test_failure_without_words_says_so() -> None:
    """Even then the text says what to do."""
    error = explain_failure(Path("/x/mongod"), errors="", last_log_line="")
    assert str(error) == (
        "The bot's own MongoDB (/x/mongod) does not start: it said nothing. "
        "Or give the address of a MongoDB replica set in mongodb.uri."
    )


@pytest.mark.parametrize("where", ["errors", "last_log_line"])
def test_full_disk_is_told_as_such(where: str) -> None:
    """The text names the disk and the way out, whether the system or mongod's log reports it."""
    said = {"errors": "", "last_log_line": "", where: "[Errno 28] No space left on device: 'process.tmp'"}
    assert str(explain_failure(Path("/x/mongod"), **said)) == (
        "The disk with the bot's own MongoDB is full. Free some space on it: nothing is lost, and a bot that "
        "runs goes on by itself."
    )


async def test_mongod_that_ends_slowly_is_left_and_the_next_start_waits_for_it(
    mongod: EmbeddedMongod, tmp_path: Path
) -> None:
    """A stop of the bot does not wait for a disk; nothing of the data is lost."""
    await _write(await mongod.start(), 1)
    pid = mongod.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # as if its disk did not answer
    await mongod.leave(wait_seconds=0.1)
    assert (mongod.pid, is_alive(pid)) == (None, True)
    other = EmbeddedMongod(tmp_path, clock=SystemClock())
    starting = asyncio.create_task(other.start())
    await asyncio.wait([starting], timeout=0.5)
    assert not starting.done()
    os.kill(pid, signal.SIGCONT)
    try:
        assert await _write(await starting, 2) == [1, 2]
        assert (other.pid, is_alive(pid)) != (pid, True)
    finally:
        await other.stop()
