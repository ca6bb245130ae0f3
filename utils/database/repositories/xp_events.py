"""The times in which kills give more XP."""

from collections.abc import Callable
from typing import TypeVar

from utils.database.core.transaction import Transaction
from utils.database.documents.xp_documents import XP_EVENTS_FIELD, read_xp_events
from utils.database.repositories.repository import FencedRepository
from utils.database.units.xp_unit import XpEventTransaction
from utils.models.scope import GuildId
from utils.models.xp import XpEvents

T = TypeVar("T")


class XpEventRepository(FencedRepository):
    """The times of more XP of guilds."""

    async def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times in which kills of a guild give more XP, in the order in which they began."""
        fields = {XP_EVENTS_FIELD: 1}
        return read_xp_events(await self._of_guild("guilds", guild_id).find_one({}, projection=fields))

    async def change_in_transaction(self, guild_id: GuildId, work: Callable[[XpEventTransaction], T]) -> T:
        """Run ``work`` in one fenced transaction, in a thread; it may run again after a transient error."""

        def run(transaction: Transaction) -> T:
            return work(XpEventTransaction(transaction, guild_id))

        return await self._in_transaction(guild_id, run)
