"""The drawings. Importing this module loads matplotlib, so ``painter`` imports it in its thread.

Figures are made only by the object interface, which shares no state. Text is never read as mathematics. A
character that the font lacks becomes a box. Blue and orange are told apart by people who cannot tell red
from green.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import BoxStyle, FancyBboxPatch
from matplotlib.text import Text as DrawnText
from matplotlib.ticker import MaxNLocator

from utils.embeds.charts.bars import Bar
from utils.embeds.charts.cards import RankCard
from utils.embeds.style import Style
from utils.embeds.values import join_facts
from utils.localization.escape import FIRST_STRONG_ISOLATE, POP_ISOLATE
from utils.models.texts import Number, Text, Value, text, text_in

WIDTH_INCHES, DOTS_PER_INCH = 8.0, 85  # 680 pixels: sharp on a phone, small to send
TITLE_INCHES = 0.55
TEXT, SMALL = 19, 17  # points; about 11 and 10 pixels if a phone shows the picture 330 wide
CARD_PIXELS = 900, 240
CARD_DOTS_PER_INCH = 100
CARD_TEXT, CARD_NAME, CARD_NUMBER = 21, 30, 56  # points; a phone shows the card 330 wide
_GROUND, _INK, _FAINT = "#2b2d31", "#dbdee1", "#5d6066"  # of Discord's dark client, readable on the light one
_TRACK, _DIM = "#3a3c42", "#b5bac1"
_BLUE, _ORANGE = "#3b78bd", "#e8913a"
_BOX = "□"
_ISOLATES = dict.fromkeys(map(ord, (FIRST_STRONG_ISOLATE, POP_ISOLATE)))
_DAYS: Sequence[Text] = (
    text_in("a day of the week, short", "Mon"),
    text_in("a day of the week, short", "Tue"),
    text_in("a day of the week, short", "Wed"),
    text_in("a day of the week, short", "Thu"),
    text_in("a day of the week, short", "Fri"),
    text_in("a day of the week, short", "Sat"),
    text_in("a day of the week, short", "Sun"),
)


def draw_course(
    style: Style, title: Text, marks: Mapping[int, Value], kills: Sequence[int], deaths: Sequence[int]
) -> bytes:
    """Return a PNG of kills and deaths over time: a pair of bars for each step, with marks at some steps."""
    figure, axes = _begin(style, title, 4.4)
    for shift, counts, colour, label in (
        (-0.21, kills, _BLUE, text("Kills")),
        (0.21, deaths, _ORANGE, text("Deaths")),
    ):
        at = [step + shift for step in range(len(counts))]
        axes.bar(at, counts, 0.42, color=colour, label=_write(style, label))
    axes.set_xticks(list(marks), [_write(style, mark) for mark in marks.values()], parse_math=False)
    axes.set_ylim(0, max(*kills, *deaths, 4) * 1.05)
    _number(style, axes)
    axes.grid(axis="y", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(  # above the axes, where no line of the grid crosses it
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        frameon=False,
        labelcolor=_INK,
        fontsize=TEXT,
        borderaxespad=0.1,
    )
    return _finish(figure)


def draw_population(
    style: Style, title: Text, marks: Mapping[int, Value], counts: Sequence[float | None]
) -> bytes:
    """Return a PNG of players over time, with marks at some steps; an unknown step is a gap."""
    figure, axes = _begin(style, title, 3.6)
    at, values = range(len(counts)), [float("nan") if one is None else one for one in counts]
    axes.fill_between(at, values, color=_BLUE, alpha=0.45, linewidth=0, step="mid")
    axes.step(at, values, color=_BLUE, linewidth=2.0, where="mid")
    axes.set_xticks(list(marks), [_write(style, mark) for mark in marks.values()], parse_math=False)
    axes.set_xlim(0, max(len(counts) - 1, 1))
    axes.set_ylim(0, max(4.0, *(one or 0.0 for one in counts)) * 1.08)
    _number(style, axes)
    axes.grid(axis="y", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    return _finish(figure)


def draw_bars(style: Style, title: Text, bars: Sequence[Bar]) -> bytes:
    """Return a PNG with a bar for each row, the first on top."""
    height = TITLE_INCHES + 0.1 + 0.82 * len(bars)
    figure, axes = _begin(style, title, height, is_filled=True)
    figure.subplots_adjust(left=0.015, right=0.985, top=1 - TITLE_INCHES / height, bottom=0)
    rows, longest = range(len(bars)), max([bar.length for bar in bars], default=1) or 1
    axes.barh(rows, [longest] * len(bars), 0.5, color=_TRACK)
    axes.barh(rows, [bar.length for bar in bars], 0.5, color=_BLUE)
    axes.set_ylim(len(bars) - 0.25, -0.35)  # the first on top, without empty space around them
    axes.set_xlim(0, longest)
    axes.set_xticks([])
    axes.set_yticks([])
    for row, bar in enumerate(bars):
        for value, x, y, alignment, size, colour in (
            (bar.name, 0, row, "left", TEXT, "white"),
            (bar.figures, longest, row, "right", TEXT, "white"),
            (join_facts(bar.facts), 0, row + 0.44, "left", SMALL, _DIM),
        ):
            axes.annotate(
                _write(style, value),
                (x, y),
                xytext=(8 if alignment == "left" else -8, 0),
                textcoords="offset points",
                ha=alignment,
                va="center",
                color=colour,
                fontsize=size,
                parse_math=False,
            )
    return _finish(figure)


def draw_hours(style: Style, title: Text, hours: Sequence[int]) -> bytes:
    """Return a PNG of seven rows of 24 fields; warmer colours mean more kills."""
    figure, axes = _begin(style, title, 4.4)
    ramp = LinearSegmentedColormap.from_list("heat", ["#36393f", _BLUE, _ORANGE])
    rows = [list(hours[day * 24 : day * 24 + 24]) for day in range(7)]
    mesh = axes.pcolormesh(rows, cmap=ramp, vmin=0, vmax=max(*hours, 1), edgecolors=_GROUND, linewidth=1.5)
    axes.invert_yaxis()
    axes.set_yticks([day + 0.5 for day in range(7)], [_write(style, day) for day in _DAYS], parse_math=False)
    marks = range(0, 24, 4)
    axes.set_xticks([mark + 0.5 for mark in marks], [f"{mark}:00" for mark in marks], parse_math=False)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=16)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=_INK, labelsize=TEXT, length=0)
    _number(style, bar.ax)
    return _finish(figure)


def draw_rank(style: Style, card: RankCard) -> bytes:
    """Return a PNG of a level: at the left its number, at the right name, title, XP and a bar."""
    width, height = CARD_PIXELS
    figure = Figure(
        figsize=(width / CARD_DOTS_PER_INCH, height / CARD_DOTS_PER_INCH),
        dpi=CARD_DOTS_PER_INCH,
        facecolor=_GROUND,
    )
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)

    def put(value: Value, x: float, y: float, size: float, colour: str, **look: Any) -> DrawnText:
        return axes.text(
            x, y, _write(style, value), fontsize=size, color=colour, parse_math=False, va="center", **look
        )

    left, right, bar = 218, width - 30, 92
    axes.add_patch(_round(14, 14, 172, height - 28, _TRACK))
    put(card.label, 100, 190, CARD_TEXT, _DIM, ha="center")
    number = put(card.number, 100, 100, CARD_NUMBER, "white", ha="center", weight="bold")
    xp = put(card.xp, right, 146, CARD_TEXT, _INK, ha="right")
    title = put(card.title, left, 146, CARD_TEXT, _ORANGE)
    name = put(card.name, left, 197, CARD_NAME, "white", weight="bold")
    beside = xp.get_window_extent().x0 - left - 20
    for shown, widest in ((name, right - left), (title, beside), (number, 146)):
        _fit(shown, widest)
    axes.add_patch(_round(left, bar, right - left, 26, _TRACK))
    if card.share > 0:
        axes.add_patch(_round(left, bar, max(26.0, (right - left) * card.share), 26, _BLUE))
    put(card.facts[0], left, 52, CARD_TEXT, _DIM)
    put(card.facts[1], right, 52, CARD_TEXT, _DIM, ha="right")
    return _finish(figure)


def _begin(style: Style, title: Text, height: float, *, is_filled: bool = False) -> tuple[Figure, Axes]:
    """Return a figure with its title; nothing stands beside the axes of a filled one."""
    figure = Figure(
        figsize=(WIDTH_INCHES, height),
        dpi=DOTS_PER_INCH,
        facecolor=_GROUND,
        layout=None if is_filled else "constrained",
    )
    FigureCanvasAgg(figure)
    place = {"y": 1 - 0.15 / height} if is_filled else {}  # a place of its own would reserve no room
    figure.suptitle(
        _write(style, title), x=0.015, ha="left", color=_INK, fontsize=TEXT, parse_math=False, **place
    )
    axes = figure.add_subplot()
    axes.set_facecolor(_GROUND)
    axes.tick_params(colors=_INK, labelsize=TEXT, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure, axes


def _finish(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", facecolor=_GROUND)
    return target.getvalue()


def _number(style: Style, axes: Axes) -> None:
    """Mark some whole numbers at the side, as the language writes them."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(lambda number, _: _write(style, Number(number)))


def _write(style: Style, value: Value) -> str:
    """Return a value with a box for each character that the font cannot draw.

    matplotlib draws characters in their order, so the signs that isolate a right-to-left name have no use.
    """
    font = get_font(findfont(FontProperties()))
    written = style.write_plain(value).translate(_ISOLATES)
    return "".join(char if font.get_char_index(ord(char)) else _BOX for char in written)


def _round(x: float, y: float, width: float, height: float, colour: str) -> FancyBboxPatch:
    radius = min(13.0, height / 2)
    shape = BoxStyle.Round(pad=0, rounding_size=radius)
    return FancyBboxPatch((x, y), width, height, boxstyle=shape, facecolor=colour, linewidth=0)


def _fit(shown: DrawnText, widest: float) -> None:
    """Make a text smaller, and cut its end if it is still wider than that many pixels."""

    def is_wide() -> bool:
        return bool(shown.get_window_extent().width > widest)

    size, written = float(shown.get_fontsize()), shown.get_text()
    while is_wide() and size > CARD_TEXT:
        size -= 1
        shown.set_fontsize(size)
    while is_wide() and len(written) > 1:
        written = written[:-1]
        shown.set_text(f"{written.rstrip()}…")
