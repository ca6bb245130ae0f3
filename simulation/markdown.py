"""Discord's markup as its client shows it, as far as the bot's messages use it.

A text becomes lines of spans. Backslashes are removed, timestamps become times (UTC), mentions of channels,
members and commands become names. The terminal and the pictures of the documentation both use it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple


class Style(StrEnum):
    """The style of a span."""

    PLAIN = "plain"
    BOLD = "bold"
    CODE = "code"
    MENTION = "mention"
    QUOTE = "quote"  # small print too


class Span(NamedTuple):
    """A text of one style."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]

_MARKUP = re.compile(
    r"\\(?P<escaped>.)"
    r"|\*\*(?P<bold>(?:\\.|[^*])+)\*\*"
    r"|`(?P<code>[^`]+)`"
    r"|<t:(?P<time>-?\d+)(?::(?P<form>[a-zA-Z]))?>"
    r"|<#(?P<channel>\d+)>"
    r"|<@(?P<member>\d+)>"
    r"|<@&(?P<role>\d+)>"
    r"|</(?P<command>[^:>]+):\d+>"
)
_FORMS = {
    "t": "%H:%M",
    "T": "%H:%M:%S",
    "d": "%d/%m/%Y",
    "D": "%d %B %Y",
    "f": "%d %B %Y %H:%M",
    "F": "%A, %d %B %Y %H:%M",
}
"""Discord's forms of a timestamp, but ``R``, which is relative to now."""
_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3_600), ("minute", 60))


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader's time, and the names of channels, members and roles."""

    now: datetime
    channels: Mapping[int, str] = field(default_factory=dict)
    members: Mapping[int, str] = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)

    def read(self, text: str) -> tuple[Line, ...]:
        """Return a text as lines of spans."""
        return tuple(self._read_line(line) for line in text.split("\n"))

    def read_plain(self, text: str) -> str:
        """Return a text without any style."""
        return "\n".join("".join(span.text for span in line) for line in self.read(text))

    def _read_line(self, line: str) -> Line:
        if line.startswith("-# "):
            spans = merge_spans(self._scan(line[3:], Style.PLAIN))
            return tuple(Span(text, Style.QUOTE if style is Style.PLAIN else style) for text, style in spans)
        if line.startswith("> "):
            return (Span("▏ ", Style.QUOTE), *merge_spans(self._scan(line[2:], Style.PLAIN)))
        return merge_spans(self._scan(line, Style.PLAIN))

    def _scan(self, text: str, style: Style) -> Iterator[Span]:
        end = 0
        for match in _MARKUP.finditer(text):
            yield Span(text[end : match.start()], style)
            yield from self._read_match(match, style)
            end = match.end()
        yield Span(text[end:], style)

    def _read_match(self, match: re.Match[str], style: Style) -> Iterator[Span]:
        kind, inner = match.lastgroup, match.groupdict()
        if kind == "escaped":
            yield Span(inner["escaped"], style)
        elif kind == "bold":
            yield from self._scan(inner["bold"], Style.BOLD)
        elif kind == "code":
            yield Span(inner["code"], Style.CODE)
        elif kind == "channel":
            name = self.channels.get(int(inner["channel"]), "unknown")
            yield Span(f"#{name}", Style.MENTION)
        elif kind == "member":
            name = self.members.get(int(inner["member"]), "unknown")
            yield Span(f"@{name}", Style.MENTION)
        elif kind == "role":
            name = self.roles.get(int(inner["role"]), "unknown")
            yield Span(f"@{name}", Style.MENTION)
        elif kind == "command":
            yield Span(f"/{inner['command']}", Style.MENTION)
        else:
            yield Span(write_time(int(inner["time"]), inner["form"] or "f", now=self.now), style)


def write_time(seconds: int, form: str, *, now: datetime) -> str:
    """Return a timestamp as Discord's client writes it, in UTC."""
    if form == "R":
        return _write_relative(int(now.timestamp()) - seconds)
    return datetime.fromtimestamp(seconds, UTC).strftime(_FORMS.get(form, _FORMS["f"]))


def _write_relative(age_seconds: int) -> str:
    size = abs(age_seconds)
    unit, length = next(((name, length) for name, length in _UNITS if size >= length), ("second", 1))
    count = size // length
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{words} ago" if age_seconds >= 0 else f"in {words}"


def merge_spans(spans: Iterable[Span]) -> Line:
    """Join neighbours of one style and remove the empty ones."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].style is span.style:
            merged[-1] = Span(merged[-1].text + span.text, span.style)
        elif span.text:
            merged.append(span)
    return tuple(merged)
