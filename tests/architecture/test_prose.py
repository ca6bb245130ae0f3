"""Below the embeds no language is known, so every sentence there is a text."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted

ROOMS = {
    "cogs",
    "utils.delivery",
    "utils.embeds",
    "utils.errors",
    "utils.interactions",
    "utils.models",
    "utils.services",
    "utils.sftp",
}
UNSEEN_CALLS = {
    *("text", "plural", "text_in", "sentence", "sentences", "Command"),  # the wanted form
    *("note_unreached", "report_unreached", "discord.SlashCommandGroup", "ADMIN.create_subgroup"),
    *("TypeError", "ValueError", "RuntimeError", "LookupError"),  # our own errors, which appear only in a log
    # errors that are turned into another error with its own text
    *("asyncssh.SFTPBadMessage", "UnicodeError"),
    *("ConfigurationError", "LeaseLostError", "CursorMovedError", "ChannelUnusableError"),
    *("DeliveryError", "DeliveryUncertainError", "DeliveryRefusedError", "DeliveryDelayedError"),
}
UNSEEN_BASES = {"StrEnum", "Protocol", "ConfigurationError"}
UNSEEN_KEYWORDS = {
    *("description", "name"),  # texts of commands and options: their registration translates them
    "context",  # for translators
    *("thread_name_prefix", "loc", "textcoords"),  # arguments of libraries
}
PROSE = re.compile(r"[A-Za-z,;:.]{2,} [a-z]+")


def list_prose(module: Module) -> list[int]:
    """Return the lines with words for people that are not texts."""
    return sorted({node.lineno for node in _walk(module.tree) if _is_prose(node)})


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that people may see: no docstrings, log records, own errors, values of enumerations."""
    if isinstance(node, ast.Call) and _is_unseen(read_dotted(node.func)):
        return
    if isinstance(node, ast.ClassDef) and UNSEEN_BASES & {read_dotted(base) for base in node.bases}:
        return
    if isinstance(node, ast.keyword) and node.arg in UNSEEN_KEYWORDS:
        return
    if isinstance(node, ast.arguments):
        node = _without_unseen(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.FunctionDef) and node.name == "__repr__":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _without_unseen(node: ast.arguments) -> ast.arguments:
    """Return parameters without the defaults of those that say nothing to people."""
    named = zip(node.kwonlyargs, node.kw_defaults, strict=True)
    seen = [default for name, default in named if name.arg not in UNSEEN_KEYWORDS]
    return ast.arguments(node.posonlyargs, node.args, node.vararg, [], seen, node.kwarg, node.defaults)


def _is_unseen(called: str) -> bool:
    owner, _, name = called.rpartition(".")
    return owner.endswith(("logger", "log")) or name == "compile" or called in UNSEEN_CALLS


def _is_prose(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(PROSE.search(node.value))


def test_sentences_are_texts() -> None:
    """Every sentence for people is a text in the code, because they read it in their language."""
    found = {module.path for module in list_modules() if module.room in ROOMS and list_prose(module)}
    assert sorted(found) == [], "write it with text(…): DEVELOPER_GUIDE.md, A sentence"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('raise InvalidInputError("Name a player.")', [1]),
        ('x = f"{name} is not known here"', [1]),
        ('embed.set_footer(text="Page two of three")', [1]),
        ('raise InvalidInputError(text("Name a player."))', []),
        ('logger.info("a guild is left", guild_id=1)', []),
        ('"""What it is for."""', []),
        ('class Kind(StrEnum):\n    A = "bounty placed"', []),
        ('raise TypeError("a bug of ours")', []),
        ('@discord.option("x", description="Which one of them")\ndef f(): ...', []),
        ('def option(*, description="Which one of them"): ...', []),
        ('def build(*, title="Which one of them"): ...', [1]),
        ('key = "audit_log"', []),
    ],
)
def test_prose_is_told_from_other_strings(source: str, lines: list[int]) -> None:
    """The check finds prose and no other strings in the examples."""
    assert list_prose(build_module(source)) == lines
