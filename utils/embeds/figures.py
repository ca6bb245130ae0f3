"""How numbers and times are written, everywhere the same."""

from datetime import datetime, timedelta

NONE_YET = "none yet"


def write_count(number: float) -> str:
    """Return a number grouped by thousands: ``1,234``."""
    return f"{round(number):,}"  # exact, also where no float is


def write_time(at: datetime, style: str = "R") -> str:
    """Return a Discord timestamp, shown in each reader's own zone.

    ``style`` is one of Discord's: ``R`` relative, ``t`` short time, ``f`` date and time, ``D`` date.
    """
    return f"<t:{int(at.timestamp())}:{style}>"


def write_duration(duration: timedelta) -> str:
    """Return a duration in its two largest units: ``3 min 20 s``."""
    seconds = max(round(duration.total_seconds()), 0)
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
