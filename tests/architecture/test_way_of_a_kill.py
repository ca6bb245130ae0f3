"""The way of a kill, as ARCHITECTURE.md names it, can be followed through the code."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.architecture.source_tree import ROOT, list_modules

STEP = re.compile(r"^(?P<indent> *)(?P<name>[\w.]+) +(?P<path>[\w/]+\.py)")


@dataclass(frozen=True, slots=True)
class Step:
    """A function on the way, and those above it: the last of them calls it."""

    name: str
    path: str
    parents: tuple[str, ...]

    @property
    def called(self) -> str:
        """Return what it is called by."""
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


def list_called(function: ast.AST) -> Iterator[str]:
    """Yield what a function names: what it calls, or hands on to be called."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def find_step(name: str) -> Step:
    """Return the step of a name."""
    return next(step for step in STEPS if step.name == name)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step_is_there_and_is_called_by_the_one_above_it(step: Step) -> None:
    """Whoever reads the list finds each function, and the next one in its body."""
    assert find_function(step.path, step.name) is not None
    if step.parents:
        above = find_step(step.parents[-1])
        function = find_function(above.path, above.name)
        assert function is not None
        assert step.called in set(list_called(function))


def test_list_begins_with_the_poll_and_ends_with_the_message() -> None:
    """Three walks: what the poll does, who is woken by it, and what that one does."""
    begins = [step.name for step in STEPS if not step.parents]
    assert begins == ["ReaderLoop.run", "ServerLoops.on_notices_queued", "DeliveryLoop.run"]
    assert STEPS[-1].name == "OutboxRepository.mark_sent"


def test_step_that_is_called_by_nobody_above_is_found() -> None:
    """A rule that nothing can break proves nothing."""
    steps = read_steps("```walk\nOne.run  a.py\n  Two.go  b.py  why\n    three  c.py\n  Four.end  d.py\n```")
    assert [(step.name, step.parents) for step in steps] == [
        ("One.run", ()),
        ("Two.go", ("One.run",)),
        ("three", ("One.run", "Two.go")),
        ("Four.end", ("One.run",)),
    ]
    above = ast.parse("async def run(self):\n  await self.two.go(partial(self.start))")
    assert {"go", "start"} <= set(list_called(above))
    assert "end" not in set(list_called(above))
