"""ARCHITECTURE.md's list of the way of a kill agrees with the code.

Each function of the list exists, and the function above it calls it or passes it on as an argument. Types are
not resolved: within a class the callee must be ``self``'s, elsewhere only the name of the method counts.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.architecture.source_tree import ROOT, list_modules, read_dotted

STEP = re.compile(r"^(?P<indent> *)(?P<name>[\w.]+) +(?P<path>[\w/]+\.py)")


@dataclass(frozen=True, slots=True)
class Step:
    """A function on the way, and the functions above it; the last of these calls it."""

    name: str
    path: str
    parents: tuple[str, ...]

    @property
    def owner(self) -> str:
        """Return the class of a method; empty for a function."""
        return self.name.rpartition(".")[0]

    @property
    def called(self) -> str:
        """Return the name without the class."""
        return self.name.rpartition(".")[2]


def read_steps(text: str) -> tuple[Step, ...]:
    """Return the steps of the block that a document marks as a walk."""
    block = text.split("```walk\n", 1)[1].split("```", 1)[0]
    steps: list[Step] = []
    open_steps: list[tuple[int, str]] = []
    for line in block.splitlines():
        found = STEP.match(line)
        assert found is not None, line
        depth = len(found["indent"])
        open_steps = [one for one in open_steps if one[0] < depth]
        steps.append(Step(found["name"], f"utils/{found['path']}", tuple(name for _, name in open_steps)))
        open_steps.append((depth, found["name"]))
    return tuple(steps)


STEPS = read_steps((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))


def find_function(path: str, name: str) -> ast.AST | None:
    """Return a function of a module, or a method of one of its classes."""
    [module] = [one for one in list_modules() if one.path == path] or [None]
    owner, _, called = name.rpartition(".")
    for node in [] if module is None else module.walk():
        is_owner = isinstance(node, ast.ClassDef) and node.name == owner
        if is_owner or (not owner and isinstance(node, ast.Module)):
            for one in ast.iter_child_nodes(node):
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == called:
                    return one
    return None


def list_calls(function: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield receiver and name of each call in a function, and of each function that it passes on."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            for used in (node.func, *node.args, *(one.value for one in node.keywords)):
                if isinstance(used, ast.Name):
                    yield "", used.id
                elif isinstance(used, ast.Attribute):
                    yield read_dotted(used.value), used.attr


def is_called(step: Step, above: Step, function: ast.AST) -> bool:
    """Tell whether the function of the step above calls a step or passes it on."""
    receivers = {receiver for receiver, name in list_calls(function) if name == step.called}
    if not step.owner:
        return "" in receivers
    return "self" in receivers if step.owner == above.owner else bool(receivers - {""})


def find_step(name: str) -> Step:
    """Return the step of a name."""
    return next(step for step in STEPS if step.name == name)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step_exists_and_is_called_by_the_one_above_it(step: Step) -> None:
    """A reader of the list finds each function, and its call in the function above it."""
    assert find_function(step.path, step.name) is not None
    if step.parents:
        above = find_step(step.parents[-1])
        function = find_function(above.path, above.name)
        assert function is not None
        assert is_called(step, above, function)


def test_list_begins_with_the_poll_and_ends_with_the_message() -> None:
    """The list has three parts: the poll, the wake-up of delivery, and delivery."""
    begins = [step.name for step in STEPS if not step.parents]
    assert begins == ["ReaderLoop.run", "ServerLoops.on_notices_queued", "DeliveryLoop.run"]
    assert STEPS[-1].name == "OutboxRepository.mark_sent"


def test_step_without_a_call_above_is_found() -> None:
    """A name that is only read, a method of another object and a missing call are not enough."""
    steps = read_steps("```walk\nOne.run  a.py\n  Two.go  b.py  why\n    three  c.py\n  One.end  a.py\n```")
    assert [(step.name, step.parents) for step in steps] == [
        ("One.run", ()),
        ("Two.go", ("One.run",)),
        ("three", ("One.run", "Two.go")),
        ("One.end", ("One.run",)),
    ]
    above, two, three, end = steps
    function = ast.parse(
        "async def run(self):\n await self.two.go(partial(self.x))\n three = other.end()\n return self.end"
    )
    assert [is_called(step, above, function) for step in (two, three, end)] == [True, False, False]
    assert {("self.two", "go"), ("self", "x"), ("other", "end")} <= set(list_calls(function))
