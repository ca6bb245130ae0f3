"""Wallets of members: looking into one, and changing one by hand."""

import secrets
from typing import Protocol

from utils.clock import Clock
from utils.errors import InvalidInputError, NotEnoughMoneyError
from utils.models.audit import AuditAction
from utils.models.money import Change, LedgerKind, Wallet
from utils.models.quantities import write_quantity
from utils.models.scope import GuildId, MemberId
from utils.services.money_stores import WalletStore

SHOWN_ROWS = 10
KEY_BYTES = 12


class AuditTrail(Protocol):
    """Where changes by hand are written down."""

    async def write(self, guild_id: GuildId, actor_id: MemberId | None, action: str, detail: str) -> None:
        """Add an entry; ``detail`` tells old and new."""


class WalletService:
    """Answers ``/wallet`` and ``/admin wallet``."""

    def __init__(self, store: WalletStore, *, audit: AuditTrail, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def get_wallet(self, guild_id: GuildId, member_id: MemberId) -> Wallet:
        """Return a member's balance and his last rows of the ledger."""
        rows = await self._store.list_rows(guild_id, member_id, limit=SHOWN_ROWS)
        # both from one row, so that they belong together while kills are being paid
        balance = rows[0].balance if rows else await self._store.get_balance(guild_id, member_id)
        return Wallet(member_id, balance, tuple(rows))

    async def adjust(
        self, guild_id: GuildId, member_id: MemberId, amount: int, *, reason: str, actor_id: MemberId
    ) -> int:
        """Give emeralds to a member, or take them away; return the balance after it.

        Raises:
            InvalidInputError: the amount is nothing, or there is no reason.
            NotEnoughMoneyError: the wallet does not hold as much.
        """
        if amount == 0:
            raise InvalidInputError("Name an amount: a positive one is given, a negative one is taken.")
        if not reason.strip():
            raise InvalidInputError("Name a reason; the member sees it in the ledger.")
        key = f"admin:{secrets.token_hex(KEY_BYTES)}"
        now = self._clock.now()
        change = Change(member_id, LedgerKind.ADMIN, amount, key, now, note=reason.strip())
        balance = await self._store.book(guild_id, change)
        if balance is None:
            held = await self._store.get_balance(guild_id, member_id)
            raise NotEnoughMoneyError(needed=-amount, balance=held, hint="Take that much at most.")
        sign = "+" if amount > 0 else ""
        changed = f"{sign}{write_quantity(amount, 'emerald')}"
        detail = f"<@{member_id}>: {changed}, now {balance:,}. {reason.strip()}"
        await self._audit.write(guild_id, actor_id, AuditAction.WALLET, detail)
        return balance
