"""ChartPainter: makes a picture of figures, with a description, without blocking the event loop.

A separate thread draws one picture at a time, because matplotlib's fonts are shared and not safe for threads.
The first picture, or ``warm_up``, loads the library, so that the bot starts without it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from importlib import import_module
from typing import Any

from utils.embeds.pictures import Picture
from utils.embeds.style import Style
from utils.embeds.values import count_deaths, count_kills, frame, show_weapon
from utils.models.players import HOURS_OF_A_WEEK
from utils.models.statistics import DayCount, WeaponRow
from utils.models.texts import Day, Names, Number, Text, join, text

DRAWINGS = "utils.embeds.charts.drawings"
SHOWN_WEAPONS = 10
LABEL_CHARACTERS = 24
DESCRIPTION_CHARACTERS = 1024  # Discord's limit of an attachment's description


class ChartPainter:
    """Draws in one style.

    Args:
        thread: shared with the painters of other languages.
    """

    def __init__(self, style: Style, thread: ThreadPoolExecutor | None = None) -> None:
        self._style = style
        self._thread = thread or ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")

    def draw_in(self, style: Style) -> "ChartPainter":
        """Return a painter of another language, which takes turns with this one."""
        return ChartPainter(style, self._thread)

    async def warm_up(self) -> None:
        """Load the library, so that the first chart is as quick as the others."""
        await self._run(_load)

    async def draw_days(self, days: Sequence[DayCount], *, first: date, count: int) -> Picture:
        """Return kills and deaths of each of ``count`` days from ``first`` on; a day left out is empty."""
        by_day = {day.day: day.counters for day in days}
        dates = [first + timedelta(days=number) for number in range(count)]
        kills = [by_day[day].kills if day in by_day else 0 for day in dates]
        deaths = [by_day[day].deaths if day in by_day else 0 for day in dates]
        data = await self._run(lambda: _load().draw_days(self._style, dates, kills, deaths))
        said = [
            text(
                "Kills and deaths a day from {first} to {last}: {kills} and {deaths} in all.",
                first=Day(first),
                last=Day(dates[-1]),
                kills=count_kills(sum(kills)),
                deaths=count_deaths(sum(deaths)),
            )
        ]
        if any(kills):
            most, best = max(kills), Day(dates[kills.index(max(kills))], has_year=False)
            said.append(text("Most kills on {day}: {kills}.", day=best, kills=Number(most)))
        return self._describe("days.png", data, join(said))

    async def draw_weapons(self, rows: Sequence[WeaponRow]) -> Picture:
        """Return a bar for each of the first weapons."""
        shown = rows[:SHOWN_WEAPONS]
        labels = [show_weapon(row.weapon, LABEL_CHARACTERS) for row in shown]
        kills = [row.kills for row in shown]
        data = await self._run(lambda: _load().draw_weapons(self._style, labels, kills))
        weapons = tuple(
            frame("{weapon} {kills}", weapon=label, kills=Number(number))
            for label, number in zip(labels, kills, strict=True)
        )
        return self._describe(
            "weapons.png", data, text("Kills by weapon: {weapons}.", weapons=Names(weapons))
        )

    async def draw_hours(self, hours: Sequence[int]) -> Picture:
        """Return kills by weekday and hour as a heat map.

        Args:
            hours: kills in each hour of the week, Monday 0:00 first.
        """
        data = await self._run(lambda: _load().draw_hours(self._style, list(hours)))
        total = text("Kills by weekday and hour, {kills} in all.", kills=Number(sum(hours)))
        best = max(range(HOURS_OF_A_WEEK), key=lambda hour: hours[hour])
        return self._describe("hours.png", data, join([total, _describe_peak(best, hours[best])]))

    def _describe(self, name: str, data: bytes, said: Text) -> Picture:
        return Picture(name, data, self._style.write_plain(said)[:DESCRIPTION_CHARACTERS])

    async def _run(self, draw: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, draw)


def _describe_peak(hour_of_week: int, count: int) -> Text:
    """Return the sentence of a weekday; each has its own, because some languages inflect its name."""
    weekday, hour = divmod(hour_of_week, 24)
    start, end, kills = f"{hour}:00", f"{hour + 1}:00", Number(count)
    sentences = (
        text("Most on Monday from {start} to {end}: {kills}.", start=start, end=end, kills=kills),
        text("Most on Tuesday from {start} to {end}: {kills}.", start=start, end=end, kills=kills),
        text("Most on Wednesday from {start} to {end}: {kills}.", start=start, end=end, kills=kills),
        text("Most on Thursday from {start} to {end}: {kills}.", start=start, end=end, kills=kills),
        text("Most on Friday from {start} to {end}: {kills}.", start=start, end=end, kills=kills),
        text("Most on Saturday from {start} to {end}: {kills}.", start=start, end=end, kills=kills),
        text("Most on Sunday from {start} to {end}: {kills}.", start=start, end=end, kills=kills),
    )
    return sentences[weekday]


def _load() -> Any:
    """Return the module that draws; the first call loads matplotlib."""
    return import_module(DRAWINGS)
