"""Incidents: troubles from their beginning to their end."""

from datetime import datetime

from utils.database.core.scoped import ScopedCollection
from utils.database.documents.incident_documents import (
    KINDS_READ,
    build_incident_document,
    read_incident,
)
from utils.database.repositories.repository import Repository
from utils.models.incidents import Incident
from utils.models.scope import GuildId

KEPT_INCIDENTS = 1_000
"""Incidents of a guild that are kept; older ones are pruned unless they are open."""


class IncidentRepository(Repository):
    """The incidents of a guild; those of the whole bot are in the guild ``WHOLE_BOT``."""

    async def list_open(self, guild_id: GuildId) -> tuple[Incident, ...]:
        """Return the incidents that are not over, the oldest first."""
        found = await self._incidents(guild_id).find({"is_open": True}, hint="open")
        known = (read_incident(guild_id, one) for one in found if one["kind"] in KINDS_READ)
        return tuple(sorted(known, key=lambda incident: incident.opened_at))

    async def put(self, guild_id: GuildId, incident: Incident) -> None:
        """Store an incident as it is now.

        Raises:
            StorageConflictError: another process has an open one with this key.
        """
        document = build_incident_document(incident)
        query = {name: document[name] for name in ("kind", "subject", "opened_at")}
        changed = {name: value for name, value in document.items() if name not in query}
        await self._incidents(guild_id).update_one(query, {"$set": changed}, upsert=True)

    async def prune(self, guild_id: GuildId, *, before: datetime, kept: int = KEPT_INCIDENTS) -> None:
        """Delete incidents that ended before a moment, and those beyond the number that is kept."""
        incidents = self._incidents(guild_id)
        await incidents.delete({"opened_at": {"$lt": before}, "resolved_at": {"$lt": before}})
        newest = await incidents.find(
            {}, projection={"opened_at": 1}, sort=[("opened_at", -1)], limit=kept, hint="newest"
        )
        if len(newest) == kept:
            older = {"$lt": newest[-1]["opened_at"]}
            await incidents.delete({"opened_at": older, "is_open": False})

    def _incidents(self, guild_id: GuildId) -> ScopedCollection:
        return self._of_guild("incidents", guild_id)
