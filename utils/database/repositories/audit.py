"""The audit of guilds: who changed what, newest first."""

from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.audit_documents import AUDIT, build_audit_document
from utils.database.repositories.repository import Repository
from utils.models.audit import AuditEntry
from utils.models.scope import GuildId, MemberId

_NEWEST_FIRST = {"$sort": {"at": -1, "_id": -1}}


class AuditRepository(Repository):
    """Entries are added and read, never changed."""

    async def insert_entry(self, guild_id: GuildId, entry: AuditEntry) -> None:
        """Add an entry."""
        await self._audit(guild_id).insert_one(build_audit_document(entry))

    async def list_entries(
        self,
        guild_id: GuildId,
        *,
        actor_id: MemberId | None = None,
        action: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[tuple[AuditEntry, ...], int]:
        """Return entries, newest first, of a member or an action if given, and the number of all that fit."""
        query: Document = {}
        if actor_id is not None:
            query["actor_id"] = int(actor_id)
        if action is not None:
            query["action"] = action
        audit = self._audit(guild_id)
        page: list[Document] = [{"$match": query}, _NEWEST_FIRST, {"$skip": offset}, {"$limit": limit}]
        found = await audit.aggregate(page, hint=_choose_index(actor_id, action))
        return tuple(map(AUDIT.read, found)), await audit.count(query)

    def _audit(self, guild_id: GuildId) -> ScopedCollection:
        return self._of_guild("audit", guild_id)


def _choose_index(actor_id: MemberId | None, action: str | None) -> str:
    """Return the index that has the entries in order and reads the fewest other entries."""
    if actor_id is not None:
        return "actor"
    return "newest" if action is None else "action"
