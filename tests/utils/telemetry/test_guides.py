"""Guides: every error of ours has one, the document has all, and each runbook is that of an incident."""

import ast
import inspect
from pathlib import Path

import pytest
from pymongo.errors import NetworkTimeout

from utils import errors
from utils.database.core.faults import MEANINGS, translate
from utils.errors import StorageError
from utils.models.error_groups import ErrorCategory
from utils.models.incident_kinds import IncidentKind
from utils.models.problems import Problem
from utils.sftp import failures
from utils.telemetry.fingerprints import name_type
from utils.telemetry.guides import (
    BUG,
    DOCUMENT,
    GUIDES,
    OF_LIBRARIES,
    OF_MONGODB,
    OF_PROBLEMS,
    find_guide,
    write_document,
)
from utils.telemetry.kept_text import choose_text


def test_every_class_of_errors_has_a_guide() -> None:
    """A new class of ``utils/errors.py`` needs words for the person who meets it."""
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]
    own = {name_type(one) for one in classes if one.__module__ == errors.__name__}
    assert own <= GUIDES.keys()


def test_every_sentence_about_the_database_and_hosts_has_a_guide() -> None:
    """The sentences of the two tables that map the errors of libraries are in the guides word for word."""
    assert OF_MONGODB.keys() == {meaning.sentence for meaning in MEANINGS}
    tree = ast.parse(Path(failures.__file__).read_text("utf-8"))
    named = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Problem"
    }
    assert {problem.name for problem in OF_PROBLEMS} == named <= {problem.name for problem in Problem}


@pytest.mark.parametrize("meaning", MEANINGS, ids=lambda meaning: meaning.sentence)
def test_guide_of_a_group_is_found_by_its_kept_text(meaning: object) -> None:
    """The text that is stored still tells the sentence."""
    assert isinstance(meaning, type(MEANINGS[0]))
    error = meaning.error(f"{meaning.sentence} (SomeLibraryError 99)")
    found = find_guide(name_type(type(error)), ErrorCategory.DATABASE, choose_text(error))
    assert found == OF_MONGODB[meaning.sentence]


def test_error_of_a_library_is_found_after_its_translation() -> None:
    """A real failure of pymongo leads to a guide."""
    error = translate(NetworkTimeout("10.0.0.7: timed out"))
    assert isinstance(error, StorageError)
    found = find_guide(name_type(type(error)), ErrorCategory.DATABASE, choose_text(error))
    assert found.runbook == "database-slow"


def test_unknown_error_is_a_bug_unless_its_category_says_more() -> None:
    """A class that has no guide is the makers' matter."""
    assert find_guide("builtins.KeyError", ErrorCategory.COMMAND) == BUG
    assert find_guide("x.Y", ErrorCategory.RATE_LIMIT).runbook == "discord-limited"


def test_runbooks_are_those_of_incidents() -> None:
    """A runbook that is named exists."""
    named = [*GUIDES.values(), *OF_LIBRARIES.values(), *OF_MONGODB.values(), *OF_PROBLEMS.values()]
    assert {guide.runbook for guide in named} - {None} <= {kind.value for kind in IncidentKind}


def test_document_is_that_of_the_table() -> None:
    """``python -m utils.telemetry.guides`` writes it again."""
    assert DOCUMENT.read_text("utf-8") == write_document()
