"""Counters: channels whose names show how many players are online. Their formats and limits; no I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from utils.models.scope import ChannelId
from utils.models.texts import Code, Names, Number, Text, text

NAME_CHARACTERS = 100
"""Discord's limit of a channel's name."""

RENAMES, RENAME_TIME = 2, timedelta(minutes=10)
"""Discord accepts so many new names of one channel in so long; the third waits, and no header tells it."""

SPARE = timedelta(seconds=10)  # Discord's clock, and the time that a request is on its way
LONGEST_NUMBER = 3
LONGEST_STATE = 20
DEFAULT_FORMAT = "{server} | {online}/{max}"
UNKNOWN = "?"
_PLACE = re.compile(r"\{([^{}]*)\}")


class CounterPlace(StrEnum):
    """The places of a format that facts take."""

    SERVER = "server"
    ONLINE = "online"
    MAX = "max"
    QUEUE = "queue"
    PEAK = "peak"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class CounterRecord:
    """The renames of the channel of a counter.

    Attributes:
        wanted: the name that was asked for last.
        shown: the name that Discord made of it: text channels have neither capitals nor blanks.
        renamed_at: when the newest renames began; they count even if nobody knows how they ended.
    """

    channel_id: ChannelId
    wanted: str = ""
    shown: str = ""
    renamed_at: tuple[datetime, ...] = ()

    def is_shown(self, wanted: str, name: str) -> bool:
        """Tell whether a channel with this name shows the wanted one."""
        return wanted == name or (wanted, name) == (self.wanted, self.shown)

    def may_rename(self, now: datetime) -> bool:
        """Tell whether Discord accepts a new name; after a clock was set back, that takes longer."""
        return sum(at > now - RENAME_TIME - SPARE for at in self.renamed_at) < RENAMES

    def note_rename(self, now: datetime) -> Self:
        """Return the record with a rename that begins."""
        return replace(self, renamed_at=(*self.renamed_at, now)[-RENAMES:])


def clean_format(typed: str) -> str:
    """Return a format without blanks that a name cannot have."""
    return " ".join(typed.split())


def find_format_problem(typed: str, server_name: str) -> Text | None:
    """Return why a format cannot be used for a game server; None if it can."""
    if not typed:
        return text("A name needs at least one character. Leave the format out for the default one.")
    known = tuple(Code(f"{{{place}}}") for place in CounterPlace)
    if unknown := tuple(
        Code(f"{{{name}}}") for name in _PLACE.findall(typed) if name not in list(CounterPlace)
    ):
        return text(
            "I don't know {unknown}. These work: {known}.", unknown=Names(unknown), known=Names(known)
        )
    longest = dict.fromkeys(CounterPlace, "9" * LONGEST_NUMBER)
    longest |= {CounterPlace.SERVER: server_name, CounterPlace.STATE: "x" * LONGEST_STATE}
    if (length := len(_fill(typed, longest))) > NAME_CHARACTERS:
        return text(
            "That name could have {length} characters, and Discord allows {most}. Use a shorter format.",
            length=Number(length),
            most=Number(NAME_CHARACTERS),
        )
    return None


def fill_format(template: str, facts: Mapping[CounterPlace, str]) -> str:
    """Return the name of a channel, within Discord's limit; a place without a fact stays as it is."""
    return _fill(template, facts)[:NAME_CHARACTERS].strip() or UNKNOWN


def _fill(template: str, facts: Mapping[CounterPlace, str]) -> str:
    """Return the format with the facts; what is inserted is not searched for places."""
    known = {place.value: fact for place, fact in facts.items()}
    return clean_format(_PLACE.sub(lambda found: known.get(found[1], found[0]), template))
