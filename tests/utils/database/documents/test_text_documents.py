"""Coded texts are stored without English words, and come back unchanged."""

from collections.abc import Iterator
from string import Formatter

import bson
import pytest

from tests.fakes.pseudo_language import PSEUDO
from utils.database.documents.text_documents import build_text, read_text
from utils.models.coded_texts import CodedText
from utils.models.problems import Problem
from utils.models.rejections import RejectionReason
from utils.models.texts import Command, Metres, Names, Number, Text, text

CODED: tuple[CodedText, ...] = (*Problem, *RejectionReason)


def say(coded: CodedText) -> Text:
    """Return a text with invented facts for all its placeholders."""
    places = [place for _, place, _, _ in Formatter().parse(coded.value.one) if place not in (None, "count")]
    facts = {str(place): f"a {place}" for place in places}
    return coded.count(2, **facts) if coded.value.many else coded.say(**facts)


def list_keys(stored: object) -> Iterator[str]:
    """Yield every key and every text of a stored value."""
    if isinstance(stored, dict):
        for name, value in stored.items():
            yield name
            yield from list_keys(value)
    elif isinstance(stored, list):
        for value in stored:
            yield from list_keys(value)
    elif isinstance(stored, str):
        yield stored


@pytest.mark.parametrize("coded", CODED, ids=lambda coded: coded.code)
def test_coded_text_is_read_as_it_was_stored(coded: CodedText) -> None:
    """The code and the facts are stored, but nothing of the sentence."""
    said = say(coded)
    stored = bson.decode(bson.encode({"said": build_text(said)}))["said"]
    assert read_text(stored) == said
    assert {one for one in list_keys(stored) if " " in one} <= {f"a {name}" for name, _ in said.values}


def test_codes_differ() -> None:
    """Problems and reasons share one set of codes, so all codes must differ."""
    assert len({coded.code for coded in CODED}) == len({coded.value for coded in CODED}) == len(CODED)


def test_facts_keep_their_types() -> None:
    """Facts keep their types, so a number is grouped and a command is shown in any language, also later."""
    inner = Problem.NAMES_UNREADABLE.count(1, path="logs")
    said = Problem.AND_MORE.count(1234, first=inner)
    named = Problem.SEVERAL_SERVERS.say(
        numbers=Names((Problem.NUMBERED.say(number="3", name="a_3"), Problem.QUOTED.say(name="b")))
    )
    legacy = Problem.OLD_ALGORITHMS.say(
        host="h:22", edit=Command("admin server edit", "legacy:True"), add=Command("admin server add")
    )
    long = RejectionReason.TOO_LONG.say(limit=Number(2048))
    assert [read_text(build_text(one)) for one in (said, named, legacy, long)] == [said, named, legacy, long]


def test_stored_problem_is_shown_in_another_language() -> None:
    """A stored text does not depend on a language, so old texts are shown in any language."""
    stored = build_text(Problem.LOGIN_REFUSED.say(host="192.0.2.10:22"))
    assert stored == {"code": "login_refused", "facts": {"host": "192.0.2.10:22"}}
    shown = PSEUDO.write_plain(read_text(stored))
    assert shown.startswith("⟦")
    assert "192.0.2.10:22" in shown


def test_unknown_text_and_unknown_code_are_told_as_such() -> None:
    """A text without a code, and an unknown code, become a general text."""
    unknown = Problem.UNKNOWN.say()
    assert read_text(build_text(text("Said without a code."))) == unknown
    assert read_text({"code": "of_another_version", "facts": {}}) == unknown


def test_fact_of_another_type_is_a_bug() -> None:
    """A fact of such a type would be stored as another type."""
    with pytest.raises(TypeError, match="Metres"):
        build_text(Problem.SURPRISE.say(failure=Metres(3)))
