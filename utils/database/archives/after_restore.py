"""After a restore: the writes to restored data that belong to the restore itself; each can be repeated."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

from utils.database.archives.switching import delete_in_pieces
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import BACKUP_CLASSES, BackupClass
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.units.audit_unit import insert_entry
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.restores import RestoreFacts
from utils.models.scope import GuildId

K = TypeVar("K")

IN_FLIGHT = tuple(name for name, kind in BACKUP_CLASSES.items() if kind is BackupClass.IN_FLIGHT)


async def empty_in_flight(database: SafeDatabase, facts: RestoreFacts, fence: Fence) -> None:
    """Delete what is under way if it is of data of another version, which this bot could not read."""
    if facts.is_same_version:
        return
    for name in IN_FLIGHT:
        await delete_in_pieces(database, name, {}, fence)


async def note_in_audits(database: SafeDatabase, facts: RestoreFacts, fence: Fence) -> None:
    """Add a row to the audit of each guild that was restored."""
    guild_ids = [facts.guild_id] if facts.guild_id is not None else await _list_guild_ids(database)
    for guild_id in guild_ids:
        await database.in_transaction(partial(_note, guild_id=guild_id, facts=facts), fence=fence)


async def list_erased_since(database: SafeDatabase, facts: RestoreFacts) -> list[GuildId]:
    """Return the restored guilds in which somebody was erased since the backup."""
    newer: Document = {"at": {"$gt": facts.taken_at}}
    query = newer if facts.guild_id is None else {**newer, "guild_id": int(facts.guild_id)}
    found = database.unscoped("erasures").distinct("guild_id", query)
    return [GuildId(guild_id) for guild_id in sorted(await database.run("erasures.list", found))]


async def do_for_all(keys: Iterable[K], work: Callable[[K], Awaitable[object]]) -> None:
    """Do the work for every guild or server; if one fails, the next start does all of it again."""
    for key in keys:
        await work(key)


async def _list_guild_ids(database: SafeDatabase) -> list[GuildId]:
    """Return every guild with settings or a game server."""
    found: set[int] = set()
    for name in ("guilds", "game_servers"):
        found |= set(await database.run(f"{name}.list", database.unscoped(name).distinct("guild_id")))
    return [GuildId(guild_id) for guild_id in sorted(found)]


def _note(transaction: Transaction, *, guild_id: GuildId, facts: RestoreFacts) -> None:
    entry = AuditEntry(
        facts.began_at,
        None,
        AuditAction.BACKUP_RESTORE,
        AuditFacts(
            changes=(
                FieldChange("backup", new=facts.backup_id),
                FieldChange("taken_at", new=facts.taken_at),
            )
        ),
    )
    known: Document = {"action": entry.action, "at": entry.at}
    if transaction.of_guild("audit", guild_id).find_one(known) is None:
        insert_entry(transaction, guild_id, entry)
