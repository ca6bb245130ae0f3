"""Wallets: balances of members and the ledger of every change."""

from collections.abc import Callable

from utils.database.core.transaction import Transaction
from utils.database.documents.money_documents import read_ledger_row
from utils.database.repositories.repository import FencedRepository
from utils.database.units.audit_unit import insert_entry
from utils.database.units.money_unit import book_change, is_stopped, read_balance
from utils.errors import NotAllowedError
from utils.models.audit import AuditEntry
from utils.models.money import WALLET_STOPPED, Change, LedgerRow
from utils.models.scope import GuildId, MemberId


class WalletRepository(FencedRepository):
    """The wallets of guilds' members."""

    async def get_balance(self, guild_id: GuildId, member_id: MemberId) -> int:
        """Return a member's balance; zero if they never had a wallet."""
        wallets = self._of_guild("wallets", guild_id)
        return await wallets.call(lambda: read_balance(wallets.blocking, member_id))

    async def list_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> tuple[LedgerRow, ...]:
        """Return a member's last rows of the ledger, newest first."""
        ledger = self._of_guild("ledger", guild_id)
        own = {"member_id": int(member_id)}
        found = await ledger.find(own, sort=[("number", -1)], limit=limit, hint="member")
        return tuple(read_ledger_row(document) for document in found)

    async def book_by_hand(
        self, guild_id: GuildId, change: Change, describe: Callable[[LedgerRow], AuditEntry]
    ) -> LedgerRow | None:
        """Change a balance, write the row and the audit's entry, all or nothing; return the row.

        If the key is booked already, nothing changes and its row is returned. None if the balance would be
        negative.

        Raises:
            NotAllowedError: the wallet is stopped.
            CommitUnknownError: it is unknown whether it happened.
        """

        def book(transaction: Transaction) -> LedgerRow | None:
            booked = transaction.of_guild("ledger", guild_id).find_one({"key": change.key})
            if booked is not None:
                return read_ledger_row(booked)
            row = book_change(transaction, guild_id, change)
            if row is not None:
                insert_entry(transaction, guild_id, describe(row))
            elif is_stopped(transaction.of_guild("wallets", guild_id), change.member_id):
                raise NotAllowedError(WALLET_STOPPED)
            return row

        return await self._in_transaction(guild_id, book)
