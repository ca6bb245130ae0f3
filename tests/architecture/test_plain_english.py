"""Docstrings and comments of tests, simulation and benchmarks are plain sentences."""

import ast
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import ROOT, Module, build_module
from tests.architecture.test_words import UNPLAIN

FOLDERS = ("benchmarks", "simulation", "tests")
RULES = f"tests/architecture/{__name__.rpartition('.')[2]}.py"


UNPLAIN_STARTS = re.compile(
    r"(what|who|whose|whom|where|however|whichever|of|by|also|not|or)\b(?! even| only)", re.IGNORECASE
)
"""A sentence begins with its subject or verb, with "if", "when", "after" and the like, or with "with"."""

UNPLAIN_WORDS = re.compile(
    r"""
    \b(nobody|somebody|anybody|everybody)\b  # name the member, the admin, the process, the caller
    | \b(anew|likewise|all\ the\ same|but\ for|ever\ (more|less)|in\ the\ place\ of|means?\ harm)\b
    | \balso\ (where|while|when|if)\b  # even if
    | \bso\ (many|much|few|long|near|often)\b(?!\ as|\ that)  # say the number
    | (\b(wake|let|and|or)|;)\ who\b  # name the waiters, the callers
    | \b(is|are|was|were)\ told\b(?!\ (about|apart|to|that|once|again))  # report, alert, return, log
    """,
    re.IGNORECASE | re.VERBOSE,
)


QUOTED = re.compile(r'^[ \t]*[rRuUbB]?"(?:""(.*?)"""|([^"\n]+))', re.MULTILINE | re.DOTALL)


def list_sources() -> list[Module]:
    """Return the modules that these rules cover."""
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    modules = [build_module(file.read_text("utf-8"), file.relative_to(ROOT).as_posix()) for file in files]
    return [module for module in modules if module.path not in {RULES, "tests/architecture/test_words.py"}]


def list_texts(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring, and of each comment that does not continue another one."""
    for node in module.find(ast.Expr):
        if isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)
    previous = -1
    for token in module.tokens:
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            if line != previous + 1:
                yield line, token.string.lstrip("# ")
            previous = line


def is_suspect(source: str) -> bool:
    """Tell whether a source may have an unplain text, without its tokens and its tree, which take longer.

    It takes a ``#`` in a string for a comment, and each string that begins a line for a docstring.
    """
    return any(map(is_unplain, _list_quoted(source))) or any(map(is_unplain, _list_behind_hashes(source)))


def _list_quoted(source: str) -> Iterator[str]:
    for long, short in QUOTED.findall(source):
        yield long or short


def _list_behind_hashes(source: str) -> Iterator[str]:
    continues = False
    for line in source.splitlines():
        is_comment = line.lstrip().startswith("#")
        if not (continues and is_comment):
            yield from re.findall(r"(?=#\W*(.*))", line)
        continues = is_comment


def is_unplain(text: str) -> bool:
    """Tell whether a text has a sentence that is hard to read."""
    return any(
        UNPLAIN_STARTS.match(sentence) or UNPLAIN_WORDS.search(sentence) or UNPLAIN.search(sentence)
        for sentence in list_sentences(text)
    )


def list_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, without the names of attributes in front of them."""
    for paragraph in re.split(r"\n\s*\n|\n(?=\s+[\w`]+: )", text):
        flat = re.sub(r"^[\w`]+: ", "", " ".join(paragraph.split()))
        yield from re.split(r"(?<=[.!?])\s+(?=[A-Z`])", flat)


def list_unplain(module: Module) -> list[int]:
    """Return the lines of texts with a sentence that is hard to read."""
    if not is_suspect(module.source):
        return []
    return sorted({line for line, text in list_texts(module) if is_unplain(text)})


def test_sentences_of_tests_and_of_the_simulation_are_plain() -> None:
    """A sentence begins plainly and has no word that makes it hard to read."""
    found = [f"{module.path}:{line}" for module in list_sources() for line in list_unplain(module)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('"""What a host sends is read."""', [1]),
        ('"""Read a file. Nobody waits."""', [1]),
        ('def f():\n    """Return it.\n\n    Args:\n        a: of whom he speaks.\n    """', [2]),
        ("x = 1  # of so many", [1]),
        ("# read it\n# of a host", []),
        ('x = "Nobody is here."', []),
        ('"""Return what the host sends, whose key is known; nothing is left, not even of him."""', [1]),
        ('"""The admins get one alert. If the host is away, the bot waits."""', []),
    ],
)
def test_unplain_sentences_are_found(source: str, lines: list[int]) -> None:
    """The check finds bad sentences in docstrings and comments, but not in other strings."""
    assert list_unplain(build_module(source)) == lines
