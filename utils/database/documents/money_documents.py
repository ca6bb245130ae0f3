"""How wallets, the ledger and bounties are stored."""

from collections.abc import Mapping
from typing import Any

from utils.database.documents.codec import Codec, Document
from utils.models.money import Bounty, BountyEnd, BountyState, Change, LedgerRow
from utils.models.scope import ServerScope

OPEN = "open"
CHANGES, BOUNTIES, ENDS = Codec(Change), Codec(Bounty, without=frozenset({"scope"})), Codec(BountyEnd)


def build_ledger_document(row: LedgerRow) -> Document:
    """Return a booked change as it is stored."""
    return {**CHANGES.build(row.change), "number": row.number, "balance": row.balance}


def read_ledger_row(document: Mapping[str, Any]) -> LedgerRow:
    """Return the row of a stored document."""
    return LedgerRow(CHANGES.read(document), document["number"], document["balance"])


def build_bounty_document(bounty: Bounty) -> Document:
    """Return a bounty as it is stored.

    ``slot`` is the same for all open ones and its own for each closed one, so that one unique index allows
    a placer a single open bounty on a player and keeps every closed one.
    """
    slot = OPEN if bounty.state is BountyState.OPEN else bounty.bounty_id
    return {**BOUNTIES.build(bounty), "slot": slot}


def build_end_fields(bounty: Bounty, end: BountyEnd) -> Document:
    """Return the fields that change when a bounty ends."""
    return {**ENDS.build(end), "slot": bounty.bounty_id}


def read_bounty(document: Mapping[str, Any]) -> Bounty:
    """Return the bounty of a stored document."""
    return BOUNTIES.read(document, scope=ServerScope(document["guild_id"], document["server_id"]))
