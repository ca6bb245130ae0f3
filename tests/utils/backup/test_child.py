"""The child process: its answers, its end with its parent, and every way in which it can fail."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from utils.backup.child import work_in_child
from utils.errors import ArchiveRefusedError, BackupError
from utils.models.backups import BackupProgress, BackupStep

CHILD = (
    """
import os, sys, time
from utils.backup.child import serve_job
from utils.errors import ArchiveRefusedError, BackupError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.texts import text

def work(order):
    marker = order["marker"]
    try:
        open(marker, "w").close()
        yield BackupProgress(BackupStep.LOADING, "kills", 1, 2, 3, os.nice(0))
        if order["way"] == "wait":
            while True:
                time.sleep(60)
        if order["way"] == "refuse":
            raise ArchiveRefusedError(text("damaged"))
        if order["way"] == "fail":
            raise BackupError(text("no room"))
        if order["way"] == "die":
            os.kill(os.getpid(), 9)
        return {"documents": 4}
    finally:
        os.unlink(marker)

sys.exit(serve_job({"work": work}, sys.stdin, sys.stdout))
""",
)
COMMAND: Sequence[str] = (sys.executable, "-c", *CHILD)


async def work(marker: Path, way: str, shown: list[BackupProgress]) -> object:
    """Do a job in a child process that ends in the given way."""
    facts = {"marker": str(marker), "way": way}
    return await work_in_child(COMMAND, "work", facts, show=shown.append)


async def test_result_and_progress_come_back(tmp_path: Path) -> None:
    """The child runs with low priority, and answers line by line."""
    shown: list[BackupProgress] = []
    assert await work(tmp_path / "marker", "end", shown) == {"documents": 4}
    niceness = min(os.nice(0) + 10, 19)
    assert shown == [BackupProgress(BackupStep.LOADING, "kills", 1, 2, 3, niceness)]


@pytest.mark.parametrize(
    ("way", "error", "sentence"),
    [
        ("refuse", ArchiveRefusedError, "The trial found a fault: damaged"),
        ("fail", BackupError, "The trial can't be made: no room"),
        ("die", BackupError, "The process that makes the trial ended early (code -9)."),
    ],
)
async def test_failure_of_the_child_is_a_sentence(
    tmp_path: Path, way: str, error: type[Exception], sentence: str
) -> None:
    """A fault of the backup, a failed trial and a killed child are told apart."""
    with pytest.raises(error) as failed:
        await work(tmp_path / "marker", way, [])
    assert (type(failed.value), str(failed.value)) == (error, sentence)


async def test_child_clears_away_and_ends_when_its_caller_is_cancelled(tmp_path: Path) -> None:
    """A cancelled caller leaves neither a process nor its files."""
    marker = tmp_path / "marker"
    begun = asyncio.Event()
    facts = {"marker": str(marker), "way": "wait"}
    task = asyncio.create_task(work_in_child(COMMAND, "work", facts, show=lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not marker.exists()


async def test_child_clears_away_and_ends_with_its_parent(tmp_path: Path) -> None:
    """When the parent is killed, the pipe to the child breaks, and the child clears away and ends."""
    marker = tmp_path / "marker"
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps({"job": "work", "marker": str(marker), "way": "wait"}).encode() + b"\n")
    assert b"progress" in await child.stdout.readline()
    assert marker.exists()
    child.stdin.close()
    assert await child.wait() == 143
    assert not marker.exists()
