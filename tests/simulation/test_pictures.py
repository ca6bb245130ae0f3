"""The pictures of the documentation."""

from xml.etree import ElementTree as ET

import pytest

from simulation.pictures import FOLDER, build_pictures

PICTURES = build_pictures()


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_kept_pictures_show_what_the_bot_draws(name: str) -> None:
    """The files of the documentation are the bot's own embeds of today: python -m simulation.pictures."""
    assert (FOLDER / name).read_text("utf-8") == PICTURES[name]


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_pictures_are_well_formed(name: str) -> None:
    """Each picture is an SVG of a definite size, whatever the names in it hold."""
    root = ET.fromstring(PICTURES[name])  # noqa: S314 - our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert int(root.attrib["height"]) > 200
