"""The project's source as syntax trees, for the rules that check it."""

import ast
import gc
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
TOP_LEVEL = ("bot.py", "cogs", "utils", "simulation")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Kind = TypeVar("Kind", bound=ast.AST)


@dataclass(frozen=True)
class Module:
    """One source file, parsed when a rule first looks into it.

    Attributes:
        path: the path from the root of the project, with ``/``.
        source: its text.
    """

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the source."""
        is_collecting = gc.isenabled()
        gc.disable()  # its looks through all trees would take twice as long as the parsing
        try:
            return ast.parse(self.source)
        finally:
            if is_collecting:
                gc.enable()

    @property
    def name(self) -> str:
        """Return the dotted name under which it is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def room(self) -> str:
        """Return its room: the first name of the dotted name, below ``utils`` the first two."""
        return find_room(self.name)

    @property
    def tokens(self) -> Iterator[tokenize.TokenInfo]:
        """Its tokens; they take longer than the tree, so a rule looks at the text before it asks for them."""
        return tokenize.generate_tokens(io.StringIO(self.source).readline)

    def walk(self) -> Iterator[ast.AST]:
        """Yield every node, without the marks of loads and stores."""
        return iter(self._nodes)

    def find(self, *kinds: type[Kind]) -> Iterator[Kind]:
        """Yield the nodes of exactly these kinds."""
        for kind in kinds:
            yield from self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[Any]]:
        found: dict[type[ast.AST], list[Any]] = {}
        for node in self._nodes:
            found.setdefault(type(node), []).append(node)
        return found

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        """Every node; dozens of rules go through the same trees."""
        nodes: list[ast.AST] = [self.tree]
        for node in nodes:  # grows on the way
            for value in vars(node).values():
                if isinstance(value, list):
                    nodes += [one for one in value if isinstance(one, ast.AST)]
                elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                    nodes.append(value)
        return nodes


def find_room(name: str) -> str:
    """Return the room of a dotted name."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "utils" else parts[0]


def build_module(source: str, path: str = "utils/services/example.py") -> Module:
    """Return a module from its text."""
    return Module(path, source)


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
    for node in module.find(ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    for node in module.find(ast.ImportFrom):
        yield from ((node.module or "", alias.name) for alias in node.names)


def read_dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for an attribute chain on a plain name, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := read_dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""
