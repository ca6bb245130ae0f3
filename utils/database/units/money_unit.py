"""Money inside a transaction: balances with their ledger, and bounties; used by ingestion and by commands.

A balance is changed by one conditional update, so it is never negative, and each change writes its row of the
ledger. A change of a wallet or a bounty locks its document until the end of the transaction; a second change
runs again and sees the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from utils.database.core.blocking import BlockingCollection
from utils.database.core.operations import Document
from utils.database.core.pending_writes import PendingWrites
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import read_death
from utils.database.documents.link_documents import build_proven_query, read_marks, read_proven
from utils.database.documents.money_documents import (
    OPEN,
    build_bounty_document,
    build_end_fields,
    build_ledger_document,
    read_bounty,
)
from utils.database.units.direct_unit import append_direct_messages
from utils.database.units.outbox_entries import append_entries
from utils.models.deaths import Death
from utils.models.factions import FactionMark
from utils.models.money import Bounty, BountyEnd, Change, LedgerKind, LedgerRow, PaidKill
from utils.models.notices.bounties import BountyNotice
from utils.models.notifications import DirectMessage
from utils.models.scope import GuildId, MemberId, PlayerId, ServerScope

_NOT_STOPPED = {"is_stopped": {"$ne": True}}


def book_change(transaction: Transaction, guild_id: GuildId, change: Change) -> LedgerRow | None:
    """Change a balance and write its row of the ledger; return the row.

    None: nothing is changed, because the balance would be negative or the wallet is stopped.
    """
    wallets = transaction.of_guild("wallets", guild_id)
    member_id = int(change.member_id)
    update = {"$inc": {"balance": change.amount, "rows": 1}}
    if change.amount < 0:
        covered = {"member_id": member_id, "balance": {"$gte": -change.amount}, **_NOT_STOPPED}
        if not wallets.update_one(covered, update):
            return None
        wallet = wallets.find_one({"member_id": member_id})
    else:
        wallet = wallets.find_one_and_update({"member_id": member_id}, update)
    if wallet is None:
        return None
    if wallet.get("is_stopped"):  # a wallet in use costs no operation for this
        wallets.update_one({"member_id": member_id}, {"$inc": {"balance": -change.amount, "rows": -1}})
        return None
    row = LedgerRow(change, wallet["rows"], wallet["balance"])
    transaction.of_guild("ledger", guild_id).insert_one(build_ledger_document(row))
    return row


def is_stopped(wallets: BlockingCollection, member_id: MemberId) -> bool:
    """Tell whether a wallet is stopped: its ledger is broken, so it neither pays nor is paid."""
    return wallets.find_one({"member_id": int(member_id), "is_stopped": True}) is not None


def read_balance(wallets: BlockingCollection, member_id: MemberId) -> int:
    """Return a member's balance."""
    found = wallets.find_one({"member_id": int(member_id)})
    return int(found["balance"]) if found else 0


class MoneyTransaction:
    """One open transaction over one server's bounties and its guild's wallets.

    Args:
        writes: the collected writes of the transaction; new kills are among them.
        members: the members of players that were read before; None for a player without a proven link.
        marks: the factions of the members among them.
    """

    def __init__(
        self,
        transaction: Transaction,
        scope: ServerScope,
        *,
        writes: PendingWrites | None = None,
        members: Mapping[PlayerId, MemberId | None] | None = None,
        marks: Mapping[PlayerId, FactionMark] | None = None,
    ) -> None:
        self._transaction = transaction
        self._scope = scope
        self._writes = writes
        self._members = members or {}
        self._marks = marks or {}

    def find_members(self, player_ids: Iterable[PlayerId]) -> Mapping[PlayerId, MemberId]:
        """Return the members with proven links to these players; other players are left out."""
        wanted = set(player_ids)
        known = {
            player_id: member_id
            for player_id, member_id in self._members.items()
            if player_id in wanted and member_id is not None
        }
        missing = wanted - self._members.keys()
        if not missing:
            return known
        fields = {"player_id": 1, "member_id": 1}
        query = build_proven_query(missing)
        return known | read_proven(self._of_guild("links").find(query, projection=fields, hint="proven"))

    def find_factions(self, player_ids: Iterable[PlayerId]) -> Mapping[PlayerId, FactionMark]:
        """Return the factions of these players' members; players without one are left out."""
        wanted = set(player_ids)
        known = {player_id: mark for player_id, mark in self._marks.items() if player_id in wanted}
        missing = wanted - self._members.keys()
        if not missing:
            return known
        return known | read_marks(self._of_guild("links").find(build_proven_query(missing), hint="proven"))

    def find_booked(self, keys: Iterable[str]) -> frozenset[str]:
        """Return the keys that the guild's ledger holds already."""
        wanted = {"key": {"$in": list(keys)}}
        found = self._of_guild("ledger").find(wanted, projection={"_id": 0, "key": 1}, hint="key")
        return frozenset(one["key"] for one in found)

    def book(self, change: Change) -> int | None:
        """Change a balance and write the row; return the new balance, or None if it would be negative."""
        row = book_change(self._transaction, self._scope.guild_id, change)
        return None if row is None else row.balance

    def get_balance(self, member_id: MemberId) -> int:
        """Return a member's balance."""
        return read_balance(self._of_guild("wallets"), member_id)

    def is_stopped(self, member_id: MemberId) -> bool:
        """Tell whether a member's wallet neither pays nor is paid."""
        return is_stopped(self._of_guild("wallets"), member_id)

    def list_paid_kills(
        self, member_ids: Iterable[MemberId], victim_ids: Iterable[PlayerId], *, since: datetime
    ) -> Sequence[PaidKill]:
        """Return the paid kills of these victims by these members that happened since a moment."""
        wanted = {
            "member_id": {"$in": [int(member_id) for member_id in member_ids]},
            "player_id": {"$in": list(victim_ids)},
            "killed_at": {"$gte": since},
            "kind": LedgerKind.KILL.value,
        }
        found = self._of_guild("ledger").find(wanted, hint="paid")
        return [
            PaidKill(MemberId(one["member_id"]), PlayerId(one["player_id"]), one["killed_at"])
            for one in found
        ]

    def list_live_kills(self, killer_id: PlayerId, *, since: datetime, limit: int) -> Sequence[Death]:
        """Return a player's newest kills on this server that were not read as history, in order."""
        wanted = {"killer_id": killer_id, "written_at": {"$gte": since}, "read_at": {"$exists": True}}
        if self._writes is not None:
            self._writes.carry_out_to("kills")
        found = self._of_server("kills").find(wanted, sort=[("written_at", -1)], limit=limit, hint="killer")
        deaths = [read_death(document) for document in found]
        return sorted((death for death in deaths if death.row.kind.is_kill), key=lambda death: death.order)

    def list_open_bounties(self, player_ids: Iterable[PlayerId]) -> Sequence[Bounty]:
        """Return every open bounty on these players, ended ones included, first placed first."""
        wanted = {"slot": OPEN, "player_id": {"$in": list(player_ids)}}
        found = self._of_server("bounties").find(wanted, hint="open")
        bounties = [read_bounty(document) for document in found]
        return sorted(bounties, key=lambda bounty: (bounty.placed_at, bounty.bounty_id))

    def find_house_targets(self, player_ids: Iterable[PlayerId], *, since: datetime) -> frozenset[PlayerId]:
        """Return the players on whom the house placed a bounty since a moment, on any server."""
        wanted = {"placer_id": None, "placed_at": {"$gt": since}, "player_id": {"$in": list(player_ids)}}
        found = self._of_guild("bounties").find(wanted, projection={"player_id": 1}, hint="placer")
        return frozenset(PlayerId(one["player_id"]) for one in found)

    def insert_bounty(self, bounty: Bounty) -> None:
        """Store an open bounty; there is at most one of a placer on a player."""
        self._of_server("bounties").insert_one(build_bounty_document(bounty))

    def raise_bounty(self, bounty: Bounty, amount: int) -> bool:
        """Set the amount of an open bounty; tell whether it was still open."""
        return self._change(bounty, {"amount": amount})

    def close_bounty(self, bounty: Bounty, end: BountyEnd) -> bool:
        """End an open bounty; tell whether it was still open."""
        return self._change(bounty, build_end_fields(bounty, end))

    def append_notices(self, notices: Sequence[BountyNotice], *, created_at: datetime) -> None:
        """Append notices to the outbox of this server."""
        append_entries(self._transaction, self._scope, notices, created_at=created_at)

    def tell(self, messages: Sequence[DirectMessage]) -> None:
        """Store messages for the members who asked for such."""
        append_direct_messages(self._transaction, self._scope.guild_id, messages)

    def _change(self, bounty: Bounty, fields: Document) -> bool:
        still_open = {
            "slot": OPEN,
            "player_id": bounty.player_id,
            "placer_id": None if bounty.placer_id is None else int(bounty.placer_id),
            "bounty_id": bounty.bounty_id,
        }
        changed = {"$set": fields}
        return self._of_server("bounties").update_one(still_open, changed)

    def _of_guild(self, name: str) -> BlockingCollection:
        return self._transaction.of_guild(name, self._scope.guild_id)

    def _of_server(self, name: str) -> BlockingCollection:
        return self._transaction.of_server(name, self._scope)
