"""Schedule: when a backup is due."""

from datetime import UTC, datetime, timedelta


def find_slot(now: datetime, *, hour_utc: int, every_hours: int) -> datetime:
    """Return the last moment at which a backup should have been made.

    Such a moment is at ``hour_utc`` and every so many hours before and after it; they divide the day.
    """
    at = now.astimezone(UTC)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + timedelta(hours=hour_utc % every_hours)
    if first > at:
        return first - timedelta(hours=every_hours)
    return first + (at - first) // timedelta(hours=every_hours) * timedelta(hours=every_hours)


def is_due(now: datetime, newest: datetime | None, *, hour_utc: int, every_hours: int) -> bool:
    """Tell whether the newest backup is older than it should be; None if there is none."""
    return newest is None or newest < find_slot(now, hour_utc=hour_utc, every_hours=every_hours)
