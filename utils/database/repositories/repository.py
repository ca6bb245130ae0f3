"""The base of repositories: a guild's part of a collection, and transactions behind its lease."""

from typing import TypeVar

from utils.database.core.database import FenceSource, SafeDatabase, Work
from utils.database.core.scoped import ScopedCollection
from utils.models.scope import GuildId, ServerScope

T = TypeVar("T")


class Repository:
    """Reads and writes of a guild, or of one of its game servers."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    def _of_guild(self, name: str, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, name, guild_id)

    def _of_server(self, name: str, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, name, scope)


class FencedRepository(Repository):
    """One whose transactions are checked against the lease of the guild's shard."""

    def __init__(self, database: SafeDatabase, *, fences: FenceSource) -> None:
        super().__init__(database)
        self._fences = fences

    async def _in_transaction(self, guild_id: GuildId, work: Work[T]) -> T:
        return await self._database.in_transaction(work, fence=self._fences(guild_id))
