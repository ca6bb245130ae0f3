"""How wallets, the ledger and bounties are stored."""

from collections.abc import Mapping
from typing import Any

from utils.database.documents.codec import Codec, Document
from utils.models.money import Bounty, BountyEnd, BountyState, Change, LedgerRow
from utils.models.scope import ServerScope

OPEN = "open"
CHANGES, BOUNTIES, ENDS = Codec(Change), Codec(Bounty, without=frozenset({"scope"})), Codec(BountyEnd)


def build_ledger_document(row: LedgerRow) -> Document:
    """Return the document of a booked change."""
    return {**CHANGES.build(row.change), "number": row.number, "balance": row.balance}


def read_ledger_row(document: Mapping[str, Any]) -> LedgerRow:
    """Return the row of a stored document."""
    return LedgerRow(CHANGES.read(document), document["number"], document["balance"])


def build_bounty_document(bounty: Bounty) -> Document:
    """Return the document of a bounty.

    ``slot`` is the same for all open bounties and different for each closed one. So one unique index allows a
    placer a single open bounty on a player, and any number of closed ones.
    """
    slot = OPEN if bounty.state is BountyState.OPEN else bounty.bounty_id
    return {**BOUNTIES.build(bounty), "slot": slot}


def build_end_fields(bounty: Bounty, end: BountyEnd) -> Document:
    """Return the fields that change when a bounty ends."""
    return {**ENDS.build(end), "slot": bounty.bounty_id}


def read_bounty(document: Mapping[str, Any]) -> Bounty:
    """Return the bounty of a stored document."""
    return BOUNTIES.read(document, scope=ServerScope(document["guild_id"], document["server_id"]))
