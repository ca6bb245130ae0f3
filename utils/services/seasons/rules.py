"""The rules of seasons: when one begins and ends, when its results are kept, and which ones exclude others.

Theory of operation
-------------------
A season is whole days by each covered server's own calendar. It begins when its first day begins anywhere,
and is over when its last day is over everywhere. Rows of its last hours may still be on their way then, so
its results are kept when every covered server was read since, between ``EARLIEST`` and ``LATEST`` after the
end was noticed. Everything here is a function of values: no clock, no storage.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from utils.errors import InvalidInputError
from utils.models.seasons import LONGEST_DAYS, Season, SeasonState
from utils.models.servers import GameServer
from utils.models.texts import Command, Day, Number, Text, text

EARLIEST = timedelta(hours=1)
LATEST = timedelta(hours=24)
FARTHEST = timedelta(days=365)
"""How far from today the first day may be, in both directions."""

Zones = Sequence[ZoneInfo]
"""The zones of the covered servers (``list_zones``)."""


def list_covered(season: Season, servers: Sequence[GameServer]) -> list[GameServer]:
    """Return those servers that a season covers."""
    return [one for one in servers if season.covers(one.scope.server_id)]


def begin_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment (UTC) at which a day begins in a zone; of a doubled midnight the first."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def find_begin(season: Season, zones: Zones) -> datetime:
    """Return the moment at which the first day of a season begins in the first of the zones."""
    return min(begin_day(season.first_day, zone) for zone in zones)


def find_end(season: Season, zones: Zones) -> datetime:
    """Return the moment at which the last day of a season is over in every zone."""
    return max(begin_day(season.final_day + timedelta(days=1), zone) for zone in zones)


def find_today(zones: Zones, now: datetime) -> date:
    """Return the day on which a season begins or ends today: the zone's date, or that of UTC for several.

    Where that has begun in none of the zones yet, it is the newest day of them.
    """
    days = [now.astimezone(zone).date() for zone in zones]
    return days[0] if len(set(zones)) == 1 else min(now.astimezone(UTC).date(), max(days))


def find_due_state(
    season: Season, zones: Zones, reads: Iterable[datetime | None], *, now: datetime
) -> SeasonState | None:
    """Return the next state of a season if it is due; ``reads`` are the last reads of the covered servers."""
    if season.state is SeasonState.PLANNED:
        return SeasonState.RUNNING if now >= find_begin(season, zones) else None
    if season.state is SeasonState.RUNNING:
        return SeasonState.CLOSING if now >= find_end(season, zones) else None
    if season.state is SeasonState.CLOSING and season.closing_at is not None:
        is_due = may_freeze(season.closing_at, reads, now=now)
        return SeasonState.CLOSED if is_due else None
    return None


def may_freeze(closing_at: datetime, reads: Iterable[datetime | None], *, now: datetime) -> bool:
    """Tell whether the results of a season may be kept that is closing since a moment."""
    if now < closing_at + EARLIEST:
        return False
    return now >= closing_at + LATEST or all(read is not None and read >= closing_at for read in reads)


def verify_days(first: date, last: date | None, *, today: date) -> None:
    """Refuse days that a season cannot have.

    Raises:
        InvalidInputError: they are too far away, too many, the wrong way round, or over.
    """
    if abs(first - today) > FARTHEST:
        raise InvalidInputError(
            text(
                "That first day is more than a year away. Choose one from {first} to {last}.",
                first=Day(today - FARTHEST),
                last=Day(today + FARTHEST),
            )
        )
    if last is None:
        return
    if last < first:
        raise InvalidInputError(text("The last day is before the first day. Choose a later last day."))
    if last < today:
        raise InvalidInputError(text("That last day is over. Choose today or a later day."))
    if (last - first).days >= LONGEST_DAYS:
        raise InvalidInputError(
            text("A season has {days} days at most. Choose other days.", days=Number(LONGEST_DAYS))
        )


def verify_free(new: Season, others: Iterable[Season]) -> None:
    """Refuse a season that another one excludes.

    Raises:
        InvalidInputError: it is of the other kind, shares days with another one, or is the second one that is
            planned for its servers.
    """
    for other in others:
        if other.state.is_open and (reason := _find_reason(new, other)) is not None:
            raise InvalidInputError(reason)


def _find_reason(new: Season, other: Season) -> Text | None:
    """Return why an open season excludes a new one; None if it does not."""
    if new.is_of_all != other.is_of_all:
        return _describe_other_kind(other)
    if new.server_id != other.server_id:
        return None
    if other.state is SeasonState.PLANNED and new.state is SeasonState.PLANNED:
        return text(
            "**{season}** is planned already. {cancel} takes it back.",
            season=other.name,
            cancel=Command("season cancel"),
        )
    if new.shares_days(other):
        return _describe_shared_days(other)
    return None


def _describe_other_kind(other: Season) -> Text:
    if other.is_of_all:
        return text(
            "**{season}** covers all game servers. While it is planned or running, "
            "one game server can't have a season of its own.",
            season=other.name,
        )
    return text(
        "**{season}** is the season of one game server. While it is planned or running, "
        "there can't be one for all game servers. Choose a `server`.",
        season=other.name,
    )


def _describe_shared_days(other: Season) -> Text:
    if other.last_day is None:
        is_planned = other.state is SeasonState.PLANNED
        return text(
            "**{season}** has all days from {first} on. {command} makes room for another season.",
            season=other.name,
            first=Day(other.first_day),
            command=Command("season cancel" if is_planned else "season end"),
        )
    return text(
        "**{season}** has the days from {first} to {last}. Choose other days.",
        season=other.name,
        first=Day(other.first_day),
        last=Day(other.last_day),
    )
