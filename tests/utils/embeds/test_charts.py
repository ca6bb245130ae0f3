"""Charts: pictures of a phone's width with a description in words, for any texts."""

import asyncio
import struct
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.pseudo_language import PSEUDO, list_bare
from utils.embeds.charts.painter import DESCRIPTION_CHARACTERS, ChartPainter
from utils.embeds.pictures import Picture, build_file
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN
from utils.localization.localizer import ENGLISH_LOCALIZER
from utils.models.players import Counters
from utils.models.statistics import DayCount, WeaponRow

STYLE = Style(NORTHERN, ENGLISH_LOCALIZER)
FIRST = date(2025, 4, 2)
ROOT = Path(__file__).parents[3]


@pytest.fixture(name="painter", scope="module")
def _painter() -> ChartPainter:
    return ChartPainter(STYLE)


def read_size(picture: Picture) -> tuple[int, int]:
    """Return width and height of a PNG."""
    assert picture.data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture.data[16:24])
    return width, height


async def test_days_are_drawn_and_described(painter: ChartPainter) -> None:
    """The description has the period, the sums and the best day; equal figures draw equal pictures."""
    days = [DayCount(date(2025, 4, 10), Counters(kills=1200, deaths=2)), DayCount(FIRST, Counters(kills=3))]
    picture = await painter.draw_days(days, first=FIRST, count=30)
    assert (picture.name, read_size(picture)) == ("days.png", (800, 400))
    assert picture.description == (
        "Kills and deaths a day from 02 Apr 2025 to 01 May 2025: 1,203 kills and 2 deaths in all. "
        "Most kills on 10 Apr: 1,200."
    )
    assert await painter.draw_days(days, first=FIRST, count=30) == picture
    empty = await painter.draw_days([], first=FIRST, count=30)
    assert empty.description.endswith("0 kills and 0 deaths in all.")
    assert empty.data != picture.data


async def test_hours_are_drawn_and_described(painter: ChartPainter) -> None:
    """The description names the hour with most kills; an empty week is a picture too."""
    hours = [0] * 168
    hours[2 * 24 + 20] = 57
    picture = await painter.draw_hours(hours)
    assert (picture.name, read_size(picture)[0]) == ("hours.png", 800)
    assert picture.description == (
        "Kills by weekday and hour, 57 in all. Most on Wednesday from 20:00 to 21:00: 57."
    )
    assert (await painter.draw_hours([0] * 168)).data != picture.data


async def test_weapons_are_drawn_and_described(painter: ChartPainter) -> None:
    """The first ten have a bar; causes of the log have words of their own."""
    rows = [WeaponRow(f"W{number}", 100 - number, 0) for number in range(20)]
    picture = await painter.draw_weapons([WeaponRow("boat", 1000, 0), *rows])
    assert (picture.name, read_size(picture)[0]) == ("weapons.png", 800)
    assert picture.description.startswith("Kills by weapon: Boat 1,000, W0 100, W1 99")
    assert picture.description.endswith("W8 92.")
    assert build_file(picture).description == picture.description


@settings(max_examples=25, deadline=None)
@given(names=st.lists(st.text(max_size=40), max_size=12))
def test_no_name_of_a_weapon_breaks_a_chart(names: list[str]) -> None:
    """Dollar signs, formulas, foreign scripts and empty names are drawn as letters or boxes."""
    rows = [WeaponRow(name, 5, 0) for name in ["$x_1^{2}$", r"\frac{a}{b}$", "漢字", *names]]
    picture = asyncio.run(ChartPainter(STYLE).draw_weapons(rows))
    assert read_size(picture)[0] == 800
    assert len(picture.description) <= DESCRIPTION_CHARACTERS


async def test_loop_goes_on_while_charts_are_drawn(painter: ChartPainter) -> None:
    """Drawing runs in a thread, and several charts are drawn one after another."""
    drawing = asyncio.gather(*(painter.draw_hours([number] * 168) for number in range(4)))
    turns = 0
    while not drawing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3  # drawn in the loop, they would leave it one turn
    assert len({picture.data for picture in await drawing}) == 4


def test_bot_starts_without_loading_the_library() -> None:
    """The first chart or the warm-up loads the library, not an import."""
    program = "import sys, bot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0  # noqa: S603


async def test_pictures_are_described_in_the_language_of_the_answer(painter: ChartPainter) -> None:
    """The words in a picture have that language too; languages share one thread."""
    pseudo = painter.draw_in(Style(NORTHERN, PSEUDO))
    hours = [0] * 168
    hours[20] = 5
    days = [DayCount(FIRST, Counters(kills=3))]
    weapons = [WeaponRow("boat", 9, 0), WeaponRow("AK-SU", 2, 0)]
    english = [
        await painter.draw_days(days, first=FIRST, count=30),
        await painter.draw_weapons(weapons),
        await painter.draw_hours(hours),
    ]
    shown = [
        await pseudo.draw_days(days, first=FIRST, count=30),
        await pseudo.draw_weapons(weapons),
        await pseudo.draw_hours(hours),
    ]
    assert list_bare([{"text": picture.description} for picture in shown]) == []
    assert all(one.data != other.data for one, other in zip(shown, english, strict=True))
