"""ChartPainter: figures in, a picture with its description out, without holding up anybody.

Drawing is left to a thread of its own, one picture at a time: matplotlib's fonts are shared and not made for
two. The library is loaded with the first picture, or by ``warm_up``, so that the bot starts without it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from importlib import import_module
from typing import Any

from utils.embeds.figures import write_count
from utils.embeds.pictures import Picture
from utils.embeds.theme import Theme
from utils.embeds.wording import WEAPONS
from utils.models.players import HOURS_OF_A_WEEK
from utils.models.quantities import write_quantity
from utils.models.statistics import DayCount, WeaponRow
from utils.models.visible_text import clean_text

DRAWINGS = "utils.embeds.charts.drawings"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHOWN_WEAPONS = 10
LABEL_CHARACTERS = 24
DESCRIPTION_CHARACTERS = 1024  # Discord's limit of an attachment's description


class ChartPainter:
    """Draws in the colours of a theme."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")

    async def warm_up(self) -> None:
        """Load the library, so that the first chart somebody asks for is as quick as the others."""
        await self._run(_load)

    async def draw_days(self, days: Sequence[DayCount], *, first: date, count: int) -> Picture:
        """Return kills and deaths of each of ``count`` days from ``first`` on; a day left out is empty."""
        by_day = {day.day: day.counters for day in days}
        dates = [first + timedelta(days=number) for number in range(count)]
        kills = [by_day[day].kills if day in by_day else 0 for day in dates]
        deaths = [by_day[day].deaths if day in by_day else 0 for day in dates]
        data = await self._run(lambda: _load().draw_days(self._theme, dates, kills, deaths))
        text = (
            f"Kills and deaths a day from {first:%d %b %Y} to {dates[-1]:%d %b %Y}: "
            f"{write_quantity(sum(kills), 'kill')} and {write_quantity(sum(deaths), 'death')} in all."
        )
        best = max(range(count), key=lambda number: kills[number])
        if kills[best]:
            text += f" Most kills on {dates[best]:%d %b}: {write_count(kills[best])}."
        return Picture("days.png", data, text)

    async def draw_weapons(self, rows: Sequence[WeaponRow]) -> Picture:
        """Return a bar for each of the first weapons."""
        shown = rows[:SHOWN_WEAPONS]
        labels = [clean_text(WEAPONS.get(row.weapon, row.weapon), LABEL_CHARACTERS) for row in shown]
        kills = [row.kills for row in shown]
        data = await self._run(lambda: _load().draw_weapons(self._theme, labels, kills))
        listed = ", ".join(
            f"{label} {write_count(number)}" for label, number in zip(labels, kills, strict=True)
        )
        return Picture("weapons.png", data, f"Kills by weapon: {listed}."[:DESCRIPTION_CHARACTERS])

    async def draw_hours(self, hours: Sequence[int]) -> Picture:
        """Return kills by weekday and hour as a heat map.

        Args:
            hours: kills in each hour of the week, Monday 0:00 first.
        """
        data = await self._run(lambda: _load().draw_hours(self._theme, list(hours)))
        best = max(range(HOURS_OF_A_WEEK), key=lambda hour: hours[hour])
        weekday, hour = divmod(best, 24)
        text = (
            f"Kills by weekday and hour, {write_count(sum(hours))} in all. "
            f"Most on {WEEKDAYS[weekday]} from {hour}:00 to {hour + 1}:00: {write_count(hours[best])}."
        )
        return Picture("hours.png", data, text)

    async def _run(self, draw: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, draw)


def _load() -> Any:
    """Return the module that draws; the first call loads matplotlib."""
    return import_module(DRAWINGS)
