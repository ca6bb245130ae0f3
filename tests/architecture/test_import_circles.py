"""The imports have no circles, so a reader can read the imported modules of each module first."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.source_tree import Module, build_module, list_imports, list_modules


def find_circle(modules: Iterable[Module]) -> list[str]:
    """Return the modules of one circle of imports, in order. Imports for type checkers count too."""
    by_name = {module.name: module for module in modules}
    wanted = {
        name: {
            known
            for base, member in list_imports(module)
            if (known := _find_known(base, member, by_name)) is not None and known != name
        }
        for name, module in by_name.items()
    }
    try:
        TopologicalSorter(wanted).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def _find_known(base: str, member: str, by_name: dict[str, Module]) -> str | None:
    """Return the module that an import reads: ``from package import module`` reads that module."""
    whole = f"{base}.{member}"
    return whole if whole in by_name else base if base in by_name else None


def test_no_module_imports_itself_by_way_of_others() -> None:
    """No module imports itself through others, at run time or under ``TYPE_CHECKING``."""
    assert find_circle(list_modules()) == []


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"a": "from utils import b", "b": "import utils.a"}, ["utils.a", "utils.b"]),
        ({"a": "from utils.b import X", "b": "import utils.c", "c": ""}, []),
        (
            {"a": "if TYPE_CHECKING:\n    from utils.b import X", "b": "def f():\n    import utils.a"},
            ["utils.a", "utils.b"],
        ),
    ],
)
def test_circle_is_found(sources: dict[str, str], expected: list[str]) -> None:
    """The check finds the circles of the examples and no others."""
    modules = [build_module(source, f"utils/{name}.py") for name, source in sources.items()]
    assert sorted(set(find_circle(modules))) == expected
