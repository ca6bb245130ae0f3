"""Counts in memory: always exact, and bounded."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from utils.models.error_groups import ErrorCategory
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.telemetry.error_counts import MOST_KEYS, ErrorContext, ErrorCounts
from utils.telemetry.fingerprints import OVERFLOW, build_identity

IDENTITIES = [build_identity((f"Error{number}",), (), ()) for number in range(12)]
ERRORS = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 11)), max_size=60)


def _add(counts: ErrorCounts, guild: int, number: int, *, member: int | None = None) -> None:
    member_id = None if member is None else MemberId(member)
    context = ErrorContext(at=START, guild_id=GuildId(guild), member_id=member_id)
    counts.add(IDENTITIES[number], ErrorCategory.COMMAND, "", context)


@given(errors=ERRORS, most=st.integers(4, 20), taken=st.integers(1, 8))
def test_no_error_is_lost_for_the_whole_bot(errors: list[tuple[int, int]], most: int, taken: int) -> None:
    """Groups may be merged and taken at any moment: the sums for the whole bot stay exact."""
    counts = ErrorCounts(most=most)
    total: Counter[int] = Counter()
    for place, (guild, number) in enumerate(errors):
        _add(counts, guild, number)
        assert len(counts) <= most
        if place % 7 == 6:
            for delta in counts.take(taken):
                total[delta.guild_id] += delta.count
                assert sum(delta.hours.values()) == delta.count
    for delta in counts.take(most):
        total[delta.guild_id] += delta.count
    assert total[WHOLE_BOT] == len(errors)
    assert len(counts) == 0
    if most >= 20:  # room for all
        assert total == Counter([*(guild for guild, _ in errors), *([WHOLE_BOT] * len(errors))])


def test_group_that_was_seen_least_recently_is_merged_without_details() -> None:
    """A guild's further groups become the one for all others."""
    counts = ErrorCounts(most=4)
    for number in (0, 1, 2):
        _add(counts, 1, number, member=7)
    found = {(delta.guild_id, delta.fingerprint): delta for delta in counts.take(9)}
    assert len(found) == 4
    rest = [delta for (_, fingerprint), delta in found.items() if fingerprint == OVERFLOW]
    assert sum(delta.count for delta in found.values()) == 6
    assert {tuple(delta.members) for delta in rest} == {()}
    assert counts.dropped > 0


def test_details_of_a_group_are_bounded() -> None:
    """A storm from thousands of members keeps some of them, and all of the count."""
    counts = ErrorCounts()
    for member in range(500):
        _add(counts, 1, 0, member=member)
    own = next(delta for delta in counts.take(9) if delta.guild_id == 1)
    assert (own.count, len(own.members), counts.dropped) == (500, MOST_KEYS, 500 - MOST_KEYS)


@given(errors=ERRORS)
def test_counts_that_were_not_written_come_back_whole(errors: list[tuple[int, int]]) -> None:
    """The next process goes on with the same counts."""
    counts, following = ErrorCounts(), ErrorCounts()
    for guild, number in errors:
        _add(counts, guild, number, member=guild)
    taken = counts.take(1000)
    for delta in taken:
        following.add_back(delta)
    assert sorted(following.take(1000), key=repr) == sorted(taken, key=repr)


def test_member_is_forgotten_in_one_guild() -> None:
    """An erasure takes the member out of what is not written yet; the errors stay counted."""
    counts = ErrorCounts()
    for guild in (1, 2):
        _add(counts, guild, 0, member=7)
    counts.forget_member(GuildId(1), MemberId(7))
    found = {delta.guild_id: (delta.count, dict(delta.members)) for delta in counts.take(9)}
    assert found == {WHOLE_BOT: (2, {}), 1: (1, {}), 2: (1, {7: 1})}
