"""Schedule: a guild's servers at the same moments, guilds spread over the interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.scope import GuildId
from utils.services.ingestion.poll_schedule import PollSchedule

MOMENTS = st.floats(0, 1e7)
INTERVALS = st.sampled_from([0.5, 1.0, 5.0, 10.0, 15.0, 30.0])


@given(st.integers(0, 50), MOMENTS, MOMENTS, INTERVALS)
def test_servers_of_a_guild_meet_whenever_they_begin(
    others: int, first: float, second: float, interval: float
) -> None:
    """The poll times of two servers differ by whole intervals, and the next one is never far."""
    schedule = PollSchedule()
    pauses = [
        schedule.compute_pause_seconds(GuildId(guild), now_seconds=now, interval_seconds=interval)
        for guild, now in [*((number, 0.0) for number in range(others)), (99, first), (99, second)]
    ][-2:]
    assert all(0 < pause <= 1.01 * interval + 1e-6 for pause in pauses)
    apart = (first + pauses[0]) - (second + pauses[1])
    # each is rounded to milliseconds
    assert apart == pytest.approx(round(apart / interval) * interval, abs=0.0011)


@pytest.mark.parametrize(("early", "seconds"), [(0.0, 5), (0.04, 5.04), (0.06, 0.06), (-0.06, 4.94)])
def test_moment_that_is_nearly_reached_is_this_one(early: float, seconds: float) -> None:
    """A sleep that ends a little early does not cause a second poll at once."""
    pause = PollSchedule().compute_pause_seconds(GuildId(1), now_seconds=1000 - early, interval_seconds=5)
    assert pause == seconds


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_guilds_are_spread_over_the_interval(count: int) -> None:
    """With any number of guilds, no second has far more than its share."""
    schedule = PollSchedule()
    pauses = [
        schedule.compute_pause_seconds(GuildId(number), now_seconds=0, interval_seconds=5)
        for number in range(count)
    ]
    counts = [sum(second <= pause % 5 < second + 1 for pause in pauses) for second in range(5)]
    assert max(counts) - min(counts) <= 2
