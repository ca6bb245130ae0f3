"""How coded texts are stored: the code, and each fact with its type; a ``str`` is foreign text."""

from collections.abc import Mapping
from typing import Any

from utils.models.coded_texts import CodedText
from utils.models.problems import Problem
from utils.models.rejections import RejectionReason
from utils.models.texts import Command, Names, Number, Text, Value

StoredText = dict[str, Any]
"""A text as it is stored."""

StoredFact = str | StoredText
"""A value for a place of a text, as it is stored."""

_CODED: tuple[CodedText, ...] = (*Problem, *RejectionReason)
_BY_CODE = {coded.code: coded for coded in _CODED}
_BY_ENGLISH = {(coded.value.one, coded.value.many): coded for coded in _CODED}


def build_text(said: Text) -> StoredText:
    """Return a coded text as it is stored; a text without a code is not stored.

    Raises:
        TypeError: it holds a fact of an unknown type.
    """
    coded = _BY_ENGLISH.get((said.source, said.many))
    if coded is None:
        return {"code": Problem.UNKNOWN.code, "facts": {}}
    return {"code": coded.code, "facts": {name: _build_fact(fact) for name, fact in said.values}}


def _build_fact(fact: Value) -> StoredFact:
    match fact:
        case str():
            return str(fact)
        case Text():
            return build_text(fact)
        case Number():
            return {"number": fact.value, "decimals": fact.decimals}
        case Command():
            return {"command": fact.name, "options": fact.options}
        case Names():
            return {"names": [_build_fact(name) for name in fact.values]}
        case _:
            raise TypeError(f"{type(fact).__name__} is no fact of a coded text")


def read_text(stored: StoredText) -> Text:
    """Return a stored text. For an unknown code, return a general error text."""
    coded = _BY_CODE.get(stored["code"])
    return Problem.UNKNOWN.say() if coded is None else _restore(coded, stored["facts"])


def _restore(coded: CodedText, stored: Mapping[str, StoredFact]) -> Text:
    facts = {name: _read_fact(fact) for name, fact in stored.items()}
    if not coded.value.many:
        return coded.say(**facts)
    count = facts.pop("count")
    return coded.count(round(count.value) if isinstance(count, Number) else 0, **facts)


def _read_fact(stored: StoredFact) -> Value:
    match stored:
        case str():
            return stored
        case dict() if "number" in stored:
            return Number(stored["number"], stored["decimals"])
        case dict() if "command" in stored:
            return Command(stored["command"], stored["options"])
        case dict() if "names" in stored:
            return Names(tuple(_read_fact(name) for name in stored["names"]))
        case _:
            return read_text(stored)
