"""Waits grow with the failures in a row, within their bounds."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.backoff import SHORTEST_WAIT_SECONDS, Backoff


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (Backoff(1, 60), [1, 2, 4, 8, 16, 32, 60, 60]),
        (Backoff(5, 300, factor=3), [5, 15, 45, 135, 300, 300, 300, 300]),
        (Backoff(5, 2), [2, 2, 2, 2, 2, 2, 2, 2]),
    ],
)
def test_waits_grow_to_a_limit(backoff: Backoff, expected: list[float]) -> None:
    """Without jitter the waits are the same each time, by number or one after the other."""
    assert [backoff.compute_seconds(failures) for failures in range(1, 9)] == expected
    assert list(islice(backoff.generate_seconds(), 8)) == expected


@given(failures=st.integers(0, 10**9), drawn=st.floats(0, 1))
def test_wait_is_drawn_below_a_bound_that_doubles_up_to_the_cap(failures: int, drawn: float) -> None:
    """The wait is never zero and never more than the cap, for any number of failures and any random value."""
    backoff = Backoff(1, 10, jitter=1)
    seconds, bound = (
        backoff.compute_seconds(failures, lambda: drawn),
        backoff.compute_seconds(failures, lambda: 1),
    )
    assert bound == min(2.0 ** min(max(failures - 1, 0), 100), 10)
    assert seconds == pytest.approx(max(bound * drawn, SHORTEST_WAIT_SECONDS))


@given(failures=st.integers(1, 40), drawn=st.floats(0, 1))
def test_half_of_a_wait_is_sure_when_only_half_is_drawn(failures: int, drawn: float) -> None:
    """Half of the wait is certain, even for very short waits."""
    seconds = Backoff(0.01, 1, jitter=0.5).compute_seconds(failures, lambda: drawn)
    bound = Backoff(0.01, 1).compute_seconds(failures)
    assert seconds == pytest.approx(bound / 2 + bound / 2 * drawn)


def test_what_is_not_told_otherwise_is_drawn_by_chance() -> None:
    """Without other settings waits are random, so that two failed tasks do not try again together."""
    backoff = Backoff(10, 10, jitter=1)
    assert len({backoff.compute_seconds(1) for _ in range(20)}) > 1
