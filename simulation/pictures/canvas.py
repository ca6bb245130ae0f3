"""A channel of Discord as an SVG, with messages and embeds as Discord's dark client shows them.

Equal messages give equal text. A picture is about as wide as a phone's screen, so it stays readable in every
document. It holds in every viewer: the generic family comes first, because otherwise some viewers take the
digits of a font for emoji, and each text has its length, so that no font makes it run into its neighbour.
"""

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self
from xml.sax.saxutils import escape, quoteattr

from simulation.discord.interactions import InteractionRecord
from simulation.markdown import Line, Reader, Span, Style
from simulation.pictures.ruler import NARROW, measure_line, measure_span
from simulation.terminal import group_fields, wrap
from utils.embeds.factory import Post

WIDTH = 440
LEFT = 58  # left edge of a message's text
CARD_WIDTH = WIDTH - LEFT - 12
INNER = 13  # pixels between the edge of the card and its text
THUMBNAIL = 64
ICON = 20  # the picture in a footer
GAP = 8  # between the columns of fields
LINE, TITLE_LINE, PADDING = 20, 24, 12

_GROUND, _CARD, _TEXT, _FAINT, _LINK, _APP = "#313338", "#2b2d31", "#dbdee1", "#949ba4", "#00a8fc", "#5865f2"
_BUTTONS = {1: "#5865f2", 2: "#4e5058", 3: "#248046", 4: "#da373c", 5: "#4e5058"}
_SELECT = "#1e1f22"
_CODES = {
    Style.BOLD: ' font-weight="700" fill="#f2f3f5"',
    Style.CODE: ' font-family="monospace" fill="#c9cdd3"',
    Style.MENTION: ' fill="#c9cdfb"',
    Style.QUOTE: f' fill="{_FAINT}"',
    Style.PLAIN: "",
}
_SUBCOMMANDS = (1, 2)  # types of options that are a part of a command's name
_BUTTON = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of a picture.

    Attributes:
        embeds: as Discord has them.
        images: the bytes of its files, by the address that embeds have for them.
        asker: the name of the member whose command it answers; empty without a command.
        command: that command, with its slash.
        components: the buttons and selects.
        is_private: whether only the asker sees it.
    """

    embeds: Sequence[Mapping[str, Any]]
    images: Mapping[str, bytes] = field(default_factory=dict)
    asker: str = ""
    command: str = ""
    components: Sequence[Mapping[str, Any]] = ()
    is_private: bool = False

    @classmethod
    def answer(cls, interaction: InteractionRecord, command: InteractionRecord) -> Self:
        """Return the answer to a command, or to a form that the command opened, as Discord received it."""
        message = interaction.answer
        return cls(
            message.embeds,
            {file.url: file.data for file in message.attachments},
            asker=interaction.user.username,
            command=_name_command(command.payload["data"]),
            components=message.interactive_components,
            is_private=message.is_ephemeral,
        )

    @classmethod
    def of_post(cls, post: Post) -> Self:
        """Return a message that the bot sends by itself."""
        images = {f"attachment://{picture.name}": picture.data for picture in post.pictures}
        rows = post.buttons.to_components() if post.buttons else ()
        components = [component for row in rows for component in row["components"]]
        return cls([embed.to_dict() for embed in post.embeds], images, components=components)


def _name_command(data: Mapping[str, Any]) -> str:
    names = [data["name"]]
    while subcommand := next((one for one in data.get("options", ()) if one["type"] in _SUBCOMMANDS), None):
        names.append(subcommand["name"])
        data = subcommand
    return f"/{' '.join(names)}"


class Canvas:
    """An SVG that grows downwards. ``y`` is the position of the next element."""

    def __init__(self) -> None:
        self.y = 0
        self.parts: list[str] = []

    def add(self, element: str) -> None:
        """Add a finished element."""
        self.parts.append(element)

    def write(self, x: float, y: int, line: Line, *, size: int = 14, extra: str = "") -> float:
        """Write a line of spans with its base line at ``y``; return its width in pixels in a wide font."""
        spans = "".join(f"<tspan{_CODES[span.style]}>{escape(span.text)}</tspan>" for span in line)
        width = measure_line(line, size)
        if spans:
            # blanks between spans count
            self.add(
                f'<text x="{x:g}" y="{y}" font-size="{size}" textLength="{NARROW * width:.0f}" '
                f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{extra}>{spans}</text>'
            )
        return width

    def draw(self, other: "Canvas") -> None:
        """Add everything of another canvas."""
        self.parts += other.parts

    def finish(self, title: str) -> str:
        """Return the whole file."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.y}" '
            f'viewBox="0 0 {WIDTH} {self.y}" role="img" aria-label={quoteattr(title)} fill="{_TEXT}" '
            f'font-family="sans-serif">\n'
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
        answered = (Span(shown.asker, Style.BOLD), Span(" used "), Span(shown.command, Style.MENTION))
        canvas.write(LEFT, canvas.y + 14, answered, size=12, extra=f' fill="{_FAINT}"')
        canvas.y += 20
    _draw_author(canvas, reader)
    for embed in shown.embeds:
        _draw_embed(canvas, embed, shown.images, reader)
    _draw_components(canvas, shown.components)
    if shown.is_private:
        private = (Span("Only you can see this · "), Span("Dismiss message", Style.MENTION))
        canvas.write(LEFT, canvas.y + 14, private, size=12, extra=f' fill="{_FAINT}"')
        canvas.y += 20
    canvas.y += 8


def _draw_author(canvas: Canvas, reader: Reader) -> None:
    top = canvas.y
    canvas.add(f'<circle cx="31" cy="{top + 20}" r="17" fill="#a8322a"/>')
    canvas.write(31, top + 26, (Span("K", Style.BOLD),), size=17, extra=' text-anchor="middle"')
    x = LEFT + canvas.write(LEFT, top + 15, (Span("Killfeed", Style.BOLD),), size=15) + 2
    canvas.add(f'<rect x="{x:g}" y="{top + 2}" width="34" height="16" rx="4" fill="{_APP}"/>')
    canvas.write(x + 17, top + 14, (Span("APP", Style.BOLD),), size=11, extra=' text-anchor="middle"')
    moment = (Span(f"Today at {reader.now:%H:%M}"),)
    canvas.write(x + 42, top + 14, moment, size=12, extra=f' fill="{_FAINT}"')
    canvas.y = top + 28


def _draw_components(canvas: Canvas, components: Sequence[Mapping[str, Any]]) -> None:
    """Draw buttons side by side as far as there is room, and each select in a row of its own."""
    x = LEFT
    for component in components:
        is_button = component["type"] == _BUTTON
        label = (Span(_read_label(component), Style.BOLD if is_button else Style.PLAIN),)
        width = round(measure_line(label, 14)) + 28 if is_button else CARD_WIDTH
        if x > LEFT and x + width > LEFT + CARD_WIDTH:
            x, canvas.y = LEFT, canvas.y + 38
        colour = _BUTTONS[component.get("style", _BUTTON)] if is_button else _SELECT
        faded = ' opacity="0.5"' if component.get("disabled") else ""
        place = f'x="{x}" y="{canvas.y}" width="{width}" height="32"'
        canvas.add(f'<rect {place} rx="8" fill="{colour}"{faded}/>')
        if is_button:
            middle = f' text-anchor="middle"{faded}'
            canvas.write(x + width // 2, canvas.y + 21, label, extra=middle)
        else:
            canvas.write(x + 12, canvas.y + 21, label, extra=f' fill="{_FAINT}"')
            canvas.write(x + width - 24, canvas.y + 21, (Span("⌄"),))
        x += width + 8
    canvas.y += 38 if components else 0


def _read_label(component: Mapping[str, Any]) -> str:
    emoji = (component.get("emoji") or {}).get("name") or ""
    chosen = [one["label"] for one in component.get("options") or () if one.get("default")]
    words = component.get("label") or ", ".join(chosen) or component.get("placeholder") or ""
    return " ".join(filter(None, (emoji, words)))


def _draw_embed(
    canvas: Canvas, embed: Mapping[str, Any], images: Mapping[str, bytes], reader: Reader
) -> None:
    """Draw a card.

    Its height depends on its text, so the text is built first, and the ground is put before it.
    """
    top, text = canvas.y, Canvas()
    thumbnail = images.get((embed.get("thumbnail") or {}).get("url", ""))
    image = images.get((embed.get("image") or {}).get("url", ""))
    room = CARD_WIDTH - 2 * INNER - (THUMBNAIL + INNER if thumbnail else 0)
    text.y = top + PADDING
    _write_text(text, embed, reader, room)
    if image:
        _draw_image(text, image)
    _write_footer(text, embed, images, reader)
    height = text.y + PADDING - top
    if thumbnail:
        height = max(height, THUMBNAIL + 2 * PADDING)
    colour = f"#{int(embed.get('color') or 0):06x}"
    canvas.add(f'<rect x="{LEFT}" y="{top}" width="{CARD_WIDTH}" height="{height}" rx="4" fill="{_CARD}"/>')
    canvas.add(f'<rect x="{LEFT}" y="{top}" width="4" height="{height}" rx="2" fill="{colour}"/>')
    if thumbnail:
        x = LEFT + CARD_WIDTH - THUMBNAIL - INNER
        canvas.add(_place_image(thumbnail, x, top + PADDING, THUMBNAIL, THUMBNAIL))
    canvas.draw(text)
    canvas.y = top + height + 6


def _draw_image(text: Canvas, image: bytes) -> None:
    """Draw a large picture as wide as the card's text."""
    wide, high = struct.unpack(">II", image[16:24])  # width and height in the PNG's header
    width = CARD_WIDTH - 2 * INNER
    height = round(width * high / wide)
    text.add(_place_image(image, LEFT + INNER, text.y + 8, width, height))
    text.y += height + 12


def _place_image(image: bytes, x: int, y: int, width: int, height: int) -> str:
    data = base64.b64encode(image).decode("ascii")
    return f'<image x="{x}" y="{y}" width="{width}" height="{height}" href="data:image/png;base64,{data}"/>'


def _write_text(text: Canvas, embed: Mapping[str, Any], reader: Reader, room: int) -> None:
    x = LEFT + INNER
    if title := embed.get("title"):
        bold = (Span(reader.read_plain(title), Style.BOLD),)
        for line in wrap(bold, room, partial(measure_span, size=16)):
            text.write(x, text.y + 15, line, size=16)
            text.y += TITLE_LINE
    if description := embed.get("description"):
        for line in _break(description, reader, room):
            text.write(x, text.y + 14, line)
            text.y += LINE if line else LINE // 2
    for row in group_fields(embed.get("fields") or ()):
        _write_fields(text, row, reader, room)


def _write_footer(
    text: Canvas, embed: Mapping[str, Any], images: Mapping[str, bytes], reader: Reader
) -> None:
    """Write the small print behind its small picture, with the time of the embed."""
    footer = embed.get("footer") or {}
    moment = f"Today at {reader.now:%H:%M}" if embed.get("timestamp") else ""
    if not (words := " • ".join(filter(None, (footer.get("text"), moment)))):
        return
    x = LEFT + INNER
    if icon := images.get(footer.get("icon_url", "")):
        text.add(_place_image(icon, x, text.y + 3, ICON, ICON))
        x += ICON + 8
    for line in wrap((Span(words),), CARD_WIDTH - INNER - (x - LEFT), partial(measure_span, size=12)):
        text.write(x, text.y + 17, line, size=12)
        text.y += LINE
    text.y += 4


def _write_fields(text: Canvas, row: Sequence[Mapping[str, Any]], reader: Reader, room: int) -> None:
    """Write fields side by side: names over values."""
    text.y += 6
    top, lowest = text.y, text.y
    own = (room - GAP * (len(row) - 1)) // len(row)
    for column, field_ in enumerate(row):
        x, y = LEFT + INNER + column * (own + GAP), top
        name = (Span(reader.read_plain(field_["name"]), Style.BOLD),)
        names = wrap(name, own, partial(measure_span, size=14))
        for line in (*names, *_break(field_["value"], reader, own)):
            text.write(x, y + 14, line)
            y += LINE
        lowest = max(lowest, y)
    text.y = lowest


def _break(content: str, reader: Reader, room: int) -> Iterator[Line]:
    for line in reader.read(content):
        yield from wrap(line, room, partial(measure_span, size=14))
