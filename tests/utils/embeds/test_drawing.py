"""The pictures: drawn by the project, the same every time, and the ones that are kept."""

import struct
import zlib

import pytest

from utils.embeds.drawing import FOLDER, GLYPHS, SIZE, draw_pixels, encode_png
from utils.embeds.notices.look import VariantLook
from utils.embeds.notices.registry import list_pictured


def _decode(png: bytes) -> bytes:
    """Return the filtered rows of a PNG: equal pixels give equal rows, whatever the compression."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    rows, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(name + data),)
        rows += data if name == b"IDAT" else b""
        at += 12 + length
    return zlib.decompress(rows)


@pytest.mark.parametrize("look", list_pictured(), ids=lambda look: look.picture)
def test_kept_picture_is_what_is_drawn(look: VariantLook) -> None:
    """The files are made by the code: nobody edits them by hand."""
    kept = (FOLDER / look.picture).read_bytes()
    assert _decode(kept) == _decode(encode_png(draw_pixels(look)))
    assert len(kept) < 10_000


def test_picture_is_a_disc_on_a_clear_ground() -> None:
    """Corners are transparent, the middle is not."""
    pixels = draw_pixels(list_pictured()[0])
    middle = (SIZE * SIZE // 2 + SIZE // 2) * 4
    assert (pixels[3], pixels[-1], pixels[middle + 3]) == (0, 0, 255)


def test_each_class_has_a_picture_of_its_own() -> None:
    """No two classes look the same, and no picture is drawn for nothing."""
    looks = list_pictured()
    assert GLYPHS.keys() == {look.picture for look in looks}
    assert len({(FOLDER / look.picture).read_bytes() for look in looks}) == len(looks)
    assert len({look.colour for look in looks}) == len(looks)
