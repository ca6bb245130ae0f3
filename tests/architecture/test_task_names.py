"""Every background task has a name that people can read in their language."""

import ast
from collections.abc import Iterator, Mapping

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted
from utils.embeds.audit import TASK_NAMES
from utils.services.ingestion.deadside_log_reader import GAME_LOG
from utils.services.ingestion.death_log_reader import DEATH_LOG

LOGS = {f"read:{log}" for log in (DEATH_LOG, GAME_LOG)}


def list_task_names(module: Module, constants: Mapping[str, str]) -> Iterator[str]:
    """Yield the beginning of each name that tasks are started under; all of it where it is a literal."""
    for node in module.find(ast.Call):
        if read_dotted(node.func).endswith(("tasks.start", "WorkQueue")):
            yield from _read(node.args[0], module, constants)


def _read(name: ast.expr, module: Module, constants: Mapping[str, str]) -> Iterator[str]:
    match name:
        case ast.Constant(value=str() as literal):
            yield literal
        case ast.JoinedStr(values=[ast.Constant(value=str() as begun), *_]):
            yield begun
        case ast.JoinedStr():
            return  # the name of a queue comes first, and that is a literal elsewhere
        case ast.Name(id=variable) if variable in constants:
            yield constants[variable]
        case ast.Name(id=variable):
            yield from _read(_find_value(module, variable), module, constants)
        case ast.Call(func=ast.Name(id=function)):
            yield from _read(_find_value(module, function), module, constants)
        case _:
            raise AssertionError(f"{module.path}, line {name.lineno}: a name that nobody can look up")


def _find_value(module: Module, name: str) -> ast.expr:
    """Return what a variable is set to, or what a function returns."""
    for node in module.find(ast.Assign, ast.FunctionDef):
        if isinstance(node, ast.Assign) and [read_dotted(target) for target in node.targets] == [name]:
            return node.value
        if isinstance(node, ast.FunctionDef) and node.name == name:
            [returned] = [one.value for one in node.body if isinstance(one, ast.Return)]
            assert returned is not None
            return returned
    raise AssertionError(f"{module.path}: {name} is set nowhere")


def list_constants(module: Module) -> Iterator[tuple[str, str]]:
    """Yield the module's constants that are texts, alone or in a row."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple):
            pairs = (
                zip(node.targets[0].elts, node.value.elts, strict=True)
                if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
                else [(node.targets[0], node.value)]
            )
            for target, value in pairs:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield read_dotted(target), value.value


def is_named(begun: str) -> bool:
    """Tell whether people can read what a task does; the logs of a server have a name each."""
    return begun.rstrip(":") in TASK_NAMES or (begun == "read:" and TASK_NAMES.keys() >= LOGS)


def test_every_task_has_a_name_for_people() -> None:
    """``/owner tasks`` shows every task of the bot."""
    modules = list_modules()
    constants = {name: value for module in modules for name, value in list_constants(module)}
    found = {name for module in modules for name in list_task_names(module, constants)}
    assert len(found) > 15
    assert [name for name in sorted(found) if not is_named(name)] == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('self.tasks.start("sftp:idle", x)', ["sftp:idle"]),
        ('tasks.start(f"alert:{guild_id}", x)', ["alert:"]),
        ('def f():\n    name = f"proof:{link}"\n    self._tasks.start(name, x)', ["proof:"]),
        ('def _name(key):\n    return f"deliver:{key}"\ntasks.start(_name(1), x)', ["deliver:"]),
        ("WorkQueue(SOME_TASK, x)", ["some:task"]),
    ],
)
def test_names_are_found(source: str, names: list[str]) -> None:
    """A rule that nothing can break proves nothing."""
    assert list(list_task_names(build_module(source), {"SOME_TASK": "some:task"})) == names
    assert not is_named("some:task")
    assert not is_named("invented:")
