"""The width of texts in pictures.

A viewer takes its own font for "sans-serif". DejaVu Sans is the widest of the usual ones, and comes with
matplotlib, so lines are broken by its widths: then they fit with every other font as well. The usual
narrower fonts (Arial, Helvetica, Noto Sans) need about ``NARROW`` of that.
"""

from functools import cache
from importlib.metadata import files
from pathlib import Path

from PIL import ImageFont

from simulation.markdown import Line, Span, Style

NARROW = 0.87
EMOJI_WIDTH = 1.3  # as a share of the size, in the usual fonts for emoji
_SIZE = 100
_INVISIBLE = "\u200b\u200d\u2068\u2069\ufe0f"


@cache
def _load(name: str) -> ImageFont.FreeTypeFont:
    [path] = [file for file in files("matplotlib") or () if file.name == name]
    return ImageFont.truetype(Path(path.locate()), _SIZE)


def measure_line(line: Line, size: int) -> float:
    """Return the width of spans side by side, in pixels; ``size`` is the font's, in pixels."""
    return sum(measure_span(span, size) for span in line)


def measure_span(span: Span, size: int) -> float:
    """Return the width of a text in the font of its style, in pixels."""
    names = {Style.BOLD: "DejaVuSans-Bold.ttf", Style.CODE: "DejaVuSansMono.ttf"}
    seen = [char for char in span.text if char not in _INVISIBLE]
    emoji = [char for char in seen if _is_emoji(char)]
    plain = "".join(char for char in seen if not _is_emoji(char))
    font = _load(names.get(span.style, "DejaVuSans.ttf"))
    return size * (font.getlength(plain) / _SIZE + EMOJI_WIDTH * len(emoji))


def _is_emoji(char: str) -> bool:
    return char >= "\U0001f000" or "\u2600" <= char <= "\u27bf" or char in "\u231b\u23f1\u23f3\u2b50"
