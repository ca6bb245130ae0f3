"""Time zones as people type them: in any case, or only the city; an offset is explained, not guessed."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from zoneinfo import available_timezones

from utils.errors import InvalidInputError
from utils.models.texts import Names, Text, join, text
from utils.models.typed_text import fold_text

_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Other files next to the zones. ``localtime`` is the zone of the bot's machine."""

_REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
_NO_CITIES = frozenset({"north", "south", "west"})  # parts of Australia
_COMMON = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Shanghai",
    "Australia/Sydney",
)
_OFFSET = re.compile(r"(?:utc|gmt)? ?[+\-\u2212] ?\d{1,2}(?::?\d{2})?")
_SHOWN = 60  # characters of a typed text


def find_zone(written: str) -> str:
    """Return the name of the zone of a text.

    Raises:
        InvalidInputError: there is no such zone; the sentence says what to type instead.
    """
    typed, shown = _fold(written), written.strip()[:_SHOWN]
    if (name := _NAMES.get(typed)) is not None:
        return name
    if _OFFSET.fullmatch(typed):
        raise InvalidInputError(
            text(
                "“{typed}” is an offset, and most clocks change in summer. Name the city of the game server,"
                " like Berlin or New York. For a clock that never changes take UTC, or a zone like Etc/GMT-2:"
                " it is two hours ahead of UTC, although its sign says the opposite.",
                typed=shown,
            )
        )
    if (name := _CITIES.get(typed)) is not None:
        return name
    if typed == "localtime":
        raise InvalidInputError(
            text(
                "“localtime” is the clock of the machine that the bot runs on. Name the zone of the game"
                " server, like Europe/Berlin, or its city."
            )
        )
    raise InvalidInputError(_describe_unknown(shown, typed))


def search_zones(text: str, *, limit: int) -> Sequence[str]:
    """Return the zones that fit the beginning of a text, cities first; common ones if there is no text."""
    typed = _fold(text)
    if not typed:
        return _COMMON[:limit]
    found = {name: folded for folded, name in _NAMES.items() if typed in folded}
    return sorted(found, key=lambda name: _rank(found[name], typed))[:limit]


def _rank(folded: str, typed: str) -> tuple[bool, bool, str]:
    _, _, city = folded.rpartition("/")
    return not city.startswith(typed), not folded.startswith(typed), folded


def _describe_unknown(shown: str, typed: str) -> Text:
    close = get_close_matches(typed.rpartition("/")[2], _CITIES, n=3)
    sentences = [text("“{typed}” is not a time zone.", typed=shown)]
    if close:
        meant = Names(tuple(_CITIES[city] for city in close))
        sentences.append(text("Did you mean: {names}?", names=meant))
    sentences.append(
        text("Use a name like UTC, Europe/Berlin or America/New_York; the option offers them while you type.")
    )
    return join(sentences)


def _fold(text: str) -> str:
    """Return a text folded: without case, accents, blanks and underscores."""
    return fold_text(text).replace("_", " ")


def _group_cities(names: Mapping[str, str]) -> Mapping[str, str]:
    """Return the zone of every city; the shortest if a zone has several names, in Europe if possible."""
    zones: defaultdict[str, list[str]] = defaultdict(list)
    for folded, name in names.items():
        region, _, city = name.partition("/")
        if region in _REGIONS and city:
            zones[folded.rpartition("/")[2]].append(name)
    return {
        city: min(known, key=lambda name: (name.count("/"), not name.startswith("Europe"), name))
        for city, known in zones.items()
        if city not in _NO_CITIES
    }


_NAMES = {_fold(name): name for name in sorted(available_timezones() - _NO_ZONES)}
"""Every zone by its folded name; read once before the loop runs, because it reads many files."""

_CITIES = _group_cities(_NAMES)
