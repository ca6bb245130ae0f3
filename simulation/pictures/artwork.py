"""``python -m simulation.pictures.artwork``: draws the small pictures of notices again.

They are made once and kept in ``utils/embeds/artwork``, where the bot reads them. Each is a glyph on a dark
plate with a rim in the colour of its look. Coordinates run from -1 to 1, y downwards. Everything is drawn
eight times as large and scaled down at the end, which smooths the edges. Pillow comes with matplotlib.
"""

import io
import itertools
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from utils.embeds.notices.look import VariantLook
from utils.embeds.notices.registry import list_pictured

SIZE = 128  # pixels; Discord shows a thumbnail at 80 and a footer's at 20, more on dense screens
FOLDER = Path(__file__).parents[2] / "utils" / "embeds" / "artwork"

_SCALE = 8
_LARGE = SIZE * _SCALE
_SNOW = (236, 234, 226)

Point = tuple[float, float]


class Pen:
    """Draws a mask; later shapes cover earlier ones, and ``is_hole`` removes."""

    def __init__(self) -> None:
        self.mask = Image.new("L", (_LARGE, _LARGE))
        self._draw = ImageDraw.Draw(self.mask)

    def disc(self, x: float, y: float, radius: float, *, is_hole: bool = False) -> None:
        """Draw a filled circle."""
        self._draw.ellipse(_corners(x, y, radius, radius), fill=_ink(is_hole=is_hole))

    def ring(self, x: float, y: float, radius: float, width: float) -> None:
        """Draw the line of a circle around its radius."""
        outer = radius + width / 2
        self._draw.ellipse(_corners(x, y, outer, outer), outline=255, width=_length(width))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        rounding: float = 0.03,
        *,
        is_hole: bool = False,
    ) -> None:
        """Draw a filled rectangle with round corners; x and y are its middle."""
        corners, ink = _corners(x, y, width, height), _ink(is_hole=is_hole)
        self._draw.rounded_rectangle(corners, _length(rounding), fill=ink)

    def stroke(self, *points: Point, width: float = 0.14, is_hole: bool = False) -> None:
        """Draw a line through points, with round ends and corners."""
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            ends = (_place(x1), _place(y1), _place(x2), _place(y2))
            self._draw.line(ends, fill=_ink(is_hole=is_hole), width=_length(width))
        for x, y in points:
            self.disc(x, y, width / 2, is_hole=is_hole)

    def polygon(self, *points: Point) -> None:
        """Draw a filled shape."""
        self._draw.polygon([(_place(x), _place(y)) for x, y in points], fill=255)


def _place(coordinate: float) -> float:
    return (coordinate + 1) * _LARGE / 2


def _length(length: float) -> int:
    return round(length * _LARGE / 2)


def _corners(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return _place(x - width), _place(y - height), _place(x + width), _place(y + height)


def _ink(*, is_hole: bool) -> int:
    return 0 if is_hole else 255


def _draw_sight(pen: Pen) -> None:
    pen.ring(0, 0, 0.45, 0.12)
    pen.disc(0, 0, 0.08)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        pen.stroke((x * 0.3, y * 0.3), (x * 0.66, y * 0.66), width=0.12)


def _draw_sniper(pen: Pen) -> None:
    pen.stroke((-0.2, -0.02), (0.76, -0.02), width=0.09)
    pen.box(-0.1, 0.01, 0.26, 0.09)
    pen.polygon((-0.3, -0.07), (-0.3, 0.1), (-0.76, 0.34), (-0.76, 0.04))
    pen.stroke((-0.24, -0.28), (0.28, -0.28), width=0.16)
    for x in (-0.1, 0.14):
        pen.stroke((x, -0.24), (x, -0.04), width=0.07)
    pen.stroke((-0.14, 0.08), (-0.2, 0.28), width=0.1)
    for x in (0.38, 0.66):
        pen.stroke((0.52, 0), (x, 0.38), width=0.07)


def _draw_rifle(pen: Pen) -> None:
    pen.stroke((0.1, -0.1), (0.76, -0.1), width=0.09)
    pen.stroke((0.62, -0.1), (0.62, -0.28), width=0.07)
    pen.box(-0.05, -0.06, 0.32, 0.12)
    pen.box(0.38, -0.05, 0.15, 0.09)
    pen.polygon((-0.36, -0.15), (-0.36, 0.05), (-0.78, 0.24), (-0.78, -0.12))
    pen.stroke((-0.22, 0.04), (-0.32, 0.36), width=0.14)
    pen.stroke((0.06, 0.04), (0.1, 0.26), (0.24, 0.48), width=0.16)


def _draw_smg(pen: Pen) -> None:
    pen.box(0, -0.14, 0.44, 0.14)
    pen.stroke((0.4, -0.16), (0.7, -0.16), width=0.11)
    pen.stroke((-0.28, 0), (-0.36, 0.32), width=0.15)
    pen.stroke((0.1, 0), (0.1, 0.54), width=0.15)
    pen.stroke((-0.42, -0.16), (-0.76, -0.16), width=0.08)
    pen.stroke((-0.76, -0.24), (-0.76, 0.16), width=0.08)


def _draw_shotgun(pen: Pen) -> None:
    for y in (-0.2, -0.06):
        pen.stroke((-0.1, y), (0.78, y), width=0.1)
    pen.box(0.2, 0.06, 0.22, 0.07)
    pen.box(-0.2, -0.1, 0.14, 0.15)
    pen.polygon((-0.3, -0.2), (-0.3, 0.04), (-0.78, 0.4), (-0.78, 0.06))
    pen.ring(-0.12, 0.14, 0.1, 0.06)


def _draw_pistol(pen: Pen) -> None:
    pen.box(0.04, -0.26, 0.58, 0.16)
    pen.polygon((-0.52, -0.14), (-0.08, -0.14), (-0.2, 0.58), (-0.6, 0.58))
    pen.ring(0.08, 0.06, 0.16, 0.08)
    for x in (-0.42, -0.3):
        pen.stroke((x, -0.34), (x, -0.22), width=0.05, is_hole=True)


def _draw_blade(pen: Pen) -> None:
    pen.polygon((0.66, -0.7), (0.56, -0.22), (-0.02, 0.28), (-0.24, 0.06))
    pen.stroke((-0.36, 0), (0.04, 0.4), width=0.11)
    pen.stroke((-0.24, 0.24), (-0.54, 0.54), width=0.2)


def _draw_burst(pen: Pen) -> None:
    spikes = 9
    points = []
    for number in range(2 * spikes):
        radius = 0.36 if number % 2 else 0.7
        angle = math.pi * number / spikes
        points.append((radius * math.sin(angle), -radius * math.cos(angle)))
    pen.polygon(*points)
    pen.disc(0, 0, 0.2, is_hole=True)
    pen.disc(0, 0, 0.09)


def _draw_truck(pen: Pen) -> None:
    pen.box(-0.02, 0.1, 0.6, 0.17, 0.06)
    pen.box(-0.12, -0.17, 0.34, 0.2, 0.1)
    pen.box(-0.12, -0.17, 0.24, 0.1, 0.04, is_hole=True)
    for x in (-0.34, 0.32):
        pen.disc(x, 0.27, 0.23, is_hole=True)
        pen.disc(x, 0.27, 0.17)
        pen.disc(x, 0.27, 0.06, is_hole=True)


def _draw_fall(pen: Pen) -> None:
    pen.stroke((0, -0.6), (0, 0.1))
    pen.stroke((-0.3, -0.16), (0, 0.14), (0.3, -0.16))
    ground = ((-0.6, 0.5), (-0.36, 0.34), (-0.14, 0.54), (0.12, 0.4), (0.34, 0.54), (0.6, 0.36))
    pen.stroke(*ground, width=0.12)


def _draw_grenade(pen: Pen) -> None:
    pen.disc(-0.06, 0.2, 0.42)
    pen.box(-0.06, 0.2, 0.5, 0.03, 0.01, is_hole=True)
    pen.box(-0.06, 0.2, 0.03, 0.5, 0.01, is_hole=True)
    pen.box(-0.06, -0.3, 0.15, 0.12)
    pen.stroke((-0.06, -0.46), (0.3, -0.46), (0.48, -0.12), width=0.12)
    pen.ring(-0.36, -0.44, 0.13, 0.08)


def _draw_skull(pen: Pen) -> None:
    pen.disc(0, -0.14, 0.47)
    pen.box(0, 0.32, 0.27, 0.22, 0.06)
    for side in (-1, 1):
        pen.disc(side * 0.2, -0.08, 0.14, is_hole=True)
        pen.stroke((0, 0.12), (side * 0.04, 0.2), width=0.07, is_hole=True)
        pen.stroke((side * 0.1, 0.4), (side * 0.1, 0.56), width=0.05, is_hole=True)


def _draw_poster(pen: Pen) -> None:
    pen.box(0, 0, 0.4, 0.56, 0.04)
    pen.box(0, -0.06, 0.22, 0.22, is_hole=True)
    for y in (-0.42, 0.32):
        pen.stroke((-0.22, y), (0.22, y), width=0.08, is_hole=True)
    pen.disc(0, -0.1, 0.1)
    pen.box(0, 0.1, 0.15, 0.07, 0.05)


def _draw_crown(pen: Pen) -> None:
    pen.polygon(
        (-0.57, 0.3), (-0.57, -0.34), (-0.28, 0.02), (0, -0.5), (0.28, 0.02), (0.57, -0.34), (0.57, 0.3)
    )
    for x, y in ((-0.57, -0.34), (0, -0.5), (0.57, -0.34)):
        pen.disc(x, y, 0.08)
    pen.box(0, 0.46, 0.57, 0.07)


def _draw_gem(pen: Pen) -> None:
    pen.polygon((-0.58, -0.1), (-0.26, -0.48), (0.26, -0.48), (0.58, -0.1), (0, 0.58))
    pen.stroke((-0.62, -0.1), (0.62, -0.1), width=0.06, is_hole=True)
    for side in (-1, 1):
        pen.stroke((0, -0.52), (side * 0.2, -0.1), (0, 0.5), width=0.06, is_hole=True)


def _draw_hourglass(pen: Pen) -> None:
    pen.stroke((-0.36, -0.5), (0.36, 0.5), width=0.12)
    pen.stroke((0.36, -0.5), (-0.36, 0.5), width=0.12)
    for y in (-0.54, 0.54):
        pen.stroke((-0.42, y), (0.42, y))
    pen.box(0, 0.42, 0.22, 0.08, 0.04)
    pen.stroke((0, 0), (0, 0.36), width=0.05)


GLYPHS: Mapping[str, Callable[[Pen], None]] = {
    "kill.png": _draw_sight,
    "sniper.png": _draw_sniper,
    "rifle.png": _draw_rifle,
    "smg.png": _draw_smg,
    "shotgun.png": _draw_shotgun,
    "pistol.png": _draw_pistol,
    "blade.png": _draw_blade,
    "explosive.png": _draw_burst,
    "vehicle.png": _draw_truck,
    "fall.png": _draw_fall,
    "self.png": _draw_grenade,
    "unknown.png": _draw_skull,
    "bounty_placed.png": _draw_poster,
    "bounty_auto.png": _draw_crown,
    "bounty_claimed.png": _draw_gem,
    "bounty_expired.png": _draw_hourglass,
}


def draw_picture(look: VariantLook) -> Image.Image:
    """Return the picture of a look: ``SIZE`` by ``SIZE``, transparent around the plate."""
    red, green, blue = look.colour.to_bytes(3)
    plate, rim, glyph = Pen(), Pen(), Pen()
    plate.disc(0, 0, 0.97)
    rim.ring(0, 0, 0.9, 0.09)
    GLYPHS[look.picture](glyph)
    picture = Image.new("RGB", (_LARGE, _LARGE), (red // 3, green // 3, blue // 3))
    picture.paste((red, green, blue), mask=rim.mask)
    picture.paste(_SNOW, mask=glyph.mask)
    picture.putalpha(plate.mask)
    return picture.resize((SIZE, SIZE), Image.Resampling.BOX)


def write_pictures(folder: Path = FOLDER) -> None:
    """Draw every picture into a folder."""
    for look in list_pictured():
        data = io.BytesIO()
        packed = draw_picture(look).quantize(256, method=Image.Quantize.FASTOCTREE)  # a third of the size
        packed.save(data, "PNG", optimize=True)
        (folder / look.picture).write_bytes(data.getvalue())


if __name__ == "__main__":
    write_pictures()
