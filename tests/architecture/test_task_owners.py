"""Only ``utils/tasks.py`` makes tasks, and one manager owns them; the exceptions are listed here."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted

MAKERS = {"create_task", "ensure_future", "TaskGroup", "run_coroutine_threadsafe"}
OWNERS = {
    "utils/tasks.py": "the place for it",
    "utils/composition/application.py": "what the bot lives by: gateway, leases and the wait for its stop",
    "utils/gateway/connection.py": "the library's connecting, ended before it is begun again",
    "utils/gateway/shards.py": "likewise, and the one try of a shard",
    "utils/waiting.py": "what is waited for together, and what is waited for though its caller is ended",
    "utils/delivery/requests.py": "requests that nobody may cancel, or the library would lock all others out",
    "utils/sftp/pool.py": "attempts to connect and closings, shared by who waits; ended by the pool",
    "utils/sftp/breakers.py": "the one try of a circuit; ended by the pool",
    "utils/sftp/session.py": "a listing, which its limit of time watches; ended where it began",
    "utils/group_commit.py": "a transaction of several members; each waits for its end",
    "utils/telemetry/health/checker.py": "probes, which may hang; ended with their round, or with the bot",
    "utils/services/ingestion/prefetch.py": "the next chunk of a file; ended with its reader",
}
"""Modules that make tasks of their own, and why none of these outlives its owner unnoticed."""

MANAGERS = {
    "utils/checkup.py",
    "utils/commandline/running.py",
    "utils/commandline/backing_up.py",
    "utils/commandline/rekeying.py",
    "utils/commandline/doctor/examining.py",
    "utils/commandline/restoring.py",
    "utils/commandline/migrating.py",
    "utils/commandline/verifying.py",
}


def list_made(module: Module) -> Iterator[str]:
    """Find the lines that make tasks."""
    for node in module.find(ast.Call):
        if read_dotted(node.func).rpartition(".")[2] in MAKERS:
            yield f"line {node.lineno}"


def list_managers(module: Module) -> Iterator[str]:
    """Find the lines that make a manager of tasks."""
    for node in module.find(ast.Call):
        if read_dotted(node.func) == "TaskManager":
            yield f"line {node.lineno}"


def test_tasks_are_made_by_their_named_owners_alone() -> None:
    """Only the listed owners make tasks. A loose task is never ended, and its failure is never seen."""
    bot = [module for module in list_modules() if module.room != "simulation"]
    assert {module.path for module in bot if list(list_made(module))} == OWNERS.keys()


def test_one_manager_owns_every_task_of_a_process() -> None:
    """Each command of the command line makes one manager, before code that could start a task."""
    bot = [module for module in list_modules() if module.room != "simulation"]
    assert {module.path for module in bot if list(list_managers(module))} == MANAGERS


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("asyncio.create_task(work())", True),
        ("loop.create_task(work())", True),
        ("ensure_future(work())", True),
        ("async def f():\n  async with asyncio.TaskGroup() as group: ...", True),
        ("asyncio.gather(work())", False),
    ],
)
def test_check_finds_a_loose_task(source: str, *, is_found: bool) -> None:
    """The check finds loose tasks in the examples."""
    assert bool(list(list_made(build_module(source)))) == is_found
