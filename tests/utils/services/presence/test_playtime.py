"""Playtime by the days of a game server."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.deaths import build_player_id
from utils.models.presence import LeaveReason, PlaySession
from utils.services.presence.playtime import split_by_day


def build_session(start: datetime, seconds: float) -> PlaySession:
    """Return a session of some seconds."""
    return PlaySession(
        player_id=build_player_id("Ghost"),
        name="Ghost",
        run="run",
        started_at=start,
        ended_at=start + timedelta(seconds=seconds),
        reason=LeaveReason.QUIT,
    )


def test_session_is_split_at_the_midnight_of_the_server() -> None:
    """The calendar is that of the game server's zone; a day of 25 hours is one day."""
    session = build_session(datetime(2025, 10, 25, 21, 30, tzinfo=UTC), 26 * 3600)
    assert split_by_day(session, ZoneInfo("Europe/Berlin")) == [
        (date(2025, 10, 25), 1800),
        (date(2025, 10, 26), 25 * 3600),
        (date(2025, 10, 27), 1800),
    ]
    assert split_by_day(session, ZoneInfo("UTC")) == [
        (date(2025, 10, 25), 9000),
        (date(2025, 10, 26), 84_600),
    ]


@settings(max_examples=60)
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - zone given
    st.floats(0, 400_000),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_days_add_up_to_the_session(start: datetime, seconds: float, zone: str) -> None:
    """No second is lost or counted twice, and the days follow each other."""
    session = build_session(start, seconds)
    days = split_by_day(session, ZoneInfo(zone))
    assert sum(part for _, part in days) == session.seconds
    assert [day for day, _ in days] == sorted({day for day, _ in days})
    assert all(0 <= part <= 25 * 3600 for _, part in days)
