"""Units of work run in a thread, within a transaction. They do not wait, and they use no service."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import FUNCTIONS, Module, build_module, list_modules, read_dotted

Function = ast.FunctionDef | ast.AsyncFunctionDef
NAMES = {"unit", "transaction"}
KINDS = ("Unit", "Transaction")
ABOUT_UNITS = re.compile(r"unit|transaction", re.IGNORECASE)  # all other modules need no look at their nodes
WAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith)


def list_breaches(module: Module) -> Iterator[str]:
    """Find functions that take a unit and wait, or use objects other than their arguments."""
    for owner in module.walk() if ABOUT_UNITS.search(module.source) else ():
        for function in ast.iter_child_nodes(owner):
            if isinstance(function, ast.Lambda) and {one.arg for one in function.args.args} & NAMES:
                yield f"line {function.lineno}: a unit of work has a name and types"
            if isinstance(function, Function) and _takes_unit(function):
                yield from (f"{function.name}: {found}" for found in _judge(owner, function))
        if isinstance(owner, ast.ClassDef) and _is_bound_to_unit(owner):
            waiting = [one.name for one in owner.body if isinstance(one, ast.AsyncFunctionDef)]
            yield from (f"{owner.name}.{name}: waits" for name in waiting)


def _judge(owner: ast.AST, function: Function) -> Iterator[str]:
    nodes = list(ast.walk(function))
    if isinstance(function, ast.AsyncFunctionDef) or any(isinstance(node, WAITS) for node in nodes):
        yield "waits"
    if any(isinstance(node, ast.Nonlocal | ast.Global) for node in nodes):
        yield "changes a variable outside of it"
    is_own = isinstance(owner, ast.ClassDef) and (_is_value(owner) or _is_bound_to_unit(owner))
    is_method = isinstance(owner, ast.ClassDef) and _is_protocol(owner)
    uses_self = any(isinstance(node, ast.Name) and node.id == "self" for node in nodes)
    if uses_self and not is_own and not is_method:
        yield "touches an object that the event loop shares"


def _takes_unit(function: Function) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return any(one.arg in NAMES or _is_unit(one.annotation) for one in arguments)


def _is_unit(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.endswith(KINDS)
    return isinstance(annotation, ast.Name) and annotation.id.endswith(KINDS)


def _is_value(owner: ast.ClassDef) -> bool:
    """Tell whether a class is a frozen dataclass, whose fields cannot change."""
    calls = [one for one in owner.decorator_list if isinstance(one, ast.Call)]
    given = {
        word.arg: word.value
        for call in calls
        if read_dotted(call.func) == "dataclass"
        for word in call.keywords
    }
    return isinstance(given.get("frozen"), ast.Constant)


def _is_protocol(owner: ast.ClassDef) -> bool:
    return any(read_dotted(base).startswith("Protocol") for base in owner.bases)


def _is_bound_to_unit(owner: ast.ClassDef) -> bool:
    """Tell whether a class is made for one transaction: its ``__init__`` takes a unit."""
    makers = [one for one in owner.body if isinstance(one, Function) and one.name == "__init__"]
    return any(_takes_unit(one) for one in makers)


def test_units_of_work_wait_for_nothing_and_touch_no_service() -> None:
    """A unit of work has no event loop, and the state of a service can change while it runs."""
    found = {module.path: list(list_breaches(module)) for module in list_modules()}
    assert {path: breaches for path, breaches in found.items() if breaches} == {}


def test_every_way_into_a_transaction_is_looked_at() -> None:
    """The check sees the units of work of batches, money, erasures and links."""
    seen = {node.name for module in list_modules() for node in module.find(*FUNCTIONS) if _takes_unit(node)}
    assert seen >= {"store_live_batch", "store_history_batch", "judge", "close_with_refund", "prove", "step"}


SERVICE = "class Service:\n"
BOUND = "class Payment:\n  def __init__(self, unit: MoneyUnit):\n    self._unit = unit\n"
VALUE = "@dataclass(frozen=True, slots=True)\nclass Terms:\n"


@pytest.mark.parametrize(
    ("source", "is_breach"),
    [
        ("async def store(unit: MoneyUnit): ...", True),
        ("def store(unit: MoneyUnit):\n  return unit.book(1)", False),
        ("def outer():\n  async def store(transaction):\n    await transaction.find()", True),
        ("work = lambda unit: unit.book(1)", True),
        (SERVICE + "  def store(self, unit: MoneyUnit):\n    return unit.book(self._price)", True),
        (SERVICE + "  def store(self, unit: MoneyUnit):\n    self._done = True", True),
        (SERVICE + "  async def ask(self):\n    def store(one: MoneyUnit):\n      self._count += 1", True),
        (SERVICE + "  async def ask(self):\n    def store(one: MoneyUnit):\n      one.book(1)", False),
        ("def ask():\n  done = 0\n  def store(unit):\n    nonlocal done\n    done = 1", True),
        (VALUE + "  def judge(self, unit: 'RuleUnit'):\n    return unit.money.book(self.price)", False),
        (BOUND + "  def pay(self):\n    self._paid = self._unit.book(1)", False),
        (BOUND + "  async def pay(self): ...", True),
    ],
)
def test_check_finds_what_it_looks_for(source: str, *, is_breach: bool) -> None:
    """The check finds the breaches of the examples and nothing else."""
    assert bool(list(list_breaches(build_module(source)))) == is_breach
