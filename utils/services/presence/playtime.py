"""Playtime: sessions by the days of the game server's calendar, and their ids; no I/O."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from utils.models.presence import PlaySession, SessionRecord
from utils.models.scope import ServerScope
from utils.services.ingestion.fingerprint import build_id, build_scope_prefix

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def build_record(
    scope: ServerScope, session: PlaySession, zone: ZoneInfo, *, read_at: datetime | None = None
) -> SessionRecord:
    """Return a session as it is stored: its id is made of what reading its lines again gives again."""
    since = session.started_at - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    text = f"{session.run};{session.player_id};{session.started_at.isoformat()}"
    session_id = build_id(build_scope_prefix(scope), seconds, text)
    return SessionRecord(session_id, session, tuple(split_by_day(session, zone)), read_at)


def split_by_day(session: PlaySession, zone: ZoneInfo) -> list[tuple[date, int]]:
    """Return the seconds of a session on each day on which it was, split at the server's midnight.

    Their sum is the length of the session. A session shorter than a second counts on its day with 0 seconds.
    """
    edges = list(_list_edges(session.started_at, session.ended_at, zone))
    days: list[tuple[date, int]] = []
    counted = 0
    for start, end in edges:
        until = int((end - session.started_at).total_seconds())
        days.append((start.astimezone(zone).date(), until - counted))
        counted = until
    return days


def _list_edges(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Yield the part of a time on each day of the calendar."""
    while True:
        day = start.astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(start.tzinfo)
        if end <= midnight or midnight <= start:
            yield start, end
            return
        yield start, midnight
        start = midnight
