"""A running mongod: a child of this process, or one that an earlier bot left behind."""

import json
import os
import re
import signal
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote_plus

REPLICA_SET = "killfeed"
CACHE_GIGABYTES = 0.5  # share of the machine's memory; mongod's own default is half of it
OPLOG_MEGABYTES = 990  # the minimum of mongod; by default it grows to a twentieth of the disk
SOCKET_NAME = "mongod.sock"
SOCKET_FOLDER = "killfeed-"  # the beginning of the folder's name, if it is not in the data folder
PRIVATE = 0o700
FOR_ITSELF = 0o077  # its files, the log as well, are for this user alone
EMBEDDED_OPTIONS = (
    *("--replSet", REPLICA_SET, "--oplogSize", str(OPLOG_MEGABYTES)),
    *("--wiredTigerCacheSizeGB", str(CACHE_GIGABYTES)),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
)
"""The options of the bot's own mongod."""


_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]{1,100}")
"""The path of a socket has at most 107 bytes, and the name of a member has no colon before its port."""


@dataclass(frozen=True, slots=True)
class ProcessFile:
    """The data by which a running mongod is found again.

    Attributes:
        pid: its process id.
        address: the path of its socket; ``127.0.0.1:port`` if an older bot started it.
    """

    pid: int
    address: str

    @property
    def is_private(self) -> bool:
        """Tell whether only this user can reach it."""
        return self.address.startswith("/")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the content of the file; None if it cannot be read."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            address = fields["address"] if "address" in fields else f"127.0.0.1:{int(fields['port'])}"
            return cls(pid=int(fields["pid"]), address=str(address))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write the file whole or not at all."""
        fresh = path.with_suffix(".tmp")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(path)


class MongodProcess:
    """One mongod process; ``child`` is None for an adopted one."""

    def __init__(self, pid: int, *, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.pid = pid
        self._child = child

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        if self._child is not None:
            return self._child.poll() is None
        return is_alive(self.pid)

    def terminate(self) -> None:
        """Ask the process to end cleanly."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self._send(signal.SIGKILL)

    def wait(self) -> None:
        """Return when a child has ended; an adopted process is not waited for."""
        if self._child is not None:
            self._child.wait()

    def _send(self, number: signal.Signals) -> None:
        if self.is_alive():
            os.kill(self.pid, number)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    return not (
        status.exists() and status.read_text(encoding="ascii", errors="replace").rpartition(")")[2][1] == "Z"
    )


def choose_socket(data: Path, kept: str | None) -> str:
    """Return where mongod listens: in its own folder, which only this user may enter.

    If that path is too long, or cannot be the name of a member of a replica set, it is a folder of its own
    among the temporary files: the earlier one, or a new one.
    """
    beside = data / SOCKET_NAME
    if _PLAIN_PATH.fullmatch(str(beside)):
        return str(beside)
    if kept is not None and _is_made_for_sockets(Path(kept).parent):
        return kept
    return str(Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER)) / SOCKET_NAME)


def leave_socket(address: str) -> None:
    """Delete a socket that mongod left behind, with its folder if that was made only for it."""
    Path(address).unlink(missing_ok=True)
    if _is_made_for_sockets(Path(address).parent):
        with suppress(OSError):  # the folder holds other files
            Path(address).parent.rmdir()


def close_folder(folder: Path) -> None:
    """Allow only this user to enter a folder."""
    if stat.S_IMODE(folder.stat().st_mode) != PRIVATE:
        folder.chmod(PRIVATE)


def build_uri(address: str) -> str:
    """Return the URI of a mongod that is a replica set of its own."""
    return f"{build_plain_uri(address)}?replicaSet={REPLICA_SET}"


def build_plain_uri(address: str) -> str:
    """Return the URI of a mongod, which need not be a replica set yet."""
    return f"mongodb://{quote_plus(address, safe=':')}/"


def _is_made_for_sockets(folder: Path) -> bool:
    if not folder.name.startswith(SOCKET_FOLDER):
        return False
    try:
        found = folder.lstat()
    except OSError:
        return False
    is_closed = stat.S_IMODE(found.st_mode) == PRIVATE
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and is_closed


def spawn(
    mongod: Path,
    *,
    data: Path,
    address: str,
    log: Path,
    errors: Path,
    options: Sequence[str] = EMBEDDED_OPTIONS,
) -> MongodProcess:
    """Start mongod in a session of its own: Ctrl-C goes only to the bot, which stops mongod at its end."""
    arguments = [
        str(mongod),
        *("--dbpath", str(data), "--logpath", str(log), "--quiet"),
        *("--bind_ip", address),
        *options,
    ]
    with errors.open("wb") as stream:
        child = subprocess.Popen(  # noqa: S603 - the program is the configured mongod, no shell
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
            umask=FOR_ITSELF,
        )
    return MongodProcess(child.pid, child=child)


def read_last_line(path: Path) -> str:
    """Return a log's last line; only the message if it is mongod's JSON; empty if there is no line."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 8192))
        lines = log.read().decode(errors="replace").splitlines()
    return _describe(lines[-1]) if lines else ""


def _describe(line: str) -> str:
    try:
        entry = json.loads(line)
        return f"{entry['msg']} {entry.get('attr', '')}".strip()
    except (ValueError, KeyError, TypeError):
        return line
