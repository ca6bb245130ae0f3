"""The frame of a migration that changes the data of each guild by itself."""

from functools import partial
from typing import Protocol

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.models.scope import GuildId
from utils.models.sharding import Sharding


class GuildChange(Protocol):  # implemented by functions of the migrations
    """Changes the data of one guild within a transaction."""

    def __call__(self, transaction: Transaction, *, guild_id: GuildId) -> None:
        """Make the change; a second time does nothing."""


async def change_each_guild(database: SafeDatabase, fence: Fence, change: GuildChange) -> None:
    """Make a change in a transaction of each guild; it may be made again, after a crash in between."""
    for guild_id in await ScopeIndexRepository(database, Sharding()).list_guild_ids():
        await database.in_transaction(partial(change, guild_id=guild_id), fence=fence)
