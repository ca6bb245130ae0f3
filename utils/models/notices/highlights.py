"""Highlights: what makes a death special. They are facts of its notice and never a post of their own."""

from dataclasses import dataclass
from enum import StrEnum

MOST_HIGHLIGHTS = 2
"""The most that one death shows."""


class HighlightKind(StrEnum):
    """The kinds of highlights, the rarest first: if a death has several, the first ones are kept."""

    RECORD = "record"
    MILESTONE = "milestone"
    BOUNTY = "bounty"
    MULTIKILL = "multikill"
    STREAK_ENDED = "streak_ended"
    STREAK = "streak"
    REVENGE = "revenge"
    FIRST_BLOOD = "first_blood"


@dataclass(frozen=True, slots=True)
class Highlight:
    """One highlight of a death.

    Attributes:
        number: metres of a record; kills of a milestone, a multikill, a streak or the streak that ended;
            emeralds of a claimed bounty; 0 for the others.
        before: metres of the record that was beaten; 0 for the other kinds.
    """

    kind: HighlightKind
    number: int = 0
    before: int = 0
