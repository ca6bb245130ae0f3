"""Queues of work: ``put`` does not wait, and a key that is put during its work is worked on once more."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock, settle
from utils.models.scope import GuildId
from utils.queues import WorkQueue
from utils.tasks import TaskManager


class Worker:
    """Works until the test ends it.

    Attributes:
        done: the keys of the started work, in order.
        may_end: an event that all work waits for.
        failure: the error of the next work.
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
    """Long work on one key does not delay others."""
    worker = Worker()
    queue = WorkQueue("work", worker.work, tasks=tasks)
    queue.put(1)
    queue.put(2)
    await settle()
    assert worker.done == [1, 2]
    assert [report.name for report in tasks.list_reports()] == ["work:1", "work:2"]


async def test_what_is_asked_for_meanwhile_is_done_once_more(tasks: TaskManager) -> None:
    """The running work may have read old data; the number of requests does not matter."""
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
    """The failure is shown at the task; the key can be put again."""
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
    """A key that is put later begins new work."""
    worker = Worker()
    queue = WorkQueue("work", worker.work, tasks=tasks)
    queue.put(1, guild_id=GuildId(42))
    await settle()
    await tasks.cancel_guild(GuildId(42))
    assert not tasks.is_running("work:1")
    queue.put(1, guild_id=GuildId(42))
    await settle()
    assert worker.done == [1, 1]


async def test_nothing_of_a_key_stays_after_its_work_was_ended(tasks: TaskManager) -> None:
    """The key was asked for again during the work, or twice before the work began."""
    worker = Worker()
    queue = WorkQueue("work", worker.work, tasks=tasks)
    for pause in (settle, _go_on):
        queue.put(1, guild_id=GuildId(42))
        await pause()
        queue.put(1, guild_id=GuildId(42))
        await tasks.cancel_guild(GuildId(42))
        assert queue._is_wanted == {}


async def _go_on() -> None:
    """Do not wait."""
