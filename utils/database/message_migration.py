"""From version 3 to 4 of the data: a message belongs to a channel of its guild, no longer to a game server.

It names its notices by server, kind of channel and number, and notices name no message any more.
"""

from pymongo import UpdateOne

from utils.database.database import Document, Fence, SafeDatabase
from utils.database.sessions import LentSession
from utils.models.notices import MessageState

_OLD = {"guild_id": {"$gt": 0}, "sequences": {"$exists": True}}
_GONE = {"server_id": "", "channel_kind": "", "sequences": ""}


async def move_messages(database: SafeDatabase, fence: Fence) -> None:
    """Rewrite the messages that are on their way, and drop those that were sent: nobody asks for them."""
    messages, outbox = database.unscoped("messages"), database.unscoped("outbox")
    found = await database.run("migration.messages", messages.find(_OLD).to_list(None))
    changes = [
        UpdateOne({"_id": one["_id"]}, {"$set": {"entries": _name_entries(one)}, "$unset": _GONE})
        for one in found
        if one["state"] == MessageState.PREPARED
    ]

    async def write(session: LentSession) -> None:
        if changes:
            await database.run("migration.moved", messages.bulk_write(changes, session=session))
        await database.run("migration.sent", messages.delete_many(_OLD, session=session))
        tied = {"guild_id": {"$gt": 0}, "nonce": {"$exists": True}}
        untied = outbox.update_many(tied, {"$unset": {"nonce": ""}}, session=session)
        await database.run("migration.untied", untied)

    await database.in_transaction(write, fence=fence)


def _name_entries(message: Document) -> list[Document]:
    feed = {"server_id": message["server_id"], "channel_kind": message["channel_kind"]}
    return [{**feed, "sequence": sequence} for sequence in message["sequences"]]
