"""The rules of proofs, without I/O: windows, matching suicides, and the end of a proof."""

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from tests.fakes.deaths import SCOPE
from utils.models.links import ProofWindow
from utils.models.servers import ServerHealth
from utils.services.links.proof import (
    APART,
    GRACE,
    LEAD,
    LONGEST_GRACE,
    WINDOW,
    WITHIN,
    can_be_proven,
    choose_windows,
    find_proof,
    is_overdue,
)

FIRST = ProofWindow(START + timedelta(minutes=2), START + timedelta(minutes=4))
SECOND = ProofWindow(START + timedelta(minutes=12), START + timedelta(minutes=14))
WINDOWS = (FIRST, SECOND)
SERVER = SCOPE.server_id


def at(minutes: float) -> datetime:
    """Return a moment, in minutes after the start."""
    return START + timedelta(minutes=minutes)


@given(
    now=st.datetimes(min_value=datetime(2025, 1, 1), max_value=datetime(2030, 1, 1)),  # noqa: DTZ001
    seed=st.integers(),
)
def test_windows_obey_every_rule_whatever_the_moment_and_the_chance(now: datetime, seed: int) -> None:
    """Each lasts two minutes; they are at least six minutes apart, not at once, and within twenty minutes."""
    now = now.replace(tzinfo=START.tzinfo)
    first, second = choose_windows(now, random.Random(seed))
    assert [one.ends_at - one.starts_at for one in (first, second)] == [WINDOW, WINDOW]
    assert second.starts_at - first.ends_at >= APART
    assert now + LEAD <= first.starts_at
    assert second.ends_at <= now + WITHIN
    assert [one.starts_at.second + one.starts_at.microsecond for one in (first, second)] == [0, 0]


def test_windows_differ_from_one_request_to_the_next() -> None:
    """Members cannot foresee the windows: every possible pair occurs."""
    rng = random.Random(5)
    pairs = {choose_windows(START, rng) for _ in range(2000)}
    assert len(pairs) == 10 * 11 // 2
    assert {pair[0].starts_at for pair in pairs} == {at(minutes) for minutes in range(1, 11)}


@given(
    moments=st.lists(st.integers(min_value=0, max_value=20 * 60)),
    order=st.randoms(use_true_random=False),
)
def test_proof_is_the_same_in_whatever_order_the_deaths_come(
    moments: list[int], order: random.Random
) -> None:
    """One suicide in each window proves, with any other deaths; less does not."""
    suicides = [START + timedelta(seconds=second) for second in moments]
    shuffled = order.sample(suicides, len(suicides))
    expected = None
    hits = [min(filter(window.holds, suicides), default=None) for window in WINDOWS]
    if hits[0] is not None and hits[1] is not None:
        expected = max(hits[0], hits[1])
    assert find_proof(WINDOWS, shuffled) == expected


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([2, 12], 12),
        ([4, 14], 14),
        ([1.99, 12], None),
        ([2, 14.01], None),
        ([3, 3.5], None),
        ([], None),
        ([13, 12.5, 3, 2.5], 12.5),
    ],
)
def test_proof_needs_a_suicide_in_each_window_with_both_ends(
    moments: list[float], expected: float | None
) -> None:
    """Both ends of a window count; the first suicide in the last window completes the proof."""
    complete = find_proof(WINDOWS, [at(minutes) for minutes in moments])
    assert complete == (None if expected is None else at(expected))


def test_nothing_is_proven_without_windows() -> None:
    """A link without windows cannot be proven by chance."""
    assert find_proof((), [at(3)]) is None
    assert not can_be_proven((), [], now=START)


@pytest.mark.parametrize(
    ("now", "moments", "expected"),
    [
        (1, [], True),
        (4.9, [], True),
        (5.1, [], False),
        (5.1, [3], True),
        (13.9, [3], True),
        (14, [3], False),
    ],
)
def test_running_proof_can_be_done_until_a_window_is_missed(
    now: float, moments: list[float], *, expected: bool
) -> None:
    """The suicide of a window that just ended may still be read later."""
    assert can_be_proven(WINDOWS, [at(one) for one in moments], now=at(now)) is expected


@pytest.mark.parametrize(
    ("now", "read_at", "expected"),
    [
        (SECOND.ends_at + GRACE - timedelta(seconds=1), SECOND.ends_at + GRACE, False),
        (SECOND.ends_at + GRACE, SECOND.ends_at + GRACE, True),
        (SECOND.ends_at + 2 * GRACE, SECOND.ends_at + GRACE - timedelta(seconds=1), False),
        (SECOND.ends_at + 2 * GRACE, None, False),
        (SECOND.ends_at + LONGEST_GRACE - timedelta(seconds=1), None, False),
        (SECOND.ends_at + LONGEST_GRACE, None, True),
    ],
)
def test_proof_ends_only_when_the_logs_were_read_long_enough(
    now: datetime, read_at: datetime | None, *, expected: bool
) -> None:
    """The proof waits for a host that is away, because the suicide may be in its log, but not forever."""
    health = {SERVER: ServerHealth(SCOPE, last_read_at=read_at)}
    assert is_overdue(SECOND.ends_at, [SERVER], health, now=now) is expected


def test_proof_does_not_wait_for_servers_that_are_not_read_any_more() -> None:
    """A removed server, and one without the player, do not delay the end."""
    now = SECOND.ends_at + GRACE
    assert is_overdue(SECOND.ends_at, [SERVER], {}, now=now)
    assert is_overdue(SECOND.ends_at, [], {SERVER: ServerHealth(SCOPE)}, now=now)
