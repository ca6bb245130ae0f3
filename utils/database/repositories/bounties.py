"""Bounties: transactions over them and the wallets they touch, and their lists."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import build_read_kills_query, read_read_kill
from utils.database.documents.money_documents import OPEN, read_bounty
from utils.database.repositories.repository import FencedRepository
from utils.database.units.money_unit import MoneyTransaction
from utils.models.money import Bounty, ReadKill
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

T = TypeVar("T")

LONGEST_LIST = 100
MOST_KILLS = 1_000


class BountyRepository(FencedRepository):
    """The bounties of guilds."""

    async def in_transaction(self, scope: ServerScope, work: Callable[[MoneyTransaction], T]) -> T:
        """Run ``work`` in one transaction; it may run again after a transient error.

        Raises:
            LeaseLostError, StorageUnavailableError
        """

        def run(transaction: Transaction) -> T:
            return work(MoneyTransaction(transaction, scope))

        return await self._in_transaction(scope.guild_id, run)

    async def list_open(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], *, now: datetime
    ) -> tuple[Bounty, ...]:
        """Return the open bounties on players of these servers, highest first."""
        query = {"slot": OPEN, "server_id": {"$in": list(server_ids)}, "expires_at": {"$gt": now}}
        return await self._list(guild_id, query, sort=[("amount", -1), ("expires_at", 1)], hint="ending")

    async def list_placed(
        self, guild_id: GuildId, member_id: MemberId, *, is_open: bool
    ) -> tuple[Bounty, ...]:
        """Return the bounties that a member placed, newest first; at most a hundred."""
        query: Document = {"placer_id": int(member_id), **({"slot": OPEN} if is_open else {})}
        return await self._list(guild_id, query, sort=[("placed_at", -1)], hint="placer", limit=LONGEST_LIST)

    async def list_claimed(self, guild_id: GuildId, member_id: MemberId) -> tuple[Bounty, ...]:
        """Return the bounties that a member claimed, newest first; at most a hundred."""
        query = {"claimer_id": int(member_id)}
        return await self._list(guild_id, query, sort=[("closed_at", -1)], hint="claimer", limit=LONGEST_LIST)

    async def list_read_kills(
        self,
        scope: ServerScope,
        killer_ids: Iterable[PlayerId],
        victim_ids: Iterable[PlayerId],
        *,
        since: datetime,
    ) -> tuple[ReadKill, ...]:
        """Return kills of these victims by these killers that were read live since a moment.

        The last written come first, at most a thousand. The index holds both players, so the only deaths that
        are read are those between them.
        """
        query = build_read_kills_query(killer_ids, victim_ids, since=since)
        kills = self._of_server("kills", scope)
        found = await kills.find(query, sort=[("written_at", -1)], hint="killer", limit=MOST_KILLS)
        return tuple(read_read_kill(document) for document in found)

    async def list_due(self, scope: ServerScope, *, before: datetime | None) -> tuple[Bounty, ...]:
        """Return the open bounties of a server that expired before a moment; all of them without a moment."""
        query: Document = {"slot": OPEN, "server_id": scope.server_id}
        if before is not None:
            query["expires_at"] = {"$lt": before}
        return await self._list(scope.guild_id, query, sort=[("expires_at", 1)], hint="ending")

    async def delete_bounties(self, scope: ServerScope) -> None:
        """Delete the closed bounties of a server that was removed with its statistics."""
        servers = self._of_server("game_servers", scope)
        if await servers.find_one({"keeps_stats": {"$ne": False}}, projection={"_id": 1}) is None:
            bounties = self._of_server("bounties", scope)
            await bounties.delete({"slot": {"$ne": OPEN}})

    async def _list(
        self,
        guild_id: GuildId,
        query: Document,
        *,
        sort: list[tuple[str, int]],
        hint: str,
        limit: int = 0,
    ) -> tuple[Bounty, ...]:
        bounties = self._of_guild("bounties", guild_id)
        found = await bounties.find(query, sort=sort, hint=hint, limit=limit)
        return tuple(read_bounty(document) for document in found)
