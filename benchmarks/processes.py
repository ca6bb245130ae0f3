"""CPU time and memory of a process, from Linux's ``/proc``."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds that a process has used so far, and the moment of this reading in seconds."""

    cpu_seconds: float
    at: float


def read_cost(pid: int) -> Cost:
    """Return the CPU time of a process; zero if there is no such process."""
    path = Path(f"/proc/{pid}/stat")
    fields = path.read_text("ascii").rpartition(")")[2].split() if path.exists() else ["0"] * 20
    return Cost((int(fields[11]) + int(fields[12])) / _TICKS, time.perf_counter())


def read_resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process (``VmRSS``)."""
    return _read_status(pid, "VmRSS")


def read_peak_megabytes(pid: int) -> float:
    """Return the largest resident memory of a process so far (``VmHWM``)."""
    return _read_status(pid, "VmHWM")


def _read_status(pid: int, name: str) -> float:
    """Return a figure of a process in megabytes.

    Raises:
        RuntimeError: this system does not show it.
    """
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text("ascii").splitlines() if status.exists() else []
    for line in lines:
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("The memory of a process can be read on Linux alone.")
