"""A channel of Discord as an SVG, with messages and embeds as Discord's dark client shows them.

Equal messages give equal text. It is as wide as a phone's screen, so it stays readable in every document.
"""

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from simulation.markdown import Line, Reader, Span, Style
from simulation.terminal import group_fields, wrap
from utils.embeds.factory import Post
from utils.embeds.pictures import Picture

WIDTH = 520
LEFT = 64  # left edge of a message's text
CARD_WIDTH = 440
INNER = 14  # pixels between the edge of the card and its text
THUMBNAIL = 64
ICON = 20  # pixels, beside a footer
LINE, TITLE_LINE, PADDING = 20, 24, 12
LETTER = 7.5  # mean width of a letter of 14 px, to break lines like the client

_GROUND, _CARD, _TEXT, _FAINT, _LINK, _APP = "#313338", "#2b2d31", "#dbdee1", "#949ba4", "#00a8fc", "#5865f2"
_FONTS = (
    "gg sans, Noto Sans, Segoe UI, Helvetica, Arial, "
    "DejaVu Sans, sans-serif, Noto Color Emoji, Apple Color Emoji, Segoe UI Emoji"
)
_CODES = {
    Style.BOLD: ' font-weight="700" fill="#f2f3f5"',
    Style.CODE: ' font-family="monospace" fill="#c9cdd3"',
    Style.MENTION: ' fill="#c9cdfb"',
    Style.QUOTE: f' fill="{_FAINT}"',
    Style.PLAIN: "",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of a picture.

    Attributes:
        post: the embeds and files of the message.
        command: the command that it answers, if any.
        buttons: the labels of the buttons; labels of disabled buttons are in brackets.
        is_private: whether only the asker sees it.
    """

    post: Post
    command: str = ""
    buttons: Sequence[str] = ()
    is_private: bool = False


class Canvas:
    """An SVG that grows downwards. ``y`` is the position of the next element."""

    def __init__(self) -> None:
        self.y = 0
        self.parts: list[str] = []

    def add(self, element: str) -> None:
        """Add a finished element."""
        self.parts.append(element)

    def write(self, x: int, y: int, line: Line, *, size: int = 14, extra: str = "") -> None:
        """Write a line of spans with its base line at ``y``."""
        spans = "".join(f"<tspan{_CODES[span.style]}>{escape(span.text)}</tspan>" for span in line)
        # blanks between spans count
        self.add(f'<text x="{x}" y="{y}" font-size="{size}" xml:space="preserve"{extra}>{spans}</text>')

    def draw(self, other: "Canvas") -> None:
        """Add everything of another canvas."""
        self.parts += other.parts

    def finish(self, title: str) -> str:
        """Return the whole file."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.y}" '
            f'viewBox="0 0 {WIDTH} {self.y}" role="img" aria-label={quoteattr(title)} fill="{_TEXT}" '
            f'font-family="{_FONTS}">\n'
            f'<rect width="{WIDTH}" height="{self.y}" rx="8" fill="{_GROUND}"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def draw_channel(name: str, messages: Sequence[Shown], *, reader: Reader, alt: str) -> str:
    """Return the picture of a channel with messages of the bot; ``alt`` describes it in words."""
    canvas = Canvas()
    canvas.write(16, 28, (Span(f"# {name}", Style.BOLD),), size=16)
    canvas.add(f'<path d="M0 44H{WIDTH}" stroke="#26272b"/>')
    canvas.y = 54
    for shown in messages:
        _draw_message(canvas, shown, reader)
    canvas.y += 8
    return canvas.finish(alt)


def _draw_message(canvas: Canvas, shown: Shown, reader: Reader) -> None:
    if shown.command:
        answered = (Span("ada", Style.BOLD), Span(" used "), Span(shown.command, Style.MENTION))
        canvas.write(LEFT, canvas.y + 14, answered, size=12, extra=f' fill="{_FAINT}"')
        canvas.y += 20
    top = canvas.y
    canvas.add(f'<circle cx="34" cy="{top + 20}" r="18" fill="#a8322a"/>')
    canvas.write(28, top + 26, (Span("K", Style.BOLD),), size=17)
    canvas.write(LEFT, top + 15, (Span("Killfeed", Style.BOLD),), size=15)
    canvas.add(f'<rect x="{LEFT + 68}" y="{top + 2}" width="32" height="16" rx="4" fill="{_APP}"/>')
    canvas.write(LEFT + 73, top + 14, (Span("APP", Style.BOLD),), size=11)
    canvas.write(
        LEFT + 110, top + 14, (Span(f"Today at {reader.now:%H:%M}"),), size=12, extra=f' fill="{_FAINT}"'
    )
    canvas.y = top + 28
    pictures = {f"attachment://{picture.name}": picture for picture in shown.post.pictures}
    for embed in shown.post.embeds:
        _draw_embed(canvas, embed.to_dict(), pictures, reader)
    if shown.buttons:
        _draw_buttons(canvas, shown.buttons)
    if shown.is_private:
        private = (Span("Only you can see this · "), Span("Dismiss message", Style.MENTION))
        canvas.write(LEFT, canvas.y + 14, private, size=12, extra=f' fill="{_FAINT}"')
        canvas.y += 20
    canvas.y += 8


def _draw_buttons(canvas: Canvas, labels: Sequence[str]) -> None:
    x = LEFT
    for label in labels:
        name = label.strip("()")
        width = round(len(name) * LETTER) + 32
        faded = ' opacity="0.5"' if name != label else ""
        canvas.add(f'<rect x="{x}" y="{canvas.y}" width="{width}" height="32" rx="8" fill="#4e5058"{faded}/>')
        middle = f' text-anchor="middle"{faded}'
        canvas.write(x + width // 2, canvas.y + 21, (Span(name, Style.BOLD),), extra=middle)
        x += width + 8
    canvas.y += 38


def _draw_embed(
    canvas: Canvas, embed: Mapping[str, Any], pictures: Mapping[str, Picture], reader: Reader
) -> None:
    """Draw a card.

    Its height depends on its text, so the text is built first, and the ground is put before it.
    """
    top, text = canvas.y, Canvas()
    thumbnail = pictures.get((embed.get("thumbnail") or {}).get("url", ""))
    image = pictures.get((embed.get("image") or {}).get("url", ""))
    icon = pictures.get((embed.get("footer") or {}).get("icon_url", ""))
    room = CARD_WIDTH - 2 * INNER - (THUMBNAIL + INNER if thumbnail else 0)
    text.y = top + PADDING
    _write_text(text, embed, reader, room)
    if image:
        _draw_image(text, image)
    _write_footer(text, embed, icon)
    height = text.y + PADDING - top
    if thumbnail:
        height = max(height, THUMBNAIL + 2 * PADDING)
    colour = f"#{int(embed.get('color') or 0):06x}"
    canvas.add(f'<rect x="{LEFT}" y="{top}" width="{CARD_WIDTH}" height="{height}" rx="4" fill="{_CARD}"/>')
    canvas.add(f'<rect x="{LEFT}" y="{top}" width="4" height="{height}" rx="2" fill="{colour}"/>')
    if thumbnail:
        x = LEFT + CARD_WIDTH - THUMBNAIL - INNER
        canvas.add(_embed_picture(thumbnail, x, top + PADDING, THUMBNAIL, THUMBNAIL))
    canvas.draw(text)
    canvas.y = top + height + 6


def _draw_image(text: Canvas, image: Picture) -> None:
    """Draw a large picture as wide as the card's text."""
    wide, high = struct.unpack(">II", image.data[16:24])  # width and height in the PNG's header
    width = CARD_WIDTH - 2 * INNER
    height = round(width * high / wide)
    text.add(_embed_picture(image, LEFT + INNER, text.y + 8, width, height))
    text.y += height + 12


def _embed_picture(picture: Picture, x: int, y: int, width: int, height: int) -> str:
    data = base64.b64encode(picture.data).decode("ascii")
    return f'<image x="{x}" y="{y}" width="{width}" height="{height}" href="data:image/png;base64,{data}"/>'


def _write_text(text: Canvas, embed: Mapping[str, Any], reader: Reader, room: int) -> None:
    x = LEFT + INNER
    if named := embed.get("title"):
        title = (Span(reader.read_plain(named), Style.BOLD),)
        for line in wrap(title, int(room / LETTER * 14 / 16)):
            text.write(x, text.y + 15, line, size=16)
            text.y += TITLE_LINE
    for line in _break(embed.get("description") or "", reader, room):
        text.write(x, text.y + 14, line)
        text.y += LINE if line else LINE // 2
    for row in group_fields(embed.get("fields") or ()):
        _write_fields(text, row, reader, room)


def _write_footer(text: Canvas, embed: Mapping[str, Any], icon: Picture | None) -> None:
    """Write the small print, behind its small picture if it has one."""
    if footer := (embed.get("footer") or {}).get("text"):
        x = LEFT + INNER
        if icon:
            text.y += 2
            text.add(_embed_picture(icon, x, text.y + 2, ICON, ICON))
            x += ICON + 8
        text.write(x, text.y + 16, (Span(footer),), size=12)
        text.y += LINE


def _write_fields(text: Canvas, row: Sequence[Mapping[str, Any]], reader: Reader, room: int) -> None:
    """Write fields side by side: names over values."""
    text.y += 6
    top, lowest = text.y, text.y
    own = room // len(row)
    for column, field in enumerate(row):
        x, y = LEFT + INNER + column * own, top
        name = (Span(reader.read_plain(field["name"]), Style.BOLD),)
        for line in (name, *_break(field["value"], reader, own)):
            text.write(x, y + 14, line)
            y += LINE
        lowest = max(lowest, y)
    text.y = lowest


def _break(content: str, reader: Reader, room: int) -> Iterator[Line]:
    for line in reader.read(content):
        yield from wrap(line, int(room / LETTER))
