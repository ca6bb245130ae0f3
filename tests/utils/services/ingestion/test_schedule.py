"""Schedule: a guild's servers at the same moments, guilds spread over the interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.scope import GuildId
from utils.services.ingestion.schedule import compute_pause_seconds

GUILDS = st.integers(1, 2**63 - 1).map(GuildId)
MOMENTS = st.floats(0, 1e7)
INTERVALS = st.sampled_from([0.5, 1.0, 5.0, 10.0, 15.0, 30.0])


@given(GUILDS, MOMENTS, MOMENTS, INTERVALS)
def test_servers_of_a_guild_meet_whenever_they_begin(
    guild_id: GuildId, first: float, second: float, interval: float
) -> None:
    """The moments of two servers are a whole number of intervals apart, and the next is never far."""
    pauses = [
        compute_pause_seconds(guild_id, now_seconds=now, interval_seconds=interval) for now in (first, second)
    ]
    assert all(0 < pause <= 1.01 * interval + 1e-6 for pause in pauses)
    apart = (first + pauses[0]) - (second + pauses[1])
    assert apart == pytest.approx(round(apart / interval) * interval, abs=0.0011)  # each is rounded to ms


@pytest.mark.parametrize(("early", "seconds"), [(0.0, 5), (0.04, 5.04), (0.06, 0.06), (-0.06, 4.94)])
def test_moment_that_is_nearly_reached_is_this_one(early: float, seconds: float) -> None:
    """A sleep that ends a little early does not lead to a second poll at once."""
    guild_id = GuildId(3021)  # its moments are at the beginning of an interval
    assert compute_pause_seconds(guild_id, now_seconds=1000 - early, interval_seconds=5) == seconds


def test_guilds_are_spread_over_the_interval() -> None:
    """Also those that were made in the same moment: no second has far more than its part."""
    guilds = [GuildId(1575721629256777800 + number) for number in range(1000)]
    pauses = [compute_pause_seconds(one, now_seconds=0, interval_seconds=5) for one in guilds]
    counts = [sum(second <= pause < second + 1 for pause in pauses) for second in range(5)]
    assert min(counts) > 150
