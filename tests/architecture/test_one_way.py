"""The values of the kernel (locks, caches, backoffs, waits) are not written by hand a second time."""

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted


def list_own_locks(module: Module) -> Iterator[str]:
    """Find locks kept by key outside ``utils/locks.py``, which drops unused locks."""
    for node in module.find(ast.Subscript, ast.Call):
        if isinstance(node, ast.Subscript) and read_dotted(node.value).endswith("dict"):
            inside = ast.walk(node.slice)
        elif isinstance(node, ast.Call) and read_dotted(node.func).endswith(("defaultdict", "setdefault")):
            inside = ast.walk(node)
        else:
            continue
        if any(read_dotted(inner) in {"Lock", "asyncio.Lock"} for inner in inside):
            yield f"line {node.lineno}"


def list_own_caches(module: Module) -> Iterator[str]:
    """Find values kept by key with the time of their reading, outside ``utils/caching.py``."""
    for node in module.find(ast.Subscript):
        if read_dotted(node.value) == "dict":
            value = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
            if ast.unparse(value).startswith("tuple[float, "):
                yield f"line {node.lineno}"


def list_own_backoffs(module: Module) -> Iterator[str]:
    """Find waits that grow to a limit, outside ``utils/backoff.py``: ``min(pause * 2, …)``, or a table."""
    for node in module.find(ast.Call, ast.Assign):
        if isinstance(node, ast.Call):
            is_least = read_dotted(node.func) == "min"
            if is_least and any(_grows(inner) for argument in node.args for inner in ast.walk(argument)):
                yield f"line {node.lineno}"
        elif isinstance(node.value, ast.Tuple):
            yield from (f"line {one.lineno}" for one in node.targets if "RETRY_SECONDS" in read_dotted(one))


def _grows(node: ast.AST) -> bool:
    """Tell whether a value is doubled or raised to a power."""
    if not isinstance(node, ast.BinOp):
        return False
    if isinstance(node.op, ast.Pow):
        return True
    sides = {ast.unparse(node.left), ast.unparse(node.right)}
    return isinstance(node.op, ast.Mult) and bool(sides & {"2", "2.0"})


def list_own_waits(module: Module) -> Iterator[str]:
    """Find waits for the first of several things, or for an event or a time, outside ``utils/waiting.py``."""
    for node in module.find(ast.Attribute, ast.Name, ast.AsyncWith):
        if read_dotted(node).endswith("FIRST_COMPLETED"):
            yield f"line {node.lineno}"
        elif isinstance(node, ast.AsyncWith) and ast.unparse(node.items[0]).startswith("asyncio.timeout("):
            awaited = node.body[0].value if isinstance(node.body[0], ast.Expr) else None
            if len(node.body) == 1 and awaited is not None and ast.unparse(awaited).endswith(".wait()"):
                yield f"line {node.lineno}"


Check = Callable[[Module], Iterator[str]]
CHECKS: dict[Check, set[str]] = {
    list_own_locks: set(),
    list_own_caches: {"utils/caching.py"},
    list_own_backoffs: set(),
    list_own_waits: {
        "utils/waiting.py",
        "utils/composition/application.py",
    },  # its tasks end in an order of their own
}
"""The checks, and the only modules that may have such code."""


@pytest.mark.parametrize("check", CHECKS)
def test_there_is_one_way_for_each(check: Check) -> None:
    """The tree has one way for each of these things.

    A second way would have its own faults, and would miss fixes.
    """
    bot = [module for module in list_modules() if module.room != "simulation"]
    assert {module.path for module in bot if list(check(module))} == CHECKS[check]


@pytest.mark.parametrize(
    ("check", "source", "is_found"),
    [
        (list_own_locks, "x: dict[int, asyncio.Lock] = {}", True),
        (list_own_locks, "x = defaultdict(asyncio.Lock)", True),
        (list_own_locks, "x.setdefault(1, asyncio.Lock())", True),
        (list_own_locks, "x = asyncio.Lock()", False),
        (list_own_locks, "x = KeyedLocks[int]()", False),
        (list_own_caches, "x: dict[int, tuple[float, str]] = {}", True),
        (list_own_caches, "x: dict[int, float] = {}", False),
        (list_own_backoffs, "pause = min(pause * 2, 60)", True),
        (list_own_backoffs, "pause = min(2.0 ** failures, 60)", True),
        (list_own_backoffs, "RETRY_SECONDS = (1, 2, 5)", True),
        (list_own_backoffs, "RETRY_SECONDS = 5.0", False),
        (list_own_backoffs, "x = min(size * share, 60)", False),
        (list_own_waits, "await asyncio.wait(x, return_when=asyncio.FIRST_COMPLETED)", True),
        (list_own_waits, "async def f():\n  async with asyncio.timeout(5):\n    await event.wait()", True),
        (list_own_waits, "async def f():\n  async with asyncio.timeout(5):\n    await read()", False),
        (list_own_waits, "await asyncio.wait(x)", False),
    ],
)
def test_check_finds_a_second_way(check: Check, source: str, *, is_found: bool) -> None:
    """The check finds a second way in the examples."""
    assert bool(list(check(build_module(source)))) == is_found
