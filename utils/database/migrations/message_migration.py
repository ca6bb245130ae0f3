"""From version 3 to 4 of the data: a message belongs to a channel of its guild, no longer to a game server.

It names its notices by server, kind of channel and number, and notices name no message any more.
"""

from pymongo import UpdateOne

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.models.notices import MessageState

_OLD = {"guild_id": {"$gt": 0}, "sequences": {"$exists": True}}
_GONE = {"server_id": "", "channel_kind": "", "sequences": ""}


async def move_messages(database: SafeDatabase, fence: Fence) -> None:
    """Rewrite the messages that are on their way, and drop those that were sent: nobody asks for them."""
    found = await database.run("migration.messages", database.unscoped("messages").find(_OLD).to_list(None))
    changes = [
        UpdateOne({"_id": one["_id"]}, {"$set": {"entries": _name_entries(one)}, "$unset": _GONE})
        for one in found
        if one["state"] == MessageState.PREPARED
    ]

    def write(transaction: Transaction) -> None:
        messages, outbox = (database.unscoped(name).delegate for name in ("messages", "outbox"))
        if changes:
            transaction.run("migration.moved", messages.bulk_write, changes, session=transaction.session)
        transaction.run("migration.sent", messages.delete_many, _OLD, session=transaction.session)
        tied, untie = {"guild_id": {"$gt": 0}, "nonce": {"$exists": True}}, {"$unset": {"nonce": ""}}
        transaction.run("migration.untied", outbox.update_many, tied, untie, session=transaction.session)

    await database.in_transaction(write, fence=fence)


def _name_entries(message: Document) -> list[Document]:
    feed = {"server_id": message["server_id"], "channel_kind": message["channel_kind"]}
    return [{**feed, "sequence": sequence} for sequence in message["sequences"]]
