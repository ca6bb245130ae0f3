"""The state machine of players: each transition, and that a file gives the same however it is read."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.deaths import build_player_id
from tests.utils.services.presence.lines import (
    VERSION,
    after,
    close,
    close_beacon,
    depart,
    enter,
    follow,
    say,
)
from utils.models.deadside_log import (
    BeaconJoined,
    JoinRequested,
    JoinSucceeded,
    Kicked,
    LoggedIn,
    LoggedOut,
    LogLine,
    MaxPlayers,
    Registered,
    Unregistered,
)
from utils.models.presence import (
    LeaveReason,
    PlayerPresence,
    PlayerState,
    PlaySession,
    ServerPresence,
    build_name_key,
)
from utils.models.scope import PlayerId
from utils.services.presence.announcing import choose_news
from utils.services.presence.tracker import PresenceTracker

GHOST, OTTER = build_player_id("Ghost"), build_player_id("Otter")
ABSENT, CONNECTING, ONLINE = PlayerState.ABSENT, PlayerState.CONNECTING, PlayerState.ONLINE


def get(state: ServerPresence, name: str = "Ghost") -> PlayerPresence:
    """Return a player of a state."""
    return state.players[build_player_id(name)]


def end(
    start: float, stop: float, reason: LeaveReason = LeaveReason.QUIT, *, is_estimated: bool = False
) -> PlaySession:
    """Return a session of Ghost."""
    return PlaySession(
        player_id=GHOST,
        name="Ghost",
        run="first",
        started_at=after(start),
        ended_at=after(stop),
        reason=reason,
        is_estimated=is_estimated,
    )


@pytest.mark.parametrize(
    "facts",
    [
        [JoinRequested(GHOST, "Ghost", "PS5", VERSION), JoinSucceeded("Ghost")],
        [Registered(GHOST)],
        [LoggedIn(GHOST, "Ghost")],
    ],
)
def test_first_sign_of_joining_begins_the_session(facts: Sequence[object]) -> None:
    """Each kind of line about joining is enough, and a later one confirms it."""
    tracker = follow([*say(1, *facts), *say(3, Registered(GHOST))])  # type: ignore[arg-type] - facts
    player = get(tracker.freeze())
    assert (player.state, player.since, player.seen_at) == (ONLINE, after(1), after(3))


def test_beacon_waits_and_its_close_ends_only_the_waiting() -> None:
    """The beacon's own close names a player who may be in the game: that ends no session."""
    waiting = follow(say(0, BeaconJoined(GHOST)))
    assert get(waiting.freeze()).state is CONNECTING
    assert get(follow(say(1, close_beacon("Ghost")), waiting.freeze()).freeze()).state is ABSENT
    entering = follow([*say(0, BeaconJoined(GHOST), JoinRequested(GHOST, "Ghost", None, None))])
    assert get(follow(say(1, close_beacon("Ghost")), entering.freeze()).freeze()).state is CONNECTING
    playing = follow(enter(0, "Ghost"))
    after_close = follow(say(5, BeaconJoined(GHOST), close_beacon("Ghost")), playing.freeze())
    assert get(after_close.freeze()).is_online


def test_connecting_ends_after_ten_minutes_without_a_line() -> None:
    """A client that never comes through is forgotten; each line of it begins the time again."""
    lines = [*say(0, BeaconJoined(GHOST)), *say(500, BeaconJoined(GHOST))]
    assert get(follow([*lines, *say(1100)]).freeze()).state is CONNECTING
    assert get(follow([*lines, *say(1101)]).freeze()).state is ABSENT


def test_orderly_departure_is_one_leave_and_a_kick_as_well() -> None:
    """Four lines in one millisecond end one session, and so does the only line of a kick."""
    tracker = follow([*enter(0, "Ghost"), *depart(60, "Ghost"), *say(91)])
    assert tracker.sessions == [end(0, 60)]
    tracker = follow([*enter(0, "Ghost"), *say(60, Kicked("Ghost"), close("Ghost")), *say(91)])
    assert tracker.sessions == [end(0, 60, LeaveReason.KICK)]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ([close("Ghost", is_time_out=True), LoggedOut("Ghost", "LostConnection")], LeaveReason.TIMEOUT),
        ([close("Ghost"), LoggedOut("Ghost", "LostConnection")], LeaveReason.LOST),
        ([LoggedOut("Ghost", "Quit"), close("Ghost")], LeaveReason.QUIT),
        ([Unregistered(GHOST)], LeaveReason.QUIT),
    ],
)
def test_first_reason_of_a_departure_counts(facts: Sequence[object], reason: LeaveReason) -> None:
    """A departure is one in any order of its lines, with the first reason that a line tells."""
    tracker = follow([*enter(0, "Ghost"), *say(60, *facts), *say(91)])  # type: ignore[arg-type] - facts
    assert tracker.sessions == [end(0, 60, reason)]


def test_return_within_the_hold_goes_on_with_the_session() -> None:
    """A player who is back after 30 s at most was never away; one second later it is another session."""
    back = follow([*enter(0, "Ghost"), *depart(60, "Ghost"), *enter(90, "Ghost"), *say(200)])
    assert (back.sessions, get(back.freeze()).since) == ([], after(0))
    late = follow([*enter(0, "Ghost"), *depart(60, "Ghost"), *enter(91, "Ghost"), *say(200)])
    assert (late.sessions, get(late.freeze()).since) == ([end(0, 60)], after(91))


def test_leaver_on_the_way_back_connects_when_the_hold_is_over() -> None:
    """A player who comes to the beacon within the hold, and enters later, is connecting in between."""
    lines = [*enter(0, "Ghost"), *depart(60, "Ghost"), *say(80, BeaconJoined(GHOST)), *say(120)]
    player = get(follow(lines).freeze())
    assert (player.state, player.since, player.played_seconds) == (CONNECTING, after(80), 60)


def test_departure_behind_a_new_join_request_is_that_of_the_old_connection() -> None:
    """A player who connects again while online stays; the next departure but one is real."""
    lines = [*enter(0, "Ghost"), *say(60, JoinRequested(GHOST, "Ghost", None, None))]
    lines += [*depart(62, "Ghost"), *say(62.5, Registered(GHOST))]
    assert get(follow(lines).freeze()).is_online
    assert follow([*lines, *depart(66, "Ghost"), *say(99)]).sessions == [end(0, 66)]


def test_session_without_a_line_for_a_day_ends_at_its_last_sign() -> None:
    """A leave without a line is estimated."""
    tracker = follow([*enter(0, "Ghost"), *say(86_400.2), *say(86_401)])
    assert tracker.sessions == [end(0, 0.2, LeaveReason.STALE, is_estimated=True)]


def test_end_of_the_run_ends_all_sessions_at_its_last_stamp() -> None:
    """Leavers keep their own end and reason."""
    tracker = follow([*enter(0, "Otter"), *enter(10, "Ghost"), *depart(40, "Otter"), *say(50)])
    tracker.end_run("second")
    ends = [(one.name, one.ended_at, one.reason, one.is_estimated) for one in tracker.sessions]
    assert sorted(ends) == [
        ("Ghost", after(50), LeaveReason.RESTART, True),
        ("Otter", after(40), LeaveReason.QUIT, False),
    ]
    state = tracker.freeze()
    assert (state.run, state.newest_at) == ("second", None)
    assert {one.state for one in state.players.values()} == {ABSENT}


def test_players_come_back_silently_in_the_quiet_phase() -> None:
    """Only those count who were online in the 15 minutes before the restart, and for 5 minutes."""
    tracker = follow(
        [*enter(0, "Old"), *depart(10, "Old"), *enter(20, "Ghost"), *enter(30, "Otter"), *say(990)]
    )
    tracker.end_run("second")
    for line in [*say(1000), *enter(1100, "Ghost"), *enter(1101, "Old"), *enter(1301, "Otter")]:
        tracker.advance(line)
    state = tracker.freeze()
    shown = {name: get(state, name).is_shown for name in ("Ghost", "Old", "Otter")}
    assert (state.returned, shown) == (1, {"Ghost": True, "Old": False, "Otter": False})


def test_name_alone_becomes_the_player_when_the_id_appears() -> None:
    """A join that told the name only goes on as the session of the id."""
    tracker = follow(say(5, JoinSucceeded("Ghöst")))
    assert list(tracker.freeze().players) == [build_name_key("Ghöst")]
    state = follow(say(9, LoggedIn(GHOST, "Ghöst")), tracker.freeze()).freeze()
    assert [(key, one.since) for key, one in state.players.items()] == [(GHOST, after(5))]


def test_name_alone_belongs_to_the_one_player_whom_the_server_knows() -> None:
    """A name that no line of this run has told is looked up among the stored players."""
    tracker = follow(say(5, JoinSucceeded("Ghost")), known={"ghost": GHOST})
    assert get(tracker.freeze()).is_online


def test_logout_of_a_name_that_two_players_have_ends_the_one_who_is_leaving() -> None:
    """Two players may have one name: without a further line their logout tells nothing."""
    twin = build_player_id("Twin")
    both = follow([*enter(0, "Ghost"), *say(1, LoggedIn(twin, "Ghost"))]).freeze()
    assert follow(say(9, LoggedOut("Ghost", "Quit")), both).freeze().count_online() == 2
    one = follow(say(9, Unregistered(twin), LoggedOut("Ghost", "LostConnection")), both).freeze()
    assert (one.players[GHOST].is_online, one.players[twin].reason) == (True, LeaveReason.LOST)


def test_queue_is_who_waits_at_the_beacon_of_a_full_server() -> None:
    """People at the beacon of a server with free places log in; without a maximum the queue is unknown."""
    lines = [*say(0, MaxPlayers(1)), *enter(1, "Ghost"), *say(2, BeaconJoined(OTTER))]
    state = follow(lines).freeze()
    assert (state.max_players, state.count_queue(1), state.count_queue(2), state.count_queue(None)) == (
        1,
        1,
        0,
        0,
    )


def test_older_stamp_and_no_stamp_count_as_the_newest() -> None:
    """Time does not go back, and lines before the first stamp tell nothing."""
    lines = [LogLine(None, "", Registered(OTTER), None), *say(50), *enter(10, "Ghost")]
    lines += [LogLine(None, "", Unregistered(GHOST), None)]
    state = follow(lines).freeze()
    assert (list(state.players), get(state).since, get(state).left_at) == ([GHOST], after(50), after(50))


def test_number_of_players_is_bounded() -> None:
    """A log with any number of ids cannot fill the memory."""
    lines = [line for n in range(520) for line in say(n / 100, BeaconJoined(build_player_id(f"x{n}")))]
    lines += [line for n in range(520) for line in say(9 + n / 100, Registered(build_player_id(f"y{n}")))]
    states = [one.state for one in follow(lines).freeze().players.values()]
    assert (states.count(CONNECTING), states.count(ONLINE)) == (500, 500)


NAMES = ("Ghost", "Otter", "Fox")
SHORT = (0.0, 0.004, 0.5, 6, 20, 31, 61, 601)
LONG = (*SHORT, 90_000)


WRITERS: Sequence[Callable[[float, str], list[LogLine]]] = (
    enter,
    enter,
    depart,
    partial(depart, reason="LostConnection"),
    lambda at, name: say(at, BeaconJoined(build_player_id(name))),
    lambda at, name: say(at, Registered(build_player_id(name))),
    lambda at, name: say(at, JoinSucceeded(name)),
    lambda at, name: say(at, close_beacon(name)),
    lambda at, name: say(at, Kicked(name)),
    lambda at, _: say(at),
)


def build_runs(pauses: Sequence[float] = LONG) -> st.SearchStrategy[list[LogLine]]:
    """Return the lines of invented runs, sensible and senseless ones."""
    one = st.tuples(st.sampled_from(WRITERS), st.sampled_from(NAMES), st.sampled_from(pauses))
    return st.lists(one, max_size=25).map(_write)


def _write(steps: Sequence[tuple[Callable[[float, str], list[LogLine]], str, float]]) -> list[LogLine]:
    lines, now = say(0, MaxPlayers(2)), 0.0
    for write, name, pause in steps:
        now += pause
        lines += write(now, name)
    return lines


def without_beliefs(state: ServerPresence) -> ServerPresence:
    """Return a state without what posts made people believe."""
    players = {key: replace(one, is_shown=False) for key, one in state.players.items()}
    return replace(state, players=players)


@settings(max_examples=60)
@given(lines=build_runs(), ends=st.sets(st.integers(0, 80)), has_posts=st.booleans())
def test_any_reads_and_repetitions_give_the_same_states_and_sessions(
    *, lines: list[LogLine], ends: set[int], has_posts: bool
) -> None:
    """Neither the length of reads nor posts between them nor a second reading change what is known."""
    whole = follow(lines)
    state, sessions = ServerPresence(run="first"), list[PlaySession]()
    edges = [0, *sorted(end for end in ends if 0 < end < len(lines)), len(lines)]
    for start, stop in pairwise(edges):
        tracker = follow(lines[start:stop], state)
        sessions += tracker.sessions
        state = tracker.freeze()
        if has_posts:
            state = choose_news(state, log_now=state.newest_at, is_silent=False, names={}).state
    assert without_beliefs(state) == without_beliefs(whole.freeze())
    assert sessions == whole.sessions
    again = PresenceTracker(state)
    again.begin_again()
    for line in lines:
        again.advance(line)
    assert without_beliefs(again.freeze()) == without_beliefs(state)
    assert again.sessions == sessions
    verify_sessions(again)


def verify_sessions(tracker: PresenceTracker) -> None:
    """Sessions of a player follow each other, and none ends before it began."""
    tracker.end_run("second")
    last: dict[str, datetime] = {}
    for one in tracker.sessions:
        assert last.get(one.player_id, one.started_at) <= one.started_at <= one.ended_at
        last[one.player_id] = one.ended_at


@settings(max_examples=60)
@given(build_runs(SHORT), st.sets(st.integers(0, 80)), st.floats(0, 40))
def test_posts_agree_with_who_is_online_in_the_end(lines: list[LogLine], ends: set[int], lag: float) -> None:
    """In any reads no player joins or leaves twice in a row, and the last post about each is true."""
    state, believed = ServerPresence(run="first"), set[str]()
    names = {build_player_id(name): name for name in NAMES}
    known = {name.casefold(): player_id for player_id, name in names.items()}
    edges = [0, *sorted(end for end in ends if 0 < end < len(lines)), len(lines)]
    for start, stop in pairwise(edges):
        state = follow(lines[start:stop], state, known=known).freeze()
        for seconds in (lag, 100 if stop == len(lines) else lag):
            assert state.newest_at is not None
            log_now = state.newest_at + timedelta(seconds=seconds)
            news = choose_news(state, log_now=log_now, is_silent=False, names=names)
            left = {one.name for one in news.left}
            assert believed.isdisjoint(news.joined)
            assert believed >= left
            believed, state = believed.union(news.joined) - left, news.state
    assert believed == {name for player_id, name in names.items() if _is_online(state, player_id)}


def _is_online(state: ServerPresence, player_id: PlayerId) -> bool:
    return player_id in state.players and state.players[player_id].is_online
