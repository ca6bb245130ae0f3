"""Quantities in words: how many there are of something, everywhere the same."""

from datetime import timedelta


def write_quantity(number: float, noun: str, plural: str = "") -> str:
    """Return a grouped number with its noun: ``1 kill``, ``1,234 kills``, ``0 kills``.

    ``plural`` is the noun for many where an "s" at its end does not make it.
    """
    whole = round(number)  # exact, also for sums that no float holds
    return f"{whole:,} {noun if abs(whole) == 1 else plural or f'{noun}s'}"


def write_span(span: timedelta) -> str:
    """Return a time to wait, rounded up: minutes up to two hours, hours up to two days, then days."""
    minutes = max(1, -(-span // timedelta(minutes=1)))
    if minutes <= 120:
        return write_quantity(minutes, "minute")
    hours = -(-minutes // 60)
    return write_quantity(hours, "hour") if hours <= 48 else write_quantity(-(-hours // 24), "day")
