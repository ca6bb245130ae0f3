"""Draws the pictures of notices, and writes them as PNG files.

The pictures are made once, by ``python -m utils.embeds.drawing``, and kept in ``artwork/``; the bot reads
them. They are drawn from signed distances: a shape is a function that tells how far a point is outside
(positive) or inside (negative), so union is ``min``, cutting out is ``max(a, -b)``, and the distance itself
gives smooth edges. Coordinates run from -1 to 1, y downwards.
"""

import itertools
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from utils.embeds.notices.look import VariantLook
from utils.embeds.notices.registry import list_pictured

SIZE = 128  # pixels; Discord shows a thumbnail at 80, twice that on dense screens
FOLDER = Path(__file__).parent / "artwork"

Shape = Callable[[float, float], float]
Colour = tuple[int, int, int]

_SNOW: Colour = (236, 234, 226)


def disc(x: float, y: float, radius: float) -> Shape:
    """Return a filled circle."""
    return lambda px, py: math.hypot(px - x, py - y) - radius


def ring(x: float, y: float, radius: float, width: float) -> Shape:
    """Return a circle's line."""
    return lambda px, py: abs(math.hypot(px - x, py - y) - radius) - width / 2


def box(x: float, y: float, half_width: float, half_height: float, rounding: float = 0.03) -> Shape:
    """Return a filled rectangle with round corners."""

    def measure(px: float, py: float) -> float:
        dx = abs(px - x) - half_width + rounding
        dy = abs(py - y) - half_height + rounding
        return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - rounding

    return measure


def stroke(x1: float, y1: float, x2: float, y2: float, width: float = 0.14) -> Shape:
    """Return a line with round ends."""
    dx, dy = x2 - x1, y2 - y1
    square = dx * dx + dy * dy

    def measure(px: float, py: float) -> float:
        along = min(max(((px - x1) * dx + (py - y1) * dy) / square, 0), 1)
        return math.hypot(px - x1 - along * dx, py - y1 - along * dy) - width / 2

    return measure


def join(*shapes: Shape) -> Shape:
    """Return all shapes together."""
    return lambda px, py: min(shape(px, py) for shape in shapes)


def carve(shape: Shape, *holes: Shape) -> Shape:
    """Return a shape without the holes."""
    return lambda px, py: max(shape(px, py), *(-hole(px, py) for hole in holes))


def _draw_sight() -> Shape:
    ticks = [
        stroke(x * 0.3, y * 0.3, x * 0.66, y * 0.66, 0.12) for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    return join(ring(0, 0, 0.45, 0.12), disc(0, 0, 0.08), *ticks)


def _draw_truck() -> Shape:
    body = join(box(-0.02, 0.1, 0.6, 0.17, 0.06), box(-0.12, -0.17, 0.34, 0.2, 0.1))
    window = box(-0.12, -0.17, 0.24, 0.1, 0.04)
    arches = [disc(x, 0.27, 0.23) for x in (-0.34, 0.32)]
    wheels = [carve(disc(x, 0.27, 0.17), disc(x, 0.27, 0.06)) for x in (-0.34, 0.32)]
    return join(carve(body, window, *arches), *wheels)


def _draw_switch() -> Shape:
    circle = carve(ring(0, 0.06, 0.46, 0.14), box(0, -0.42, 0.17, 0.3))
    return join(circle, stroke(0, -0.54, 0, -0.02))


def _draw_fall() -> Shape:
    arrow = join(stroke(0, -0.6, 0, 0.1), stroke(-0.3, -0.16, 0, 0.14), stroke(0.3, -0.16, 0, 0.14))
    points = ((-0.6, 0.5), (-0.36, 0.34), (-0.14, 0.54), (0.12, 0.4), (0.34, 0.54), (0.6, 0.36))
    ground = [stroke(*start, *end, 0.12) for start, end in itertools.pairwise(points)]
    return join(arrow, *ground)


def _draw_grenade() -> Shape:
    grooves = (box(-0.06, 0.2, 0.5, 0.03, 0.01), box(-0.06, 0.2, 0.03, 0.5, 0.01))
    shell = carve(disc(-0.06, 0.2, 0.42), *grooves)
    neck = box(-0.06, -0.3, 0.15, 0.12)
    lever = join(stroke(-0.06, -0.46, 0.3, -0.46, 0.12), stroke(0.3, -0.46, 0.48, -0.12, 0.12))
    return join(shell, neck, lever, ring(-0.36, -0.44, 0.13, 0.08))


def _draw_skull() -> Shape:
    head = join(disc(0, -0.14, 0.47), box(0, 0.32, 0.27, 0.22, 0.06))
    eyes = (disc(-0.2, -0.08, 0.14), disc(0.2, -0.08, 0.14))
    nose = join(stroke(0, 0.12, -0.04, 0.2, 0.07), stroke(0, 0.12, 0.04, 0.2, 0.07))
    teeth = (stroke(-0.1, 0.4, -0.1, 0.56, 0.05), stroke(0.1, 0.4, 0.1, 0.56, 0.05))
    return carve(head, *eyes, nose, *teeth)


def turn(shape: Shape, degrees: float) -> Shape:
    """Return a shape turned around the middle, against the clock."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return lambda px, py: shape(cosine * px - sine * py, sine * px + cosine * py)


def _draw_poster() -> Shape:
    paper = carve(box(0, 0, 0.4, 0.56, 0.04), box(0, -0.06, 0.22, 0.22, 0.03))
    face = join(disc(0, -0.1, 0.1), box(0, 0.1, 0.15, 0.07, 0.05))
    words = (stroke(-0.22, -0.42, 0.22, -0.42, 0.08), stroke(-0.22, 0.32, 0.22, 0.32, 0.08))
    return join(carve(paper, *words), face)


def _draw_crown() -> Shape:
    points = (stroke(-0.5, 0.2, -0.5, -0.36), stroke(0.5, 0.2, 0.5, -0.36), stroke(0, 0.2, 0, -0.46))
    slopes = (stroke(-0.5, -0.3, -0.24, 0.14), stroke(-0.24, 0.14, 0, -0.4), stroke(0, -0.4, 0.24, 0.14))
    last = stroke(0.24, 0.14, 0.5, -0.3)
    return join(*points, *slopes, last, box(0, 0.2, 0.57, 0.12, 0.03), box(0, 0.46, 0.57, 0.07, 0.03))


def _draw_gem() -> Shape:
    cut = turn(box(0, 0, 0.42, 0.42, 0.04), 45)
    facets = (stroke(-0.56, -0.1, 0.56, -0.1, 0.06), stroke(-0.2, -0.1, 0, 0.5, 0.06))
    return carve(cut, *facets, stroke(0.2, -0.1, 0, 0.5, 0.06), stroke(-0.2, -0.1, 0, -0.46, 0.06))


def _draw_hourglass() -> Shape:
    sides = (stroke(-0.36, -0.5, 0.36, 0.5, 0.12), stroke(0.36, -0.5, -0.36, 0.5, 0.12))
    ends = (stroke(-0.42, -0.54, 0.42, -0.54), stroke(-0.42, 0.54, 0.42, 0.54))
    sand = (box(0, 0.42, 0.22, 0.08, 0.04), stroke(0, 0, 0, 0.36, 0.05))
    return join(*sides, *ends, *sand)


GLYPHS: Mapping[str, Callable[[], Shape]] = {
    "kill.png": _draw_sight,
    "vehicle.png": _draw_truck,
    "menu.png": _draw_switch,
    "fall.png": _draw_fall,
    "self.png": _draw_grenade,
    "unknown.png": _draw_skull,
    "bounty_placed.png": _draw_poster,
    "bounty_auto.png": _draw_crown,
    "bounty_claimed.png": _draw_gem,
    "bounty_expired.png": _draw_hourglass,
}


def draw_pixels(look: VariantLook) -> bytes:
    """Return the picture of a look: rows of RGBA, ``SIZE`` by ``SIZE``."""
    red, green, blue = look.colour.to_bytes(3)
    ground = (red, green, blue)
    dark = (red // 3, green // 3, blue // 3)
    plate, rim, glyph = disc(0, 0, 0.97), ring(0, 0, 0.9, 0.09), GLYPHS[look.picture]()
    pixels = bytearray()
    for row in range(SIZE):
        for column in range(SIZE):
            x, y = (column + 0.5) * 2 / SIZE - 1, (row + 0.5) * 2 / SIZE - 1
            colour = _mix(dark, ground, _cover(rim(x, y)))
            colour = _mix(colour, _SNOW, _cover(glyph(x, y)))
            pixels += bytes((*colour, round(255 * _cover(plate(x, y)))))
    return bytes(pixels)


def encode_png(pixels: bytes, size: int = SIZE) -> bytes:
    """Return a square picture of RGBA pixels as a PNG file (RFC 2083)."""
    stride = size * 4
    # each row begins with its filter: 2 (Up), which makes the large even areas vanish in the compression
    rows = bytearray()
    before = bytes(stride)
    for start in range(0, len(pixels), stride):
        row = pixels[start : start + stride]
        rows += b"\2" + bytes((value - above) & 0xFF for value, above in zip(row, before, strict=True))
        before = row
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)  # 8 bits a channel, RGBA
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_build_chunk(name, data) for name, data in chunks)


def write_pictures(folder: Path = FOLDER) -> None:
    """Draw every picture into a folder."""
    for look in list_pictured():
        (folder / look.picture).write_bytes(encode_png(draw_pixels(look)))


def _build_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _cover(distance: float) -> float:
    """Return how much of a pixel at this distance from an edge is covered, from 0 to 1."""
    return min(max(0.5 - distance * SIZE / 2, 0.0), 1.0)


def _mix(under: Colour, over: Colour, share: float) -> Colour:
    red, green, blue = (round(low + (high - low) * share) for low, high in zip(under, over, strict=True))
    return red, green, blue


if __name__ == "__main__":
    write_pictures()
