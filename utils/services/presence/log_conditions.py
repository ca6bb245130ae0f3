"""How well Deadside.log tells who is on a game server: the one judgement, for answers, counters and alerts.

======== ==============================================================================================
ok       the log grew lately
quiet    it has not grown for 15 minutes, or three times its longest pause of the last days
stopped  the file is missing although its folder can be read, or the last line of its run was written
unknown  it is not read: the host is away, the server is paused, or its rules seem to have aged
======== ==============================================================================================
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from utils.models.game_log import GameLogState, LogCondition, LogGap, LogReading
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.services.servers.restart_times import is_near_restart

READ_TIME = timedelta(minutes=5)
"""The time of the last read is stored at least every two minutes."""

QUIET_TIME = timedelta(minutes=15)
QUIET_GAPS = 3
"""A log is quiet after so many of its longest pauses; the shortest time counts if there were none."""

_READ_STATES = (ConnectionState.CONNECTED, ConnectionState.NO_LOGS)


def judge_log(state: GameLogState, health: ServerHealth, *, now: datetime) -> LogCondition:
    """Return how well the log tells who is online.

    Args:
        state: as it is stored, or as its reader knows it.
        health: of the server; a host that is away says nothing about the game server.
        now: UTC.
    """
    if health.state not in _READ_STATES or health.others:
        return LogCondition.UNKNOWN
    return judge_state(state, now=now)


def judge_state(state: GameLogState, *, now: datetime) -> LogCondition:
    """Return how well a log tells who is online that is read without a problem."""
    if state.cursor is None or state.is_aged:
        return LogCondition.UNKNOWN
    if state.missing_since is not None:
        return LogCondition.STOPPED
    if state.read_at is None or now - state.read_at > READ_TIME:
        return LogCondition.UNKNOWN
    if state.is_closed:
        return LogCondition.STOPPED
    grown_at = state.grown_at or state.presence.newest_at
    is_quiet = grown_at is not None and now - grown_at > compute_quiet_time(state.gaps)
    return LogCondition.QUIET if is_quiet else LogCondition.OK


def compute_quiet_time(gaps: Iterable[LogGap]) -> timedelta:
    """Return how long a log may pause before it is quiet."""
    longest = max((one.seconds for one in gaps), default=0.0)
    return max(QUIET_TIME, QUIET_GAPS * timedelta(seconds=longest))


def choose_places(server: GameServer, state: GameLogState) -> int | None:
    """Return the number of places: what an admin set, else what the log told; None if neither is known."""
    return server.slots or state.presence.max_players


def read_log(server: GameServer, health: ServerHealth, *, now: datetime) -> LogReading | None:
    """Return how the log of a server is, from what its reader knows; None before its first read."""
    state = health.game_log
    if state is None:
        return None
    has_grown = state.grown_at is not None and state.since is not None and state.grown_at > state.since
    return LogReading(
        condition=judge_log(replace(state, check=None), health, now=now),
        was_well=has_grown,
        is_near_restart=is_near_restart(server, state.run_starts, now=now),
        still_since=state.grown_at,
        check=state.check,
    )
