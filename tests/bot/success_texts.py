"""Finds the texts that report a success, in the source of the bot.

A success is an answer of a command or a button that declares a change (``is_change``), and every message that
``build_success`` makes. From the function that answers or builds it, its helpers are followed: functions of
the same module, imported ones, builders of embeds, methods of other cogs' classes, and methods of services
that return a text. Their titles and whole sentences count; names of fields, labels of buttons and refusals
promise nothing, and neither does the colour of a state.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.architecture.source_tree import Module, list_imports, list_modules, read_dotted
from utils.localization.messages import MAKERS

ROOMS = (
    "cogs/",
    "utils/embeds/",
    "utils/delivery/",
    "utils/services/",
    "utils/interactions/kill_channels.py",
)
MAKERS_OF_SUCCESS = {"build_success", "build_success_embed"}
NO_ANSWERS = {"add_field", "add_footer", "add_button", "add_select", "add_channel_select", "ask_first"}
FACTORY = "utils/embeds/factory.py"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Place:
    """A function and the module that it is in."""

    module: Module
    function: Function

    @property
    def is_success(self) -> bool:
        """Tell whether it builds a success, or answers a command or a button that changes something."""
        declared = " ".join(map(ast.unparse, self.function.decorator_list))
        if "is_change=True" in declared or "FOR_HOSTS" in declared:
            return True
        return self.builds_success

    @property
    def builds_success(self) -> bool:
        """Tell whether it builds a message of success."""
        return any(
            (isinstance(node, ast.Attribute) and node.attr in MAKERS_OF_SUCCESS)
            or (isinstance(node, ast.Name) and node.id in MAKERS_OF_SUCCESS)
            for node in ast.walk(self.function)
        )

    def list_texts(self) -> Iterator[str]:
        """Yield its sentences and titles, refusals, fields and buttons aside."""
        titles = set(_list_literals(list(self._list_titles())))
        for literal in _list_literals(self.function.body):
            if literal.endswith(".") or self.builds_success or literal in titles:
                yield literal

    def _list_titles(self) -> Iterator[ast.AST]:
        """Yield what becomes a title: the variables of that name, and the first of two returned texts."""
        for node in ast.walk(self.function):
            if isinstance(node, ast.Assign) and "title" in map(read_dotted, node.targets):
                yield node.value
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                yield from node.value.elts[:1]
            elif isinstance(node, ast.Call) and read_dotted(node.func) == "style.build":
                yield node.args[0]


def _list_literals(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        called = read_dotted(node.func) if isinstance(node, ast.Call) else ""
        if _is_refusal(node) or called.rpartition(".")[2] in NO_ANSWERS:
            continue
        if isinstance(node, ast.Call) and called in MAKERS:
            given = node.args[1 if called == "text_in" else 0]
            if isinstance(given, ast.Constant):
                yield str(given.value)
        yield from _list_literals(list(ast.iter_child_nodes(node)))


def _is_refusal(node: ast.AST) -> bool:
    is_error = isinstance(node, ast.Call) and read_dotted(node.func).endswith("Error")
    return isinstance(node, ast.Raise) or is_error


def _walk_said(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every node that is not part of a refusal."""
    if not _is_refusal(node):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _walk_said(child)


class Source:
    """The modules that answer people."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._modules = {one.name: one for one in modules if one.path.startswith(ROOMS)}

    def list_successes(self) -> set[str]:
        """Return the texts of every success."""
        every = [one for module in self._modules.values() for one in self._places[module.name].values()]
        waiting = [place for places in every for place in places if place.is_success]
        seen: set[Place] = set()
        while waiting:
            place = waiting.pop()
            if place not in seen and place.module.path != FACTORY:
                seen.add(place)
                waiting += self._follow(place)
        return {text for place in seen for text in place.list_texts()}

    @cached_property
    def _places(self) -> dict[str, dict[str, list[Place]]]:
        found: dict[str, dict[str, list[Place]]] = {}
        for name, module in self._modules.items():
            places = found.setdefault(name, {})
            for node in module.walk():
                if isinstance(node, Function):
                    places.setdefault(node.name, []).append(Place(module, node))
        return found

    @cached_property
    def _builders(self) -> dict[str, list[Place]]:
        """The builders of embeds by the names of the factory's methods."""
        [factory] = [one for one in self._modules.values() if one.path == FACTORY]
        return {
            str(node.targets[0].id): self._places[f"utils.embeds.{read_dotted(node.value.args[0].value)}"][
                node.value.args[0].attr
            ]
            for node in factory.walk()
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and read_dotted(node.value.func) == "_show"
            and isinstance(node.value.args[0], ast.Attribute)
        }

    @cached_property
    def _imports(self) -> dict[str, dict[str, str]]:
        """The homes of the names that each module imports."""
        return {
            name: {one: home for home, one in list_imports(module) if home in self._modules}
            for name, module in self._modules.items()
        }

    def _follow(self, place: Place) -> Iterator[Place]:
        """Yield the functions that a function names."""
        own, imported = self._places[place.module.name], self._imports[place.module.name]
        for node in _walk_said(place.function):
            if isinstance(node, ast.Name):
                home = self._places.get(imported.get(node.id, ""), {})
                yield from own.get(node.id, []) + home.get(node.id, [])
            elif isinstance(node, ast.Attribute):
                receiver = read_dotted(node.value)
                if receiver.endswith("embeds"):
                    yield from self._builders.get(node.attr, [])
                elif receiver == "self":
                    yield from own.get(node.attr, [])
                elif receiver.startswith(("self.services.", "services.")):
                    yield from self._list_told_by_services(node.attr)
                elif not receiver.startswith(("self.services", "ctx")):
                    yield from self._list_methods(node.attr, set(imported.values()))

    def _list_told_by_services(self, name: str) -> Iterator[Place]:
        for module, places in self._places.items():
            for place in places.get(name, []) if module.startswith("utils.services") else ():
                if place.function.returns is not None and ast.unparse(place.function.returns) == "Text":
                    yield place

    def _list_methods(self, name: str, modules: set[str]) -> Iterator[Place]:
        for module in modules:
            if module.startswith("cogs") or module.endswith("kill_channels"):
                yield from self._places[module].get(name, [])


def list_successes() -> set[str]:
    """Return every text by which the bot says that something was done."""
    return Source(list_modules()).list_successes()
