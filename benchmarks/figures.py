"""Measured figures and their aims."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEADINGS = ("figure", "measured", "aim", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Attributes:
        aim: the lower limit when ``is_least``, else the upper limit; None for a value that only explains
            others.
        digits: decimals worth showing.
    """

    name: str
    value: float
    unit: str
    aim: float | None = None
    is_least: bool = False
    digits: int = 0

    @property
    def is_reached(self) -> bool:
        """Tell whether the value reaches the aim; without an aim it does."""
        if self.aim is None:
            return True
        return self.value >= self.aim if self.is_least else self.value <= self.aim

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Return the figure as a row of the table."""
        measured = f"{self._format(self.value)} {self.unit}".strip()
        if self.aim is None:
            return self.name, measured, "", ""
        aim = f"{'≥' if self.is_least else '≤'} {self._format(self.aim)}"
        return self.name, measured, aim, "reached" if self.is_reached else "MISSED"

    def _format(self, value: float) -> str:
        return f"{value:,.{self.digits}f}"


def compute_percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that ``share`` (0 to 1) of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def compute_median(values: Iterable[float]) -> float:
    """Return the middle value."""
    return statistics.median(values)


def render_table(figures: Sequence[Figure]) -> str:
    """Return the figures as an aligned table."""
    rows = [HEADINGS, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        f"{name:<{widths[0]}}  {measured:>{widths[1]}}  {aim:>{widths[2]}}  {verdict}".rstrip()
        for name, measured, aim, verdict in rows
    )
