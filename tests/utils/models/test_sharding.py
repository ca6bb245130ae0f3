"""The process of a guild, by Discord's formula; every guild has one shard."""

from hypothesis import given
from hypothesis import strategies as st

from utils.models.scope import GuildId
from utils.models.sharding import Sharding

SNOWFLAKES = st.integers(min_value=0, max_value=2**63 - 1).map(GuildId)


def test_guild_belongs_to_the_shard_of_the_time_in_its_id() -> None:
    """The low 22 bits of the id do not count; the id is from Discord's own documentation."""
    documented = GuildId(197038439483310086)
    assert documented >> 22 == 46977624770
    assert [Sharding(count, (0,)).compute_shard(documented) for count in (1, 2, 3, 16)] == [0, 0, 2, 2]
    assert Sharding(3, (0,)).compute_shard(GuildId(documented + 1)) == 2


@given(guild_id=SNOWFLAKES, count=st.integers(min_value=1, max_value=64))
def test_every_guild_has_one_process_however_the_shards_are_dealt(guild_id: GuildId, count: int) -> None:
    """Exactly one process serves each guild."""
    processes = [Sharding(count, tuple(range(first, count, 2))) for first in range(min(2, count))]
    assert [process.serves(guild_id) for process in processes].count(True) == 1
    assert [process.is_first for process in processes].count(True) == 1
    assert {process.is_whole for process in processes} == {count == 1}
    assert Sharding().serves(guild_id)
