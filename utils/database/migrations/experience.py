"""Version 4: kills give XP, so the counters of every game server are counted again.

The step asks for that: each server gets an import of no file, which its reader carries out under a new
generation. Until then its players have no XP.
"""

from datetime import datetime
from functools import partial

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.documents.server_documents import build_import_document
from utils.database.migrations.each_guild import change_each_guild
from utils.database.units.count_lock import IMPORT_KEY
from utils.models.reading import ImportJob
from utils.models.scope import GuildId, ServerId, ServerScope


async def ask_for_recounts(database: SafeDatabase, fence: Fence) -> None:
    """Ask for a recount of every game server without an import under way, which counts XP by itself."""
    await change_each_guild(database, fence, partial(_ask, now=database.clock.now()))


def _ask(transaction: Transaction, *, guild_id: GuildId, now: datetime) -> None:
    servers = transaction.of_guild("game_servers", guild_id)
    for server in servers.find({"is_removed": {"$ne": True}}, hint="server"):
        scope = ServerScope(guild_id, ServerId(server["server_id"]))
        cursors = transaction.of_server("cursors", scope)
        if cursors.find_one(IMPORT_KEY) is None:
            job = build_import_document(ImportJob(server["generation"], now, {}))
            cursors.update_one(IMPORT_KEY, {"$set": {"job": job}}, upsert=True)
