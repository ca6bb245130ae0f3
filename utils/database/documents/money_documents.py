"""How wallets, the ledger and bounties are stored."""

from collections.abc import Mapping
from typing import Any

from utils.models.money import Bounty, BountyEnd, BountyState, Change, LedgerKind, LedgerRow
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

Document = dict[str, Any]

OPEN = "open"


def build_ledger_document(row: LedgerRow) -> Document:
    """Return the document of a booked change."""
    change = row.change
    return {
        "member_id": int(change.member_id),
        "number": row.number,
        "kind": change.kind.value,
        "amount": change.amount,
        "balance": row.balance,
        "key": change.key,
        "at": change.at,
        "note": change.note,
        "player_id": change.player_id,
        "killed_at": change.killed_at,
    }


def read_ledger_row(document: Mapping[str, Any]) -> LedgerRow:
    """Return the row of a stored document."""
    player_id = document["player_id"]
    change = Change(
        member_id=MemberId(document["member_id"]),
        kind=LedgerKind(document["kind"]),
        amount=document["amount"],
        key=document["key"],
        at=document["at"],
        note=document["note"],
        player_id=None if player_id is None else PlayerId(player_id),
        killed_at=document["killed_at"],
    )
    return LedgerRow(change, document["number"], document["balance"])


def build_bounty_document(bounty: Bounty) -> Document:
    """Return the document of a bounty.

    ``slot`` is the same for all open bounties and different for each closed one. So one unique index allows a
    placer a single open bounty on a player, and any number of closed ones.
    """
    return {
        "bounty_id": bounty.bounty_id,
        "player_id": bounty.player_id,
        "player_name": bounty.player_name,
        "amount": bounty.amount,
        "placer_id": None if bounty.placer_id is None else int(bounty.placer_id),
        "placed_at": bounty.placed_at,
        "expires_at": bounty.expires_at,
        "state": bounty.state.value,
        "slot": OPEN if bounty.state is BountyState.OPEN else bounty.bounty_id,
        "closed_at": bounty.closed_at,
        "claimer_id": None if bounty.claimer_id is None else int(bounty.claimer_id),
        "claimer_player_id": bounty.claimer_player_id,
        "claimer_name": bounty.claimer_name,
    }


def build_end_fields(bounty: Bounty, end: BountyEnd) -> Document:
    """Return the fields that change when a bounty ends."""
    return {
        "state": end.state.value,
        "slot": bounty.bounty_id,
        "closed_at": end.at,
        "claimer_id": None if end.claimer_id is None else int(end.claimer_id),
        "claimer_player_id": end.claimer_player_id,
        "claimer_name": end.claimer_name,
    }


def read_bounty(document: Mapping[str, Any]) -> Bounty:
    """Return the bounty of a stored document."""
    claimer_player_id = document["claimer_player_id"]
    return Bounty(
        scope=ServerScope(GuildId(document["guild_id"]), ServerId(document["server_id"])),
        bounty_id=document["bounty_id"],
        player_id=PlayerId(document["player_id"]),
        player_name=document["player_name"],
        amount=document["amount"],
        placer_id=_read_member(document["placer_id"]),
        placed_at=document["placed_at"],
        expires_at=document["expires_at"],
        state=BountyState(document["state"]),
        closed_at=document["closed_at"],
        claimer_id=_read_member(document["claimer_id"]),
        claimer_player_id=None if claimer_player_id is None else PlayerId(claimer_player_id),
        claimer_name=document["claimer_name"],
    )


def _read_member(number: int | None) -> MemberId | None:
    return None if number is None else MemberId(number)
