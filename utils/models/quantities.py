"""Quantities in words: how many there are of something, everywhere the same."""


def write_quantity(number: float, noun: str, plural: str = "") -> str:
    """Return a grouped number with its noun: ``1 kill``, ``1,234 kills``, ``0 kills``.

    ``plural`` is the noun for many where an "s" at its end does not make it.
    """
    whole = round(number)  # exact, also for sums that no float holds
    return f"{whole:,} {noun if abs(whole) == 1 else plural or f'{noun}s'}"
