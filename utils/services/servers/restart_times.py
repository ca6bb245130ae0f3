"""When a game server starts again each day: at the times that an admin set, else at the one that it kept.

*Set times* are times of day in the server's zone. A time that the clocks skip counts as if they had not been
set forward; of a time that they show twice the first counts.

A *learnt* time: at least three of the last five runs began within five minutes of one time of day.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from utils.errors import InvalidInputError
from utils.models.game_log import NextRestart
from utils.models.servers import GameServer
from utils.models.texts import text

NEAR_TIME = timedelta(minutes=10)
"""So long before and after a restart a log that stands still is no trouble."""

MOST_TIMES = 12
LEARNT_RUNS, LEARNT_STARTS = 5, 3
LEARNT_SPREAD = timedelta(minutes=10)
"""From the earliest to the latest of the starts: each is within five minutes of the middle."""

_DAY = timedelta(days=1)
_is_time = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d", re.ASCII).fullmatch


def read_times(typed: str) -> tuple[str, ...]:
    """Return times of day in their order, each once, as ``HH:MM``.

    Raises:
        InvalidInputError: one of them is no time of day, or there are too many.
    """
    times = set()
    for part in re.split(r"[\s,;]+", typed.strip()):
        if not _is_time(part):
            raise InvalidInputError(
                text("Write the times like 02:00 or 06:00, 18:30, in the server's own time.")
            )
        times.add(part.zfill(len("00:00")))
    if len(times) > MOST_TIMES:
        raise InvalidInputError(text("A server can have 12 restart times at most."))
    return tuple(sorted(times))


def find_next_restart(
    server: GameServer, run_starts: Sequence[datetime], *, now: datetime
) -> NextRestart | None:
    """Return the next restart of a server; None if its times are neither set nor learnt."""
    zone = server.zone
    times = _list_times(server, run_starts, zone)
    upcoming = (at for at in _list_moments(times, zone, now) if at > now)
    at = min(upcoming, default=None)
    return None if at is None else NextRestart(at, is_set=bool(server.restart_times))


def list_set_restarts(server: GameServer, *, now: datetime) -> list[datetime]:
    """Return the restarts of the next day, by the times that an admin set, the next one first."""
    zone = server.zone
    times = [time.fromisoformat(one) for one in server.restart_times]
    return sorted(at for at in _list_moments(times, zone, now) if at > now)


def is_near_restart(server: GameServer, run_starts: Sequence[datetime], *, now: datetime) -> bool:
    """Tell whether a restart is due now, or was a moment ago."""
    zone = server.zone
    times = _list_times(server, run_starts, zone)
    return any(abs(at - now) <= NEAR_TIME for at in _list_moments(times, zone, now))


def learn_time(run_starts: Sequence[datetime], zone: ZoneInfo) -> time | None:
    """Return the time of day in a zone at which the last runs began; None if they kept none."""
    offsets = sorted(_find_offset(at, zone) for at in run_starts[-LEARNT_RUNS:])
    around = [*offsets, *(one + _DAY for one in offsets)]  # midnight divides nothing
    groups = [around[number : number + LEARNT_STARTS] for number in range(len(offsets))]
    fitting = [
        group for group in groups if len(group) == LEARNT_STARTS and group[-1] - group[0] <= LEARNT_SPREAD
    ]
    if not fitting:
        return None
    closest = min(fitting, key=lambda group: group[-1] - group[0])
    middle = (closest[0] + (closest[-1] - closest[0]) / 2) % _DAY
    minutes = middle // timedelta(minutes=1)
    return time(minutes // 60, minutes % 60)


def _list_times(server: GameServer, run_starts: Sequence[datetime], zone: ZoneInfo) -> list[time]:
    if server.restart_times:
        return [time.fromisoformat(one) for one in server.restart_times]
    learnt = learn_time(run_starts, zone)
    return [] if learnt is None else [learnt]


def _list_moments(times: Sequence[time], zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """Yield the moments of times of day from the day before to the day after, in UTC."""
    today = now.astimezone(zone).date()
    for day in (today - _DAY, today, today + _DAY):
        for one in times:
            yield datetime.combine(day, one, zone).astimezone(UTC)


def _find_offset(at: datetime, zone: ZoneInfo) -> timedelta:
    local = at.astimezone(zone)
    return timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
