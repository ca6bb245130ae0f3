"""Tasks with an interval: each says what a restore does with their due times."""

import ast
from collections.abc import Iterator
from importlib import import_module

from tests.architecture.source_tree import Module, list_modules
from utils.composition.due_times import DUE_TIMES


def list_timers(module: Module) -> Iterator[str]:
    """Yield the names of the tasks with an interval that a module starts."""
    for node in module.find(ast.Call):
        if not isinstance(node.func, ast.Attribute):
            continue
        keywords = {keyword.arg for keyword in node.keywords}
        if node.func.attr == "start" and "interval_seconds" in keywords:
            name = node.args[0]
            if isinstance(name, ast.Name):
                yield str(getattr(import_module(module.name), name.id))
            else:
                yield str(ast.literal_eval(name))


def test_each_task_with_an_interval_passes_over_what_is_due_or_says_why_not() -> None:
    """After a restore no timer repeats old posts or alerts; a new timer has its row, and no row is left."""
    timers = {name for module in list_modules() for name in list_timers(module)}
    assert len(timers) >= 6
    assert timers - DUE_TIMES.keys() == set()
    assert all(row for row in DUE_TIMES.values())
    assert DUE_TIMES.keys() - timers == {"links:proofs", "guilds:look"}
