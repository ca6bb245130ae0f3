"""Texts can be translated: each is one literal, and its placeholders are the names of its values."""

import ast
from collections.abc import Iterator
from string import Formatter

import pytest

from tests.architecture.source_tree import Module, build_module, list_modules, read_dotted
from utils.localization.messages import MAKERS
from utils.models.coded_texts import CodedText
from utils.models.problems import Problem
from utils.models.rejections import RejectionReason
from utils.models.servers import WayStep


def list_wrong_texts(module: Module) -> Iterator[str]:
    """Find texts that are put together from parts, or whose placeholders and values differ."""
    for node in module.find(ast.Call):
        if read_dotted(node.func) not in MAKERS:
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
        places = {place for source in sources for place in _list_places(source)}
        if not name.startswith("sentence") and not (given <= places <= given | counted):
            yield f"line {node.lineno}: places {sorted(places)}, values {sorted(given)}"


CODED: dict[str, type[CodedText]] = {kind.__name__: kind for kind in (Problem, RejectionReason, WayStep)}


def list_wrong_facts(module: Module) -> Iterator[str]:
    """Find coded texts whose facts differ from the placeholders of their sentences."""
    for node in module.find(ast.Call):
        kind, _, rest = read_dotted(node.func).partition(".")
        name, _, said = rest.partition(".")
        if kind not in CODED or said not in ("say", "count"):
            continue
        given = {str(one.arg) for one in node.keywords} | ({"count"} if said == "count" else set())
        if given != _list_places(CODED[kind][name].value.one):
            yield f"line {node.lineno}: {name} is said with {sorted(given)}"


def _list_places(sentence: str) -> set[str]:
    return {place for _, place, _, _ in Formatter().parse(sentence) if place is not None}


def test_every_text_is_a_literal_with_its_values() -> None:
    """Every text is one literal in the code, because the extraction for translators finds only those."""
    assert {
        module.path: found for module in list_modules() if (found := list(list_wrong_texts(module)))
    } == {}


def test_every_coded_text_is_said_with_its_facts() -> None:
    """Every coded text gets all its facts. A missing one would fail while the bot reports a failure."""
    assert {
        module.path: found for module in list_modules() if (found := list(list_wrong_facts(module)))
    } == {}


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('Problem.MISSING.say(host="h", path="p")', 0),
        ('Problem.MISSING.say(host="h")', 1),
        ('Problem.MANY_LOGS.count(3, path="p", read=2)', 0),
        ('Problem.MANY_LOGS.count(3, path="p")', 1),
        ("WayStep.LOGIN.say(host=1)", 1),
    ],
)
def test_fact_that_is_missing_or_too_much_is_found(source: str, wrong: int) -> None:
    """The check finds missing and superfluous facts."""
    assert len(list(list_wrong_facts(build_module(source)))) == wrong


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
    """The check finds texts that the extraction would miss."""
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
    """Adjacent literals are one literal."""
    assert list(list_wrong_texts(build_module(source))) == []
