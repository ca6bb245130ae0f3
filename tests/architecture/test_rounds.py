"""Loops over guilds use ``for_each``, so that one failing guild does not stop the others."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import FUNCTIONS, Module, build_module, list_modules, read_dotted

OF_GUILDS = {"guild_id"}
ISOLATING = {"attempt", "for_each"}
ROOMS = {"utils.services", "utils.delivery", "utils.interactions", "utils.composition", "cogs", "bot"}

Loop = ast.For | ast.AsyncFor | ast.comprehension
Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_shared_fates(module: Module) -> Iterator[str]:
    """Find loops over guilds, or over keys of the scope index, that wait without isolating each guild."""
    if module.room not in ROOMS:
        return
    for function in module.find(*FUNCTIONS):
        listed = _name_what_is_listed(function)
        for owner, loop in _list_loops(function):
            if _goes_over_guilds(loop, listed) and _waits(owner):
                yield f"{function.name}: line {loop.iter.lineno}"


def _name_what_is_listed(function: Function) -> set[str]:
    """Return the variables that contain keys of the scope index, or values made of them."""
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _is_listed(node.value, names):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _is_listed(value: ast.expr, names: set[str]) -> bool:
    calls = {read_dotted(node.func) for node in ast.walk(value) if isinstance(node, ast.Call)}
    used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    return any("scope_index.list_" in call for call in calls) or bool(used & names)


def _list_loops(function: Function) -> Iterator[tuple[ast.AST, Loop]]:
    for node in ast.walk(function):
        if isinstance(node, ast.For | ast.AsyncFor):
            yield node, node
        for loop in getattr(node, "generators", ()):
            yield node, loop


def _goes_over_guilds(loop: Loop, listed: set[str]) -> bool:
    targets = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    return bool(targets & OF_GUILDS) or _is_listed(loop.iter, listed)


def _waits(owner: ast.AST) -> bool:
    """Tell whether a loop waits in its body, or makes awaitables, without an isolated call."""
    parts = [*owner.body, *owner.orelse] if isinstance(owner, ast.For | ast.AsyncFor) else _list_made(owner)
    nodes = [node for part in parts for node in ast.walk(part)]
    calls = {read_dotted(node.func).rpartition(".")[2] for node in nodes if isinstance(node, ast.Call)}
    is_isolated = bool(calls & ISOLATING)
    makes_work = isinstance(owner, ast.GeneratorExp) and bool(calls)
    return not is_isolated and (makes_work or any(isinstance(node, ast.Await) for node in nodes))


def _list_made(comprehension: ast.AST) -> list[ast.AST]:
    made = [getattr(comprehension, name, None) for name in ("elt", "key", "value")]
    conditions = [test for loop in getattr(comprehension, "generators", ()) for test in loop.ifs]
    inner = [loop.iter for loop in getattr(comprehension, "generators", ())[1:]]
    return [node for node in (*made, *conditions, *inner) if node is not None]


def test_no_loop_over_guilds_ends_at_the_first_that_fails() -> None:
    """No loop over guilds ends at the first failing guild; the failure names the file of such a loop."""
    found = {module.path: list(list_shared_fates(module)) for module in list_modules()}
    assert {path: loops for path, loops in found.items() if loops} == {}


HEAD = "async def look(self):\n"


@pytest.mark.parametrize(
    ("source", "is_breach"),
    [
        ("  for guild_id in await self._scope_index.list_guild_ids():\n    await self.visit(guild_id)", True),
        ("  for one in await self._rooms.scope_index.list_due(now):\n    await self.end(one)", True),
        ("  found = await self._scope_index.list_all()\n  for one in found:\n    await self.end(one)", True),
        ("  for guild_id in tuple(self._unchecked):\n    await self.visit(guild_id)", True),
        ("  return [x for guild_id in ids for x in await self._judge(guild_id)]", True),
        ("  await gather(*(self.look(guild_id) for guild_id in ids))", True),
        ("  for (guild_id, key), text in list(self._waiting.items()):\n    await self.tell(text)", True),
        (
            "  found = await self._scope_index.list_all()\n  await self._tasks.for_each('a', found, work)",
            False,
        ),
        ("  await gather(*(self._tasks.attempt('a', guild_id, work) for guild_id in ids))", False),
        ("  scopes = {one.guild_id for one in await self._scope_index.list_all()}", False),
        ("  for guild_id in ids:\n    self.forget(guild_id)", False),
        ("  for server in await self._store.list_servers(guild_id):\n    await self.look(server)", False),
    ],
)
def test_check_finds_a_loop_that_shares_one_fate(source: str, *, is_breach: bool) -> None:
    """The check finds loops in which one failing guild stops the others."""
    assert bool(list(list_shared_fates(build_module(HEAD + source)))) == is_breach
