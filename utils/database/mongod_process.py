"""A running mongod: a child of this process, or one that an earlier bot left behind."""

import json
import os
import signal
import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

REPLICA_SET = "killfeed"
CACHE_GIGABYTES = 0.5  # of the machine's memory; mongod's own default is half of it
OPLOG_MEGABYTES = 990  # the least that mongod takes; by default it grows to a twentieth of the disk


@dataclass(frozen=True, slots=True)
class ProcessFile:
    """What a running mongod is found by again: its process id and port."""

    pid: int
    port: int

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what the file says; None without a readable one."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(pid=int(fields["pid"]), port=int(fields["port"]))
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

    def _send(self, number: signal.Signals) -> None:
        if self.is_alive():
            os.kill(self.pid, number)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and waits for its parent does not."""
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


def choose_port(preferred: int | None = None) -> int:
    """Return a free port of the loopback, the preferred one where it is free."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def spawn(mongod: Path, *, data: Path, port: int, log: Path, errors: Path) -> MongodProcess:
    """Start mongod in a session of its own: Ctrl-C is for the bot, which stops mongod when it is done."""
    arguments = [
        str(mongod),
        *("--dbpath", str(data), "--logpath", str(log), "--quiet"),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", str(OPLOG_MEGABYTES)),
        *("--wiredTigerCacheSizeGB", str(CACHE_GIGABYTES)),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    ]
    with errors.open("wb") as stream:
        child = subprocess.Popen(  # noqa: S603 - the program is the configured mongod, no shell
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )
    return MongodProcess(child.pid, child=child)


def read_last_line(path: Path) -> str:
    """Return a log's last line, its message alone where it is mongod's JSON; empty without one."""
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
