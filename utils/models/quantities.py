"""Quantities in words: how many there are of something, everywhere the same."""


def write_quantity(number: float, noun: str, plural: str = "") -> str:
    """Return a grouped number with its noun: ``1 kill``, ``1,234 kills``, ``0 kills``.

    ``plural`` is the noun for many where an "s" at its end does not make it.
    """
    is_one = round(abs(number)) == 1
    return f"{number:,.0f} {noun if is_one else plural or f'{noun}s'}"
