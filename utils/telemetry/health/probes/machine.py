"""Probes of the process and its machine: event loop, memory, disks, starts, place of backups, secret key."""

import asyncio
import json
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from utils.clock import Clock
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Finding, IncidentKey
from utils.models.texts import Number, plural, text
from utils.tallies import Durations, Recent, compute_quantile
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.measuring import judge, say_well

LAG_STEP_SECONDS = 0.25
START_WINDOW = timedelta(minutes=10)
KEPT_STARTS = 20
STARTS_NAME = "starts.json"
PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")
MEGABYTE = 1_000_000


class LoopLag:
    """How late the event loop comes to what is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.durations = Durations()

    async def run(self) -> None:
        """Measure without end."""
        while True:
            began = self._clock.monotonic()
            await self._clock.sleep(LAG_STEP_SECONDS)
            self.durations.note(max(0.0, self._clock.monotonic() - began - LAG_STEP_SECONDS))


def probe_event_loop(lag: LoopLag) -> Probe:
    """Return the probe of the event loop."""
    kind, recent = IncidentKind.EVENT_LOOP, Recent(lambda: lag.durations.counts, rounds=1)

    async def look() -> Sequence[Finding]:
        p99 = compute_quantile(recent.end_round(), 0.99)
        said = text(
            "In the last minute, 99 % of the bot's work began at most {time} ms late.",
            time=Number(p99 * 1000),
        )
        return (judge(kind, said, p99_seconds=p99),)

    return Probe(kind=kind, look=look)


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """The memory of this process, and of its cgroup or machine, in bytes; None where it can't be read."""

    resident: int | None = None
    limit: int | None = None


def read_memory(proc: Path = PROC, cgroup: Path = CGROUP) -> MemoryUse:
    """Return the use of memory; the limit is that of the cgroup, else the machine's."""
    resident = limit = None
    with suppress(OSError, ValueError, IndexError):
        pages = int((proc / "self" / "statm").read_text("ascii").split()[1])
        resident = pages * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError, IndexError):
        limit = int((proc / "meminfo").read_text("ascii").split()[1]) * 1024
    for file in _list_limit_files(proc, cgroup):
        with suppress(OSError, ValueError):  # "max" is not a number: there is no limit
            own = int(file.read_text("ascii"))
            limit = own if limit is None else min(own, limit)
    return MemoryUse(resident, limit)


def _list_limit_files(proc: Path, cgroup: Path) -> list[Path]:
    """Return where the limit of this process may stand, for both versions of cgroups."""
    files = [cgroup / "memory.max", cgroup / "memory" / "memory.limit_in_bytes"]
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text("utf-8").splitlines():
            number, _, path = line.split(":", 2)
            if number == "0":
                files.append(cgroup / path.lstrip("/") / "memory.max")
    return files


def probe_memory(read: Callable[[], MemoryUse] = read_memory) -> Probe:
    """Return the probe of memory."""
    kind = IncidentKind.MEMORY

    async def look() -> Sequence[Finding]:
        use = await asyncio.to_thread(read)
        if use.resident is None or not use.limit:
            return say_well(kind, text("This system doesn't tell."))
        said = text(
            "The bot uses {used} MB of {limit} MB.",
            used=Number(use.resident / MEGABYTE),
            limit=Number(use.limit / MEGABYTE),
        )
        return (judge(kind, said, share=use.resident / use.limit),)

    return Probe(kind=kind, look=look)


@dataclass(frozen=True, slots=True)
class DiskUse:
    """The space of the disk of a folder, in bytes, and the number of that disk."""

    total: int
    free: int
    device: int


def read_disk(folder: Path) -> DiskUse | None:
    """Return the space at a folder or at the nearest one above it; None if that fails."""
    place = next((one for one in (folder, *folder.parents) if one.exists()), None)
    if place is None:
        return None
    with suppress(OSError):
        use = shutil.disk_usage(place)
        return DiskUse(use.total, use.free, place.stat().st_dev)
    return None


def probe_disks(
    folders: Sequence[tuple[str, Path]], read: Callable[[Path], DiskUse | None] = read_disk
) -> Probe:
    """Return the probe of the disks of these folders, each with a name that may be shown to anybody."""
    kind = IncidentKind.DISK_SPACE

    async def look() -> Sequence[Finding]:
        found = []
        for name, folder in folders:
            use = await asyncio.to_thread(read, folder)
            if use is not None and use.total:
                said = text(
                    "{free} MB of {total} MB are free at {folder}.",
                    free=Number(use.free / MEGABYTE),
                    total=Number(use.total / MEGABYTE),
                    folder=name,
                )
                share = use.free / use.total
                found.append(judge(kind, said, subject=name, free_share=share, free_bytes=use.free))
        return found or say_well(kind, text("This system doesn't tell."))

    return Probe(kind=kind, look=look)


def probe_backup_disk(
    data_dir: Path, directories: Sequence[Path], read: Callable[[Path], DiskUse | None] = read_disk
) -> Probe:
    """Return the probe of the disks of backups: one of them should be another one than the data's."""
    kind = IncidentKind.BACKUP_SAME_DISK

    async def look() -> Sequence[Finding]:
        own = await asyncio.to_thread(read, data_dir)
        others = [await asyncio.to_thread(read, one) for one in directories]
        devices = {one.device for one in others if one is not None}
        if own is None or devices - {own.device}:
            return say_well(kind, text("A backup directory is on another disk than the data."))
        said = text("No backup directory is on another disk than the data.")
        return (Finding(IncidentKey(WHOLE_BOT, kind), CheckState.WARN, said),)

    return Probe(kind=kind, look=look)


def read_starts(folder: Path) -> tuple[datetime, ...]:
    """Return the starts that are known, the oldest first."""
    with suppress(OSError, ValueError, TypeError):
        kept = json.loads((folder / STARTS_NAME).read_text("utf-8"))
        return tuple(datetime.fromisoformat(one) for one in kept)
    return ()


def note_start(folder: Path, now: datetime) -> None:
    """Write down that the bot starts; a disk that takes nothing is reported by other checks."""
    starts = (*read_starts(folder)[-KEPT_STARTS:], now)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        (folder / STARTS_NAME).write_text(json.dumps([one.isoformat() for one in starts]), "utf-8")


def probe_starts(folder: Path, clock: Clock) -> Probe:
    """Return the probe of the number of starts in the last minutes."""
    kind = IncidentKind.CRASH_LOOP

    async def look() -> Sequence[Finding]:
        starts = await asyncio.to_thread(read_starts, folder)
        recent = sum(clock.now() - one < START_WINDOW for one in starts)
        said = plural(
            "The bot was started {count} time in 10 minutes.",
            "The bot was started {count} times in 10 minutes.",
            recent,
        )
        return (judge(kind, said, starts=recent),)

    return Probe(kind=kind, look=look)


def probe_secret_key(has_key: Callable[[], bool], fits: Callable[[], Awaitable[bool | None]]) -> Probe:
    """Return the probe of the secret key.

    Args:
        has_key: tells whether the key is where the next start looks for it.
        fits: tells whether the key opens the stored logins; None: there are none.
    """
    kind = IncidentKind.SECRET_KEY

    async def look() -> Sequence[Finding]:
        does_fit = await fits()
        if does_fit is None:
            return say_well(kind, text("No login is stored."))
        if not does_fit:
            said = text("The key doesn't open the stored logins.")
            return (Finding(IncidentKey(WHOLE_BOT, kind), CheckState.CRITICAL, said),)
        if not await asyncio.to_thread(has_key):
            said = text("The key is missing in the data folder. The running bot still has it.")
            return (Finding(IncidentKey(WHOLE_BOT, kind), CheckState.WARN, said),)
        return say_well(kind, text("The key opens the stored logins."))

    return Probe(kind=kind, look=look, needs_database=True)
