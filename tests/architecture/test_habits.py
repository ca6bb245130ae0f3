"""Habits of the whole tree: no swallowed errors, no patches, injected time, scope first, short functions."""

import ast
import re
import tokenize
from collections.abc import Callable, Iterator

import aiohttp
import discord
import pytest

from tests.architecture.source_tree import FUNCTIONS, Module, build_module, list_modules, read_dotted

CATCH_ALL_ROOMS = {"utils.tasks", "utils.events", "utils.telemetry"}
BROAD = {"Exception", "BaseException"}
SENDER = "utils/delivery/sender.py"
FINDS_MESSAGES = {
    *("get_partial_messageable", "get_partial_message", "create_dm", "get_or_fetch"),
    *("fetch_channel", "fetch_message", "fetch_user", "fetch_member", "fetch_guild", "history"),
}
DOCUMENTED_SETTINGS = {"discord.Route.API_BASE_URL", "discord.http.Route.API_BASE_URL"}
DOCUMENTED_HOOKS = {"threading.excepthook", "sys.unraisablehook"}
"""The documented hooks of Python for unhandled errors."""
FORBIDDEN_WORDS = {
    *("helper", "helpers", "util", "utils", "common", "misc", "manager", "new", "old", "fixed", "final"),
    *("v2", "compat", "patch", "adapter", "safe"),
}
LONGEST_FUNCTION = 60
LONGEST_FILE = 500
LONGEST_COG = 300
SCOPES = {
    "ServerScope",
    "GuildId",
    "BoardKey",
    "ServerHealth",
    "CoveredDeaths",
    "GroupWrite",
}  # these hold their scope
KEYLESS_REPOSITORIES = {"scope_index", "leases"}  # answer start-up and timers: keys only; belong to a shard
NOT_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


def list_swallowed(module: Module) -> Iterator[str]:
    """Find broad handlers that do not raise again, outside the three rooms that may catch everything."""
    for node in module.find(ast.ExceptHandler) if module.room not in CATCH_ALL_ROOMS else ():
        caught = [node.type, *getattr(node.type, "elts", [])]
        is_broad = node.type is None or any(isinstance(one, ast.Name) and one.id in BROAD for one in caught)
        if is_broad and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            yield f"line {node.lineno}"


def list_patches(module: Module) -> Iterator[str]:
    """Find assignments to attributes of imported names, except py-cord's documented address."""
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in module.find(ast.Import, ast.ImportFrom)
        for alias in node.names
    }
    for node in module.find(*CHANGES):
        for target in _list_targets(node):
            dotted = read_dotted(target)
            if "." in dotted and dotted.split(".")[0] in imported:
                if module.room in {"utils.commandline", "simulation"} and dotted in DOCUMENTED_SETTINGS:
                    continue
                if module.room == "utils.telemetry" and dotted in DOCUMENTED_HOOKS:
                    continue
                yield dotted


CHANGES = (ast.Assign, ast.Delete, ast.AugAssign, ast.AnnAssign, ast.Call)


def _list_targets(node: ast.AST) -> list[ast.expr]:
    """Return the targets of an assignment or deletion, or those of a call of ``setattr`` or ``delattr``."""
    if isinstance(node, ast.Assign | ast.Delete):
        return [part for target in node.targets for part in getattr(target, "elts", [target])]
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [node.target]
    if isinstance(node, ast.Call) and read_dotted(node.func) in {"setattr", "delattr"} and node.args:
        return [ast.Attribute(node.args[0], "…")]
    return []


def list_own_maps(module: Module) -> Iterator[str]:
    """Find errors of requests to Discord that delivery handles outside the sender's map."""
    if module.room != "utils.delivery" or module.path == SENDER:
        return
    for node in module.find(ast.ImportFrom, ast.ExceptHandler, ast.Attribute):
        if isinstance(node, ast.ImportFrom):
            yield from filter(_is_request_error, (f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.ExceptHandler):
            if node.type is None:
                continue
            caught = map(read_dotted, getattr(node.type, "elts", [node.type]))
            yield from (name for name in caught if name in {"OSError", "ConnectionError", "TimeoutError"})
        elif _is_request_error(read_dotted(node)):
            yield read_dotted(node)


def _is_request_error(dotted: str) -> bool:
    """Tell whether a dotted name is an error of Discord's library or of its HTTP client."""
    library, *names = dotted.split(".")
    found: object = {"discord": discord, "aiohttp": aiohttp}.get(library)
    for name in names:
        found = getattr(found, name, None)
    return isinstance(found, type) and issubclass(found, Exception)


def list_own_requests(module: Module) -> Iterator[str]:
    """Find messages that are posted, edited or read outside the sender.

    Answers to interactions are excepted.
    """
    if module.path == SENDER or module.room == "simulation":
        return
    for node in module.find(ast.Call):
        if isinstance(node.func, ast.Attribute):
            owner, name = read_dotted(node.func.value), node.func.attr
            is_sent = name == "send" and owner.endswith(("channel", "messageable", "user", "member"))
            if is_sent or name in FINDS_MESSAGES:
                yield f"{owner}.{name}"


def list_reached_parts(module: Module) -> Iterator[str]:
    """Find uses of an inner part of one of the bot's services."""
    dotted = {read_dotted(node) for node in module.find(ast.Attribute)}
    yield from sorted(name for name in dotted if re.search(r"\bservices(\.\w+){3}$", name))


def list_module_games(module: Module) -> Iterator[str]:
    """Find uses of the table of loaded modules."""
    for node in module.find(ast.Attribute):
        if read_dotted(node) in {"sys.modules", "sys.meta_path", "importlib.reload"}:
            yield read_dotted(node)


def list_own_clocks(module: Module) -> Iterator[str]:
    """Find reads of the wall clock and blocking waits that avoid the injected clock."""
    clocks = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.sleep"}
    for node in module.find(ast.Attribute):
        dotted = ".".join(read_dotted(node).split(".")[-2:])
        if dotted in clocks and module.room not in {"utils.clock", "simulation"}:
            yield dotted


def list_postponed(module: Module) -> Iterator[str]:
    """Find markers of postponed work, and the import that would turn the options of commands into strings."""
    marker = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for token in module.tokens if marker.search(module.source) else ():
        if token.type == tokenize.COMMENT and marker.search(token.string):
            yield token.string
    for node in module.find(ast.ImportFrom):
        if node.module == "__future__" and module.room == "cogs":
            yield "__future__"


def list_sql(module: Module) -> Iterator[str]:
    """Find strings that are SQL."""
    sql = re.compile(r"\b(SELECT\s.+\sFROM|INSERT INTO|DELETE FROM|CREATE TABLE|UPDATE \w+ SET)\b", re.DOTALL)
    for node in module.find(ast.Constant):
        if isinstance(node.value, str) and sql.search(node.value):
            yield node.value


def list_bad_names(module: Module) -> Iterator[str]:
    """Find words in module names that have no meaning in the domain."""
    for part in module.path.removesuffix(".py").split("/"):
        if part != "utils" and FORBIDDEN_WORDS & set(part.split("_")):
            yield part
    if module.path.count("/utils/"):
        yield "utils"


def list_unscoped(module: Module) -> Iterator[str]:
    """Find public methods of repositories that do not take their scope first."""
    if not module.name.startswith("utils.database.repositories."):
        return
    if module.name.rpartition(".")[2] in KEYLESS_REPOSITORIES:
        return
    for owner in module.find(ast.ClassDef):
        if owner.name.endswith("Repository"):
            for node in owner.body:
                is_public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_"
                if is_public and not _takes_scope_first(node):
                    yield f"{owner.name}.{node.name}"


def _takes_scope_first(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.args.args[1:2]
    names = {
        name for one in first if one.annotation for name in re.findall(r"\w+", ast.unparse(one.annotation))
    }
    return bool(names & SCOPES)


def list_long(module: Module) -> Iterator[str]:
    """Find functions and files over the budget; docstrings and comments are free."""
    docstrings: set[int] = set()
    for node in module.find(ast.Module, ast.ClassDef, *FUNCTIONS):
        lines = _list_docstring_lines(node)
        docstrings |= lines
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - len(lines)
            if length > LONGEST_FUNCTION:
                yield f"{node.name}: {length}"
    limit = LONGEST_COG if module.room == "cogs" and module.path.count("/") == 1 else LONGEST_FILE
    if module.source.count("\n") < limit:
        return  # without a look at its tokens
    code: set[int] = set()
    for token in module.tokens:
        if token.type not in NOT_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    if len(code - docstrings) > limit:
        yield f"{len(code - docstrings)} lines"


def _list_docstring_lines(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> set[int]:
    if ast.get_docstring(node, clean=False) is None:
        return set()
    first = node.body[0]
    return set(range(first.lineno, (first.end_lineno or first.lineno) + 1))


def list_lost_headings(module: Module) -> Iterator[str]:
    """Find underlined headings that a formatter has joined with the lines around them."""
    for line in module.source.splitlines():
        if re.search(r"\w -{10,} \w", line):
            yield line.strip()


Check = Callable[[Module], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    list_swallowed,
    list_patches,
    list_own_maps,
    list_own_requests,
    list_reached_parts,
    list_module_games,
    list_own_clocks,
    list_postponed,
    list_sql,
    list_bad_names,
    list_unscoped,
    list_long,
    list_lost_headings,
)


@pytest.mark.parametrize("check", CHECKS)
def test_every_module_keeps_the_habit(check: Check) -> None:
    """No module breaks a habit; the failure names the file of a breach."""
    assert {module.path: found for module in list_modules() if (found := list(check(module)))} == {}


REPOSITORY = "class DeathRepository:\n    async def find(self, {}): ...\n"


@pytest.mark.parametrize(
    ("check", "path", "source", "expected"),
    [
        (list_swallowed, "cogs/a.py", "try: x\nexcept Exception: pass", ["line 2"]),
        (list_swallowed, "cogs/a.py", "try: x\nexcept (OSError, BaseException): pass", ["line 2"]),
        (list_swallowed, "cogs/a.py", "try: x\nexcept: pass", ["line 2"]),
        (list_swallowed, "cogs/a.py", "try: x\nexcept BaseException:\n  y()\n  raise", []),
        (list_swallowed, "utils/tasks.py", "try: x\nexcept Exception: pass", []),
        (list_patches, "cogs/a.py", "import discord\ndiscord.Embed.x = 1", ["discord.Embed.x"]),
        (list_patches, "cogs/a.py", "from a import B\nsetattr(B, 'x', 1)", ["B.…"]),
        (
            list_patches,
            "cogs/a.py",
            "import discord\ndiscord.Route.API_BASE_URL = 'x'",
            ["discord.Route.API_BASE_URL"],
        ),
        (list_patches, "utils/commandline/a.py", "import discord\ndiscord.Route.API_BASE_URL = 'x'", []),
        (list_patches, "utils/commandline/a.py", "import discord\nself.discord = discord", []),
        (
            list_own_maps,
            "utils/delivery/a.py",
            "try: x\nexcept discord.HTTPException: pass",
            ["discord.HTTPException"],
        ),
        (
            list_own_maps,
            "utils/delivery/a.py",
            "from discord.errors import Forbidden",
            ["discord.errors.Forbidden"],
        ),
        (
            list_own_maps,
            "utils/delivery/a.py",
            "isinstance(x, aiohttp.ServerDisconnectedError)",
            ["aiohttp.ServerDisconnectedError"],
        ),
        (
            list_own_maps,
            "utils/delivery/a.py",
            "try: x\nexcept (A, OSError): pass",
            ["OSError"],
        ),
        (list_own_maps, "utils/delivery/a.py", "from discord import Embed\nx = discord.Embed()", []),
        (list_own_requests, "utils/services/a.py", "await bot.fetch_channel(1)", ["bot.fetch_channel"]),
        (
            list_own_requests,
            "cogs/a.py",
            "await self.guild.system_channel.send('x')",
            ["self.guild.system_channel.send"],
        ),
        (list_own_requests, "cogs/a.py", "await interaction.followup.send('x')", []),
        (list_own_requests, "utils/delivery/a.py", "await self._sender.send(1)", []),
        (list_own_maps, "utils/delivery/sender.py", "try: x\nexcept discord.Forbidden: pass", []),
        (
            list_reached_parts,
            "cogs/a.py",
            "self.services.links.store.list_open()",
            ["self.services.links.store.list_open"],
        ),
        (list_reached_parts, "cogs/a.py", "self.services.links.list_open()", []),
        (list_module_games, "cogs/a.py", "import sys\nsys.modules['a'] = 1", ["sys.modules"]),
        (list_own_clocks, "cogs/a.py", "datetime.now(UTC)", ["datetime.now"]),
        (list_own_clocks, "cogs/a.py", "datetime.datetime.utcnow()", ["datetime.utcnow"]),
        (list_own_clocks, "cogs/a.py", "clock.now()", []),
        (list_postponed, "utils/a.py", "x = 1  # TODO: later", ["# TODO: later"]),
        (list_postponed, "cogs/a.py", "from __future__ import annotations", ["__future__"]),
        (list_sql, "utils/a.py", "'SELECT * FROM kills'", ["SELECT * FROM kills"]),
        (list_sql, "utils/a.py", "'Select a server from the list'", []),
        (list_bad_names, "utils/sftp/pool_manager.py", "", ["pool_manager"]),
        (list_bad_names, "cogs/admin/utils/a.py", "", ["utils"]),
        (list_bad_names, "utils/sftp/renewal.py", "", []),
        (
            list_unscoped,
            "utils/database/repositories/deaths.py",
            REPOSITORY.format("name: str"),
            ["DeathRepository.find"],
        ),
        (list_unscoped, "utils/database/repositories/deaths.py", REPOSITORY.format("scope: ServerScope"), []),
        (
            list_unscoped,
            "utils/database/repositories/deaths.py",
            REPOSITORY.format("*, scope: GuildId"),
            ["DeathRepository.find"],
        ),
        (list_long, "utils/a.py", "def f():\n    '''Doc.'''\n" + "    x\n" * 60, ["f: 61"]),
        (list_long, "utils/a.py", "'''Doc.'''\n# c\n\n" + "x\n" * 501, ["501 lines"]),
        (list_long, "cogs/a.py", "x\n" * 301, ["301 lines"]),
        (list_lost_headings, "utils/a.py", "Theory ---------- It", ["Theory ---------- It"]),
        (list_lost_headings, "utils/a.py", "Theory\n----------\nIt", []),
    ],
)
def test_check_finds_what_it_looks_for(check: Check, path: str, source: str, expected: list[str]) -> None:
    """The check finds the breaches of the example and nothing else."""
    assert list(check(build_module(source, path))) == expected
