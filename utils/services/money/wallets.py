"""Wallets of members: showing one, and changing one by hand."""

from functools import partial

from utils.clock import Clock
from utils.errors import InvalidInputError, NotEnoughMoneyError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.money import LARGEST_CHANGE, Change, LedgerKind, LedgerRow, Wallet
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Number, text
from utils.services.guilds.audit import log_entry
from utils.services.money.money_stores import WalletStore, book_surely

SHOWN_ROWS = 10


class WalletService:
    """Answers ``/wallet`` and ``/admin wallet``."""

    def __init__(self, store: WalletStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get_wallet(self, guild_id: GuildId, member_id: MemberId) -> Wallet:
        """Return a member's balance and the last rows of their ledger."""
        rows = await self._store.list_rows(guild_id, member_id, limit=SHOWN_ROWS)
        # both from one row, so that they fit together while kills are being paid
        balance = rows[0].balance if rows else await self._store.get_balance(guild_id, member_id)
        return Wallet(member_id, balance, tuple(rows))

    async def adjust(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        amount: int,
        *,
        reason: str,
        actor_id: MemberId,
        request_id: int,
    ) -> Wallet:
        """Give emeralds to a member, or take them away; return the wallet with the booked row.

        It is booked once for each ``request_id``, which is the id of Discord's interaction.

        Raises:
            InvalidInputError: the amount is zero or too large, or there is no reason.
            NotEnoughMoneyError: the wallet holds less.
            CommitUnknownError: the database is away, and it is unknown whether it is booked.
        """
        if amount == 0:
            raise InvalidInputError(
                text("The amount can't be 0. A positive one gives, a negative one takes.")
            )
        if abs(amount) > LARGEST_CHANGE:
            raise InvalidInputError(
                text(
                    "You can change a wallet by {limit} 💎 at most at once.",
                    limit=Number(LARGEST_CHANGE),
                )
            )
        why = reason.strip()
        if not why:
            raise InvalidInputError(text("Add a reason; the member sees it in their wallet."))
        now = self._clock.now()
        change = Change(member_id, LedgerKind.ADMIN, amount, f"admin:{request_id}", now, note=why)

        def describe(row: LedgerRow) -> AuditEntry:
            changed = FieldChange("balance", row.balance - amount, row.balance)
            facts = AuditFacts(member_id=member_id, changes=(changed,), reason=why)
            return AuditEntry(now, actor_id, AuditAction.WALLET, facts)

        row = await book_surely(partial(self._store.book_by_hand, guild_id, change, describe))
        if row is None:
            held = await self._store.get_balance(guild_id, member_id)
            raise NotEnoughMoneyError(
                text("They have {balance} 💎, so you can take that much at most.", balance=Number(held))
            )
        log_entry(guild_id, describe(row))
        return Wallet(member_id, row.balance, (row,))
