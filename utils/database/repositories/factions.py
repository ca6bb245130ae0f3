"""Factions of guilds: transactions over them and their members, and their lists."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from utils.database.core.transaction import Transaction
from utils.database.documents.faction_documents import INVITATIONS, read_faction, read_periods
from utils.database.repositories.repository import FencedRepository
from utils.database.units.faction_unit import FactionTransaction
from utils.errors import StorageConflictError
from utils.models.factions import Faction, FactionInvitation, FactionPeriod
from utils.models.scope import GuildId, MemberId

T = TypeVar("T")


class FactionRepository(FencedRepository):
    """The factions of guilds."""

    async def in_transaction(self, guild_id: GuildId, work: Callable[[FactionTransaction], T]) -> T:
        """Run ``work`` in one transaction; it may run again after a transient error.

        It runs once more if a unique index shows that another one was faster.

        Raises:
            LeaseLostError, StorageUnavailableError
        """

        def run(transaction: Transaction) -> T:
            return work(FactionTransaction(transaction, guild_id))

        try:
            return await self._in_transaction(guild_id, run)
        except StorageConflictError:
            return await self._in_transaction(guild_id, run)

    async def list_active(self, guild_id: GuildId) -> tuple[Faction, ...]:
        """Return the active factions of a guild, the oldest first."""
        found = await self._of_guild("factions", guild_id).find(
            {"is_active": True}, sort=[("founded_at", 1)], hint="active"
        )
        return tuple(read_faction(guild_id, document) for document in found)

    async def list_members(self, guild_id: GuildId) -> tuple[FactionPeriod, ...]:
        """Return the present members of all factions of a guild."""
        found = await self._of_guild("faction_periods", guild_id).find({"is_current": True}, hint="current")
        return read_periods(found)

    async def list_periods(self, guild_id: GuildId) -> tuple[FactionPeriod, ...]:
        """Return the periods of all members of all factions, present and former ones."""
        return read_periods(await self._of_guild("faction_periods", guild_id).find({}, hint="period"))

    async def list_invitations(
        self, guild_id: GuildId, member_id: MemberId, *, now: datetime
    ) -> tuple[FactionInvitation, ...]:
        """Return the open invitations of a member, the oldest first."""
        query = {"member_id": int(member_id), "expires_at": {"$gt": now}}
        found = await self._of_guild("faction_invites", guild_id).find(
            query, sort=[("expires_at", 1)], hint="member"
        )
        return tuple(map(INVITATIONS.read, found))

    async def prune(self, guild_id: GuildId, *, disbanded: datetime, now: datetime) -> None:
        """Delete factions disbanded before a moment with their periods, and invitations that are over."""
        factions = self._of_guild("factions", guild_id)
        found = await factions.find({"is_active": False, "disbanded_at": {"$lt": disbanded}})
        doomed = {"faction_id": {"$in": [one["faction_id"] for one in found]}}
        if found:
            await self._of_guild("faction_periods", guild_id).delete(doomed)
            await factions.delete(doomed)
        await self._of_guild("faction_invites", guild_id).delete({"expires_at": {"$lte": now}})
