"""The drawings. Importing this module loads matplotlib, so ``painter`` imports it in its thread.

Figures are made only by the object interface, which shares no state. Text is never read as mathematics. A
character that the font lacks becomes a box.
"""

import io
from collections.abc import Sequence
from datetime import date

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import MaxNLocator

from utils.embeds.notices.deaths import DEATH_LOOK
from utils.embeds.style import Style
from utils.localization.escape import FIRST_STRONG_ISOLATE, POP_ISOLATE
from utils.models.deaths import DeathKind
from utils.models.texts import Day, Number, Text, Value, text, text_in

WIDTH_INCHES, DOTS_PER_INCH = 8.0, 100  # 800 pixels: sharp on a phone, small to send
TEXT = 15  # points; about 12 pixels if a phone shows the picture 350 wide
_GROUND, _INK, _FAINT = "#2b2d31", "#dbdee1", "#5d6066"  # of Discord's dark client, readable on the light one
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
_RED = DEATH_LOOK.variants[DeathKind.KILL].colour


def draw_days(style: Style, days: Sequence[date], kills: Sequence[int], deaths: Sequence[int]) -> bytes:
    """Return a PNG of kills and deaths, with a pair of bars for each day."""
    figure, axes = _begin(4.0)
    places = range(len(days))
    for shift, counts, colour, label in (
        (-0.2, kills, style.theme.success, text("Kills")),
        (0.2, deaths, _RED, text("Deaths")),
    ):
        at = [place + shift for place in places]
        axes.bar(at, counts, 0.42, color=_colour(colour), label=_write(style, label))
    shown = [place for place in places if (len(days) - 1 - place) % 7 == 0]
    labels = [_write(style, Day(days[place], has_year=False)) for place in shown]
    axes.set_xticks(shown, labels, parse_math=False)
    axes.set_ylim(0, max(*kills, *deaths, 4) * 1.22)  # for the legend above the bars
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.grid(axis="y", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", ncols=2, frameon=False, labelcolor=_INK, fontsize=TEXT)
    return _finish(figure)


def draw_weapons(style: Style, labels: Sequence[Value], kills: Sequence[int]) -> bytes:
    """Return a PNG with a bar for each weapon, the first on top."""
    rows = max(len(labels), 2)
    figure, axes = _begin(0.3 + 0.47 * rows)
    places = list(range(len(labels)))
    axes.barh(places, kills, 0.7, color=_colour(style.theme.ranking))
    axes.set_yticks(places, [_write(style, label) for label in labels], parse_math=False)
    axes.set_ylim(rows - 0.5, -0.5)  # the first on top, without empty space around them
    axes.set_xlim(0, max([*kills, 1]) * 1.18)
    axes.set_xticks([])
    for place, number in zip(places, kills, strict=True):
        axes.annotate(
            _write(style, Number(number)),
            (number, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=_INK,
            fontsize=TEXT,
            parse_math=False,
        )
    return _finish(figure)


def draw_hours(style: Style, hours: Sequence[int]) -> bytes:
    """Return a PNG of seven rows of 24 fields; warmer colours mean more kills."""
    figure, axes = _begin(3.9)
    ramp = LinearSegmentedColormap.from_list("heat", ["#36393f", _colour(_RED), _colour(style.theme.ranking)])
    rows = [list(hours[day * 24 : day * 24 + 24]) for day in range(7)]
    mesh = axes.pcolormesh(rows, cmap=ramp, vmin=0, vmax=max(*hours, 1), edgecolors=_GROUND, linewidth=1.5)
    axes.invert_yaxis()
    axes.set_yticks([day + 0.5 for day in range(7)], [_write(style, day) for day in _DAYS], parse_math=False)
    marks = range(0, 24, 3)
    axes.set_xticks([mark + 0.5 for mark in marks], [f"{mark}:00" for mark in marks], parse_math=False)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=16)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=_INK, labelsize=TEXT, length=0)
    bar.ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    return _finish(figure)


def _begin(height: float) -> tuple[Figure, Axes]:
    figure = Figure(
        figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, facecolor=_GROUND, layout="constrained"
    )
    FigureCanvasAgg(figure)
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


def _colour(colour: int) -> str:
    return f"#{colour:06x}"


def _write(style: Style, value: Value) -> str:
    """Return a value with a box for each character that the font cannot draw.

    matplotlib draws characters in their order, so the signs that isolate a right-to-left name have no use.
    """
    font = get_font(findfont(FontProperties()))
    written = style.write_plain(value).translate(_ISOLATES)
    return "".join(char if font.get_char_index(ord(char)) else _BOX for char in written)
