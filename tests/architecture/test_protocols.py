"""Protocols: each shape once, and only where there are two implementations or a room's border is crossed."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import pytest

from tests.architecture.source_tree import Module, build_module, list_imports, list_modules
from tests.architecture.test_rooms import KERNEL, ROOMS

ONE_IN_ITS_ROOM = {
    "LoopControl": "tests of the whole application have nothing read by itself",
    "GuildSpeaker": "tests post in a language without a connection to Discord",
}
"""Protocols with one implementation in their own room, each with the reason."""

Shape = frozenset[str]


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the tree.

    Attributes:
        bases: the names of its bases.
        own: its own methods, with the kinds and types of their parameters, and its attributes.
    """

    name: str
    module: Module
    bases: tuple[str, ...]
    own: Shape

    @property
    def is_protocol(self) -> bool:
        """Tell whether the class is a Protocol."""
        return "Protocol" in self.bases


def list_classes(modules: Iterable[Module]) -> list[Class]:
    """Return every class."""
    return [
        Class(node.name, module, tuple(_list_bases(node)), frozenset(_list_members(node)))
        for module in modules
        for node in module.find(ast.ClassDef)
    ]


def _list_bases(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0]
        yield name if name.startswith("asyncio.") else name.rpartition(".")[2]  # it has a Protocol as well


def _list_members(node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _describe(member)
        elif isinstance(member, ast.AnnAssign):
            yield ast.unparse(member.target)


def _describe(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return a method's name and the types of its parameters; a property has only its name."""
    if any(ast.unparse(one).endswith("property") for one in method.decorator_list):
        return method.name
    given = method.args
    types = [ast.unparse(one.annotation) for one in given.posonlyargs + given.args if one.annotation]
    named = [f"{one.arg}: {ast.unparse(one.annotation)}" for one in given.kwonlyargs if one.annotation]
    return f"{method.name}({', '.join(types + sorted(named))})"


def list_copies(modules: Iterable[Module]) -> list[str]:
    """Find Protocols that have all methods of another one, or two in common, and do not inherit them."""
    protocols = [one for one in list_classes(modules) if one.is_protocol and one.own]
    return sorted(
        f"{one.name} ({one.module.path}) and {other.name} ({other.module.path})"
        for one, other in combinations(protocols, 2)
        if _share_too_much(one.own, other.own) and _may_share(one.module.room, other.module.room)
    )


def _share_too_much(one: Shape, other: Shape) -> bool:
    return len(one & other) >= min(2, len(one), len(other))


def _may_share(one: str, other: str) -> bool:
    """Tell whether one of two rooms may import the other."""
    return one == other or one in KERNEL | ROOMS.get(other, set()) or other in KERNEL | ROOMS.get(one, set())


def list_unnamed(modules: Iterable[Module]) -> list[str]:
    """Find Protocols whose line does not say ``# implemented by`` a class that has all of its members.

    A Protocol of one function, and one that only joins others, need no such class.
    """
    classes = list_classes(modules)
    by_name = {one.name: one for one in classes}
    return sorted(
        one.name
        for one in classes
        if one.is_protocol and _needs_class(one) and not _names_class(one, by_name)
    )


def _needs_class(one: Class) -> bool:
    return any(not member.startswith("__call__") for member in one.own)


def _names_class(one: Class, by_name: dict[str, Class]) -> bool:
    said = re.search(rf"^class {one.name}\(.*# implemented by (\w+)$", one.module.source, re.MULTILINE)
    named = by_name.get(said[1]) if said else None
    return named is not None and _collect_names(one, by_name) <= _collect_names(named, by_name)


def list_needless(modules: Iterable[Module]) -> list[str]:
    """Find Protocols of a room that only one class of that room fulfils, and that no other room names."""
    tree = list(modules)
    classes = list_classes(tree)
    by_name = {one.name: one for one in classes}
    shapes = {id(one): _collect_names(one, by_name) for one in classes}
    needless = []
    for one in (each for each in classes if each.is_protocol):
        wanted = shapes[id(one)]
        fulfil = [each for each in classes if not each.is_protocol and wanted <= shapes[id(each)]]
        if len(fulfil) == 1 and fulfil[0].module.room == one.module.room and not _is_shared(one, tree):
            needless.append(one.name)
    return sorted(needless)


def _collect_names(one: Class, by_name: dict[str, Class]) -> Shape:
    names = {member.partition("(")[0] for member in one.own}
    for base in one.bases:
        if base in by_name and by_name[base] is not one:
            names |= _collect_names(by_name[base], by_name)
    return frozenset(names)


def _is_shared(one: Class, tree: Iterable[Module]) -> bool:
    """Tell whether another room names a Protocol. Rooms that join the others do not count."""
    return any(
        (one.module.name, one.name) in set(list_imports(module))
        for module in tree
        if module.room not in {one.module.room, "utils.composition"}
    )


def _list_product() -> list[Module]:
    return [module for module in list_modules() if module.room != "simulation"]


def test_every_shape_of_a_protocol_stands_once() -> None:
    """The shape of a Protocol exists once. Someone would change one copy and forget the other."""
    assert list_copies(_list_product()) == []


def test_every_protocol_names_a_class_that_implements_it() -> None:
    """A reader who follows a kill meets a Protocol, and goes on from there to the class that runs."""
    assert list_unnamed(_list_product()) == []


def test_no_protocol_stands_for_one_class_of_its_own_room() -> None:
    """Within a room the code names the class itself, so “go to definition” leads to the code that runs."""
    assert list_needless(_list_product()) == sorted(ONE_IN_ITS_ROOM)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("class Finder(Protocol):  # implemented by Shelf\n", []),
        ("class Finder(Protocol):  # implemented by Box\n", ["Finder"]),
        ("class Finder(Protocol):  # implemented by Nobody\n", ["Finder"]),
        ("class Finder(Protocol):\n", ["Finder"]),
    ],
)
def test_protocols_without_their_class_are_found(line: str, found: list[str]) -> None:
    """The class exists and has the methods."""
    method = "    def find(self) -> None: ...\n"
    source = f"{line}{method}class Shelf:\n{method}class Box:\n    size: int\n"
    assert list_unnamed([build_module(source)]) == found


PROTOCOL = "class {}(Protocol):\n    async def find(self, a: int, *, b: str) -> None: ...\n"
TWO_METHODS = "class Store({}Protocol):\n    def list(self) -> None: ...\n{}"
AGAIN = "    async def find(self, c: int, *, b: str) -> None: ...\n"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (PROTOCOL.format("Finder") + PROTOCOL.format("Seeker"), 1),
        (PROTOCOL.format("Finder") + PROTOCOL.format("Seeker").replace("int", "str"), 0),
        (PROTOCOL.format("Finder") + TWO_METHODS.format("", AGAIN), 1),
        (PROTOCOL.format("Finder") + TWO_METHODS.format("Finder, ", ""), 0),
    ],
)
def test_copies_are_found(source: str, found: int) -> None:
    """Two Protocols are copies if the names and types of their methods agree, with any parameters."""
    assert len(list_copies([build_module(source)])) == found


CLASS = "class Shelf:\n    async def find(self, a: int, *, b: str) -> None: ...\n"


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ({"utils/services/a.py": PROTOCOL.format("Finder") + CLASS}, ["Finder"]),
        ({"utils/services/a.py": PROTOCOL.format("Finder") + CLASS + CLASS.replace("Shelf", "Box")}, []),
        ({"utils/services/a.py": PROTOCOL.format("Finder"), "utils/database/a.py": CLASS}, []),
        (
            {
                "utils/services/a.py": PROTOCOL.format("Finder") + CLASS,
                "utils/delivery/a.py": "from utils.services.a import Finder",
            },
            [],
        ),
    ],
)
def test_needless_protocols_are_found(sources: dict[str, str], found: list[str]) -> None:
    """A Protocol is needed if it has two implementations, or crosses a border between rooms."""
    assert list_needless([build_module(source, path) for path, source in sources.items()]) == found
