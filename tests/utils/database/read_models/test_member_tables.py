"""Tables of members' days and kills give what a loop over all of them gives."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from utils.database.read_models.member_tables import (
    add_kills,
    build_kills,
    count_kills,
    join_days,
    replace_days,
    sum_days,
)
from utils.models.players import Counters, PlayerDay, sum_counters
from utils.models.scope import PlayerId

BEGIN, LONG = date(2024, 2, 27), 5
WOLF = PlayerId("wolf")

DATES = st.integers(0, LONG).map(lambda days: BEGIN + timedelta(days=days))
COUNTERS = st.builds(
    Counters, **dict.fromkeys(("kills", "deaths", "longest", "best_streak", "xp"), st.integers(0, 2**31))
)
DAYS = st.lists(st.builds(PlayerDay, st.just(WOLF), DATES, COUNTERS), max_size=8)
KILLS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), DATES), max_size=8)


@given(DAYS, st.integers(0, 8), DATES, DATES)
def test_days_are_summed_as_they_are_now(days: list[PlayerDay], split: int, first: date, last: date) -> None:
    """A later count of a day replaces the earlier one, however the days come."""
    kept = {one.day: one for one in days[:split]}
    table = replace_days(join_days([]), kept.values()) if kept else join_days([])
    for one in days[split:]:
        table = replace_days(table, [one])
    newest = {one.day: one.counters for one in days}
    counted = [counters for day, counters in newest.items() if first <= day <= last]
    assert sum_days(table, first, last) == (sum_counters(counted) if counted else None)


def list_spans(stays: Sequence[tuple[int, int, int]]) -> list[tuple[int, date, date]]:
    """Return spans in order, of each player one after the other."""
    spans, free = [], dict.fromkeys(range(3), 0)
    for player, pause, length in sorted(stays):
        first = free[player] + pause
        spans.append((player, BEGIN + timedelta(days=first), BEGIN + timedelta(days=first + length)))
        free[player] = first + length + 1
    return spans


@given(KILLS, KILLS, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), min_size=1))
def test_kills_count_on_days_on_which_both_belong_to_the_faction(
    kills: list[tuple[int, int, date]],
    more: list[tuple[int, int, date]],
    stays: list[tuple[int, int, int]],
) -> None:
    """The killer may have come back, and the victim may come later."""
    spans = list_spans(stays)

    def is_in(player: int, day: date) -> bool:
        return any(one == player and first <= day <= last for one, first, last in spans)

    expected = [
        sum(
            killer == player and first <= day <= last and is_in(victim, day)
            for killer, victim, day in [*kills, *more]
        )
        for player, first, last in spans
    ]
    assert count_kills(add_kills(build_kills(kills), build_kills(more)), spans) == expected
