"""The pictures of the documentation."""

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.image import imread

from simulation.pictures.album import FOLDER, build_pictures

PICTURES = build_pictures()
DATA = re.compile(r"data:image/png;base64,([^\"]+)")
LARGEST_BYTES = 150_000
DOCUMENTS = [FOLDER.parents[1] / "README.md", *FOLDER.parent.glob("*.md")]


def read_images(svg: str) -> list[np.ndarray]:
    """Return the pixels of the pictures inside a picture."""
    return [imread(io.BytesIO(base64.b64decode(data)), format="png") for data in DATA.findall(svg)]


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_kept_pictures_show_what_the_bot_draws(name: str) -> None:
    """The stored pictures show the bot's present embeds; ``python -m simulation.pictures`` draws them.

    The charts inside are compared by their pixels, because another build of the library writes other bytes.
    """
    kept = (FOLDER / name).read_text("utf-8")
    assert DATA.sub("", kept) == DATA.sub("", PICTURES[name])
    for old, new in zip(read_images(kept), read_images(PICTURES[name]), strict=True):
        assert old.shape == new.shape
        assert float(np.abs(old - new).mean()) < 0.02


def test_drawing_twice_gives_the_same() -> None:
    """No picture depends on the time or on chance."""
    assert build_pictures() == PICTURES


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_pictures_are_well_formed_small_and_told_in_words(name: str) -> None:
    """Each picture is an SVG of a definite size with any names, has a description, and is small."""
    root = ET.fromstring(PICTURES[name])  # noqa: S314 - our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert int(root.attrib["height"]) > 200
    assert root.attrib["aria-label"]
    assert len(PICTURES[name].encode()) < LARGEST_BYTES


def test_every_picture_is_shown_and_every_shown_picture_is_drawn() -> None:
    """The documents and the folder have the same pictures."""
    shown = {
        Path(link).name
        for document in DOCUMENTS
        for link in re.findall(r"(?:\]\(|src=\")([^)\"]*pictures/[^)\"]+)", document.read_text("utf-8"))
    }
    assert shown == set(PICTURES) == {path.name for path in FOLDER.iterdir()}
