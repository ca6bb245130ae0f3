"""The small pictures of posts: drawn by a script, and the ones that are kept."""

import pytest
from PIL import Image, ImageChops, ImageStat

from simulation.pictures.artwork import FOLDER, GLYPHS, SIZE, draw_picture, get_look
from utils.embeds.theme import NORTHERN
from utils.models.deaths import DeathKind
from utils.models.notices import BountyEvent

LARGEST_BYTES = 4_000
MOST_DIFFERENCE = 2.0  # of 255, on average: another build of the library may smooth edges otherwise


@pytest.mark.parametrize("kind", [*DeathKind, *BountyEvent])
def test_kept_picture_is_what_is_drawn(kind: DeathKind | BountyEvent) -> None:
    """The files are made by the script, ``python -m simulation.pictures.artwork``, never by hand."""
    path = FOLDER / get_look(kind).picture
    with Image.open(path) as file:
        kept = file.convert("RGBA")
    assert kept.size == (SIZE, SIZE)
    difference = ImageStat.Stat(ImageChops.difference(kept, draw_picture(kind))).mean
    assert max(difference) < MOST_DIFFERENCE
    assert path.stat().st_size < LARGEST_BYTES


def test_picture_is_a_disc_on_a_clear_ground() -> None:
    """Corners are transparent, the middle is not."""
    alpha = draw_picture(DeathKind.KILL).getchannel("A")
    assert [alpha.getpixel(place) for place in ((0, 0), (SIZE - 1, SIZE - 1), (SIZE // 2, SIZE // 2))] == [
        0,
        0,
        255,
    ]


def test_each_class_has_a_picture_of_its_own() -> None:
    """No two classes look the same, and no file is left over."""
    assert len(GLYPHS) == len(NORTHERN.looks) == len(DeathKind) + len(BountyEvent)
    assert {path.name for path in FOLDER.iterdir()} == {look.picture for look in NORTHERN.looks}
    assert len({(FOLDER / look.picture).read_bytes() for look in NORTHERN.looks}) == len(GLYPHS)
    assert len({look.colour for look in NORTHERN.looks}) == len(GLYPHS)
