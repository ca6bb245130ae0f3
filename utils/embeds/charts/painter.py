"""ChartPainter: makes a picture of figures, with a description, without blocking the event loop.

A separate thread draws one picture at a time, because matplotlib's fonts are shared and not safe for threads.
The first picture, or ``warm_up``, loads the library, so that the bot starts without it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from utils.embeds.charts.bars import build_weapon_bar, describe_bars
from utils.embeds.charts.cards import build_rank_card, describe_card
from utils.embeds.pictures import Picture
from utils.embeds.style import Style
from utils.embeds.values import count_deaths, count_kills, frame
from utils.models.levels import RankReport
from utils.models.players import HOURS_OF_A_DAY, HOURS_OF_A_WEEK, Counters
from utils.models.populations import POPULATION_CHOICES, PopulationPeriod, PopulationReport
from utils.models.statistics import DayCount, HourCount, WeaponRow, WeaponTable
from utils.models.texts import Day, Names, Number, Text, Value, join, plural, text

DRAWINGS = "utils.embeds.charts.drawings"
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

    async def draw_days(self, days: Sequence[DayCount], *, last: date, count: int) -> Picture:
        """Return kills and deaths of each of ``count`` days up to ``last``; a day left out is empty."""
        by_day = {day.day: day.counters for day in days}
        dates = [last - timedelta(days=number) for number in reversed(range(count))]
        counts = [by_day.get(day, Counters()) for day in dates]
        shown = {step: Day(day, has_year=False) for step, day in enumerate(dates)}
        marks = {step: day for step, day in shown.items() if count <= 7 or (count - 1 - step) % 7 == 0}
        title = plural("Kills and deaths, last {count} day", "Kills and deaths, last {count} days", count)
        data = await self._draw_course(title, marks, counts)
        return self._describe("days.png", data, _describe_course(title, shown, counts))

    async def draw_today(self, hours: Sequence[HourCount]) -> Picture:
        """Return kills and deaths of each hour of a day; an hour left out is empty."""
        by_hour = {hour.hour: hour.counters for hour in hours}
        counts = [by_hour.get(hour, Counters()) for hour in range(HOURS_OF_A_DAY)]
        shown = {hour: frame("{hour}:00", hour=Number(hour)) for hour in range(HOURS_OF_A_DAY)}
        marks = {hour: shown[hour] for hour in range(0, HOURS_OF_A_DAY, 4)}
        title = text("Kills and deaths today, by hour")
        data = await self._draw_course(title, marks, counts)
        return self._describe("today.png", data, _describe_course(title, shown, counts))

    async def _draw_course(
        self, title: Text, marks: Mapping[int, Value], counts: Sequence[Counters]
    ) -> bytes:
        kills, deaths = [one.kills for one in counts], [one.deaths for one in counts]
        drawn: bytes = await self._run(lambda: _load().draw_course(self._style, title, marks, kills, deaths))
        return drawn

    async def draw_population(self, report: PopulationReport) -> Picture:
        """Return the number of players over time; a gap stays one."""
        title = text("Players · {period}", period=POPULATION_CHOICES[report.period])
        zone, steps = ZoneInfo(report.zone), report.period.steps
        marks: dict[int, Value] = {}
        for step in range(steps // 12, steps, steps // 6):
            at = (report.since + step * report.period.step).astimezone(zone)
            is_day = report.period is PopulationPeriod.DAY
            marks[step] = f"{at:%H:%M}" if is_day else Day(at.date(), has_year=False)
        data = await self._run(lambda: _load().draw_population(self._style, title, marks, report.course))
        return self._describe("population.png", data, _describe_population(title, report))

    async def draw_weapons(self, rows: Sequence[WeaponRow], table: WeaponTable) -> Picture:
        """Return a bar for each weapon of a page, with all that is known of it."""
        title, bars = text("Kills by weapon"), [build_weapon_bar(row, table) for row in rows]
        data = await self._run(lambda: _load().draw_bars(self._style, title, bars))
        return self._describe("weapons.png", data, describe_bars(title, bars))

    async def draw_hours(self, hours: Sequence[int]) -> Picture:
        """Return kills by weekday and hour as a heat map.

        Args:
            hours: kills in each hour of the week, Monday 0:00 first.
        """
        title = text("Kills by weekday and hour")
        data = await self._run(lambda: _load().draw_hours(self._style, title, list(hours)))
        total = text("Kills by weekday and hour, {kills} in all.", kills=Number(sum(hours)))
        best = max(range(HOURS_OF_A_WEEK), key=lambda hour: hours[hour])
        return self._describe("hours.png", data, join([total, _describe_peak(best, hours[best])]))

    async def draw_rank(self, report: RankReport) -> Picture:
        """Return the card of a level."""
        card = build_rank_card(report)
        data = await self._run(lambda: _load().draw_rank(self._style, card))
        return self._describe("rank.png", data, describe_card(card))

    def _describe(self, name: str, data: bytes, said: Text) -> Picture:
        return Picture(name, data, self._style.write_plain(said)[:DESCRIPTION_CHARACTERS])

    async def _run(self, draw: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, draw)


def _describe_course(title: Text, steps: Mapping[int, Value], counts: Sequence[Counters]) -> Text:
    """Return everything that a picture of kills and deaths over time shows, without empty steps."""
    kills, deaths = sum(one.kills for one in counts), sum(one.deaths for one in counts)
    said = text("{kills} and {deaths} in all.", kills=count_kills(kills), deaths=count_deaths(deaths))
    shown = tuple(
        frame(
            "{step} {kills} : {deaths}",
            step=steps[step],
            kills=Number(one.kills),
            deaths=Number(one.deaths),
        )
        for step, one in enumerate(counts)
        if one.kills or one.deaths
    )
    return join([frame("{title}:", title=title), said, Names(shown)])


def _describe_population(title: Text, report: PopulationReport) -> Text:
    """Return what a picture of players over time shows."""
    if report.peak is None or report.average is None:
        return title
    figures = text(
        "{average} on average, {peak} at most.", average=Number(report.average, 1), peak=Number(report.peak)
    )
    return join([frame("{title}:", title=title), figures])


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
