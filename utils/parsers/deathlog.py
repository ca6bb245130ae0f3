"""The death log: one line of bytes in, one ``DeathRow`` or ``Rejected`` out.

Theory of operation
-------------------
A death log is ``;`` separated, without header or quoting; every line ends with ``;`` and a line feed. Two
generations exist, told apart per line: 8 parts (old) or 10 (new, with platforms). A line is split, and its
columns are taken by their position. If they do not fit, the line is read again from both ends: player ids
have a fixed form (``0002`` and 28 hex digits), so a name with a ``;`` can be told from the rest. A line that
fits neither way, or both ways differently, is rejected with a reason. The reader never guesses and never
raises: it returns a value for every input.

Whether a line is complete is not decided here: callers hand over lines that ended with a line feed.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from utils.models.deaths import EARLIEST_WRITTEN_AT, DeathKind, DeathRow, Rejected
from utils.models.rejections import RejectionReason
from utils.models.scope import PlayerId
from utils.models.texts import Number, Text

MAX_LINE_BYTES = 2048
"""Real lines are under 200 bytes; a longer line is not a death."""

MAX_PLATFORM_CHARACTERS = 8
KEPT_NAME_CHARACTERS = 64  # of names and weapons; the game allows 20
MAX_DISTANCE_METRES = 999_999_999
KEPT_REJECTED_CHARACTERS = 300

BOM = b"\xef\xbb\xbf"
VEHICLES = frozenset({"land_vehicle", "boat"})
MENU_SUICIDE = "suicide_by_relocation"
FALL = "falling"

_ID = r"0002[0-9a-f]{28}"
_is_player_id = re.compile(_ID).fullmatch
_is_time = re.compile(r"\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d", re.ASCII).fullmatch
_from_both_ends = re.compile(
    rf"""
    (?P<time>[^;]*);
    (?:(?P<killer>.*);(?P<killer_id>{_ID})|;);
    (?P<victim>.+);(?P<victim_id>{_ID});
    (?P<weapon>[^;]*);(?P<distance>[^;]*);
    (?:(?P<killer_platform>[^;]*);(?P<victim_platform>[^;]*);)?
    """,
    re.VERBOSE | re.DOTALL,
).fullmatch
_id_column = re.compile(rf";{_ID}(?=;)").findall


class _Unreadable(Exception):  # noqa: N818 - control flow inside this module, never seen outside
    """Why a line cannot be read."""

    def __init__(self, reason: Text) -> None:
        self.reason = reason
        super().__init__()


def decode_line(line: bytes) -> str:
    """Decode a line as UTF-8, else as Windows-1252; one bad byte never loses a line."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def classify(killer_id: PlayerId | None, victim_id: PlayerId, weapon: str) -> DeathKind:
    """Return the class of a death; the first rule that matches decides."""
    if killer_id is None:
        return DeathKind.UNKNOWN
    if killer_id == victim_id:
        if weapon == MENU_SUICIDE:
            return DeathKind.MENU
        return DeathKind.FALL if weapon == FALL else DeathKind.SELF
    return DeathKind.VEHICLE if weapon in VEHICLES else DeathKind.KILL


def parse_death_line(line: bytes, *, latest: datetime) -> DeathRow | Rejected:
    """Read one line, given without its line feed (a carriage return before it is tolerated).

    NULs in front of it, before and after a BOM, are skipped: a crash leaves them, and so does emptying a log
    while the game writes. ``latest`` is the latest valid time of a row, by the game server's wall clock and
    without a zone.
    """
    line = line.removesuffix(b"\r").lstrip(b"\0").removeprefix(BOM).lstrip(b"\0")
    if len(line) > MAX_LINE_BYTES:
        return _reject(line, RejectionReason.TOO_LONG.say(limit=Number(MAX_LINE_BYTES)))
    text = decode_line(line)
    try:
        return _read_row(_split_columns(text), latest)
    except _Unreadable as problem:
        return _reject(line, problem.reason)


def iterate_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield every whole line of ``data`` with its offset; ``data`` ends with a line feed."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield start, data[start:end]
        start = end + 1


def _reject(line: bytes, reason: Text) -> Rejected:
    return Rejected(decode_line(line)[:KEPT_REJECTED_CHARACTERS], reason)


def _split_columns(text: str) -> list[str]:
    """Return the 7 or 9 columns of a line."""
    parts = text.split(";")
    if len(parts) in (8, 10) and not parts[-1] and _fits(parts):
        return parts[:-1]
    if not text:
        raise _Unreadable(RejectionReason.EMPTY.say())
    if parts[-1]:
        raise _Unreadable(RejectionReason.NO_SEMICOLON.say())
    if len(parts) < 8:
        raise _Unreadable(RejectionReason.COLUMNS.count(len(parts) - 1))
    return _split_from_both_ends(text, len(parts) - 1)


def _fits(parts: list[str]) -> bool:
    """Tell whether the ids are in their columns if every name is a single part."""
    killer_id = parts[2]
    return bool((not killer_id or _is_player_id(killer_id)) and _is_player_id(parts[4]))


def _split_from_both_ends(text: str, columns: int) -> list[str]:
    """Find the columns by the ids' form, for names that hold a semicolon."""
    ids = len(_id_column(text))
    if ids > 2:
        raise _Unreadable(RejectionReason.AMBIGUOUS.say())
    match = _from_both_ends(text) if ids else None
    if match is None:
        has_right_columns = columns in (7, 9)
        raise _Unreadable(
            RejectionReason.NO_IDS.say() if has_right_columns else RejectionReason.COLUMNS.count(columns)
        )
    if ids != 1 + bool(match["killer_id"]):
        raise _Unreadable(RejectionReason.AMBIGUOUS.say())
    return [value or "" for value in match.groups()]


def _read_row(columns: list[str], latest: datetime) -> DeathRow:
    time, killer, killer_id, victim, victim_id, weapon, distance, *platforms = columns
    if not victim:
        raise _Unreadable(RejectionReason.NO_VICTIM.say())
    killer_platform, victim_platform = platforms or ("", "")
    if len(killer_platform) > MAX_PLATFORM_CHARACTERS or len(victim_platform) > MAX_PLATFORM_CHARACTERS:
        raise _Unreadable(RejectionReason.PLATFORM.say())
    killed_by = PlayerId(killer_id) if killer_id else None
    return DeathRow(
        written_at=_read_time(time, latest),
        kind=classify(killed_by, PlayerId(victim_id), weapon),
        killer_id=killed_by,
        killer_name=killer[:KEPT_NAME_CHARACTERS] if killer_id else "",
        victim_id=PlayerId(victim_id),
        victim_name=victim[:KEPT_NAME_CHARACTERS],
        weapon=weapon[:KEPT_NAME_CHARACTERS],
        distance=_read_distance(distance),
        killer_platform=killer_platform,
        victim_platform=victim_platform,
    )


def _read_time(text: str, latest: datetime) -> datetime:
    """Read ``YYYY.MM.DD-HH.MM.SS``: without its dots it is a basic ISO time, which is parsed fastest."""
    if not _is_time(text):
        raise _Unreadable(RejectionReason.TIME.say())
    try:
        written_at = datetime.fromisoformat(text.replace(".", ""))
    except ValueError:
        raise _Unreadable(RejectionReason.IMPOSSIBLE_TIME.say()) from None
    if written_at < EARLIEST_WRITTEN_AT:
        raise _Unreadable(RejectionReason.TOO_EARLY.say(year=str(EARLIEST_WRITTEN_AT.year)))
    if written_at > latest:
        raise _Unreadable(RejectionReason.IN_THE_FUTURE.say())
    return written_at


def _read_distance(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_DISTANCE_METRES)):
        raise _Unreadable(RejectionReason.DISTANCE.say())
    return int(text)
