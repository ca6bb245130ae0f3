"""Charts: pictures of a phone's width with a description in words, for any texts."""

import asyncio
import struct
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.examples import choose_examples
from tests.fakes.pseudo_language import PSEUDO, list_bare
from utils.embeds.charts.drawings import draw_population
from utils.embeds.charts.painter import DESCRIPTION_CHARACTERS, ChartPainter
from utils.embeds.pictures import Picture, build_file
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN
from utils.localization.catalogue import read_catalogue
from utils.localization.localizer import ENGLISH_LOCALIZER, build_localizer
from utils.models.players import Counters
from utils.models.statistics import DayCount, HourCount, WeaponRow, WeaponTable
from utils.models.texts import text

STYLE = Style(NORTHERN, ENGLISH_LOCALIZER)
FIRST, LAST = date(2025, 4, 2), date(2025, 5, 1)
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
    """The description has everything that is drawn; equal figures draw equal pictures."""
    days = [DayCount(date(2025, 4, 10), Counters(kills=1200, deaths=2)), DayCount(FIRST, Counters(kills=3))]
    picture = await painter.draw_days(days, last=LAST, count=30)
    assert (picture.name, read_size(picture)) == ("days.png", (680, 374))
    assert picture.description == (
        "Kills and deaths, last 30 days: 1,203 kills and 2 deaths in all. 02 Apr 3 : 0, 10 Apr 1,200 : 2"
    )
    assert await painter.draw_days(days, last=LAST, count=30) == picture
    week = await painter.draw_days(days, last=date(2025, 4, 10), count=7)
    assert week.description.startswith("Kills and deaths, last 7 days: 1,200 kills")
    assert week.data != picture.data


async def test_hours_of_today_are_drawn_and_described(painter: ChartPainter) -> None:
    """An hour without an entry is empty; each hour with one is in the description."""
    hours = [HourCount(0, Counters(kills=2)), HourCount(23, Counters(deaths=1))]
    picture = await painter.draw_today(hours)
    assert (picture.name, read_size(picture)) == ("today.png", (680, 374))
    assert picture.description == (
        "Kills and deaths today, by hour: 2 kills and 1 death in all. 0:00 2 : 0, 23:00 0 : 1"
    )
    assert await painter.draw_today(hours) == picture


async def test_longest_description_of_days_is_not_cut(painter: ChartPainter) -> None:
    """Thirty days with large figures fit Discord's limit of a description."""
    days = [
        DayCount(LAST - timedelta(days=number), Counters(kills=123_456, deaths=123_456))
        for number in range(30)
    ]
    picture = await painter.draw_days(days, last=LAST, count=30)
    assert picture.description.endswith("01 May 123,456 : 123,456")


async def test_hours_are_drawn_and_described(painter: ChartPainter) -> None:
    """The description names the hour with most kills; an empty week is a picture too."""
    hours = [0] * 168
    hours[2 * 24 + 20] = 57
    picture = await painter.draw_hours(hours)
    assert (picture.name, read_size(picture)[0]) == ("hours.png", 680)
    assert picture.description == (
        "Kills by weekday and hour, 57 in all. Most on Wednesday from 20:00 to 21:00: 57."
    )
    assert (await painter.draw_hours([0] * 168)).data != picture.data


async def test_weapons_are_drawn_and_described(painter: ChartPainter) -> None:
    """Each weapon of a page has its bar with all that is known; each page has its own picture."""
    rows = [
        WeaponRow("boat", 1000, 0),
        WeaponRow("AK-SU", 250, 142, "Bo", 40),
        *(WeaponRow(f"W{number}", 50 - number, 0) for number in range(10)),
    ]
    table = WeaponTable(tuple(rows), 2_000)
    first = await painter.draw_weapons(rows[:10], table)
    assert (first.name, read_size(first)[0]) == ("weapons.png", 680)
    assert first.description.startswith(
        "Kills by weapon; Boat 1,000 · 50.0 %; AK-SU 250 · 12.5 % · longest 142\u00a0m · best Bo (40); W0 50"
    )
    assert build_file(first).description == first.description
    second = await painter.draw_weapons(rows[10:], table)
    assert "W8 42 · 2.1 %" in second.description
    assert first.data != second.data
    assert await painter.draw_weapons(rows[10:], table) == second


@settings(max_examples=choose_examples(quick=8, deep=100), deadline=None)
@given(names=st.lists(st.text(max_size=80), max_size=7))
def test_no_name_of_a_weapon_or_a_player_breaks_a_chart(names: list[str]) -> None:
    """Dollar signs, formulas, foreign scripts and empty names are drawn as letters or boxes."""
    rows = [WeaponRow(name, 5, 7, name, 3) for name in ["$x_1^{2}$", r"\frac{a}{b}$", "漢字", *names]]
    picture = asyncio.run(ChartPainter(STYLE).draw_weapons(rows, WeaponTable(tuple(rows), 5)))
    assert read_size(picture)[0] == 680
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
    days = [DayCount(LAST, Counters(kills=3))]
    weapons = [WeaponRow("boat", 9, 3, "Bo", 1), WeaponRow("AK-SU", 2, 0)]
    table, today = WeaponTable(tuple(weapons), 11), [HourCount(3, Counters(kills=1))]

    async def draw(one: ChartPainter) -> list[Picture]:
        return [
            await one.draw_days(days, last=LAST, count=30),
            await one.draw_today(today),
            await one.draw_weapons(weapons, table),
            await one.draw_hours(hours),
        ]

    english, shown = await draw(painter), await draw(pseudo)
    assert list_bare([{"text": picture.description} for picture in shown]) == []
    assert all(one.data != other.data for one, other in zip(shown, english, strict=True))


@pytest.mark.parametrize(("number", "is_same"), [(900.0, True), (4_000.0, False)])
def test_numbers_beside_a_chart_are_written_as_in_the_language(number: float, *, is_same: bool) -> None:
    """Thousands are grouped as in the answer; a chart without a word and without thousands is the same."""
    german = Style(NORTHERN, build_localizer("de", read_catalogue("de", None)))
    english_chart, german_chart = (
        draw_population(style, text("{place}", place=""), {}, [number]) for style in (STYLE, german)
    )
    assert (english_chart == german_chart) is is_same
