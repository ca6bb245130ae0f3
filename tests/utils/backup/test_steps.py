"""Steps: long work in threads that shows its progress and ends when its caller is cancelled."""

import asyncio
import threading

import pytest

from utils.backup.steps import Steps, carry_out
from utils.models.backups import BackupProgress, BackupStep


def count(to: int, ended: list[str]) -> Steps[str]:
    """Count in the thread that calls, and note the end."""
    try:
        for number in range(to):
            yield BackupProgress(BackupStep.TAKING, threading.current_thread().name, number)
        return "done"
    finally:
        ended.append(threading.current_thread().name)


async def test_each_step_runs_in_a_thread_and_others_go_first() -> None:
    """The loop waits for no step; after each one the progress is shown, then commands go first."""
    shown: list[BackupProgress | str] = []
    ended: list[str] = []

    async def pause() -> None:
        shown.append("pause")

    assert await carry_out(count(2, ended), show=shown.append, pause=pause) == "done"
    numbers = [one if isinstance(one, str) else one.collections_done for one in shown]
    assert numbers == [0, "pause", 1, "pause"]
    threads = {one.collection for one in shown if isinstance(one, BackupProgress)} | set(ended)
    assert threading.current_thread().name not in threads


async def test_work_ends_at_its_next_step_when_its_caller_is_cancelled() -> None:
    """A cancellation ends the work between two steps, and its clean-up runs in a thread as well."""
    ended: list[str] = []
    task = asyncio.create_task(carry_out(count(10**9, ended), show=lambda _: None))
    while not task.cancelled():
        task.cancel()
        await asyncio.sleep(0)
    assert len(ended) <= 1
    assert threading.current_thread().name not in ended


async def test_error_of_a_step_is_raised() -> None:
    """The caller gets the error of the work."""

    def fail() -> Steps[None]:
        yield BackupProgress(BackupStep.TAKING)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await carry_out(fail(), show=lambda _: None)
