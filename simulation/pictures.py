"""``python -m simulation.pictures``: the pictures of the documentation, drawn from the bot's own embeds.

Each picture is an SVG that looks like Discord's client in its dark theme. The embeds are made by
``EmbedFactory`` from invented players and a fixed time, so equal code draws equal files.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from simulation.markdown import Line, Reader, Span, Style
from simulation.terminal import COLUMNS, group_fields, wrap
from utils.embeds.factory import EmbedFactory, Post
from utils.embeds.pictures import Picture
from utils.models.deaths import DeathKind
from utils.models.notices import DeathNotice
from utils.models.players import BoardRow, Counters, PlayerStats, Tallied
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.statistics import Coverage

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
AT = datetime(2025, 5, 1, 20, 14, tzinfo=UTC)

WIDTH = 640
LEFT, RIGHT = 72, 16  # of a message's text
CARD_WIDTH = 520
THUMBNAIL = 72
LINE, TITLE_LINE, PADDING = 20, 24, 14
LETTER = 7.6  # mean width of a letter of 14 px, to break lines where the client would

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
    """A message of a picture: what it answers, if anything, and what it is made of."""

    post: Post
    command: str = ""


class Canvas:
    """An SVG that grows downwards: its elements, and where the next one begins."""

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


def draw_channel(name: str, messages: Sequence[Shown], *, reader: Reader) -> str:
    """Return the picture of a channel with messages of the bot."""
    canvas = Canvas()
    canvas.write(20, 31, (Span(f"# {name}", Style.BOLD),), size=16)
    canvas.add(f'<path d="M0 48H{WIDTH}" stroke="#26272b"/>')
    canvas.y = 60
    for shown in messages:
        _draw_message(canvas, shown, reader)
    canvas.y += 8
    return canvas.finish(f"The channel {name} with messages of the bot")


def _draw_message(canvas: Canvas, shown: Shown, reader: Reader) -> None:
    if shown.command:
        answered = (Span("ada", Style.BOLD), Span(" used "), Span(shown.command, Style.MENTION))
        canvas.write(LEFT, canvas.y + 14, answered, size=12, extra=f' fill="{_FAINT}"')
        canvas.y += 20
    top = canvas.y
    canvas.add(f'<circle cx="36" cy="{top + 20}" r="20" fill="#a8322a"/>')
    canvas.write(28, top + 26, (Span("K", Style.BOLD),), size=18)
    canvas.write(LEFT, top + 15, (Span("Killfeed", Style.BOLD),), size=15)
    canvas.add(f'<rect x="{LEFT + 68}" y="{top + 2}" width="32" height="16" rx="4" fill="{_APP}"/>')
    canvas.write(LEFT + 73, top + 14, (Span("APP", Style.BOLD),), size=11)
    canvas.write(LEFT + 110, top + 14, (Span(f"Today at {AT:%H:%M}"),), size=12, extra=f' fill="{_FAINT}"')
    canvas.y = top + 28
    pictures = {f"attachment://{picture.name}": picture for picture in shown.post.pictures}
    for embed in shown.post.embeds:
        _draw_embed(canvas, embed.to_dict(), pictures, reader)
    canvas.y += 8


def _draw_embed(
    canvas: Canvas, embed: Mapping[str, Any], pictures: Mapping[str, Picture], reader: Reader
) -> None:
    """Draw a card; its height is known when its text is, so the ground is put before the text."""
    top, text = canvas.y, Canvas()
    picture = pictures.get((embed.get("thumbnail") or {}).get("url", ""))
    room = CARD_WIDTH - 32 - (THUMBNAIL + 16 if picture else 0)
    text.y = top + PADDING
    _write_text(text, embed, reader, room)
    height = text.y + PADDING - top
    if picture:
        height = max(height, THUMBNAIL + 2 * PADDING)
    colour = f"#{int(embed.get('color') or 0):06x}"
    canvas.add(f'<rect x="{LEFT}" y="{top}" width="{CARD_WIDTH}" height="{height}" rx="4" fill="{_CARD}"/>')
    canvas.add(f'<rect x="{LEFT}" y="{top}" width="4" height="{height}" rx="2" fill="{colour}"/>')
    if picture:
        data = base64.b64encode(picture.data).decode("ascii")
        x, y = LEFT + CARD_WIDTH - THUMBNAIL - 16, top + PADDING
        canvas.add(
            f'<image x="{x}" y="{y}" width="{THUMBNAIL}" height="{THUMBNAIL}" '
            f'href="data:image/png;base64,{data}"/>'
        )
    canvas.draw(text)
    canvas.y = top + height + 6


def _write_text(text: Canvas, embed: Mapping[str, Any], reader: Reader, room: int) -> None:
    x = LEFT + 16
    title = (Span(reader.read_plain(embed.get("title") or ""), Style.BOLD),)
    text.write(x, text.y + 15, title, size=16)
    text.y += TITLE_LINE
    for line in _break(embed.get("description") or "", reader, room):
        text.write(x, text.y + 14, line)
        text.y += LINE
    for row in group_fields(embed.get("fields") or ()):
        _write_fields(text, row, reader, room)
    if footer := (embed.get("footer") or {}).get("text"):
        text.write(x, text.y + 14, (Span(footer),), size=12)
        text.y += LINE


def _write_fields(text: Canvas, row: Sequence[Mapping[str, Any]], reader: Reader, room: int) -> None:
    """Write fields side by side: names over values."""
    text.y += 4
    top, lowest = text.y, text.y
    own = room // COLUMNS if row[0].get("inline") else room
    for column, field in enumerate(row):
        x, y = LEFT + 16 + column * own, top
        name = (Span(reader.read_plain(field["name"]), Style.BOLD),)
        for line in (name, *_break(field["value"], reader, own)):
            text.write(x, y + 14, line)
            y += LINE
        lowest = max(lowest, y)
    text.y = lowest


def _break(content: str, reader: Reader, room: int) -> Iterator[Line]:
    for line in reader.read(content):
        yield from wrap(line, int(room / LETTER))


def build_killfeed() -> str:
    """Return the picture of a killfeed: a death of each of the most frequent classes."""
    factory = EmbedFactory()

    def notice(number: int, kind: DeathKind, killer: str, victim: str, weapon: str = "") -> DeathNotice:
        return DeathNotice(
            event_id=number.to_bytes(4),
            kind=kind,
            server_name="Northwatch",
            killer_name=killer,
            victim_name=victim,
            weapon=weapon,
            distance=187 if kind is DeathKind.KILL else 1,
            at=AT - timedelta(seconds=40 - number * 9),
            killer_kills=91 - 7 * number if kind.is_kill else None,
            killer_deaths=28 + 3 * number if kind.is_kill else None,
            killer_streak=number + 4 if kind.is_kill else None,
        )

    notices = (
        notice(1, DeathKind.KILL, "Taiga_Wolf", "IronFalcon88", "Mosin"),
        notice(2, DeathKind.VEHICLE, "Marsh Otter", "Kazak015", "land_vehicle"),
        notice(3, DeathKind.FALL, "Echo-Badger", "Echo-Badger", "falling"),
        notice(4, DeathKind.SELF, "Static_Nor", "Static_Nor", "F-10"),
    )
    return draw_channel("killfeed", [Shown(factory.build_deaths(notices))], reader=Reader(AT))


def build_answers() -> str:
    """Return the picture of two answers: a board and a player's figures."""
    factory = EmbedFactory()
    coverage = Coverage(GuildId(1), (ServerId("a"),), "Northwatch", AT.date())
    figures = Counters(kills=84, deaths=31, suicides=12, metres=4_310, longest=312, best_streak=11)
    stats = PlayerStats(
        player_id=PlayerId("0" * 32),
        name="Taiga_Wolf",
        counters=figures,
        current_streak=5,
        top_weapon=Tallied("Mosin", 29),
        nemesis=Tallied("Marsh Otter", 6),
        prey=Tallied("IronFalcon88", 9),
        rank=1,
        ranked=146,
        last_seen_at=AT - timedelta(seconds=31),
        servers=(),
    )
    standing = (("Taiga_Wolf", 84), ("Marsh Otter", 71), ("Kazak015", 66), ("Echo-Badger", 52))
    rows = [
        BoardRow(rank, PlayerId(str(rank)), name, kills, Counters(kills=kills))
        for rank, (name, kills) in enumerate(standing, start=1)
    ]
    board = factory.build_board("kills", rows, coverage)
    shown = [
        Shown(Post((board,)), "/leaderboard"),
        Shown(Post((factory.build_stats(stats, coverage),)), "/stats"),
    ]
    return draw_channel("general", shown, reader=Reader(AT))


def build_pictures() -> Mapping[str, str]:
    """Return every picture of the documentation by the name of its file."""
    return {"killfeed.svg": build_killfeed(), "answers.svg": build_answers()}


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in build_pictures().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
