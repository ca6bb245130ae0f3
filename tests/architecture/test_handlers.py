"""Handlers of events note, wake or enqueue, and return.

So they never delay the code that dispatches an event.
"""

import ast
from collections.abc import Iterator
from typing import get_args

import pytest

from tests.architecture.source_tree import FUNCTIONS, Module, build_module, list_modules
from utils import events

EVENTS = {kind.__name__ for kind in get_args(events.Event)}
"""The names of all events."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_handlers(module: Module) -> Iterator[Function]:
    """Find the methods that take an event and are named after it."""
    for node in module.find(*FUNCTIONS):
        if node.name.lstrip("_").startswith("on_") and _takes_event(node):
            yield node


def list_waiting_handlers(module: Module) -> Iterator[str]:
    """Find handlers that could wait."""
    for handler in list_handlers(module):
        if isinstance(handler, ast.AsyncFunctionDef):
            yield f"{handler.name}: line {handler.lineno}"


def _takes_event(function: Function) -> bool:
    kinds = [one.annotation for one in function.args.args]
    return any(isinstance(kind, ast.Name) and kind.id in EVENTS for kind in kinds)


def _list_registered() -> set[str]:
    """Return the names of the handlers that the bot registers."""
    calls = (
        node
        for module in list_modules()
        for node in module.find(ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "register"
    )
    given = (call.args for call in calls if len(call.args) == 2)
    return {
        handler.attr
        for kind, handler in given
        if isinstance(kind, ast.Name) and kind.id in EVENTS and isinstance(handler, ast.Attribute)
    }


def test_no_handler_can_wait() -> None:
    """No handler can wait, because a poll reads on only when the handlers of its events have returned."""
    found = {module.path: list(list_waiting_handlers(module)) for module in list_modules()}
    assert {path: waiting for path, waiting in found.items() if waiting} == {}


def test_every_registered_handler_is_looked_at() -> None:
    """Every registered handler takes its event, so that the check above sees it, and each is registered."""
    seen = {handler.name for module in list_modules() for handler in list_handlers(module)}
    assert _list_registered() == seen
    assert len(seen) >= 8


@pytest.mark.parametrize(
    ("source", "is_breach"),
    [
        ("class A:\n  async def on_guild_left(self, event: GuildLeft): ...", True),
        ("class A:\n  async def _on_guild_left(self, event: GuildLeft): ...", True),
        ("class A:\n  def on_guild_left(self, event: GuildLeft): ...", False),
        ("class A:\n  async def on_ready(self): ...", False),
    ],
)
def test_check_finds_what_it_looks_for(source: str, *, is_breach: bool) -> None:
    """The check finds the handlers that can wait and no others."""
    assert bool(list(list_waiting_handlers(build_module(source)))) == is_breach
