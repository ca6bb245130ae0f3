"""Levels within a transaction that changes XP in another way than by a new kill."""

from collections.abc import Iterable

from utils.database.core.transaction import Transaction
from utils.database.documents.link_documents import build_proven_query
from utils.models.scope import GuildId, PlayerId


def silence_levels(transaction: Transaction, guild_id: GuildId, player_ids: Iterable[PlayerId]) -> None:
    """Let the next look take the levels of these players' members as they are then, without telling them."""
    proven = build_proven_query(player_ids)
    links = transaction.of_guild("links", guild_id).find(proven, projection={"member_id": 1}, hint="proven")
    members = sorted({link["member_id"] for link in links})
    if members:
        levels = transaction.of_guild("levels", guild_id)
        levels.update_many({"member_id": {"$in": members}}, {"$set": {"basis": ""}})
