"""The self-check: were those who killed online, as Deadside.log tells? No I/O.

Theory of operation
-------------------
The death log proves that a killer was on the game server. If Deadside.log knows nothing of many of them, its
rules have aged, for example because an update of the game changed its lines. Only kills of the present run
count, up to the last line that was read: of earlier runs a part may never have been read. And only kills that
were read soon after they happened: a server whose time zone is wrong would accuse the rules.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from utils.models.game_log import CHECKED_KILLS, GameLogState, LiveKill, OnlineTime, SelfCheck
from utils.models.presence import PlayerPresence, PlayerState
from utils.models.typed_text import fold_text

CHECK_INTERVAL = timedelta(hours=1)
CHECKED_TIME = timedelta(hours=24)
ONLINE_BEFORE = timedelta(minutes=10)
ROUNDING = timedelta(seconds=1)
"""The death log has whole seconds."""

LATEST_READ = timedelta(minutes=10)
EARLIEST_READ = timedelta(minutes=-2)


def is_check_due(state: GameLogState, *, now: datetime) -> bool:
    """Tell whether it is time for a comparison: once an hour, when something was read."""
    has_read = state.cursor is not None and state.cursor.offset > 0
    return has_read and (state.checked_at is None or now - state.checked_at >= CHECK_INTERVAL)


def find_checked_since(state: GameLogState, *, now: datetime) -> datetime:
    """Return from which moment on kills are compared."""
    begun_at = state.presence.started_at or state.since  # without a start not even its stamps are known
    return now - CHECKED_TIME if begun_at is None else max(now - CHECKED_TIME, begun_at)


def check_log(
    state: GameLogState, kills: Iterable[LiveKill], ended: Iterable[OnlineTime], *, now: datetime
) -> SelfCheck | None:
    """Return the comparison of the logs; None if there are too few kills to say anything.

    Args:
        state: what is known from Deadside.log.
        kills: the kills that were read live.
        ended: the sessions that have ended.
        now: UTC.
    """
    until, since = state.presence.newest_at, find_checked_since(state, now=now)
    checked = [
        kill
        for kill in kills
        if since <= kill.at
        and (until is None or kill.at <= until)
        and EARLIEST_READ <= kill.read_at - kill.at <= LATEST_READ
    ]
    if len(checked) < CHECKED_KILLS:
        return None
    times = _collect_times(state.presence.players.values(), ended)
    online = sum(_was_online(kill, times) for kill in checked)
    return SelfCheck(now, len(checked), online)


def _collect_times(
    players: Iterable[PlayerPresence], ended: Iterable[OnlineTime]
) -> dict[str, list[tuple[datetime, datetime | None]]]:
    """Return the times of players by id, and by folded name if no line told the id."""
    times = defaultdict[str, list[tuple[datetime, datetime | None]]](list)
    for one in ended:
        times[one.player_id].append((one.started_at, one.ended_at))
    for player in players:
        key = player.player_id or fold_text(player.name)
        if player.state is PlayerState.ONLINE:
            times[key].append((player.since, player.left_at))
        elif player.played_seconds is not None:
            times[key].append((player.since - timedelta(seconds=player.played_seconds), player.since))
    return times


def _was_online(kill: LiveKill, times: dict[str, list[tuple[datetime, datetime | None]]]) -> bool:
    own = [*times.get(kill.killer_id, ()), *times.get(fold_text(kill.killer_name), ())]
    return any(
        start <= kill.at + ROUNDING and (end is None or end >= kill.at - ONLINE_BEFORE) for start, end in own
    )
