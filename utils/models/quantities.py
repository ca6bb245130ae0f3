"""Quantities in words: numbers with their nouns, written the same way everywhere."""

from datetime import timedelta

from utils.models.texts import Text, plural


def write_quantity(number: float, noun: str, plural: str = "") -> str:
    """Return a grouped number with its noun: ``1 kill``, ``1,234 kills``, ``0 kills``.

    ``plural`` is the noun for many if it is not formed with an "s".
    """
    whole = round(number)  # exact, also for sums that no float holds
    return f"{whole:,} {noun if abs(whole) == 1 else plural or f'{noun}s'}"


def describe_wait(span: timedelta) -> Text:
    """Return a time to wait, rounded up: minutes up to two hours, hours up to two days, then days."""
    minutes = max(1, -(-span // timedelta(minutes=1)))
    if minutes <= 120:
        return plural("{count} minute", "{count} minutes", minutes)
    hours = -(-minutes // 60)
    if hours <= 48:
        return plural("{count} hour", "{count} hours", hours)
    return plural("{count} day", "{count} days", -(-hours // 24))
