"""Counts and pauses of Deadside.log: the same in any reads, and without any secret."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from utils.models.deadside_log import LogLine, RunClosed
from utils.models.game_log import GameLogState, LineCount, LineTally, LogGap
from utils.parsers.deadside_log import parse_line
from utils.services.ingestion.deadside_memory import take_lines
from utils.services.ingestion.deadside_tally import SHORTEST_GAP, count_lines, is_closed_by, measure_gaps

MINUTE = timedelta(minutes=1)
RULES = st.sampled_from([None, "registered", "close", "constructibles"])
SHAPES = st.one_of(st.none(), st.integers(0, 60).map("LogSFPS: shape {}".format))
LINES = st.lists(
    st.builds(
        lambda minutes, rule, shape: LogLine(
            None if minutes is None else START + minutes * MINUTE, rule, None, None if rule else shape
        ),
        st.one_of(st.none(), st.integers(0, 12 * 24 * 60)),
        RULES,
        SHAPES,
    ),
    max_size=120,
)


def test_lines_are_counted_by_rule_and_shape() -> None:
    """A line of a rule is counted under its name, one that no rule knows under its shape; others are not."""
    lines = [
        parse_line(line)
        for line in (
            b"[2025.06.04-02.00.00:000][  1]LogSFPSConstruction: Save constructibles 18665 7.8ms",
            b"[2025.06.04-02.00.01:000][  1]LogSFPS: AirDrop is hunter2hunter2 at 203.0.113.44",
            b"[2025.06.04-02.00.02:000][  1]LogSFPS: AirDrop is swordfish at 203.0.113.45",
            b"[2025.06.04-02.00.03:000][  1]LogTemp: nobody asks",
        )
    ]
    shape = "LogSFPS: airdrop is · at #"
    assert count_lines(LineTally(), lines) == LineTally(
        rules=(LineCount("constructibles", 1),), unmatched=2, shapes=(LineCount(shape, 2),)
    )


def test_longest_pause_of_each_day_is_kept_for_a_week() -> None:
    """A pause counts on the day on which it ended; a short one and one across two runs count nowhere."""
    moments = [0, 4, 10, 30, 31, 24 * 60 + 7, 24 * 60 + 27]
    lines = [LogLine(START + at * MINUTE, None, None, None) for at in moments]
    first, second = (START + at * MINUTE for at in (30, 24 * 60 + 7))
    gaps = measure_gaps((), lines, newest_at=None)
    assert gaps == (
        LogGap(first.date().isoformat(), 20 * 60.0),
        LogGap(second.date().isoformat(), (24 * 60 + 7 - 31) * 60.0),
    )
    assert measure_gaps(gaps, lines, newest_at=None) == gaps
    later = [LogLine(START + timedelta(days=8, hours=3), None, None, None)]
    assert measure_gaps(gaps, later, newest_at=later[0].at) == (gaps[1],)
    assert SHORTEST_GAP == 5 * MINUTE


def test_run_is_over_with_its_last_line() -> None:
    """A line that comes after all says that the run goes on."""
    closed = parse_line(b"[2025.06.04-02.00.11:402][ 85]Log file closed, 06/04/25 04:00:11")
    assert closed.fact == RunClosed()
    other = LogLine(START, None, None, None)
    bare = LogLine(None, None, None, None)
    assert [
        is_closed_by(lines, is_closed=before)
        for lines, before in (
            ([other, closed, bare], False),
            ([closed, other], False),
            ([bare], True),
            ([], True),
        )
    ] == [True, False, True, True]


@given(lines=LINES, cuts=st.lists(st.integers(0, 120), max_size=6))
def test_any_reads_give_the_same_counts_and_pauses(lines: list[LogLine], cuts: list[int]) -> None:
    """The end of a read decides nothing, and there are 50 shapes at most."""
    whole = take(GameLogState(), [lines])
    edges = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    parts = take(
        GameLogState(), [lines[start:end] for start, end in zip(edges, [*edges[1:], len(lines)], strict=True)]
    )
    assert (parts.tally, parts.gaps, parts.is_closed) == (whole.tally, whole.gaps, whole.is_closed)
    assert len(whole.tally.shapes) <= 50
    assert whole.tally.unmatched == sum(line.shape is not None for line in lines)
    again = take(whole, [lines], goes_on=False)
    assert again.tally == whole.tally


def take(state: GameLogState, parts: Sequence[Sequence[LogLine]], *, goes_on: bool = True) -> GameLogState:
    """Return the state after parts of a run were read, with its newest stamp."""
    newest_at: datetime | None = None
    for part in parts:
        presence = state.presence.__class__(newest_at=newest_at)
        state = GameLogState(presence=presence, tally=state.tally, gaps=state.gaps, is_closed=state.is_closed)
        state = take_lines(state, part, goes_on=goes_on)
        stamps = [line.at for line in part if line.at is not None]
        newest_at = max([*stamps, *([] if newest_at is None else [newest_at])], default=None)
    return state
