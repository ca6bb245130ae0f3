"""One way each: what the kernel offers as a value is not made by hand a second time."""

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted


def list_own_locks(module: Module) -> Iterator[str]:
    """Find locks kept by key beside ``utils/locks.py``, which drops those that nobody uses."""
    if module.path == "utils/locks.py":
        return
    for node in module.walk():
        if isinstance(node, ast.Subscript) and read_dotted(node.value).endswith("dict"):
            if any(read_dotted(inner).endswith("Lock") for inner in ast.walk(node.slice)):
                yield f"line {node.lineno}"
        elif isinstance(node, ast.Call) and read_dotted(node.func).endswith(("defaultdict", "setdefault")):
            if any(read_dotted(inner).endswith("asyncio.Lock") for inner in ast.walk(node)):
                yield f"line {node.lineno}"


def list_own_caches(module: Module) -> Iterator[str]:
    """Find values kept by key with the time they were read at, beside ``utils/caching.py``."""
    if module.path == "utils/caching.py":
        return
    for node in module.walk():
        if isinstance(node, ast.Subscript) and read_dotted(node.value) == "dict":
            value = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
            if isinstance(value, ast.Subscript) and ast.unparse(value).startswith("tuple[float, "):
                yield f"line {node.lineno}"


Check = Callable[[Module], Iterator[str]]
CHECKS: tuple[Check, ...] = (list_own_locks, list_own_caches)


@pytest.mark.parametrize("check", CHECKS)
def test_there_is_one_way_for_each(check: Check) -> None:
    """A second way has faults of its own, and a fix of one does not reach the other."""
    modules = [module for module in list_modules() if module.room != "simulation"]
    assert {module.path: found for module in modules if (found := list(check(module)))} == {}


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
    ],
)
def test_check_finds_a_second_way(check: Check, source: str, *, is_found: bool) -> None:
    """A rule that nothing can break proves nothing."""
    assert bool(list(check(build_module(source)))) == is_found
