"""Messages of Discord as text: embeds with their coloured bar, fields in columns, buttons, private marks.

Pure: values in, lines out. Without colours the output has only text and box characters, so it can be piped
into a file.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulation.discord import Message
from simulation.markdown import Line, Reader, Span, Style, merge_spans

COLUMNS = 3  # inline fields in one row, as in Discord's client
BAR = "▌"

_RESET = "\x1b[0m"
_DIM, _STRONG, _UNDERLINE = "2", "1", "4"
_CODES = {
    Style.BOLD: _STRONG,
    Style.CODE: "38;5;180",
    Style.MENTION: "38;5;111",
    Style.QUOTE: _DIM,
}

Embed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Terminal:
    """How wide the terminal is (characters), and whether it shows colours."""

    width: int = 80
    has_colours: bool = False

    def paint(self, text: str, *codes: str) -> str:
        """Return a text in ANSI colours, or as it is."""
        return f"\x1b[{';'.join(codes)}m{text}{_RESET}" if self.has_colours and codes and text else text

    def render_headline(self, text: str) -> str:
        """Return the headline of a channel."""
        return self.paint(f"{text} {'─' * (self.width - measure(text) - 1)}", "38;5;67", _STRONG)

    def render_note(self, text: str) -> list[str]:
        """Return the lines of a remark of the narrator."""
        return [
            self.paint(f"» {part}" if number == 0 else f"  {part}", "38;5;108")
            for number, part in enumerate(_wrap_text(text, self.width - 2))
        ]

    def render_command(self, who: str, command: str, options: Mapping[str, str]) -> list[str]:
        """Return a slash command as its author sees it before sending."""
        typed = " ".join([command, *(f"{name}:{value}" for name, value in options.items())])
        parts = _wrap_text(typed, self.width - measure(who) - 3)
        indent = " " * (measure(who) + 3)
        first = f"{self.paint(who, _STRONG, '38;5;215')} > {self.paint(parts[0], '38;5;111')}"
        return [first, *(indent + self.paint(part, "38;5;111") for part in parts[1:])]

    def render_message(self, message: Message, reader: Reader) -> list[str]:
        """Return a message of the bot with all its embeds, buttons and marks, an empty line before it."""
        lines = ["", self._render_author(message)]
        lines += [f"  {self._join(line)}" for line in _read_lines(message.content, reader, self.width - 2)]
        for embed in message.embeds:
            lines += self.render_embed(embed, reader)
        buttons = [f"[ {item.get('label') or '…'} ]" for item in message.interactive_components]
        if buttons:
            lines.append(f"  {self.paint(' '.join(buttons), '38;5;111')}")
        if message.is_ephemeral and message.interaction is not None:
            name = message.interaction.user.username
            lines.append(self.paint(f"  (only {name} can see this)", _DIM))
        return lines

    def render_embed(self, embed: Embed, reader: Reader) -> list[str]:
        """Return an embed: its bar, title, text, fields and footer."""
        width = self.width - 4
        title = reader.read_plain(embed.get("title") or "")
        body = [self.paint(part, _STRONG) for part in _wrap_text(title, width)]
        body += [self._join(line) for line in _read_lines(embed.get("description"), reader, width)]
        for row in group_fields(embed.get("fields") or ()):
            body += self._render_fields(row, reader, width)
        footer = (embed.get("footer") or {}).get("text") or ""
        if stamp := embed.get("timestamp"):
            footer = " · ".join(filter(None, (footer, f"{datetime.fromisoformat(stamp):%H:%M}")))
        body += [self.paint(part, _DIM) for part in _wrap_text(footer, width)]
        red, green, blue = int(embed.get("color") or 0).to_bytes(3)
        bar = self.paint(BAR, f"38;2;{red};{green};{blue}")
        return [f"  {bar} {line}".rstrip() for line in body]

    def _render_author(self, message: Message) -> str:
        name = self.paint(message.author.username, _STRONG, "38;5;203")
        facts = [f"{datetime.fromisoformat(message.created_at):%H:%M:%S}"]
        if message.interaction is not None:
            facts.append(f"answers {message.interaction.user.username}")
        if message.edited_at is not None:
            facts.append("edited")
        return f"{name} {self.paint('APP · ' + ' · '.join(facts), _DIM)}"

    def _render_fields(self, row: Sequence[Embed], reader: Reader, width: int) -> Iterator[str]:
        """Yield the lines of fields side by side: names over values."""
        own = width // COLUMNS - 1 if row[0].get("inline") else width
        cells = [
            [
                (Span(reader.read_plain(field["name"]), Style.CODE),),
                *_read_lines(field["value"], reader, own),
            ]
            for field in row
        ]
        for number in range(max(map(len, cells))):
            parts = [cell[number] if number < len(cell) else () for cell in cells]
            yield " ".join(self._join(part) + " " * (own - _measure_line(part)) for part in parts).rstrip()

    def _join(self, line: Line) -> str:
        return "".join(self.paint(span.text, *filter(None, (_CODES.get(span.style),))) for span in line)


def group_fields(fields: Iterable[Embed]) -> Iterator[list[Embed]]:
    """Yield the rows of fields: up to three inline fields together, every other field alone."""
    row: list[Embed] = []
    for each in fields:
        if row and (len(row) == COLUMNS or not each.get("inline")):
            yield row
            row = []
        row.append(each)
        if not each.get("inline"):
            yield row
            row = []
    if row:
        yield row


def measure(text: str) -> int:
    """Return how many columns of a terminal a text takes; emoji and East Asian letters take two."""
    return sum(_measure_character(char) for char in text)


def _measure_character(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _measure_line(line: Line) -> int:
    return sum(measure(span.text) for span in line)


def _read_lines(text: str | None, reader: Reader, width: int) -> list[Line]:
    return [part for line in reader.read(text) for part in wrap(line, width)] if text else []


def _wrap_text(text: str, width: int) -> list[str]:
    if not text:
        return []
    return ["".join(span.text for span in part).rstrip() for part in wrap((Span(text),), width)]


def _measure_span(span: Span) -> float:
    return measure(span.text)


def wrap(line: Line, width: float, measure_span: Callable[[Span], float] = _measure_span) -> Iterator[Line]:
    """Yield a line in parts that fit the width, broken between words where possible.

    ``measure_span`` returns the width of a span, by default in columns of a terminal.
    """
    part: list[Span] = []
    used = 0.0
    for word in _split_words(line):
        if part and used + measure_span(Span(word.text.rstrip(), word.style)) > width:
            yield merge_spans(part)
            part, used = [], 0.0
        part.append(word)
        used += measure_span(word)
    yield merge_spans(part)


def _split_words(line: Line) -> Iterator[Span]:
    """Yield words with the blanks behind them, each in its style."""
    for text, style in line:
        start = 0
        for position, char in enumerate(text):
            if char == " " and text[position + 1 : position + 2] != " ":
                yield Span(text[start : position + 1], style)
                start = position + 1
        if start < len(text):
            yield Span(text[start:], style)
