"""Sharding: how Discord divides guilds among gateway connections, and which part a process serves."""

from dataclasses import dataclass

from utils.models.scope import GuildId

_TIME_SHIFT = 22  # the bits of a snowflake below its time of creation


@dataclass(frozen=True, slots=True)
class Sharding:
    """The shards of one process.

    Attributes:
        count: how many shards the whole bot has; the same in every process over one database.
        ids: the shards of this process, in rising order.
    """

    count: int = 1
    ids: tuple[int, ...] = (0,)

    @property
    def is_first(self) -> bool:
        """Tell whether shard 0 is here: its process does the work that is done once for the whole bot."""
        return 0 in self.ids

    @property
    def is_whole(self) -> bool:
        """Tell whether this process looks after every guild, so that no other one writes anything."""
        return len(self.ids) == self.count

    @property
    def share(self) -> float:
        """The part of the bot in this process."""
        return len(self.ids) / self.count

    def compute_shard(self, guild_id: GuildId) -> int:
        """Return a guild's shard.

        The formula is Discord's (https://discord.com/developers/docs/events/gateway#sharding), because
        its gateway sends a guild's events to that shard alone.
        """
        return (guild_id >> _TIME_SHIFT) % self.count

    def serves(self, guild_id: GuildId) -> bool:
        """Tell whether this process serves a guild."""
        return self.compute_shard(guild_id) in self.ids
