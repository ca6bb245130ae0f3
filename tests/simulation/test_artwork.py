"""The small pictures of posts: the script draws the same pictures as the stored ones."""

import pytest
from PIL import Image, ImageChops, ImageStat

from simulation.pictures.artwork import FOLDER, GLYPHS, SIZE, draw_picture
from utils.embeds.notices.look import VariantLook
from utils.embeds.notices.registry import list_pictured

LARGEST_BYTES = 4_000
# mean difference of 255 levels, because another build of the library may smooth edges differently
MOST_DIFFERENCE = 2.0


@pytest.mark.parametrize("look", list_pictured(), ids=lambda look: look.picture)
def test_kept_picture_is_what_is_drawn(look: VariantLook) -> None:
    """The files are made by the script, ``python -m simulation.pictures.artwork``, never by hand."""
    path = FOLDER / look.picture
    with Image.open(path) as file:
        kept = file.convert("RGBA")
    assert kept.size == (SIZE, SIZE)
    difference = ImageStat.Stat(ImageChops.difference(kept, draw_picture(look))).mean
    assert max(difference) < MOST_DIFFERENCE
    assert path.stat().st_size < LARGEST_BYTES


def test_picture_is_a_disc_on_a_clear_ground() -> None:
    """Corners are transparent, the middle is not."""
    alpha = draw_picture(list_pictured()[0]).getchannel("A")
    assert [alpha.getpixel(place) for place in ((0, 0), (SIZE - 1, SIZE - 1), (SIZE // 2, SIZE // 2))] == [
        0,
        0,
        255,
    ]


def test_each_class_has_a_picture_of_its_own() -> None:
    """All kinds have different pictures, and each drawn or stored picture is used."""
    looks = list_pictured()
    assert GLYPHS.keys() == {look.picture for look in looks} == {path.name for path in FOLDER.iterdir()}
    assert len({(FOLDER / look.picture).read_bytes() for look in looks}) == len(looks)
    assert len({look.colour for look in looks}) == len(looks)
