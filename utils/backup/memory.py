"""Memory: how much of it is free for a trial on this machine, or in its container."""

from pathlib import Path

SYSTEM = Path("/")
UNLIMITED = 2**60  # larger limits of a control group mean that there is none
GROUPS = (  # limit, use, and statistics with the name of what the system frees when it is needed
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def read_free_memory(root: Path = SYSTEM) -> int | None:
    """Return the free bytes: of the machine, or of the container if it has less; None if unknown.

    Args:
        root: the root of the file system.
    """
    groups = root / "sys/fs/cgroup"
    found = [_read_machine(root), *(_read_group(groups, *names) for names in GROUPS)]
    return min((size for size in found if size is not None), default=None)


def _read_machine(root: Path) -> int | None:
    free = _read_table(root / "proc/meminfo").get("MemAvailable:")
    return None if free is None else free * 1024


def _read_group(groups: Path, limit: str, used: str, statistics: str, cache: str) -> int | None:
    try:
        allowed, taken = (int((groups / name).read_text("ascii")) for name in (limit, used))
    except (OSError, ValueError):
        return None  # there is no such limit
    if allowed >= UNLIMITED:
        return None
    return max(0, allowed - taken + _read_table(groups / statistics).get(cache, 0))


def _read_table(path: Path) -> dict[str, int]:
    """Return the lines of a file, each a name and a number."""
    try:
        lines = [line.split() for line in path.read_text("ascii").splitlines()]
    except OSError:
        return {}
    return {line[0]: int(line[1]) for line in lines if len(line) > 1 and line[1].isdecimal()}
