"""Wallets: balances of members and the ledger of every change."""

from collections.abc import Callable

from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.sessions import Session
from utils.database.documents.audit_documents import build_audit_document
from utils.database.documents.money_documents import read_ledger_row
from utils.database.repositories.ingestion import FenceSource
from utils.database.units.money_unit import book_change, read_balance
from utils.models.audit import AuditEntry
from utils.models.money import Change, LedgerRow
from utils.models.scope import GuildId, MemberId


class WalletRepository:
    """The wallets of guilds' members."""

    def __init__(self, database: SafeDatabase, *, fences: FenceSource) -> None:
        self._database = database
        self._fences = fences

    async def get_balance(self, guild_id: GuildId, member_id: MemberId) -> int:
        """Return what a member has; nothing for one who never had any."""
        return await read_balance(self._database, guild_id, member_id)

    async def list_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> tuple[LedgerRow, ...]:
        """Return a member's last rows of the ledger, newest first."""
        ledger = ScopedCollection.of_guild(self._database, "ledger", guild_id)
        own = {"member_id": int(member_id)}
        found = await ledger.find(own, sort=[("number", -1)], limit=limit, hint="member")
        return tuple(read_ledger_row(document) for document in found)

    async def book_by_hand(
        self, guild_id: GuildId, change: Change, describe: Callable[[LedgerRow], AuditEntry]
    ) -> LedgerRow | None:
        """Change a balance, write the row and the audit's entry, all or nothing; return the row.

        A key that is booked already changes nothing and returns its row. None when it would be negative.

        Raises:
            CommitUnknownError: it happened or not.
        """
        ledger = ScopedCollection.of_guild(self._database, "ledger", guild_id)
        audit = ScopedCollection.of_guild(self._database, "audit", guild_id)

        async def book(session: Session) -> LedgerRow | None:
            booked = await ledger.find_one({"key": change.key}, session=session)
            if booked is not None:
                return read_ledger_row(booked)
            row = await book_change(self._database, guild_id, change, session=session)
            if row is not None:
                await audit.insert_one(build_audit_document(describe(row)), session=session)
            return row

        return await self._database.in_transaction(book, fence=self._fences(guild_id))
