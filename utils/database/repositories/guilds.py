"""Settings of guilds."""

from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.server_documents import BountySettingsDocument, GuildDocument
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.money import BountySettings
from utils.models.scope import ChannelId, GuildId


class GuildRepository:
    """A guild's channels, admin role and bounty settings."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the settings; those of a guild that never set any are empty."""
        found = await self._guilds(guild_id).find_one({})
        return GuildDocument.model_validate(found or {"guild_id": guild_id}).to_value()

    async def set_channel(self, guild_id: GuildId, kind: ChannelKind, channel_id: ChannelId | None) -> None:
        """Set or clear the guild's own channel of a kind."""
        field = f"channels.{kind.value}"
        update = {"$unset": {field: ""}} if channel_id is None else {"$set": {field: int(channel_id)}}
        await self._guilds(guild_id).update_one({}, update, upsert=True)

    async def set_admin_role(self, guild_id: GuildId, role_id: int | None) -> None:
        """Set or clear the role whose members may administer the bot."""
        update = {"$set": {"admin_role_id": role_id}}
        await self._guilds(guild_id).update_one({}, update, upsert=True)

    async def set_bounties(self, guild_id: GuildId, settings: BountySettings) -> None:
        """Write what was decided about bounties."""
        update = {"$set": {"bounties": BountySettingsDocument.from_value(settings).to_document()}}
        await self._guilds(guild_id).update_one({}, update, upsert=True)

    async def set_left(self, guild_id: GuildId, *, is_left: bool) -> None:
        """Note that the bot is no longer in a guild, or that it is there again."""
        update = {"$set": {"is_left": True}} if is_left else {"$unset": {"is_left": ""}}
        await self._guilds(guild_id).update_one({}, update, upsert=is_left)

    def _guilds(self, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, "guilds", guild_id)
