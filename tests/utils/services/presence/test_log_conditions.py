"""The one judgement of a log: every state at its limits, and what alerts take from it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from tests.fakes.deaths import SCOPE
from tests.fakes.storage import build_server
from utils.models.game_log import (
    GameLogState,
    LogCondition,
    LogCursor,
    LogGap,
    LogReading,
    SelfCheck,
)
from utils.models.presence import ServerPresence
from utils.models.servers import ConnectionState, LogHealth, ServerHealth
from utils.models.texts import text
from utils.services.presence.log_conditions import (
    QUIET_TIME,
    READ_TIME,
    choose_places,
    compute_quiet_time,
    judge_log,
    read_log,
)

MINUTE = timedelta(minutes=1)
CONNECTED = ServerHealth(SCOPE, ConnectionState.CONNECTED)
WELL = GameLogState(
    cursor=LogCursor("run", 100), read_at=START, grown_at=START, since=START - timedelta(days=9)
)
AGED = SelfCheck(START, 20, 15)


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        (WELL, LogCondition.OK),
        (GameLogState(), LogCondition.UNKNOWN),
        (replace(WELL, read_at=None), LogCondition.UNKNOWN),
        (replace(WELL, read_at=START - READ_TIME), LogCondition.OK),
        (replace(WELL, read_at=START - READ_TIME - MINUTE), LogCondition.UNKNOWN),
        (replace(WELL, missing_since=START, read_at=START - 9 * READ_TIME), LogCondition.STOPPED),
        (replace(WELL, is_closed=True), LogCondition.STOPPED),
        (replace(WELL, is_closed=True, read_at=START - 9 * READ_TIME), LogCondition.UNKNOWN),
        (replace(WELL, grown_at=START - QUIET_TIME), LogCondition.OK),
        (replace(WELL, grown_at=START - QUIET_TIME - MINUTE), LogCondition.QUIET),
        (
            replace(WELL, grown_at=None, presence=ServerPresence(newest_at=START - 2 * QUIET_TIME)),
            LogCondition.QUIET,
        ),
        (replace(WELL, check=AGED), LogCondition.UNKNOWN),
        (replace(WELL, check=replace(AGED, online=16)), LogCondition.OK),
        (replace(WELL, check=replace(AGED, kills=19, online=0)), LogCondition.OK),
    ],
)
def test_state_follows_from_what_was_read(state: GameLogState, condition: LogCondition) -> None:
    """A log is quiet after its limit, stopped without its file, and unknown when nothing was read lately."""
    assert judge_log(state, CONNECTED, now=START) is condition


@pytest.mark.parametrize("state", ConnectionState)
def test_host_that_is_away_says_nothing_about_the_game_server(state: ConnectionState) -> None:
    """Only a host that shows the folder of the log lets the bot say that the server is stopped."""
    stopped = replace(WELL, missing_since=START)
    is_shown = state in (ConnectionState.CONNECTED, ConnectionState.NO_LOGS)
    expected = LogCondition.STOPPED if is_shown else LogCondition.UNKNOWN
    assert judge_log(stopped, ServerHealth(SCOPE, state), now=START) is expected
    broken = replace(CONNECTED, others=(LogHealth(text("Deadside.log")),))
    assert judge_log(WELL, broken, now=START) is LogCondition.UNKNOWN


@given(
    pause=st.timedeltas(timedelta(), timedelta(days=3)),
    gaps=st.lists(st.floats(0, 90_000), max_size=8),
)
def test_log_is_quiet_after_three_times_its_longest_pause(pause: timedelta, gaps: list[float]) -> None:
    """With any pauses, a log is quiet after 15 minutes and three of its longest pauses at least."""
    state = replace(
        WELL, grown_at=START - pause, gaps=tuple(LogGap(str(day), one) for day, one in enumerate(gaps))
    )
    limit = max(15 * 60, 3 * max(gaps, default=0.0))
    assert compute_quiet_time(state.gaps).total_seconds() == pytest.approx(limit)
    is_quiet = judge_log(state, CONNECTED, now=START) is LogCondition.QUIET
    assert is_quiet is (pause > compute_quiet_time(state.gaps))


def test_places_are_those_of_an_admin_else_of_the_log() -> None:
    """An admin knows better than a start of the server weeks ago."""
    told = replace(WELL, presence=ServerPresence(max_players=50))
    server = build_server()
    assert choose_places(server, WELL) is None
    assert choose_places(server, told) == 50
    assert choose_places(replace(server, slots=70), told) == 70


@pytest.mark.parametrize(
    ("grown_at", "was_well"), [(None, False), (WELL.since, False), (START - 20 * MINUTE, True)]
)
def test_reading_tells_whether_the_log_was_ever_seen_growing(
    grown_at: datetime | None, *, was_well: bool
) -> None:
    """A server may stand still when it is added; that is told to no admin."""
    state = replace(WELL, grown_at=grown_at, check=AGED, missing_since=START - MINUTE)
    server = replace(build_server(), restart_times=(f"{START - 9 * MINUTE:%H:%M}",))
    assert read_log(server, replace(CONNECTED, game_log=state), now=START) == LogReading(
        condition=LogCondition.STOPPED,
        was_well=was_well,
        is_near_restart=True,
        still_since=grown_at,
        check=AGED,
    )
    assert read_log(server, CONNECTED, now=START) is None
