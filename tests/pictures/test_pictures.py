"""The pictures of the documentation show what the bot sends."""

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.image import imread

from tests.pictures.album import FOLDER, draw_pictures

DATA = re.compile(r"data:image/png;base64,([^\"]+)")
LARGEST_BYTES = 150_000
PICTURES = sorted(FOLDER.glob("*.svg"))
DOCUMENTS = [FOLDER.parents[1] / "README.md", *FOLDER.parent.glob("*.md")]


def read_images(svg: str) -> list[np.ndarray]:
    """Return the pixels of the pictures inside a picture."""
    return [imread(io.BytesIO(base64.b64decode(data)), format="png") for data in DATA.findall(svg)]


def looks_equal(kept: str, drawn: str) -> bool:
    """Tell whether two pictures look equal.

    The charts inside are compared by their pixels, because another build of the library writes other bytes.
    """
    if DATA.sub("", kept) != DATA.sub("", drawn):
        return False
    pairs = zip(read_images(kept), read_images(drawn), strict=True)
    return all(old.shape == new.shape and float(np.abs(old - new).mean()) < 0.02 for old, new in pairs)


async def test_kept_pictures_show_what_the_bot_sends(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The stored pictures are the bot's present messages; ``make pictures`` draws all of them again."""
    drawn = await draw_pictures(tmp_path)
    kept = {path.name: path.read_text("utf-8") for path in PICTURES}
    changed = [name for name in drawn if name not in kept or not looks_equal(kept[name], drawn[name])]
    if not request.config.getoption("--record"):
        assert (changed, kept.keys() - drawn.keys()) == ([], set()), "make pictures draws them again"
    for name in changed:
        (FOLDER / name).write_text(drawn[name], "utf-8")
    for name in kept.keys() - drawn.keys():
        (FOLDER / name).unlink()


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_pictures_hold_in_every_viewer(path: Path) -> None:
    """Each picture is an SVG of a definite size, is small, and describes itself in words.

    The generic family is the only one: with another before it, some viewers take digits from a font of
    emoji. Each text has its length, so that no font is too wide for its place.
    """
    root = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert int(root.attrib["height"]) > 150
    assert root.attrib["aria-label"]
    assert path.stat().st_size < LARGEST_BYTES
    families = {each.attrib["font-family"] for each in root.iter() if "font-family" in each.attrib}
    assert families <= {"sans-serif", "monospace"}
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert [text for text in texts if "textLength" not in text.attrib] == []
    assert [text.attrib for text in texts if float(text.attrib["x"]) > int(root.attrib["width"])] == []


def test_every_picture_is_shown_and_every_shown_picture_is_drawn() -> None:
    """The documents and the folder have the same pictures."""
    shown = {
        Path(link).name
        for document in DOCUMENTS
        for link in re.findall(r"(?:\]\(|src=\")([^)\"]*pictures/[^)\"]+)", document.read_text("utf-8"))
    }
    assert shown == {path.name for path in FOLDER.iterdir()}
