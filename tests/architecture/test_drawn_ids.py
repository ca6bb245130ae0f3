"""No test looks for a few digits in a whole text: an id that is drawn may hold them by chance."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FEWEST_DIGITS = 8
WHOLE = {"str", "repr", "dumps"}
SUSPICIOUS = re.compile(r"\d\" not in ")  # all other files need no syntax tree


def list_short_digits(source: str) -> list[str]:
    """Return the texts of few digits that a test expects to be absent from the text of a whole value."""
    found: list[str] = []
    if not SUSPICIOUS.search(source):
        return found
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn)):
            continue
        sought, place = node.left, node.comparators[0]
        if not (isinstance(place, ast.Call) and _read_name(place.func) in WHOLE):
            continue
        if isinstance(sought, ast.Constant) and str(sought.value).isdigit():
            found += [sought.value] * (len(str(sought.value)) < FEWEST_DIGITS)
    return found


def _read_name(called: ast.expr) -> str:
    return getattr(called, "attr", getattr(called, "id", ""))


def test_no_few_digits_are_expected_to_be_absent() -> None:
    """An address or a long id is looked for whole; three digits of it stand in one of many drawn ids."""
    found = {
        path.relative_to(TESTS).as_posix(): digits
        for path in sorted(TESTS.rglob("*.py"))
        if (digits := list_short_digits(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('assert "192" not in str(embed)', ["192"]),
        ('assert "203" not in json.dumps(embed)', ["203"]),
        ('assert "192.0.2.10" not in str(embed)', []),
        ('assert "192" in str(embed)', []),
        ('assert "1" not in names', []),
    ],
)
def test_check_finds_few_digits(source: str, expected: list[str]) -> None:
    """Only an absence in the text of a whole value depends on what was drawn."""
    assert list_short_digits(source) == expected
