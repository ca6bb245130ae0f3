"""The self-check: killers whom Deadside.log does not know show that its rules have aged."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.clock import START
from tests.fakes.deaths import build_player_id
from utils.models.game_log import GameLogState, LiveKill, LogCursor, OnlineTime, SelfCheck
from utils.models.presence import PlayerPresence, PlayerState, ServerPresence, build_name_key
from utils.services.presence.self_check import check_log, find_checked_since, is_check_due

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NAMES = tuple(f"Player{number:02}" for number in range(20))
RUN = START - 6 * HOUR


def kill(name: str, at: datetime = START - HOUR, *, late: timedelta = timedelta(seconds=5)) -> LiveKill:
    """Return a kill by a player, read a moment later."""
    return LiveKill(build_player_id(name), name, at, at + late)


def build_state(*players: PlayerPresence) -> GameLogState:
    """Return the state of a run with some players."""
    presence = ServerPresence(
        run="run", started_at=RUN, newest_at=START, players={one.key: one for one in players}
    )
    return GameLogState(cursor=LogCursor("run", 100), presence=presence)


def player(name: str, state: PlayerState = PlayerState.ONLINE, **facts: object) -> PlayerPresence:
    """Return a player who is online since the run began."""
    known = PlayerPresence(key=build_player_id(name), name=name, state=state, since=RUN, seen_at=RUN)
    return replace(known, **facts)  # type: ignore[arg-type] # facts of a test


@pytest.mark.parametrize(("online", "is_aged"), [(20, False), (16, False), (15, True), (0, True)])
def test_rules_have_aged_when_fewer_than_four_of_five_killers_were_online(
    online: int, *, is_aged: bool
) -> None:
    """Twenty kills are enough to say so."""
    state = build_state(*map(player, NAMES[:online]))
    found = check_log(state, map(kill, NAMES), (), now=START)
    assert found == SelfCheck(START, 20, online)
    assert found.is_aged is is_aged


def test_few_kills_say_nothing() -> None:
    """Nineteen are too few."""
    assert check_log(build_state(), map(kill, NAMES[:19]), (), now=START) is None


@pytest.mark.parametrize(
    ("at", "late"),
    [
        (RUN - MINUTE, timedelta()),  # in an earlier run: its log may not have been read to its end
        (START + MINUTE, timedelta()),  # later than the last line that was read
        (START - HOUR, timedelta(hours=2)),  # the time zone of the server may be wrong
        (START - HOUR, timedelta(minutes=-60)),
    ],
)
def test_kill_that_proves_nothing_is_passed_over(at: datetime, late: timedelta) -> None:
    """Only kills of the present run that were read soon say something about its log."""
    assert check_log(build_state(), [kill(name, at, late=late) for name in NAMES], (), now=START) is None


def test_killer_may_have_left_ten_minutes_before() -> None:
    """Sessions that ended count, whether they are stored or the last one of this run."""
    at = START - HOUR
    ghost, otter, fox, pike = NAMES[:4]
    ended = [
        OnlineTime(build_player_id(ghost), at - HOUR, at - 10 * MINUTE),
        OnlineTime(build_player_id(otter), at - HOUR, at - 11 * MINUTE),
        OnlineTime(build_player_id(NAMES[5]), at + MINUTE, at + HOUR),
    ]
    left = player(fox, PlayerState.ABSENT, since=at, played_seconds=600)
    connecting = player(NAMES[4], PlayerState.CONNECTING)
    nameless = player(pike, key=build_name_key(pike))
    state = build_state(left, connecting, nameless)
    found = check_log(state, [kill(name, at) for name in NAMES], ended, now=START)
    assert found == SelfCheck(START, 20, 3)


def test_log_is_checked_once_an_hour_and_over_a_day_at_most() -> None:
    """Before anything was read there is nothing to check."""
    state = build_state()
    assert not is_check_due(GameLogState(), now=START)
    due = [
        is_check_due(replace(state, checked_at=at), now=START)
        for at in (None, START - 59 * MINUTE, START - HOUR)
    ]
    assert due == [True, False, True]
    assert find_checked_since(state, now=START) == RUN
    assert find_checked_since(state, now=START + 30 * HOUR) == START + 6 * HOUR
    assert find_checked_since(GameLogState(), now=START) == START - 24 * HOUR
    assert find_checked_since(GameLogState(since=RUN), now=START) == RUN
