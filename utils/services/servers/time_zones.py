"""Time zones as people type them: in any case, only the city, an abbreviation or an offset.

A city is enough. An abbreviation or an offset is not, because most clocks change in summer: the answer names
cities that have it at some time of the year.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

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
_WELL_KNOWN = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Athens",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Anchorage",
    "America/Halifax",
    "America/St_Johns",
    "America/Bogota",
    "Atlantic/Azores",
    "Atlantic/South_Georgia",
    "Africa/Johannesburg",
    "Asia/Dubai",
    "Asia/Tehran",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Perth",
    "Australia/Adelaide",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Pacific/Noumea",
)
"""At least one city for each offset that people live with, the better known ones first."""

_ABBREVIATIONS = {
    "aest": "Australia/Sydney",
    "aedt": "Australia/Sydney",
    "brt": "America/Sao_Paulo",
    "bst": "Europe/London",
    "cdt": "America/Chicago",
    "cest": "Europe/Berlin",
    "cet": "Europe/Berlin",
    "cst": "America/Chicago",
    "edt": "America/New_York",
    "eest": "Europe/Athens",
    "eet": "Europe/Athens",
    "est": "America/New_York",
    "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
    "mdt": "America/Denver",
    "mez": "Europe/Berlin",
    "msk": "Europe/Moscow",
    "mst": "America/Denver",
    "pdt": "America/Los_Angeles",
    "pst": "America/Los_Angeles",
}
_OFFSET = re.compile(r"(?:utc|gmt)? ?(?P<sign>[+\-\u2212]) ?(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?")
_SEASONS = (datetime(2025, 1, 15), datetime(2025, 7, 15))  # noqa: DTZ001 - days of a clock on the wall
_CLOSE = 3  # zones in a sentence
_ALIKE = 0.75  # of two spellings, so that no city is named that nobody meant
_SHOWN = 60  # characters of a typed text


def find_zone(written: str) -> str:
    """Return the name of the zone of a text.

    Raises:
        InvalidInputError: there is no such zone; the sentence says what to type instead.
    """
    typed, shown = _fold(written), written.strip()[:_SHOWN]
    if (name := _NAMES.get(typed)) is not None:
        return name
    if (name := _CITIES.get(typed)) is not None:
        return name
    if typed == "localtime":
        raise InvalidInputError(
            text(
                "“localtime” is the clock of my own machine. Choose the game server's city, like Berlin or"
                " New York."
            )
        )
    raise InvalidInputError(_describe_unknown(shown, typed))


def search_zones(text: str, *, limit: int) -> Sequence[str]:
    """Return the zones that fit a text, cities that begin with it first; common ones if there is no text."""
    typed = _fold(text)
    if not typed:
        return _COMMON[:limit]
    found = {name: folded for folded, name in _NAMES.items() if typed in folded}
    ranked = sorted(found, key=lambda name: _rank(found[name], typed))
    near = _find_near(typed) if _is_shorthand(typed) or not ranked else []
    return list(dict.fromkeys([*near, *ranked]))[:limit]


def _is_shorthand(typed: str) -> bool:
    return typed in _ABBREVIATIONS or _OFFSET.fullmatch(typed) is not None


def _find_near(typed: str) -> list[str]:
    """Return the zones that a text may mean: by abbreviation, by offset, or by a city written almost so."""
    if (name := _ABBREVIATIONS.get(typed)) is not None:
        return [name]
    if (offset := _read_offset(typed)) is not None:
        return _list_zones_at(offset)
    close = get_close_matches(typed.rpartition("/")[2], _CITIES, n=_CLOSE, cutoff=_ALIKE)
    return [_CITIES[city] for city in close]


def _read_offset(typed: str) -> timedelta | None:
    match = _OFFSET.fullmatch(typed)
    if match is None:
        return None
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return offset if match["sign"] == "+" else -offset


def _list_zones_at(offset: timedelta) -> list[str]:
    """Return zones with an offset: those that have it in winter, in summer, and one that never changes."""
    seasons = [[name for name in _WELL_KNOWN if _OFFSETS[name][season] == offset] for season in (0, 1)]
    hours, rest = divmod(offset, timedelta(hours=1))
    fixed = f"Etc/GMT{-hours:+d}" if hours else "UTC"
    is_fixed = not rest and _fold(fixed) in _NAMES
    return list(dict.fromkeys([*seasons[0], *seasons[1], *([fixed] if is_fixed else [])]))


def _rank(folded: str, typed: str) -> tuple[bool, bool, str]:
    _, _, city = folded.rpartition("/")
    return not city.startswith(typed), not folded.startswith(typed), folded


def _describe_unknown(shown: str, typed: str) -> Text:
    near = _find_near(typed)[:_CLOSE]
    sentences = [text("“{typed}” isn't a time zone.", typed=shown)]
    if _is_shorthand(typed):
        sentences = [text("“{typed}” doesn't say when the clocks change.", typed=shown)]
    if len(near) == 1:
        sentences.append(text("Did you mean {name}?", name=near[0]))
    elif near:
        sentences.append(text("Did you mean one of these: {names}?", names=Names(tuple(near))))
    sentences.append(text("Type the game server's city, like Berlin or New York, and choose from the list."))
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

_OFFSETS = {
    name: tuple(day.replace(tzinfo=ZoneInfo(name)).utcoffset() for day in _SEASONS) for name in _WELL_KNOWN
}
"""The offsets of the well-known zones in winter and in summer of the north."""
