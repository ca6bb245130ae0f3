"""Texts can be translated: each is one literal, and its places are those that values are given for."""

import ast
from collections.abc import Iterator
from string import Formatter

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted

MAKERS = {"text": 1, "plural": 2, "text_in": 2}
"""What makes a text, and how many of its first arguments are literals."""


def list_wrong_texts(module: Module) -> Iterator[str]:
    """Find texts that are put together before they are made, or whose places and values differ."""
    for node in module.walk():
        if not isinstance(node, ast.Call) or read_dotted(node.func) not in MAKERS:
            continue
        name = read_dotted(node.func)
        literals = [
            one.value
            for one in node.args[: MAKERS[name]]
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        if len(literals) != MAKERS[name]:
            yield f"line {node.lineno}: {name} of what is no literal"
            continue
        sources = literals[1:] if name == "text_in" else literals
        given = {str(one.arg) for one in node.keywords}
        counted = {"count"} if name == "plural" else set()
        places = {
            place for source in sources for _, place, _, _ in Formatter().parse(source) if place is not None
        }
        if not (given <= places <= given | counted):
            yield f"line {node.lineno}: places {sorted(places)}, values {sorted(given)}"


def test_every_text_is_a_literal_with_its_values() -> None:
    """Only what stands in the code as one sentence is found for translators."""
    assert {
        module.path: found for module in list_modules() if (found := list(list_wrong_texts(module)))
    } == {}


@pytest.mark.parametrize(
    "source",
    [
        'text(f"Hello {name}")',
        'text("Hello {}".format(name))',
        'text("Hello " + name)',
        "text(SENTENCE)",
        'text("Hello {name}")',
        'text("Hello", name=name)',
        'text("Hello {name}", nam=name)',
        'text("Hello {name.first}", name=name)',
        'text_in(context, "Open")',
        'plural("{count} kill", kills, 3)',
        'plural("{count} kill of {name}", "{count} kills", 3)',
    ],
)
def test_text_that_nobody_could_translate_is_found(source: str) -> None:
    """A rule that nothing can break proves nothing."""
    assert len(list(list_wrong_texts(build_module(source)))) == 1


@pytest.mark.parametrize(
    "source",
    [
        'text("One " "sentence of {name}", name=name)',
        'plural("One kill", "{count} kills", 3)',
        'plural("{count} kill of {name}", "{count} kills of {name}", 3, name=name)',
        'text_in("a door", "Open")',
        "other(f'{x}')",
    ],
)
def test_text_that_can_be_translated_is_let_be(source: str) -> None:
    """Literals in a row are one."""
    assert list(list_wrong_texts(build_module(source))) == []
