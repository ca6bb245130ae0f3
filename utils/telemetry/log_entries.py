"""Entries of the log: a record with its context, redacted, as plain data, and its line of JSON.

Theory of operation: an entry is made where its record is logged, with the context of that moment, and it is
redacted there as well. A login that is only tried is masked as long as it is tried, so no later moment would
do. From then on nothing but plain data goes to the threads that write.
"""

import json
import logging
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TextIO

import structlog
from structlog.typing import ExcInfo, Processor

from utils.clock import Clock
from utils.telemetry.log_systems import choose_system

Entry = dict[str, Any]
"""A redacted record: texts, numbers, lists and mappings."""

MAX_LINE_BYTES = 16 * 1024
MAX_FRAMES = 30  # of a traceback, the innermost ones
CUT_CHARACTERS = (4000, 1000, 250, 60)  # how long a text of an entry may be, until the line fits
MAX_ITEMS = 50  # of a list or mapping in an entry that is cut
CARRIED = "entry"  # the attribute of a standard record that holds the entry of structlog
LEVELS = logging.getLevelNamesMapping()
FIRST_KEYS = ("timestamp", "level", "logger", "system", "version", "event", "id", "parent")


class EntryBuilder:
    """Makes the entry of a standard record.

    Args:
        version: the bot's version, which every entry has.
        redact: masks secrets at any depth; the last step.
        clock: the time of the entries.
    """

    def __init__(self, *, version: str, redact: Processor, clock: Clock) -> None:
        self._version = version
        self._redact = redact
        self._clock = clock
        self._format_stack = structlog.processors.StackInfoRenderer()
        self._format_error = structlog.processors.ExceptionRenderer(format_traceback)

    def build(self, record: logging.LogRecord) -> Entry:
        """Return the entry of a record with the context of the caller."""
        level, name = record.levelname.lower(), record.name
        carried: Entry | None = getattr(record, CARRIED, None)
        event: Any = _read_foreign(record) if carried is None else dict(carried)
        event = {
            **structlog.contextvars.merge_contextvars(None, level, event),
            "timestamp": format_time(self._clock.now()),
            "level": level,
            "logger": name,
            "system": choose_system(name, event.get("system")),
            "version": self._version,
        }
        event = self._format_error(None, level, self._format_stack(None, level, event))
        redacted: Any = self._redact(None, level, event)
        return {**{key: redacted[key] for key in FIRST_KEYS if key in redacted}, **redacted}


def carry_entry(
    _logger: object, _level: str, event: Mapping[str, Any]
) -> tuple[tuple[object], dict[str, dict[str, Any]]]:
    """Hand an event of structlog to the standard library; the last processor of structlog."""
    return (event["event"],), {"extra": {CARRIED: event}}


def _read_foreign(record: logging.LogRecord) -> Entry:
    """Return the event of a library's record."""
    event: Entry = {"event": record.getMessage()}
    if record.exc_info:
        event["exc_info"] = record.exc_info
    if record.stack_info:
        event["stack"] = record.stack_info
    return event


def format_time(moment: datetime) -> str:
    """Return a moment as the log writes it, always equally long."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_traceback(exc_info: ExcInfo) -> str:
    """Return the text of an error and its causes, each with its innermost frames."""
    return "".join(traceback.format_exception(*exc_info, limit=-MAX_FRAMES)).rstrip("\n")


def build_line(entry: Mapping[str, Any]) -> bytes:
    """Return the line of an entry; one that is too long is cut, and says so by ``is_cut``."""
    line = _render(entry)
    for characters in CUT_CHARACTERS:
        if len(line) <= MAX_LINE_BYTES:
            return line
        line = _render({key: _cut(key, value, characters) for key, value in entry.items()} | {"is_cut": True})
    if len(line) <= MAX_LINE_BYTES:
        return line
    kept = {key: _cut(key, entry[key], CUT_CHARACTERS[-1]) for key in FIRST_KEYS if key in entry}
    return _render(kept | {"is_cut": True})


def _render(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, default=repr).encode("utf-8", "backslashreplace") + b"\n"


def _cut(key: str, value: object, characters: int) -> object:
    """Return a value with shorter texts; of a traceback the end remains."""
    match value:
        case str():
            if len(value) <= characters:
                return value
            return f"…{value[-characters:]}" if key == "exception" else f"{value[:characters]}…"
        case Mapping():
            items = list(value.items())[:MAX_ITEMS]
            return {str(name)[:characters]: _cut("", one, characters) for name, one in items}
        case list():
            return [_cut("", one, characters) for one in value[:MAX_ITEMS]]
        case _:
            return value


class ConsoleLines:
    """The log for people: one line for an entry, coloured on a terminal, without the marks of machines.

    Args:
        least: the lowest level that is shown.
    """

    LEFT_OUT = frozenset({"system", "version", "id", "parent"})

    def __init__(self, stream: TextIO, *, least: str = "NOTSET") -> None:
        self._stream = stream
        self._shown = {name.lower() for name, level in LEVELS.items() if level >= LEVELS[least]}
        self._render = structlog.dev.ConsoleRenderer(colors=stream.isatty())

    def write(self, entry: Entry) -> None:
        """Write an entry; a console that is gone takes nothing."""
        if entry["level"] not in self._shown:
            return
        shown = {key: value for key, value in entry.items() if key not in self.LEFT_OUT}
        with suppress(OSError, ValueError):
            self._stream.write(f"{self._render(None, '', shown)}\n")
            self._stream.flush()

    def tend(self) -> None:
        """Do nothing: a console needs no care."""

    def close(self) -> None:
        """Leave the stream open; it belongs to the process."""
