"""Premium of guilds: the current grant, and the history."""

from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.premium_documents import EVENTS, GRANTS, read_premium
from utils.database.repositories.repository import Repository
from utils.database.units.audit_unit import insert_entry
from utils.models.audit import AuditEntry
from utils.models.premium import Grant, PremiumEvent, PremiumRecord
from utils.models.scope import GuildId

KEPT_EVENTS = 100  # lines of history stored with the settings; the audit keeps all of them
_FIELDS = {"premium": 1, "premium_history": 1}


class PremiumRepository(Repository):
    """The grants of guilds."""

    async def get_premium(self, guild_id: GuildId) -> PremiumRecord:
        """Return a guild's record; empty if it never had a grant."""
        found = await self._of_guild("guilds", guild_id).find_one({}, projection=_FIELDS)
        return read_premium(guild_id, found or {})

    async def write_grant(
        self, guild_id: GuildId, grant: Grant | None, event: PremiumEvent, *, entry: AuditEntry
    ) -> None:
        """Replace or remove the grant, with its lines of history and audit, all or nothing.

        Owners grant premium to guilds of every shard, so no lease is checked.

        Raises:
            CommitUnknownError: it happened or not.
        """
        written: Document = {"$push": {"premium_history": _append(event)}}
        if grant is None:
            written["$unset"] = {"premium": ""}
        else:
            written["$set"] = {"premium": GRANTS.build(grant)}

        def write(transaction: Transaction) -> None:
            transaction.of_guild("guilds", guild_id).update_one({}, written, upsert=True)
            insert_entry(transaction, guild_id, entry)

        await self._database.in_transaction(write)

    async def end_grant(self, guild_id: GuildId, event: PremiumEvent, *, entry: AuditEntry) -> bool:
        """Remove the grant with the end that the event names; False if there is another grant by now.

        Raises:
            CommitUnknownError: it happened or not.
        """
        ended = {"premium.ends_at": event.ends_at}
        update = {"$unset": {"premium": ""}, "$push": {"premium_history": _append(event)}}

        def end(transaction: Transaction) -> bool:
            is_ended = transaction.of_guild("guilds", guild_id).update_one(ended, update)
            if is_ended:
                insert_entry(transaction, guild_id, entry)
            return is_ended

        return await self._database.in_transaction(end)


def _append(event: PremiumEvent) -> Document:
    return {"$each": [EVENTS.build(event)], "$slice": -KEPT_EVENTS}
