"""Storage Protocols of the rules about money: transactions and a few reads."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from utils.errors import CommitUnknownError
from utils.models.audit import AuditEntry
from utils.models.deaths import Death
from utils.models.factions import FactionMark
from utils.models.money import Bounty, BountyEnd, Change, LedgerRow, PaidKill, ReadKill
from utils.models.notices.bounties import BountyNotice
from utils.models.notifications import DirectMessage
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

T = TypeVar("T")


class MoneyUnit(Protocol):  # implemented by MoneyTransaction
    """One open transaction over one server's bounties and its guild's wallets."""

    def find_members(self, player_ids: Iterable[PlayerId]) -> Mapping[PlayerId, MemberId]:
        """Return the members with proven links to these players; other players are left out."""

    def find_factions(self, player_ids: Iterable[PlayerId]) -> Mapping[PlayerId, FactionMark]:
        """Return the factions of these players' members; players without one are left out."""

    def find_booked(self, keys: Iterable[str]) -> frozenset[str]:
        """Return the keys that the guild's ledger holds already."""

    def book(self, change: Change) -> int | None:
        """Change a balance and write the row; return the balance after it.

        It returns None and does nothing if the balance would be negative, or the wallet is stopped.
        """

    def get_balance(self, member_id: MemberId) -> int:
        """Return what a member has."""

    def is_stopped(self, member_id: MemberId) -> bool:
        """Tell whether a member's wallet neither pays nor is paid, because its ledger is broken."""

    def list_paid_kills(
        self, member_ids: Iterable[MemberId], victim_ids: Iterable[PlayerId], *, since: datetime
    ) -> Sequence[PaidKill]:
        """Return the paid kills of these victims by these members that happened since a moment."""

    def list_live_kills(self, killer_id: PlayerId, *, since: datetime, limit: int) -> Sequence[Death]:
        """Return a player's newest kills on this server that were not read as history, in order.

        ``since`` is the earliest wall-clock time of the game server, included.
        """

    def list_open_bounties(self, player_ids: Iterable[PlayerId]) -> Sequence[Bounty]:
        """Return every open bounty on these players, ended ones included, first placed first."""

    def find_house_targets(self, player_ids: Iterable[PlayerId], *, since: datetime) -> frozenset[PlayerId]:
        """Return the players on whom the house placed a bounty since a moment, on any server."""

    def insert_bounty(self, bounty: Bounty) -> None:
        """Store an open bounty; there is at most one of a placer on a player."""

    def raise_bounty(self, bounty: Bounty, amount: int) -> bool:
        """Set the amount of an open bounty; tell whether it was still open."""

    def close_bounty(self, bounty: Bounty, end: BountyEnd) -> bool:
        """End an open bounty; tell whether it was still open."""

    def append_notices(self, notices: Sequence[BountyNotice], *, created_at: datetime) -> None:
        """Append notices to the outbox of this server."""

    def tell(self, messages: Sequence[DirectMessage]) -> None:
        """Store direct messages for those members who asked for such."""


class BountyStore(Protocol):  # implemented by BountyRepository
    """Storage of bounties.

    Raises:
        CommitUnknownError: from a transaction; it happened wholly or not at all.
        StorageError: from any method; nothing was written.
    """

    async def in_transaction(self, scope: ServerScope, work: Callable[[MoneyUnit], T]) -> T:
        """Run ``work`` in one transaction, in a thread; it may run again after a transient error."""

    async def list_open(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], *, now: datetime
    ) -> Sequence[Bounty]:
        """Return the open bounties on players of these servers, highest first."""

    async def list_placed(self, guild_id: GuildId, member_id: MemberId, *, is_open: bool) -> Sequence[Bounty]:
        """Return the bounties that a member placed, newest first; at most a hundred."""

    async def list_claimed(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Bounty]:
        """Return the bounties that a member claimed, newest first; at most a hundred."""

    async def list_read_kills(
        self,
        scope: ServerScope,
        killer_ids: Iterable[PlayerId],
        victim_ids: Iterable[PlayerId],
        *,
        since: datetime,
    ) -> Sequence[ReadKill]:
        """Return kills of these victims by these killers that were read live since a moment.

        The last written come first, at most a thousand.
        """

    async def list_due(self, scope: ServerScope, *, before: datetime | None) -> Sequence[Bounty]:
        """Return the open bounties of a server that expired before a moment; all of them without a moment."""

    async def delete_bounties(self, scope: ServerScope) -> None:
        """Delete the closed bounties of a server, unless its statistics were kept."""


class DueBounties(Protocol):  # implemented by ScopeIndexRepository
    """Lists the keys of servers with expired bounties."""

    async def list_scopes_with_due_bounties(self, *, before: datetime) -> Sequence[ServerScope]:
        """Return every server with open bounties that expired before a moment."""


class WalletStore(Protocol):  # implemented by WalletRepository
    """Storage of wallets and their ledger."""

    async def get_balance(self, guild_id: GuildId, member_id: MemberId) -> int:
        """Return what a member has."""

    async def list_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> Sequence[LedgerRow]:
        """Return a member's last rows of the ledger, newest first."""

    async def book_by_hand(
        self, guild_id: GuildId, change: Change, describe: Callable[[LedgerRow], AuditEntry]
    ) -> LedgerRow | None:
        """Change a balance, write the row and the audit's entry, all or nothing; return the row.

        If the key is booked already, nothing changes and its row is returned. It returns None and does
        nothing if the balance would be negative.

        Raises:
            CommitUnknownError: it is unknown whether it happened; another call is harmless.
        """


async def book_surely(book: Callable[[], Awaitable[T]]) -> T:
    """Book something that its key allows once; try again if it is unknown whether it happened.

    Raises:
        CommitUnknownError: it is still unknown after that.
    """
    try:
        return await book()
    except CommitUnknownError:
        return await book()
