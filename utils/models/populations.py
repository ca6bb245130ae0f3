"""Numbers of players in the course of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from utils.models.texts import Text, Value, text_in


class PopulationPeriod(StrEnum):
    """The span of time of a picture, up to now."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return timedelta(days={"24h": 1, "7d": 7, "30d": 30}[self.value])

    @property
    def step(self) -> timedelta:
        """The time of one step of the picture."""
        return timedelta(minutes={"24h": 10, "7d": 60, "30d": 240}[self.value])

    @property
    def steps(self) -> int:
        """The number of steps."""
        return int(self.length / self.step)


POPULATION_CHOICES: Mapping[PopulationPeriod, Text] = {
    PopulationPeriod.DAY: text_in("a choice", "Last 24 hours"),
    PopulationPeriod.WEEK: text_in("a choice", "Last 7 days"),
    PopulationPeriod.MONTH: text_in("a choice", "Last 30 days"),
}
"""The names of periods in lists of choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationReport:
    """How many players there were in a period.

    Attributes:
        where: the server's name (foreign text), or words for several servers.
        since: the beginning of the period, UTC.
        course: the mean of each step; None where nothing is known.
        now: the newest number; None if it is too old.
        average: the mean of the period; None without any sample.
        peak: the most players at once, and ``peak_at`` when.
        busiest_hour: the hour of the day with the highest mean, in ``zone``.
        zone: the time zone of the hours.
    """

    where: Value
    period: PopulationPeriod
    since: datetime
    course: tuple[float | None, ...]
    now: int | None
    average: float | None
    peak: int | None
    peak_at: datetime | None
    busiest_hour: int | None
    zone: str
