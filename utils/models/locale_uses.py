"""Uses of the bot by the language of Discord's client: numbers by month and locale, and no member."""

from collections.abc import Mapping
from datetime import datetime

KEPT_MONTHS = 3

LocaleMonth = tuple[str, str]
"""A month (``2026-12``, in UTC) and a locale as Discord writes it."""

Uses = Mapping[LocaleMonth, int]


def name_month(moment: datetime) -> str:
    """Return the month of a moment."""
    return f"{moment:%Y-%m}"


def find_oldest_kept(month: str) -> str:
    """Return the first of the months that are kept in a month."""
    year, number = map(int, month.split("-"))
    year, before = divmod(year * 12 + number - KEPT_MONTHS, 12)
    return f"{year:04}-{before + 1:02}"
