"""Free memory: the machine's or the container's, where it is less."""

from pathlib import Path

import pytest

from utils.backup.memory import read_free_memory

MEGABYTE = 1024 * 1024
MACHINE = {"proc/meminfo": f"MemTotal: 9999999 kB\nMemAvailable:   {2048 * 1024} kB\nHugePages_Total: 0\n"}
GROUP = {
    "sys/fs/cgroup/memory.max": f"{1000 * MEGABYTE}\n",
    "sys/fs/cgroup/memory.current": f"{700 * MEGABYTE}\n",
    "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {200 * MEGABYTE}\n",
}
OLD_GROUP = {
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{500 * MEGABYTE}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{100 * MEGABYTE}\n",
    "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {10 * MEGABYTE}\n",
}
NO_LIMIT = {"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "5\n"}


@pytest.mark.parametrize(
    ("files", "megabytes"),
    [
        (MACHINE, 2048),
        (MACHINE | GROUP, 500),
        (MACHINE | OLD_GROUP, 410),
        (MACHINE | NO_LIMIT, 2048),
        ({}, None),
    ],
    ids=["machine", "container", "old container", "no limit", "unknown"],
)
def test_free_memory_is_that_of_the_narrowest(
    tmp_path: Path, files: dict[str, str], megabytes: int | None
) -> None:
    """The part of the file cache that the system can take back counts as free."""
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "ascii")
    free = read_free_memory(tmp_path)
    assert (None if free is None else free // MEGABYTE) == megabytes
