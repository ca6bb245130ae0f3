"""Coded texts: sentences that are stored as a code and facts, so that every language can show them later.

A sentence that may be stored is a member of an enumeration (``Problem``, ``RejectionReason``). The code is
the member's name, and the English is never stored. Write ``say`` for a sentence, ``count`` for one that
depends on a number.
"""

from dataclasses import dataclass
from enum import Enum

from utils.models.texts import Number, Text, Value


@dataclass(frozen=True, slots=True)
class Sentence:
    """The English of a coded text, with its places; ``many`` is for any other number than one."""

    one: str
    many: str = ""


def sentence(one: str) -> Sentence:
    """Return a sentence; the English has to be one literal, so that it can be translated."""
    return Sentence(one)


def sentences(one: str, many: str) -> Sentence:
    """Return a sentence that depends on a number, which stands at ``{count}``."""
    return Sentence(one, many)


class CodedText(Enum):
    """Sentences that have a code."""

    _value_: Sentence

    @property
    def code(self) -> str:
        """Return the code, which is stored instead of the sentence."""
        return self.name.lower()

    def say(self, **facts: Value) -> Text:
        """Return the text with its facts."""
        return Text(self.value.one, tuple(facts.items()))

    def count(self, number: int, **facts: Value) -> Text:
        """Return the text for a number, with its other facts."""
        return Text(
            self.value.one,
            (("count", Number(number)), *facts.items()),
            many=self.value.many,
            count=number,
        )
