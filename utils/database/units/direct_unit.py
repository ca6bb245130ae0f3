"""Direct messages in the transaction of what they tell: stored for those who asked for them."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from utils.database.core.transaction import Transaction
from utils.database.documents.notification_documents import DIRECT_MESSAGES
from utils.models.notifications import TOPICS, DirectMessage
from utils.models.scope import GuildId

NONCE_BYTES = 12  # 24 characters; Discord takes 25


def append_direct_messages(
    transaction: Transaction, guild_id: GuildId, messages: Sequence[DirectMessage]
) -> None:
    """Store the messages whose members asked for their topics; without messages nothing is read."""
    if not messages:
        return
    members = sorted({int(one.member_id) for one in messages})
    found = transaction.of_guild("notifications", guild_id).find(
        {"member_id": {"$in": members}}, projection={"member_id": 1, "topics": 1}, hint="member"
    )
    topics = {one["member_id"]: frozenset(one["topics"]) for one in found}
    asked = [one for one in messages if TOPICS[one.event].value in topics.get(int(one.member_id), ())]
    transaction.of_guild("direct_messages", guild_id).insert_many(
        DIRECT_MESSAGES.build(replace(one, nonce=secrets.token_hex(NONCE_BYTES))) for one in asked
    )
