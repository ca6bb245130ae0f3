"""``Deadside.log``: one line of bytes in, one ``LogLine`` out.

Theory of operation
-------------------
A line is ``[YYYY.MM.DD-HH.MM.SS:mmm][frame]Category: Warning: text``. Its stamp is UTC, so no server's time
zone is needed. The first lines of a file have no stamp. A line is looked up by its category; then the fixed
parts of the rules are looked for, then their patterns (``deadside_rules``). A line of a category that matters
and fits no rule becomes a shape (``line_shapes``), so that the bot itself notices when its rules have aged.

The reader never guesses and never raises: it returns a value for every input. The line itself never leaves
this module, neither in a value nor in an error. Whether a line is complete is not decided here.
"""

import re
from datetime import datetime

from utils.models.deadside_log import LogLine
from utils.parsers.deadside_rules import RULES_BY_CATEGORY
from utils.parsers.line_shapes import build_shape

MAX_LINE_BYTES = 8 * 1024
"""Real lines have up to 500 bytes; longer ones are cut, because only their beginning can be known."""

EARLIEST_YEAR, LATEST_YEAR = "2015", "2199"
"""A stamp outside was written by a clock that was not set; the game came out later."""

RELEVANT = {
    "LogSFPS": None,
    "LogSFPSAC": None,
    "LogBeacon": None,
    "LogOnline": None,
    "LogNet": re.compile(r"Join|Close|TIMED OUT|Login").search,
}
"""The categories whose unknown lines are kept as shapes; of ``LogNet`` only those with such a word."""

_STAMP = r"\[(\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d):(\d{3})\]\[[ \d]{0,6}\]"
_bare_prefix = re.compile(_STAMP, re.ASCII).match
_prefix = re.compile(
    rf"(?:{_STAMP})?(Log\w{{1,60}}): ?"
    r"(?:(?:Fatal|Error|Warning|Display|Verbose|VeryVerbose): )?",
    re.ASCII,
).match


def parse_line(raw: bytes) -> LogLine:
    """Read one line, without its line feed; a carriage return, a byte-order mark and NULs are tolerated."""
    text = raw[:MAX_LINE_BYTES].decode("utf-8", "replace")
    if not text.startswith("["):
        text = text.lstrip("\ufeff\0")
    match = _prefix(text)
    if match is None:
        return _parse_bare(text)
    stamp, milliseconds, category = match.groups()
    at = _read_stamp(stamp, milliseconds) if stamp is not None else None
    if category not in RULES_BY_CATEGORY and category not in RELEVANT:
        return LogLine(at, None, None, None)
    return _apply_rules(at, category, text[match.end() :])


def _parse_bare(text: str) -> LogLine:
    """Read a line without a category; the first one of a file has no stamp, the last one has."""
    match = _bare_prefix(text)
    if match is None:
        return _apply_rules(None, "", text)
    return _apply_rules(_read_stamp(*match.groups()), "", text[match.end() :])


def _apply_rules(at: datetime | None, category: str, text: str) -> LogLine:
    text = text.rstrip("\r\n")
    for rule in RULES_BY_CATEGORY.get(category, ()):
        if rule.substring in text and (found := rule.pattern.match(text)) is not None:
            if rule.build is None:
                return LogLine(at, rule.name, None, None)
            if (fact := rule.build(found)) is not None:
                return LogLine(at, rule.name, fact, None)
    return LogLine(at, None, None, _find_shape(category, text))


def _read_stamp(stamp: str, milliseconds: str) -> datetime | None:
    """Read ``YYYY.MM.DD-HH.MM.SS``; without its dots it is a basic ISO time, which is parsed fastest."""
    if not EARLIEST_YEAR <= stamp[:4] <= LATEST_YEAR:
        return None
    try:
        return datetime.fromisoformat(f"{stamp.replace('.', '')}.{milliseconds}+00:00")
    except ValueError:
        return None


def _find_shape(category: str, text: str) -> str | None:
    if category not in RELEVANT:
        return None
    is_relevant = RELEVANT[category]
    if is_relevant is not None and is_relevant(text) is None:
        return None
    return build_shape(category, text)
