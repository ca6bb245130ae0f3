"""The project's source as syntax trees, for the rules that check it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP_LEVEL = ("bot.py", "cogs", "utils", "simulation")


@dataclass(frozen=True, slots=True)
class Module:
    """One source file.

    Attributes:
        path: the path from the root of the project, with ``/``.
        source: its text.
        tree: the syntax tree of the source.
    """

    path: str
    source: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Return the dotted name under which it is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def room(self) -> str:
        """Return its room: the first name of the dotted name, below ``utils`` the first two."""
        return find_room(self.name)

    def walk(self) -> Iterator[ast.AST]:
        """Yield every node."""
        return iter(_list_nodes(self.tree))


def find_room(name: str) -> str:
    """Return the room of a dotted name."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "utils" else parts[0]


def build_module(source: str, path: str = "utils/services/example.py") -> Module:
    """Return a module from its text."""
    return Module(path, source, ast.parse(source))


@cache
def _list_nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return every node of a tree; dozens of rules go through the same trees."""
    return tuple(ast.walk(tree))


@cache
def list_modules() -> tuple[Module, ...]:
    """Return every source file of the project, tests and benchmarks aside."""
    tops = [ROOT / name for name in TOP_LEVEL]
    files = [file for top in tops for file in ([top] if top.is_file() else sorted(top.rglob("*.py")))]
    return tuple(
        build_module(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()) for file in files
    )


def list_imports(module: Module) -> Iterator[tuple[str, str]]:
    """Yield every import as ``(module, name)``; the name is empty for a whole module."""
    for node in module.walk():
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def read_dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for an attribute chain on a plain name, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := read_dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""
