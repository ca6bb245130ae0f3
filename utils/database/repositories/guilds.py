"""Settings of guilds."""

from datetime import datetime

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.guild_documents import SettingsDocuments
from utils.database.repositories.repository import Repository
from utils.database.units.audit_unit import insert_entry
from utils.models.audit import AuditEntry
from utils.models.guilds import GuildSettings
from utils.models.locale_uses import Uses, find_oldest_kept
from utils.models.scope import GuildId

NO_SIGNS = frozenset({"locales", "premium", "premium_history"})
"""Fields that a guild may have before the bot speaks there: a command came first, or a grant did."""

KEPT_TOLD = 100
"""Alerts of a guild that are remembered over a restart."""


class GuildRepository(Repository):
    """The settings of guilds, and whether the bot is in a guild.

    Args:
        kind: the class that declares the settings.
    """

    def __init__(self, database: SafeDatabase, kind: type[GuildSettings] = GuildSettings) -> None:
        self._database = database
        self._documents = SettingsDocuments(kind)

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the settings; settings that were never set have their defaults."""
        return self._documents.read(guild_id, await self._guilds(guild_id).find_one({}))

    async def write_settings(
        self,
        guild_id: GuildId,
        before: GuildSettings,
        after: GuildSettings,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Write the settings that differ, and the entry of the audit, all or nothing; the others stay."""
        changed = self._documents.build_changed(before, after)

        def write(transaction: Transaction) -> None:
            transaction.of_guild("guilds", guild_id).update_one({}, {"$set": changed}, upsert=True)
            insert_entry(transaction, guild_id, entry)

        if changed:
            await self._database.in_transaction(write)

    async def set_left(self, guild_id: GuildId, *, is_left: bool) -> None:
        """Note that the bot has left a guild, or is in it again."""
        update = {"$set": {"is_left": True}} if is_left else {"$unset": {"is_left": ""}}
        await self._guilds(guild_id).update_one({}, update, upsert=is_left)

    async def note_welcome(self, guild_id: GuildId, *, at: datetime) -> bool:
        """Note that a guild is welcomed now; return False if the bot knew it before."""

        def write(transaction: Transaction) -> bool:
            guilds = transaction.of_guild("guilds", guild_id)
            if _is_known(guilds.find_one({})):
                return False
            guilds.update_one({}, {"$set": {"welcomed_at": at}}, upsert=True)
            return True

        return await self._database.in_transaction(write)

    async def list_told(self, guild_id: GuildId, *, since: datetime) -> frozenset[str]:
        """Return the digests of the alerts that were sent since a moment."""
        found = await self._guilds(guild_id).find_one({}, projection={"told": 1}) or {}
        return frozenset(one["digest"] for one in found.get("told", ()) if one["at"] >= since)

    async def note_told(self, guild_id: GuildId, digest: str, *, at: datetime) -> None:
        """Note that an alert was sent; the newest ones of a guild are kept."""
        told = {"$each": [{"digest": digest, "at": at}], "$slice": -KEPT_TOLD}
        await self._guilds(guild_id).update_one({}, {"$push": {"told": told}})

    async def forget_told(self, guild_id: GuildId, digest: str) -> None:
        """Forget that an alert was sent, because its matter is over."""
        await self._guilds(guild_id).update_one({}, {"$pull": {"told": {"digest": digest}}})

    async def add_locale_uses(self, guild_id: GuildId, uses: Uses) -> None:
        """Add to the uses by month and locale; months that are too old go.

        Raises:
            CommitUnknownError: they may be stored.
            StorageError: nothing was stored.
        """
        oldest = find_oldest_kept(max(month for month, _ in uses))
        kept = {".".join(("locales", *key)): count for key, count in uses.items() if key[0] >= oldest}

        def write(transaction: Transaction) -> None:
            guilds = transaction.of_guild("guilds", guild_id)
            stored = (guilds.find_one({}, projection={"locales": 1}) or {}).get("locales", {})
            old = {f"locales.{month}": "" for month in stored if month < oldest}
            guilds.update_one({}, {"$inc": kept, "$unset": old}, upsert=True)

        await self._database.in_transaction(write)

    def _guilds(self, guild_id: GuildId) -> ScopedCollection:
        return self._of_guild("guilds", guild_id)


def _is_known(guild: Document | None) -> bool:
    """Tell whether the bot spoke in a guild before; it left one whose document is empty."""
    fields = (guild or {}).keys() - {"_id", "guild_id"}
    return guild is not None and not (fields and fields <= NO_SIGNS)
