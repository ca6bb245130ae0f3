"""How numbers, distances and times are written, everywhere the same."""

from datetime import datetime, timedelta

from utils.embeds.theme import Theme
from utils.models.players import Counters

NONE_YET = "none yet"


def write_count(number: float) -> str:
    """Return a number grouped by thousands: ``1,234``."""
    return f"{round(number):,}"  # exact, also where no float is


def write_emeralds(theme: Theme, amount: int) -> str:
    """Return an amount of money: ``1,234 💎``."""
    return f"{write_count(amount)} {theme.money}"


def write_metres(metres: float) -> str:
    """Return a distance: ``123 m``."""
    return f"{metres:,.0f} m"


def write_ratio(ratio: float) -> str:
    """Return a ratio of kills to deaths with two decimals: ``2.35``."""
    return f"{ratio:,.2f}"


def write_share(part: int, whole: int) -> str:
    """Return a share in per cent with one decimal: ``12.5 %``; of nothing it is ``0.0 %``."""
    return f"{100 * part / max(whole, 1):.1f} %"


def compute_ratio(kills: int, deaths: int) -> float:
    """Return kills for each death by the one rule of the project."""
    return Counters(kills=kills, deaths=deaths).ratio


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
