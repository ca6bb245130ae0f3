"""Queues of work: who asks waits for nothing, and what is asked for meanwhile is done once more."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock, settle
from utils.models.scope import GuildId
from utils.queues import WorkQueue
from utils.tasks import TaskManager


class Worker:
    """Works for as long as it is told to.

    Attributes:
        done: the keys of what was begun, in order.
        may_end: until it is set, no work ends.
        failure: what the next work fails with.
    """

    def __init__(self) -> None:
        self.done: list[int] = []
        self.may_end = asyncio.Event()
        self.failure: Exception | None = None

    async def work(self, key: int) -> None:
        """Work."""
        self.done.append(key)
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        await self.may_end.wait()


@pytest.fixture(name="tasks")
def _tasks() -> TaskManager:
    return TaskManager(FakeClock())


async def test_work_of_every_key_begins_at_once(tasks: TaskManager) -> None:
    """One that takes long holds no other up."""
    worker = Worker()
    queue = WorkQueue("work", worker.work, tasks=tasks)
    queue.put(1)
    queue.put(2)
    await settle()
    assert worker.done == [1, 2]
    assert [report.name for report in tasks.list_reports()] == ["work:1", "work:2"]


async def test_what_is_asked_for_meanwhile_is_done_once_more(tasks: TaskManager) -> None:
    """What the work under way has looked at may have changed; how often it was asked means nothing."""
    worker = Worker()
    queue = WorkQueue("work", worker.work, tasks=tasks)
    queue.put(1)
    await settle()
    for _ in range(3):
        queue.put(1)
    worker.may_end.set()
    await settle()
    assert worker.done == [1, 1]


async def test_work_that_fails_is_logged_and_may_be_asked_for_again(tasks: TaskManager) -> None:
    """It is shown at its task; whoever has it done again asks again."""
    worker = Worker()
    worker.may_end.set()
    worker.failure = LookupError("gone")
    queue = WorkQueue("work", worker.work, tasks=tasks)
    with capture_logs() as logs:
        queue.put(1)
        await settle()
    assert [entry["event"] for entry in logs] == ["background task failed"]
    queue.put(1)
    await settle()
    assert worker.done == [1, 1]


async def test_work_of_a_guild_ends_when_the_guild_is_left(tasks: TaskManager) -> None:
    """What is asked for after that begins anew."""
    worker = Worker()
    queue = WorkQueue("work", worker.work, tasks=tasks)
    queue.put(1, guild_id=GuildId(42))
    await settle()
    await tasks.cancel_guild(GuildId(42))
    assert not tasks.is_running("work:1")
    queue.put(1, guild_id=GuildId(42))
    await settle()
    assert worker.done == [1, 1]
