"""Premium of guilds: the grant that stands, and the history of all."""

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.premium_documents import (
    build_grant_document,
    build_premium_event_document,
    read_premium,
)
from utils.models.premium import Grant, PremiumEvent, PremiumRecord
from utils.models.scope import GuildId

KEPT_EVENTS = 100  # of the history that stands with the settings; the audit keeps every one
_FIELDS = {"premium": 1, "premium_history": 1}


class PremiumRepository:
    """What guilds were granted."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def get_premium(self, guild_id: GuildId) -> PremiumRecord:
        """Return a guild's record; empty for one that was never granted anything."""
        found = await self._guilds(guild_id).find_one({}, projection=_FIELDS)
        return read_premium(guild_id, found or {})

    async def write_grant(self, guild_id: GuildId, grant: Grant | None, event: PremiumEvent) -> None:
        """Replace the grant, or take it away, and add a line to the history, both or neither."""
        written: Document = {"$push": {"premium_history": _append(event)}}
        if grant is None:
            written["$unset"] = {"premium": ""}
        else:
            written["$set"] = {"premium": build_grant_document(grant)}
        await self._guilds(guild_id).update_one({}, written, upsert=True)

    async def end_grant(self, guild_id: GuildId, event: PremiumEvent) -> bool:
        """Take away the grant that ends when the event says; False when another one stands there by now."""
        ended = {"premium.ends_at": event.ends_at}
        update = {"$unset": {"premium": ""}, "$push": {"premium_history": _append(event)}}
        return await self._guilds(guild_id).update_one(ended, update)

    def _guilds(self, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, "guilds", guild_id)


def _append(event: PremiumEvent) -> Document:
    return {"$each": [build_premium_event_document(event)], "$slice": -KEPT_EVENTS}
