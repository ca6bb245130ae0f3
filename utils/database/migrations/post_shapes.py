"""Version 3: a waiting notice knows when it is due, and a prepared message the shape of its posts."""

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.migrations.each_guild import change_each_guild
from utils.models.notices.outbox import MessageState
from utils.models.post_styles import PostStyle
from utils.models.scope import GuildId


async def shape_posts(database: SafeDatabase, fence: Fence) -> None:
    """Let waiting notices be due when they were made, and prepared messages be cards, as they were before."""
    await change_each_guild(database, fence, _shape)


def _shape(transaction: Transaction, *, guild_id: GuildId) -> None:
    waiting = transaction.of_guild("outbox", guild_id)
    waiting.update_many({"due_at": {"$exists": False}}, {"$rename": {"created_at": "due_at"}})
    prepared = {"state": MessageState.PREPARED.value, "style": {"$exists": False}}
    shape = {"style": PostStyle.CARD.value, "names_servers": True}
    transaction.of_guild("messages", guild_id).update_many(prepared, {"$set": shape})
