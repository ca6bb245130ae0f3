"""Players by name: for autocomplete and for looking one up."""

import asyncio
import re

from utils.database.database import Document, SafeDatabase
from utils.database.death_documents import decode_documents
from utils.database.player_documents import merge_known
from utils.database.repositories.generations import list_shown
from utils.database.repositories.statistics import Servers
from utils.database.scoped import ScopedCollection
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId

_FIELDS = {"server_id": 1, "player_id": 1, "name": 1, "names": 1, "counters.kills": 1, "last_seen_at": 1}
_BATCH = 2_000


class KnownPlayerRepository:
    """All players a guild's servers have seen."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def list_known_players(self, guild_id: GuildId) -> tuple[KnownPlayer, ...]:
        """Return every player of a guild, best known (most kills) first; 100,000 take seconds, not a reply's time."""
        shown = await list_shown(self._database, guild_id, None)
        documents: list[Document] = []
        players = ScopedCollection.of_guild(self._database, "players", guild_id)
        for one in shown:
            batches = players.iterate_raw(
                one, sort=[("player_id", 1)], hint="player", batch=_BATCH, projection=_FIELDS
            )
            async for encoded in batches:
                documents += await asyncio.to_thread(decode_documents, encoded)
        return await asyncio.to_thread(merge_known, documents)

    async def search_players(
        self, guild_id: GuildId, text: str, *, limit: int, server_ids: Servers = None
    ) -> tuple[KnownPlayer, ...]:
        """Return players one of whose names holds the text, whatever its case, best known first."""
        shown = await list_shown(self._database, guild_id, server_ids)
        if not shown:
            return ()
        part = {"search": {"$regex": re.escape(text.casefold())}}
        players = ScopedCollection.of_guild(self._database, "players", guild_id)
        found = await players.find({"$or": [{**one, **part} for one in shown]}, projection=_FIELDS)
        return merge_known(found)[:limit]
