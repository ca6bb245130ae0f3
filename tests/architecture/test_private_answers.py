"""The visibility of an answer is declared at its command, and no code that answers decides it again."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted

BY_HAND = {
    "utils/interactions/context.py": "reads the declaration: for commands, forms, files, pages and questions",
    "utils/interactions/replies.py": "errors and refused presses are for the member who asked alone",
    "utils/interactions/views.py": "a press is acknowledged by its own message, which stays as it is",
}
"""Modules that send an answer without the declaration of its command, with the reason."""

ANSWERS = (
    *("response.send_message", "response.defer", "response.edit_message"),
    *("followup.send", "send_response", "send_followup", "interaction.respond"),
)


def list_answers_by_hand(module: Module) -> Iterator[str]:
    """Find the flag of private answers, and the ways to answer that know no declaration."""
    for node in module.find(ast.arg, ast.keyword, ast.Constant):
        if "ephemeral" in (getattr(node, "arg", ""), getattr(node, "value", "")):
            yield f"line {node.lineno}: ephemeral"
    for node in module.find(ast.Call):
        if _name(node.func).endswith(ANSWERS):
            yield f"line {node.lineno}: {_name(node.func)}"


def _name(node: ast.expr) -> str:
    """Return a dotted name, even if it begins with a call."""
    return read_dotted(node) or ast.unparse(node)


def test_privacy_is_declared_at_the_command_alone() -> None:
    """A flag at an answer could contradict the declaration, and show the answer to all members."""
    bot = [module for module in list_modules() if module.room != "simulation"]
    assert {module.path for module in bot if list(list_answers_by_hand(module))} == BY_HAND.keys()


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("ctx.respond(embed=embed, ephemeral=True)", True),
        ("ctx.respond(embed=embed, file=file, **{'ephemeral': True})", True),
        ("interaction.response.defer()", True),
        ("interaction.followup.send(embed=embed)", True),
        ("self.opened_in.interaction.respond(embed=embed)", True),
        ("find(x).response.send_message('x')", True),
        ("ctx.respond(embed=embed, file=file, view=view)", False),
        ("ctx.edit(embed=embed)", False),
        ("channel.send(embed=embed)", False),
    ],
)
def test_answer_by_hand_is_found(source: str, *, is_found: bool) -> None:
    """The check finds answers with a flag and answers by hand, and no others."""
    assert bool(list(list_answers_by_hand(build_module(source, "cogs/example.py")))) == is_found
